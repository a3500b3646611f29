"""New bars inside a solo: in its ticks and over its changes; the rest of the file is unchanged."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from event_scores import CODEC
from fake_family import FakeTokens

from yardbird.codecs.events import Tokens
from yardbird.config import read_section
from yardbird.data.reading import read_untouched
from yardbird.errors import InputError
from yardbird.generation.bars_to_fill import read_filling
from yardbird.generation.fill import fill
from yardbird.generation.orders import GenerateConfig
from yardbird.music.chords import Chord
from yardbird.music.midi import RawMidi, read_raw, write_score
from yardbird.music.score import ChordChange, Meter, Score, Tempo, make_notes
from yardbird.nn.sampling import Constraint, Sampling, row_generators

BAR = 4 * 220


class RandomWalk(FakeTokens):
    """Continues with random tokens that the constraint allows, and records the primes it received."""

    fill_context = 256

    def __init__(self, fill_context: int = 256) -> None:
        super().__init__(None, CODEC)
        self.fill_context = fill_context
        self.primes: list[Tokens] = []

    def generate(
        self,
        primes: Sequence[Tokens],
        constraints: Sequence[Constraint],
        sampling: Sampling,
        seed: int,
        limit: int,
        *,
        int8: bool = False,
    ) -> list[Tokens]:
        self.primes += primes
        rows = []
        for prime, constraint, generator in zip(primes, constraints, row_generators(seed, len(primes)), strict=True):
            row, random = list(prime), np.random.default_rng(generator.initial_seed())
            for token in prime:
                constraint.advance(int(token))
            while not constraint.finished:
                allowed = np.flatnonzero(constraint.allowed())
                kinds = self.codec.kind_of[allowed]
                row.append(random.choice(allowed[kinds == random.choice(np.unique(kinds))]))
                constraint.advance(int(row[-1]))
            assert len(row) <= limit
            rows.append(np.array(row, dtype=np.uint16))
        return rows


@pytest.fixture
def settings(root: Path) -> GenerateConfig:
    return read_section("generate", GenerateConfig, root / "params.yaml")


def performance(seed: int = 0, bars: int = 16, ticks_per_beat: int = 220) -> Score:
    """A solo off the grid, with a tempo for every beat, a pickup, a bar in three, and a chord every two beats."""
    random = np.random.default_rng(seed)
    beat = ticks_per_beat
    meters = (Meter(0, 1, 4), Meter(beat, 4, 4), Meter(beat * 25, 3, 4), Meter(beat * 28, 4, 4))
    end = beat * (28 + 4 * (bars - 8))
    onsets = np.sort(random.choice(np.arange(beat // 2, end - beat), 8 * bars, replace=False))
    gaps = np.diff(onsets, append=end)
    notes = [
        (int(onset), int(random.integers(1, gap + 1)), int(random.integers(50, 80)), int(random.integers(40, 120)))
        for onset, gap in zip(onsets, gaps, strict=True)
    ]
    tempos = tuple(Tempo(tick, 60e6 / int(random.integers(250_000, 350_000))) for tick in range(0, end, beat))
    changes = ("F7", "Bb7", "C7", "Dm7")
    chords = tuple(ChordChange(tick, Chord.parse(changes[tick // beat % 4])) for tick in range(0, end, 2 * beat))
    return Score(beat, make_notes(notes), end, tempos, meters, chords, phrases=tuple(range(0, end, 8 * beat)))


def ranges_of(texts: Sequence[str]) -> list[range]:
    """Bars from 0, parsed by a simple reference."""
    bars = [part.split("-") for text in texts for part in text.split(",")]
    return [range(int(part[0]) - 1, int(part[-1])) for part in bars]


def outside(raw: RawMidi, score: Score, ranges: Sequence[range]) -> list[tuple[object, ...]]:
    """Every event of a file that does not start in the ranges: notes, chords and other marks, tempos, meters."""
    edges = [*score.bar_ticks.tolist(), score.end_tick]

    def stays(tick: int) -> bool:
        return not any(edges[bars.start] <= tick < edges[bars.stop] for bars in ranges)

    notes = [("note", *note) for part in raw.parts for note in part.notes.tolist() if stays(note[0])]
    texts = [("text", text.tick, text.text) for text in raw.texts if text.text != "PHRASE" or stays(text.tick)]
    return [*notes, *texts, *raw.tempos, *raw.meters, raw.keys, raw.ticks_per_beat]


RANGES = (["3-4"], ["1"], ["1-3"], ["16"], ["13-16"], ["5-12"], ["2,7-8", "15-16"], ["1-16"], ["8"], ["6-8,9"])


@pytest.mark.parametrize("texts", RANGES, ids=" ".join)
def test_nothing_outside_the_bars_is_touched(tmp_path: Path, settings: GenerateConfig, texts: list[str]) -> None:
    score = performance()
    write_score(score, tmp_path / "solo.mid")
    filling = read_filling(tmp_path / "solo.mid", texts)
    solos = fill(RandomWalk(), filling, 3, settings, seed=1)
    ranges = ranges_of(texts)
    edges = [*score.bar_ticks.tolist(), score.end_tick]
    given = outside(read_raw(tmp_path / "solo.mid"), score, ranges)
    for number, solo in enumerate(solos):
        write_score(solo, tmp_path / f"{number}.mid")
        assert outside(read_raw(tmp_path / f"{number}.mid"), score, ranges) == given
        assert solo.is_monophonic
        new = solo.notes[filling.holds(solo.onsets)]
        inside = [any(edges[b.start] <= tick < edges[b.stop] for b in ranges) for tick in new["onset_tick"].tolist()]
        assert all(inside)
        assert np.all((new["pitch"] >= 49) & (new["pitch"] <= 81))
        for note in new.tolist():
            stop = next(edges[b.stop] for b in joined(ranges) if edges[b.start] <= note[0] < edges[b.stop])
            assert note[0] + note[1] <= stop, "no new note sounds into a kept bar"
    assert len({solo.notes.tobytes() for solo in solos}) == 3
    again = fill(RandomWalk(), filling, 3, settings, seed=1)
    assert [solo.notes.tolist() for solo in again] == [solo.notes.tolist() for solo in solos]
    assert fill(RandomWalk(), filling, 1, settings, seed=2)[0] != solos[0]


def joined(ranges: Sequence[range]) -> list[range]:
    bars = sorted({bar for part in ranges for bar in part})
    starts = [bar for bar in bars if bar - 1 not in bars]
    return [range(start, next(bar for bar in range(start, 99) if bar not in bars)) for start in starts]


def test_new_notes_are_on_the_grid_of_their_bar_in_the_ticks_of_the_file(
    tmp_path: Path, settings: GenerateConfig
) -> None:
    write_score(performance(), tmp_path / "solo.mid")
    filling = read_filling(tmp_path / "solo.mid", ["4-5"])
    (solo,) = fill(RandomWalk(), filling, 1, settings, seed=0)
    start = int(solo.bar_ticks[3])
    new = solo.notes[filling.holds(solo.onsets)]
    places = {(12 * tick + 110) // 220 for tick in (new["onset_tick"] - start).tolist()}
    assert len(new) == len(places) >= 3
    assert set((new["onset_tick"] - start).tolist()) <= {(step * BAR + 24) // 48 for step in range(96)}


def test_a_note_that_sounds_into_the_gap_keeps_its_length_and_new_notes_start_after_it(
    tmp_path: Path, settings: GenerateConfig
) -> None:
    rows = [(0, 400, 60, 80), (BAR - 10, BAR // 2 + 17, 62, 80), (2 * BAR, 200, 64, 80), (3 * BAR + 9, 100, 65, 80)]
    write_score(Score(220, make_notes(rows), 4 * BAR), tmp_path / "solo.mid")
    filling = read_filling(tmp_path / "solo.mid", ["2-3"])
    for solo in fill(RandomWalk(), filling, 5, settings, seed=0):
        assert solo.notes[:2].tolist() == rows[:2]
        assert solo.notes[-1].tolist() == rows[3]
        assert solo.onsets[2] >= BAR + BAR // 2 + 7


def test_during_a_note_that_sounds_through_the_gap_there_are_no_new_notes(
    tmp_path: Path, settings: GenerateConfig
) -> None:
    rows = [(0, 3 * BAR, 60, 80), (3 * BAR, 100, 65, 80)]
    chords = (ChordChange(0, Chord.parse("F7")), ChordChange(BAR, Chord.parse("Bb7")))
    write_score(Score(220, make_notes(rows), 4 * BAR, chords=chords), tmp_path / "solo.mid")
    (solo,) = fill(RandomWalk(), read_filling(tmp_path / "solo.mid", ["2"]), 1, settings, seed=0)
    assert solo.notes.tolist() == rows
    assert solo.chords == chords


def test_overlapping_notes_outside_the_gap_are_unchanged(tmp_path: Path, settings: GenerateConfig) -> None:
    """In a legato line, reading trims every note at the next onset."""
    rows = [(110 * index, 140, 60 + index % 7, 80) for index in range(64)]
    write_score(Score(220, make_notes(rows), 110 * 65), tmp_path / "solo.mid")
    filling = read_filling(tmp_path / "solo.mid", ["3"])
    (solo,) = fill(RandomWalk(), filling, 1, settings, seed=0)
    assert solo.notes[~filling.holds(solo.onsets)].tolist() == rows[:16] + rows[24:]


def test_bars_are_counted_from_the_start_of_the_file(tmp_path: Path, settings: GenerateConfig) -> None:
    """Reading a solo drops the empty bars before it; filling counts and keeps them."""
    rows = [(BAR * bar, 200, 60, 80) for bar in range(2, 6)]
    write_score(Score(220, make_notes(rows), 6 * BAR), tmp_path / "solo.mid")
    filling = read_filling(tmp_path / "solo.mid", ["4"])
    (solo,) = fill(RandomWalk(), filling, 1, settings, seed=0)
    assert solo.bar_count == 6
    assert [row for row in solo.notes.tolist() if not 3 * BAR <= row[0] < 4 * BAR] == [rows[0], *rows[2:]]
    (solo,) = fill(RandomWalk(), read_filling(tmp_path / "solo.mid", ["1-2"]), 1, settings, seed=0)
    assert solo.onsets[0] < 2 * BAR, "empty bars are filled too"


@pytest.mark.parametrize("ticks_per_beat", [1, 4, 10, 24, 960])
def test_a_file_of_any_resolution_can_be_filled(tmp_path: Path, settings: GenerateConfig, ticks_per_beat: int) -> None:
    """If a tick is longer than a grid step, several steps share one tick."""
    rows = [(ticks_per_beat * beat, ticks_per_beat, 60 + beat % 12, 80) for beat in range(32)]
    write_score(Score(ticks_per_beat, make_notes(rows), 32 * ticks_per_beat), tmp_path / "solo.mid")
    filling = read_filling(tmp_path / "solo.mid", ["3-6"])
    (solo,) = fill(RandomWalk(), filling, 1, settings, seed=3)
    assert solo.is_monophonic
    assert np.all(solo.durations >= 1)
    assert solo.notes[~filling.holds(solo.onsets)].tolist() == rows[:8] + rows[24:]


def test_the_bars_after_a_gap_are_visible_for_the_last_bars_of_a_long_gap_and_all_of_a_short_one(
    tmp_path: Path, settings: GenerateConfig
) -> None:
    write_score(performance(), tmp_path / "solo.mid")
    mark, bar = CODEC.ids("Fill").start, CODEC.ids("Bar").start
    for texts, marks in ((["4"], [2]), (["4-13"], [0, 2]), (["9-16"], [0]), (["4,9-16"], [2, 0])):
        walk = RandomWalk()
        fill(walk, read_filling(tmp_path / "solo.mid", texts), 1, settings, seed=0)
        assert [int(np.sum(prime == mark)) for prime in walk.primes] == marks
        assert all(len(prime) < 256 and np.sum(prime == bar) > 0 for prime in walk.primes)


def test_a_gap_does_not_see_the_empty_bars_of_the_next_one(tmp_path: Path, settings: GenerateConfig) -> None:
    write_score(performance(), tmp_path / "solo.mid")
    walk = RandomWalk(fill_context=2048)
    fill(walk, read_filling(tmp_path / "solo.mid", ["4,6,9"]), 1, settings, seed=0)
    bars = [int(np.sum(prime == CODEC.ids("Bar").start)) for prime in walk.primes]
    assert bars == [3 + 1, 5 + 2, 8 + 7]


def test_real_solos_keep_all_but_their_gaps(shared: Path, settings: GenerateConfig) -> None:
    for path in sorted((shared / "parker").glob("*.mid"))[::8]:
        score, _ = read_untouched(path)
        filling = read_filling(path, [f"1-2,{score.bar_count // 2}", f"{score.bar_count}"])
        (solo,) = fill(RandomWalk(), filling, 1, settings, seed=0)
        given, new = (notes[~filling.holds(notes["onset_tick"])] for notes in (score.notes, solo.notes))
        assert np.array_equal(given, new)
        assert replace(solo, notes=score.notes, phrases=score.phrases) == score


BAD = "expected bars such as 9-12, or 9-12,21-24, within 1-16 of solo.mid"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["0-3"], f"--fill: {BAD}, found '0-3'; correct the range"),
        (["9-17"], f"{BAD}, found '9-17'"),
        (["5-4"], f"{BAD}, found '5-4'"),
        (["4-5", "x"], f"{BAD}, found 'x'"),
        (["4,,5"], f"{BAD}, found ''"),
        (["4-5-6"], f"{BAD}, found '4-5-6'"),
    ],
)
def test_bad_ranges_give_a_one_line_error(tmp_path: Path, texts: list[str], message: str) -> None:
    write_score(performance(), tmp_path / "solo.mid")
    with pytest.raises(InputError) as error:
        read_filling(tmp_path / "solo.mid", texts)
    assert message in str(error.value)


def test_a_file_without_a_solo_gives_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.mid: expected a music file, found no such file"):
        read_filling(tmp_path / "absent.mid", ["1"])
    write_score(Score(220, make_notes([]), BAR), tmp_path / "silent.mid")
    with pytest.raises(InputError, match=r"silent\.mid: expected a melody, found no notes"):
        read_filling(tmp_path / "silent.mid", ["1"])


def test_only_a_model_trained_to_fill_fills(tmp_path: Path, settings: GenerateConfig) -> None:
    write_score(performance(), tmp_path / "solo.mid")
    filling = read_filling(tmp_path / "solo.mid", ["4"])
    with pytest.raises(InputError, match="--fill: expected a model trained to fill bars, found another; train one"):
        fill(RandomWalk(fill_context=0), filling, 1, settings, seed=0)
    with pytest.raises(InputError, match="Nobody: expected one of the artists unknown, Ada Line, Bo Dense"):
        fill(RandomWalk(), filling, 1, replace(settings, artist="Nobody"), seed=0)
