from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from yardbird.data.etudes.compose import ComposeConfig, Etude, compose, etudes
from yardbird.data.etudes.forms import FORMS, SCALES
from yardbird.data.etudes.line import HIGHEST, LOWEST, _step
from yardbird.data.etudes.players import BEATS, FIGURES, PLAYERS
from yardbird.data.ingest import survey
from yardbird.data.reading import IngestConfig
from yardbird.errors import ConfigError
from yardbird.files import sha256
from yardbird.metrics.phrase import phrase_lengths
from yardbird.metrics.solo_metrics import describe
from yardbird.music.chords import Chord
from yardbird.music.midi import read_raw


def test_a_corpus_of_zero_solos_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^params.yaml: compose.solos: expected 1 or more, found 0$"):
        ComposeConfig(0)


@pytest.fixture(scope="module")
def corpus() -> list[Etude]:
    return list(etudes(0, 100))


@pytest.fixture(scope="module")
def mean(corpus: list[Etude]) -> Callable[[str], float]:
    rows = [describe(etude.score) for etude in corpus]
    return lambda name: float(np.mean([value for row in rows if (value := row[name]) is not None]))


def test_there_are_a_hundred_etudes_by_two_players_over_many_forms_and_keys(corpus: list[Etude]) -> None:
    rows = [etude.row for etude in corpus]
    assert len({row["file"] for row in rows}) == len({row["title"] for row in rows}) == 100
    assert {row["artist"] for row in rows} == {player.name for player in PLAYERS}
    assert all("synthetic" in row["artist"] for row in rows)
    assert {row["form"] for row in rows} == {form.name for form in FORMS}
    assert len({row["key"] for row in rows}) >= 20
    assert 40 <= len({row["tune_group"] for row in rows}) <= 60
    assert len({etude.score.notes.tobytes() for etude in corpus}) == 100


def test_every_etude_is_playable(corpus: list[Etude]) -> None:
    for etude in corpus:
        score = etude.score
        assert score.is_monophonic
        assert score.durations.min() >= 1
        assert LOWEST <= score.pitches.min() <= score.pitches.max() <= HIGHEST
        assert 24 <= score.bar_count <= 64
        assert score.end_tick == score.bar_count * 1920
        assert score.offsets[-1] <= score.end_tick
        assert 120 <= score.mean_qpm <= 300
        assert score.chords[0].tick == 0
        assert set(score.phrases) <= set(score.onsets.tolist())
        assert score.velocities.min() > 40
        assert score.velocities.max() < 128


def test_phrases_are_separated_by_a_breath(corpus: list[Etude]) -> None:
    for etude in corpus:
        score = etude.score
        for start in score.phrases[1:]:
            before = score.offsets[score.onsets < start].max()
            assert start - before >= score.ticks_per_beat, f"{etude.row['file']} at tick {start}"


def test_takes_of_a_tune_share_only_their_head(corpus: list[Etude]) -> None:
    takes = defaultdict(list)
    for etude in corpus:
        takes[etude.row["tune_group"]].append(etude)
    for group in takes.values():
        heads = {etude.score.pitches[etude.score.onsets < 7 * 1920].tobytes() for etude in group}
        assert len(heads) == 1
        assert len({etude.player.name for etude in group}) == min(len(group), 2)
    where = defaultdict(set)
    for etude in corpus:
        steps = np.diff(etude.score.pitches).tolist()
        for i in range(len(steps) - 11):
            where[tuple(steps[i : i + 12])].add(etude.row["tune_group"])
    shared_runs = [groups for groups in where.values() if len(groups) > 1]
    assert len(shared_runs) < len(where) / 1000


def test_the_same_seed_gives_the_same_corpus_and_another_seed_another(tmp_path: Path) -> None:
    for out, seed in (("one", 0), ("two", 0), ("other", 1)):
        compose(seed, ComposeConfig(solos=4), tmp_path / out)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["etude_001.mid", "etude_002.mid", "etude_003.mid", "etude_004.mid", "manifest.csv"]
    assert all(sha256(tmp_path / "one" / name) == sha256(tmp_path / "two" / name) for name in names)
    assert sha256(tmp_path / "one/etude_001.mid") != sha256(tmp_path / "other/etude_001.mid")


def test_a_larger_corpus_begins_with_the_smaller(corpus: list[Etude]) -> None:
    assert [etude.score for etude in etudes(0, 3)] == [etude.score for etude in corpus[:3]]


def test_etudes_are_ingested_without_loss(tmp_path: Path, ingest_config: IngestConfig, corpus: list[Etude]) -> None:
    compose(0, ComposeConfig(solos=12), tmp_path)
    found = survey(tmp_path, "etudes", ingest_config)
    assert found.rejected == ()
    for solo, etude in zip(found.used, corpus, strict=False):
        assert (solo.row.title, solo.row.form) == (etude.row["title"], etude.row["form"])
        assert np.array_equal(solo.score.notes["pitch"], etude.score.notes["pitch"])
        assert solo.score.bar_count in (
            etude.score.bar_count,
            etude.score.bar_count - 1,
        )  # an empty first bar is dropped
        assert solo.row.chord_coverage == 1.0


