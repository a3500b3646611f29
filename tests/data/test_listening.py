"""What is heard in synthetic quintets whose facts are known, and how the user's facts win."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from yardbird.audio.loudness import integrated_loudness
from yardbird.audio.transcription import SAMPLE_RATE
from yardbird.audio.wave import Waveform, write_wave
from yardbird.data.captions import NO_REMARK
from yardbird.data.cutting import make_clips
from yardbird.data.etudes.compose import etudes
from yardbird.data.listening.choices import Choice
from yardbird.data.listening.evidence import evidence_of
from yardbird.data.listening.known_facts import CaptionRow, bar_seconds, known_facts
from yardbird.data.listening.listener import Heard, Listener, matched_share
from yardbird.data.listening.quintets import Quintet, quintet
from yardbird.data.manifest import Entry
from yardbird.data.source_sounds import AudioConfig, ListeningConfig
from yardbird.data.splitting import SplitConfig
from yardbird.music.pitch import Key
from yardbird.tables.beats_table import read_beats
from yardbird.tables.clip_tables import read_clips
from yardbird.tables.typed_table import read_table

SURE = 0.8
QUICK = ListeningConfig(sure=SURE, renders=33, render_seconds=4.0, longest_seconds=60.0)
THOROUGH = ListeningConfig(sure=SURE, renders=132, render_seconds=20.0, longest_seconds=240.0)
HEARD = Heard(
    key=Key.parse("F minor"), key_sure=0.9, qpm=120.0, qpm_sure=0.95, beat_seconds=np.arange(-1, 19) / 2,
    beats_sure=0.9, first_bar_beat=2, bars_sure=0.85, instrument="flute", instrument_sure=0.7, loudness=-20.0,
)  # fmt: skip


def quintets(count: int, seconds: float, seed: int) -> list[Quintet]:
    return [quintet(etude, number, seconds, seed) for number, etude in enumerate(etudes(seed, count))]


@dataclass(frozen=True)
class Accuracies:
    """The share of right estimates among all, and among the sure ones (with the share of those)."""

    key: tuple[float, float, float]
    tempo_4: tuple[float, float, float]
    tempo_8: tuple[float, float, float]
    instrument: tuple[float, float, float]
    beats: tuple[float, float, float]
    bars: tuple[float, float, float]


def accuracies(
    rows: list[CaptionRow], beats: list[np.ndarray], bars: list[np.ndarray], made: list[Quintet]
) -> Accuracies:
    def of(right: list[bool], sure: list[float | None]) -> tuple[float, float, float]:
        trusted = np.array(sure, dtype=float) >= SURE
        return float(np.mean(right)), float(trusted.mean()), float(np.mean(np.array(right)[trusted]))

    pairs = list(zip(rows, made, strict=True))
    off = [abs(row.heard_qpm / one.qpm - 1) for row, one in pairs]
    return Accuracies(
        key=of([row.heard_key == str(one.key) for row, one in pairs], [row.key_sure for row in rows]),
        tempo_4=of([error < 0.04 for error in off], [row.qpm_sure for row in rows]),
        tempo_8=of([error < 0.08 for error in off], [row.qpm_sure for row in rows]),
        instrument=of(
            [row.heard_instrument == one.instrument for row, one in pairs], [row.instrument_sure for row in rows]
        ),
        beats=of(
            [agreement(found, one.beat_seconds) > 0.9 for found, one in zip(beats, made, strict=True)],
            [row.beats_sure for row in rows],
        ),
        bars=of(
            [agreement(found, one.beat_seconds[::4]) > 0.9 for found, one in zip(bars, made, strict=True)],
            [row.bars_sure for row in rows],
        ),
    )


def agreement(found: np.ndarray, right: np.ndarray) -> float:
    """The F-measure of beats within 70 ms, inside the time of the right ones."""
    inside = found[(found > right[0] - 0.1) & (found < right[-1] + 0.1)]
    return 2 * len(inside) * matched_share(inside, right) / max(1, len(inside) + len(right))


def name_of(number: int) -> str:
    """With letters, because sounds whose names differ in numbers are takes of one tune."""
    return f"quintet_{chr(97 + number // 26)}{chr(97 + number % 26)}"


def write_recordings(folder: Path, made: list[Quintet]) -> None:
    for number, one in enumerate(made):
        write_wave(one.sound, folder / f"{name_of(number)}.flac")


def heard_in(folder: Path, out: Path, config: ListeningConfig) -> list[CaptionRow]:
    audio = AudioConfig(str(folder), 16_000, 8.0, 2.0, 100.0, "Be-bop", False, -17.0, config, None)
    make_clips(folder / "none", out, audio, SplitConfig(0.3, 0.3, 5, 0.13), seed=0)
    return read_table(out / "captions.csv", CaptionRow)


@pytest.mark.slow
def test_a_handful_of_quintets_is_captioned_and_the_users_row_wins_field_by_field(tmp_path: Path) -> None:
    """A small listener, whose estimates are better than chance (one of eleven instruments), but not yet good."""
    made = quintets(6, 8.0, seed=77)
    write_recordings(tmp_path / "own", made)
    (tmp_path / "own/captions.csv").write_text("file,key,instrument\nquintet_aa.flac,Gb,\nquintet_ab.flac,,kazoo\n")
    rows = heard_in(tmp_path / "own", tmp_path / "clips", QUICK)
    assert [row.file for row in rows] == [f"{name_of(number)}.flac" for number in range(6)]
    assert (rows[0].key, rows[1].instrument) == ("Gb major", "kazoo")
    assert "kazoo solo" in rows[1].caption_used
    others = rows[2:]
    assert sum(row.heard_instrument == one.instrument for row, one in zip(others, made[2:], strict=True)) >= 2
    tempos = [abs(row.heard_qpm / one.qpm - 1) < 0.08 for row, one in zip(rows, made, strict=True)]
    assert sum(tempos) >= 3
    for row in others:
        assert row.key == (row.heard_key if row.key_sure >= SURE else "")
        assert row.qpm == (row.heard_qpm if row.qpm_sure >= SURE else None)
        assert row.instrument == (row.heard_instrument if row.instrument_sure >= SURE else "")
        assert row.loudness == pytest.approx(-17, abs=2)
        assert row.qpm is None or "bpm" in row.caption_used
    clips, beats = read_clips(tmp_path / "clips"), read_beats(tmp_path / "clips")
    assert {clip.solo for clip in clips if clip.first_bar is not None} <= beats.keys()
    sure = {f"recordings/{name_of(number)}" for number, row in enumerate(rows) if row.beats_sure >= SURE}
    assert beats.keys() == sure


@pytest.mark.filterwarnings("error:Trying to estimate tuning")
def test_a_recording_without_pitch_is_measured_without_a_warning() -> None:
    """Regression: librosa's warning about its tuning was printed by the stage."""
    assert np.isfinite(evidence_of(np.zeros(4 * SAMPLE_RATE, dtype=np.float32)).keys).all()


