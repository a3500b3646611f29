"""The excerpts drawn from an artificial corpus of rising lines, in which the pitch of a note gives its bar."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from table_rows import filled

from yardbird.blindtest.plan import VELOCITY, BlindTestConfig, Excerpt, make_plan
from yardbird.blindtest.questions import Mode
from yardbird.config import read_section
from yardbird.data.manifest import read_solos
from yardbird.errors import ConfigError, InputError
from yardbird.music.chords import Chord
from yardbird.music.midi import write_score
from yardbird.music.score import ChordChange, Meter, Score, Tempo, make_notes
from yardbird.tables.copies_table import CopyRow, write_copies
from yardbird.tables.generated_tables import (
    GeneratedSolo,
    GeneratedSound,
    write_generated_solos,
    write_generated_sounds,
)

BARS, BAR_SECONDS = 24, 1.0  # of 4/4 at 240 quarter notes a minute
Corpus = Callable[..., tuple[Path, Path]]


def line(bars: int = BARS, *, chords: bool = True) -> Score:
    """Two notes a bar, a loud one and a soft one; both have the pitch 40 + number of the bar."""
    notes = make_notes([(240 * half, 100, 40 + half // 2, 110 - 60 * (half % 2)) for half in range(2 * bars)])
    changes = (ChordChange(0, Chord.parse("F7")),) if chords else ()
    return Score(120, notes, 480 * bars, tempos=(Tempo(0, 240.0),), chords=changes, program=40)


@pytest.fixture
def config(root: Path) -> BlindTestConfig:
    config = read_section("blind_test", BlindTestConfig, root / "params.yaml")
    return replace(config, seconds=4.0, clips_per_source=4, examples=2)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    def make(
        solos: dict[str, int] | None = None,
        bars: int = BARS,
        primed_bars: int = 0,
        families: tuple[str, ...] = ("a", "b"),
    ) -> tuple[Path, Path]:
        """Write test solos of each artist, as many training solos and copies of these, and a folder per family."""
        rows = []
        for artist, count in (solos or {"Bird": 3, "Trane": 2}).items():
            for split in ("test", "train"):
                for number in range(count):
                    solo = f"{split}/{artist}_{number}"
                    copies = [solo, f"{solo}_up"] if split == "train" else [solo]
                    for copy in copies:
                        write_score(line(bars), tmp_path / "augmented" / f"{copy}.mid")
                        names = {"artist": artist, "tune_group": f"{artist}{number // 2}"}
                        rows.append(filled(CopyRow, copy=copy, solo=solo, path=f"{copy}.mid", split=split, **names))
        write_copies(tmp_path / "augmented", rows)
        for family in families:
            drawn = [filled(GeneratedSolo, solo=f"s{n}", path=f"s{n}.mid", primed_bars=primed_bars) for n in range(2)]
            for solo in drawn:
                write_score(line(bars, chords=False), tmp_path / "generated" / family / solo.path)
            write_generated_solos(tmp_path / "generated" / family, drawn)
        return tmp_path / "augmented", tmp_path / "generated"

    return make


def bars_of(excerpt: Excerpt) -> list[int]:
    return sorted(set((excerpt.score.pitches - 40).tolist()))


def test_every_source_gives_the_same_number_of_excerpts(corpus: Corpus, config: BlindTestConfig) -> None:
    plan = make_plan(*corpus(), config, seed=0)
    assert [excerpt.source for excerpt in plan.excerpts] == ["real"] * 4 + ["decoy"] * 4 + ["a"] * 4 + ["b"] * 4
    assert (plan.artist, plan.decoy, plan.left_out) == ("Bird", "Trane", ())


def test_an_excerpt_is_the_music_from_its_bar_for_its_seconds(corpus: Corpus, config: BlindTestConfig) -> None:
    for excerpt in make_plan(*corpus(), config, seed=0).excerpts:
        assert bars_of(excerpt) == list(range(excerpt.first_bar, excerpt.first_bar + 4))
        assert excerpt.score.seconds == pytest.approx(4.0)
        assert excerpt.score.onsets[0] == 0


def test_real_and_decoy_are_test_solos_and_examples_are_training_solos(corpus: Corpus, config: BlindTestConfig) -> None:
    plan = make_plan(*corpus(), config, seed=0)
    heard = {excerpt.source: {e.solo for e in plan.excerpts if e.source == excerpt.source} for excerpt in plan.excerpts}
    assert heard["real"] == {"test/Bird_0", "test/Bird_1", "test/Bird_2"}
    assert heard["decoy"] == {"test/Trane_0", "test/Trane_1"}
    assert len(plan.examples) == 2
    assert {excerpt.solo for excerpt in plan.examples} < {"train/Bird_0", "train/Bird_1", "train/Bird_2"}


def test_excerpts_never_overlap(corpus: Corpus, config: BlindTestConfig) -> None:
    for seed in range(5):
        plan = make_plan(*corpus(), replace(config, clips_per_source=6), seed)
        bars = [(e.source, e.solo, bar) for e in plan.excerpts for bar in bars_of(e)]
        assert len(bars) == len(set(bars))


def test_every_tune_is_drawn_before_a_second_take(corpus: Corpus, config: BlindTestConfig) -> None:
    """Bird_0 and Bird_1 are takes of a tune, Bird_2 and Bird_3 of another."""
    for seed in range(5):
        plan = make_plan(*corpus({"Bird": 4, "Trane": 2}), replace(config, clips_per_source=2), seed)
        assert len({int(e.solo[-1]) // 2 for e in plan.excerpts if e.source == "real"}) == 2


def test_a_clip_begins_with_a_note(corpus: Corpus, config: BlindTestConfig) -> None:
    """Excerpts of a solo with rests in every even bar start at odd bars."""
    augmented, generated = corpus({"Bird": 1, "Trane": 1})
    score = line()
    sounding = replace(score, notes=score.notes[score.bar_of(score.onsets) % 2 == 1])
    write_score(sounding, augmented / "test/Bird_0.mid")
    plan = make_plan(augmented, generated, config, seed=0)
    bars = [excerpt.first_bar for excerpt in plan.excerpts if excerpt.source == "real"]
    assert bars
    assert all(bar % 2 == 1 for bar in bars)


def test_excerpts_exclude_the_prime(corpus: Corpus, config: BlindTestConfig) -> None:
    plan = make_plan(*corpus(primed_bars=18), replace(config, clips_per_source=1), seed=0)
    assert all(excerpt.first_bar >= 18 for excerpt in plan.excerpts if excerpt.source in "ab")


def test_the_seed_determines_the_excerpts_and_a_new_source_changes_no_other(
    corpus: Corpus, config: BlindTestConfig
) -> None:
    def drawn(seed: int, families: tuple[str, ...]) -> list[tuple[str, str, int]]:
        plan = make_plan(*corpus(families=families), config, seed)
        return [(e.source, e.solo, e.first_bar) for e in plan.excerpts]

    assert drawn(0, ("a",)) == [row for row in drawn(0, ("a", "b")) if row[0] != "b"]
    assert drawn(0, ("a",)) != drawn(1, ("a",))


def test_all_excerpts_have_one_grid_and_one_instrument(corpus: Corpus, config: BlindTestConfig) -> None:
    scores = [excerpt.score for excerpt in make_plan(*corpus(), config, seed=0).excerpts]
    assert {(score.ticks_per_beat, score.program) for score in scores} == {(12, 65)}
    timed = make_plan(*corpus(), replace(config, steps_per_beat=None), seed=0).excerpts
    assert {excerpt.score.ticks_per_beat for excerpt in timed} == {120}


@pytest.mark.parametrize("steps_per_beat", [12, None])
def test_dynamics_and_tempo_changes_do_not_reveal_a_source(
    corpus: Corpus, config: BlindTestConfig, steps_per_beat: int | None
) -> None:
    """Solos with transcribed timing and dynamics, and a family that writes neither."""
    augmented, generated = corpus({"Bird": 1, "Trane": 1})
    score = line()
    played = replace(score, tempos=tuple(Tempo(480 * bar, 236.0 + 2 * (bar % 5)) for bar in range(BARS)))
    write_score(played, augmented / "test/Bird_0.mid")
    flat = score.notes.copy()
    flat["velocity"] = 64
    for number in range(2):
        write_score(replace(score, notes=flat), generated / "a" / f"s{number}.mid")
    plan = make_plan(augmented, generated, replace(config, steps_per_beat=steps_per_beat), seed=0)
    assert {excerpt.source for excerpt in plan.excerpts} == {"real", "decoy", "a", "b"}
    for excerpt in (*plan.excerpts, *plan.examples):
        assert set(excerpt.score.velocities.tolist()) == {VELOCITY}
        assert len(excerpt.score.tempos) == 1
    for excerpt in plan.excerpts:
        if excerpt.source == "real":
            start, stop = played.seconds_at(480 * np.array([excerpt.first_bar, max(bars_of(excerpt)) + 1]))
            assert excerpt.score.seconds == pytest.approx(stop - start, rel=1e-4), "at its own mean tempo"


def test_a_solo_without_a_meter_is_cut_at_full_bars(corpus: Corpus, config: BlindTestConfig) -> None:
    """With its bars of one beat, a clip could begin on any beat, with the second note of a bar."""
    augmented, generated = corpus({"Bird": 1, "Trane": 1}, primed_bars=42)
    for path in (augmented / "test/Bird_0.mid", *generated.glob("a/*.mid")):
        write_score(replace(line(), meters=(Meter(0, 1, 4),)), path)
    for seed in range(3):
        plan = make_plan(augmented, generated, config, seed)
        drawn = [excerpt for excerpt in plan.excerpts if excerpt.source in ("real", "a")]
        assert {excerpt.source for excerpt in drawn} == {"real", "a"}
        for excerpt in drawn:
            assert excerpt.score.pitches[:2].tolist() == [40 + excerpt.first_bar] * 2
            assert excerpt.source == "real" or excerpt.first_bar >= 11, "42 beats primed it: ten bars and a half"


def test_the_configured_artists_are_used(corpus: Corpus, config: BlindTestConfig) -> None:
    places = corpus({"Bird": 3, "Trane": 2, "Dizzy": 1})
    assert make_plan(*places, replace(config, artist="Trane"), 0).decoy == "Bird"
    assert make_plan(*places, replace(config, decoy="Bird"), 0).artist == "Trane"
    assert make_plan(*places, replace(config, decoy="Dizzy"), 0).decoy == "Dizzy"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"artist": "Miles"}, "blind_test.artist: expected an artist with test solos, found 'Miles', the test split"),
        ({"decoy": "Miles"}, "blind_test.decoy: expected an artist with test solos, found 'Miles'"),
        (
            {"artist": "Bird", "decoy": "Bird"},
            "blind_test.decoy: expected an artist other than blind_test.artist, found 'Bird'",
        ),
    ],
)
def test_unusable_artists_are_refused(
    corpus: Corpus, config: BlindTestConfig, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_plan(*corpus(), replace(config, **changes), seed=0)


def test_pairs_compare_every_two_sources_equally_and_use_no_clip_twice(corpus: Corpus, config: BlindTestConfig) -> None:
    plan = make_plan(*corpus(), replace(config, mode="pairs", pairs=2, pairs_within_family=1), seed=0)
    sources = Counter(tuple(excerpt.source for excerpt in pair) for pair in plan.questions)
    assert sources == {
        **dict.fromkeys(combinations(["real", "decoy", "a", "b"], 2), 2),
        **dict.fromkeys([("a", "a"), ("b", "b")], 1),
    }
    bars = [(e.source, e.solo, bar) for e in plan.excerpts for bar in bars_of(e)]
    assert len(bars) == len(set(bars))
    assert plan.left_out == ()


def test_two_generated_solos_of_a_pair_have_one_chart_if_possible(corpus: Corpus, config: BlindTestConfig) -> None:
    augmented, generated = corpus()
    for family in "ab":
        solos = [filled(GeneratedSolo, solo=f"s{n}", path=f"s{n}.mid", chart=f"chart {n}") for n in range(2)]
        write_generated_solos(generated / family, solos)
    for seed in range(4):
        plan = make_plan(augmented, generated, replace(config, mode="pairs", pairs=1, pairs_within_family=2), seed)
        pairs = [pair for pair in plan.questions if pair[0].source == pair[1].source]
        assert len(pairs) == 4
        assert all(one.chart == other.chart for one, other in pairs)


@pytest.mark.parametrize("mode", ["scale", "pairs"])
def test_only_the_question_of_the_artist_has_examples(corpus: Corpus, config: BlindTestConfig, mode: Mode) -> None:
    assert make_plan(*corpus(), replace(config, mode=mode, pairs=1), seed=0).examples == ()


def test_an_excerpt_lasts_from_its_first_note(corpus: Corpus, config: BlindTestConfig) -> None:
    """A clip starts at its first note: an excerpt that starts with a rest needs as much more music at its end."""
    augmented, generated = corpus({"Bird": 1, "Trane": 1})
    score = line()
    late = score.notes[score.onsets % 480 >= 240]  # the second half of every bar, half a second after the bar line
    write_score(replace(score, notes=late), augmented / "test/Bird_0.mid")
    plan = make_plan(augmented, generated, config, seed=0)
    real = [excerpt.score for excerpt in plan.excerpts if excerpt.source == "real"]
    assert real
    assert {score.seconds for score in real} == {5.0}


def test_missing_clips_are_reported(corpus: Corpus, config: BlindTestConfig) -> None:
    augmented, generated = corpus({"Bird": 1}, bars=9)
    write_generated_sounds(generated / "sung", [filled(GeneratedSound, path="s0.wav")])
    plan = make_plan(augmented, generated, config, seed=0)
    assert plan.decoy is None
    assert plan.left_out[0] == "decoy: the test split has only one artist"
    assert plan.left_out[1] in [f"real: {n} clips instead of 4; its solos have no more" for n in (1, 2)]
    assert plan.left_out[-1] == "sung: no MIDI files that the common synthesizer can render"


def test_with_comping_excerpts_without_chords_are_not_taken(corpus: Corpus, config: BlindTestConfig) -> None:
    plan = make_plan(*corpus(), replace(config, comping=True), seed=0)
    assert {excerpt.source for excerpt in plan.excerpts} == {"real", "decoy"}
    assert "a: 0 clips instead of 4; its solos have no more" in plan.left_out


def test_solos_that_are_too_short_are_refused(corpus: Corpus, config: BlindTestConfig) -> None:
    with pytest.raises(InputError, match=r"expected a test solo of Bird with 4 seconds of notes, found none; lower"):
        make_plan(*corpus(bars=3), config, seed=0)


def test_without_corpus_or_generated_solos_the_error_names_the_stage(
    corpus: Corpus, config: BlindTestConfig, tmp_path: Path
) -> None:
    with pytest.raises(
        InputError, match="expected a file that an earlier stage writes, found no such file; run dvc repro"
    ):
        make_plan(tmp_path / "nowhere", tmp_path, config, seed=0)
    with pytest.raises(InputError, match="expected generated solos, found none; run the generate stage first"):
        make_plan(corpus()[0], tmp_path / "nowhere", config, seed=0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seconds", 0.0),
        ("attention_checks", 3),
        ("least_seconds", 99.0),
        ("clips_per_source", 0),
        ("program", 128),
        ("mode", "stars"),
        ("pairs", 0),
    ],
)
def test_settings_out_of_bounds_are_one_clear_line(config: BlindTestConfig, key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"params\.yaml: blind_test\.{key}: expected"):
        replace(config, **{key: value})


def test_real_solos_give_a_test_of_charlie_parker(
    ingested: Path, corpus: Corpus, config: BlindTestConfig, tmp_path: Path
) -> None:
    """Real solos of Parker and Coltrane: timed performances, in all meters and tempos."""
    _, generated = corpus()
    solos = read_solos(ingested, ["parker", "coltrane"])
    rows = [
        filled(CopyRow, copy=row.solo, solo=row.solo, path=row.path, split="test", artist=row.artist,
               tune_group=row.tune_group)
        for row in solos
    ]  # fmt: skip
    solo_tunes = {row.solo: row.tune_group for row in solos}
    augmented = tmp_path / "real"
    shutil.copytree(ingested, augmented)
    write_copies(augmented, rows)
    plan = make_plan(augmented, generated, replace(config, seconds=12.0, clips_per_source=10), seed=0)
    assert (plan.artist, plan.decoy) == ("Charlie Parker", "John Coltrane")
    real = [excerpt.score for excerpt in plan.excerpts if excerpt.source in ("real", "decoy")]
    assert len(real) == 20
    assert min(score.seconds for score in real) > 12 - 1e-6
    assert np.median([score.seconds for score in real]) < 15, "a bar too long at most"
    assert all(score.seconds_at(score.onsets[:1])[0] <= 0.5 for score in real), "no silence before the first note"
    assert len({solo_tunes[excerpt.solo] for excerpt in plan.excerpts if excerpt.source == "real"}) == 10