@pytest.mark.parametrize(
    ("metric", "low", "high"),
    [  # ranges of real solos; the comments are the values of Parker's solos
        ("chord_tone_rate", 0.53, 0.57),
        ("harmony_margin", 0.20, 0.30),  # 0.25 in the Omnibook's transcriptions
        ("on_beat_chord_tone_rate", 0.55, 0.63),
        ("phrase_final_chord_tone_rate", 0.66, 0.75),
        ("pitch_entropy", 3.9, 4.7),
        ("h1", 1.9, 2.27),
        ("h4", 2.9, 3.12),
        ("rhythm_diversity", 1.6, 2.2),  # 2.0 for score transcriptions
        ("grooving_similarity", 0.88, 0.93),  # 0.91 for score transcriptions
        ("enclosure_rate", 0.05, 0.12),
        ("notes_per_bar", 5.5, 7.1),
    ],
)
def test_the_metrics_of_the_etudes_are_in_the_ranges_of_real_solos(
    mean: Callable[[str], float], metric: str, low: float, high: float
) -> None:
    assert low <= mean(metric) <= high


def test_the_intervals_of_the_etudes_are_those_of_real_solos(mean: Callable[[str], float]) -> None:
    assert mean("interval_1") + mean("interval_2") == pytest.approx(0.57, abs=0.03)
    assert mean("interval_3_4") == pytest.approx(0.28, abs=0.04)
    assert mean("interval_5_7") == pytest.approx(0.10, abs=0.03)
    assert mean("interval_8_12") == pytest.approx(0.045, abs=0.015)


def test_the_phrases_of_the_etudes_are_as_long_as_real_ones(corpus: list[Etude]) -> None:
    lengths = np.concatenate([phrase_lengths(etude.score) for etude in corpus])
    assert np.median(lengths) == pytest.approx(16, abs=2)
    assert np.quantile(lengths, 0.1) == pytest.approx(7, abs=2)
    assert np.quantile(lengths, 0.9) == pytest.approx(33, abs=4)


def test_the_changes_are_found_in_the_etudes(mean: Callable[[str], float]) -> None:
    assert mean("changes_found") >= 0.98  # 96 of 97 real solos


def test_the_two_players_differ_as_described(corpus: list[Etude]) -> None:
    def share(name: str, steps: tuple[int, ...]) -> float:
        scores = [etude.score for etude in corpus if etude.player.name.startswith(name)]
        gaps = np.concatenate([np.diff(score.onsets) for score in scores])
        return float(np.isin(gaps, [step * 40 for step in steps]).mean())

    assert share("Wren", (6,)) > share("Otto", (6,)) + 0.1, "long eighth-note phrases"
    assert share("Otto", (3,)) > 2 * share("Wren", (3,)), "sheets of sixteenths"


def test_no_real_solo_is_quoted(corpus: list[Etude], shared: Path) -> None:
    """Compares runs of 16 intervals, because scales and arpeggios share shorter runs."""

    def runs(pitches: np.ndarray) -> set[tuple[int, ...]]:
        steps = np.diff(pitches).tolist()
        return {tuple(steps[i : i + 16]) for i in range(len(steps) - 15)}

    real = set().union(*(runs(read_raw(path).parts[0].notes["pitch"]) for path in (shared / "parker").glob("*.mid")))
    for etude in corpus:
        assert not runs(etude.score.pitches) & real


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_has_whole_bars_and_every_chord_has_its_scale(form) -> None:
    chords = form.half_bars(0)
    assert len(chords) // 2 in (12, 16, 32)
    for chord in chords:
        scale, passing = SCALES[chord.quality]
        assert {(tone - chord.root) % 12 for tone in chord.pitch_classes} <= set(scale)
        assert passing not in scale
    assert [chord.transposed(5) for chord in chords] == form.half_bars(5)


def test_players_use_known_figures_and_complete_rhythms() -> None:
    for player in PLAYERS:
        assert player.figures.keys() <= FIGURES.keys()
        assert all(set(rhythm) <= BEATS.keys() and len(rhythm) == 2 for rhythm in player.rhythms)
        assert all(rhythm[0] in "etTsxmgq" for rhythm in player.rhythms), "a half bar begins with a note on its target"
    assert all(a < b for onsets in BEATS.values() for a, b in pairwise(onsets))


def test_steps_from_a_pitch() -> None:
    g7 = Chord.parse("G7")
    assert g7 is not None
    assert [_step(67, n, g7, "t") for n in (-2, -1, 1, 2, 4)] == [62, 65, 71, 74, 79]
    assert [_step(66, n, g7, "d") for n in (-1, 1, 2)] == [65, 67, 69], "from a note outside the scale"
    assert _step(67, -1, g7, "s") == 66, "the passing note of the bebop scale"
    assert _step(67, -1, g7, "d") == 65
    assert _step(67, -1, g7, "c") == 66