@pytest.mark.slow
def test_silence_and_short_sounds_are_listened_to_without_certainty_and_equal_seeds_hear_the_same() -> None:
    first, second = (Listener.fit(QUICK, 3) for _ in range(2))
    for seconds in (0.5, 6.0):
        heard = first.hear(Waveform(np.zeros((round(8000 * seconds), 2), dtype=np.float32), 8000), 60)
        assert (len(heard.beat_seconds), heard.loudness) == (0, -np.inf)
        assert heard.key_sure < SURE
    one = quintets(1, 6.0, seed=1)[0].sound
    doubled = Waveform(np.repeat(one.samples, 2, axis=1), one.sample_rate)
    assert first.hear(one, 60).loudness == integrated_loudness(one.samples, one.sample_rate)
    assert first.hear(doubled, 60).loudness == pytest.approx(first.hear(one, 60).loudness + 3.01, abs=0.01)
    for this, other in zip(vars(first.hear(one, 60)).values(), vars(second.hear(one, 60)).values(), strict=True):
        assert np.array_equal(this, other)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_fifty_quintets_are_heard_as_well_as_the_documentation_says(tmp_path: Path) -> None:
    made = quintets(50, 40.0, seed=78)
    write_recordings(tmp_path / "own", made)
    rows = heard_in(tmp_path / "own", tmp_path / "clips", THOROUGH)
    found = read_beats(tmp_path / "clips")
    of_each = [found.get(f"recordings/{name_of(number)}", []) for number in range(50)]
    beats = [np.array([beat.seconds for beat in own]) for own in of_each]
    bars = [np.array([beat.seconds for beat in own if beat.bar_beat == 1]) for own in of_each]
    measured = accuracies(rows, beats, bars, made)
    assert measured.key[0] > 0.35, measured  # of 24; some excerpts modulate through many keys
    assert min(measured.tempo_4[0], measured.tempo_8[0]) > 0.7, measured
    assert measured.instrument[0] > 0.8, measured  # of 11
    assert measured.tempo_8[2] > 0.8, measured
    assert measured.bars[2] > 0.85, measured


@pytest.mark.parametrize("seed", [0, 1])
def test_a_choice_has_the_highest_penalised_likelihood_and_any_other_weights_are_worse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    examples = [rng.normal(size=(4, 3)) for _ in range(60)]
    right = [int((options @ [2.0, -1.0, 0.0] + rng.gumbel(size=4)).argmax()) for options in examples]
    fitted = Choice.fit(examples, right)
    spread = np.stack(examples).std(axis=(0, 1))

    def loss(weights: np.ndarray) -> float:
        likelihood = 0.0
        for options, chosen in zip(examples, right, strict=True):
            powers = [np.exp(option @ weights) for option in options]
            likelihood += np.log(powers[chosen] / sum(powers)) / len(examples)
        return 0.01 * float(((weights * spread) ** 2).sum()) - likelihood

    for change in rng.normal(size=(10, 3)) * 0.1:
        assert loss(fitted.weights + change) > loss(fitted.weights)
    assert fitted.probabilities(examples[0]).sum() == pytest.approx(1)


def test_facts_below_the_limit_are_left_out() -> None:
    facts = known_facts(NO_REMARK, HEARD, SURE, "Be-bop", "Ada Line", 9.5).facts
    assert (facts.key, facts.qpm, facts.instrument, facts.artist) == (Key.parse("F minor"), 120.0, "", "Ada Line")
    unsure = replace(HEARD, key_sure=0.79, qpm_sure=0.79, beats_sure=0.7, bars_sure=0.6)
    known = known_facts(NO_REMARK, unsure, SURE, "Be-bop", "", 9.5)
    assert (known.facts.key, known.facts.qpm, len(known.beat_seconds), known.bar_seconds) == (None, None, 0, ())


def test_every_fact_of_the_user_wins_over_what_is_heard() -> None:
    remark = replace(NO_REMARK, known=Entry(form="12-bar blues"), key=Key.parse("C"), instrument="oboe", qpm=90.0)
    known = known_facts(remark, HEARD, SURE, "Be-bop", "", 9.5)
    assert (known.facts.key, known.facts.qpm, known.facts.instrument) == (Key.parse("C"), 90.0, "oboe")
    assert len(known.beat_seconds) == 0  # those heard have another tempo
    assert known.bar_seconds == bar_seconds(remark, 9.5)
    assert known_facts(replace(remark, caption="Mine"), HEARD, SURE, "Be-bop", "", 9.5).captions == ("Mine",)


def test_beats_and_bars_are_those_heard_where_they_are_sure() -> None:
    known = known_facts(NO_REMARK, HEARD, SURE, "Be-bop", "", 9.5)
    assert np.array_equal(known.beat_seconds, np.arange(19) / 2)  # the beat before the start is left out
    assert known.bar_beats[:6].tolist() == [4, 1, 2, 3, 4, 1]
    assert known.bar_seconds == (0.0, 0.5, 2.5, 4.5, 6.5, 8.5)
    vague = known_facts(NO_REMARK, replace(HEARD, bars_sure=0.5), SURE, "Be-bop", "", 9.5)
    assert (set(vague.bar_beats.tolist()), vague.bar_seconds) == ({0}, ())
    assert np.array_equal(vague.beat_seconds, known.beat_seconds)


def test_a_tempo_of_the_user_that_was_also_heard_keeps_the_beats_that_were_heard() -> None:
    known = known_facts(replace(NO_REMARK, qpm=121.0), HEARD, SURE, "Be-bop", "", 9.5)
    assert known.facts.qpm == 121.0
    assert np.array_equal(known.beat_seconds, np.arange(19) / 2)


@pytest.mark.parametrize("heard", [HEARD, None])
def test_a_first_beat_of_the_user_gives_all_beats(heard: Heard | None) -> None:
    remark = replace(NO_REMARK, qpm=60.0, beats_per_bar=3.0, first_beat_seconds=2.0)
    known = known_facts(remark, heard, SURE, "Be-bop", "", 9.5)
    assert known.beat_seconds.tolist() == list(range(10))
    assert known.bar_beats.tolist() == [2, 3, 1, 2, 3, 1, 2, 3, 1, 2]
    assert known.bar_seconds == (0.0, 2.0, 5.0, 8.0)


def test_beats_of_a_recording_shorter_than_its_pickup_are_counted_from_the_end_of_the_bar() -> None:
    remark = replace(NO_REMARK, qpm=60.0, beats_per_bar=4.0, first_beat_seconds=3.0)
    known = known_facts(remark, None, SURE, "Be-bop", "", 2.5)
    assert known.beat_seconds.tolist() == [0, 1, 2]
    assert known.bar_beats.tolist() == [2, 3, 4]
