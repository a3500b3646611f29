"""Odd tempos and meters of foreign files: each is repaired, or the file is refused."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import MetaMessage

from yardbird.data.bar_lines import bar_lines, divide_bars, refuse_medley, tempo_map
from yardbird.data.ingest import survey
from yardbird.errors import InputError
from yardbird.music.score import Meter, Score, Tempo, make_notes

RANGE = (20.0, 600.0)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ((1, 1), (4, 4)), ((2, 1), (8, 4)), ((1, 2), (1, 2)), ((6, 32), (3, 16)), ((16, 64), (4, 16)),
        ((4, 32), (2, 16)), ((12, 8), (12, 8)),
    ],
)  # fmt: skip
def test_a_meter_becomes_the_nearest_one_that_codecs_support_with_bars_of_equal_length(written, read):
    meters, flags = bar_lines((Meter(0, *written),), 480, 9600)
    assert meters == (Meter(0, *read),)
    assert flags == ([] if written == read else ["meter_repaired"])


@pytest.mark.parametrize("meter", [Meter(0, 0, 4), Meter(0, 3, 32), Meter(0, 7, 2**20), Meter(0, 5, 3)])
def test_a_meter_without_a_valid_bar_or_grid_is_left_out(meter):
    assert bar_lines((meter, Meter(960, 7, 2**20)), 480, 9600) == ((Meter(0, 4, 4),), ["meter_repaired"])


@pytest.mark.parametrize(
    ("numerator", "parts"),
    [(8, [8]), (9, [3]), (10, [5]), (11, [6, 5, 6, 5]), (12, [6]), (15, [5]), (16, [8]), (17, [6, 6, 5, 6])],
)
def test_a_bar_longer_than_the_limit_is_divided_as_evenly_as_possible(numerator, parts):
    meters, flags = divide_bars((Meter(0, numerator, 4),), 1, 4 * numerator, 8)
    lengths = [end - start for start, end in pairwise(Score(1, make_notes([]), 4 * numerator, meters=meters).bar_ticks)]
    assert lengths[: len(parts)] == parts
    assert flags == ([] if len(parts) == 1 and parts[0] == numerator else [f"bars_divided:{numerator}/4"])


def test_a_divided_bar_that_the_next_meter_cuts_short_ends_there():
    meters, flags = divide_bars((Meter(0, 11, 4), Meter(3, 4, 4)), 1, 20, 8)
    assert meters == (Meter(0, 6, 4), Meter(3, 4, 4))
    assert flags == ["bars_divided:11/4"]


@given(
    st.lists(
        st.builds(Meter, st.integers(0, 9000), st.integers(0, 40), st.sampled_from([1, 2, 4, 8, 16, 32, 64])),
        max_size=8,
    ),
    st.sampled_from([24, 96, 100, 480]),
)
def test_meters_are_on_bar_lines_for_any_file(meters: list[Meter], ticks_per_beat: int) -> None:
    lines, _ = bar_lines(tuple(sorted(meters, key=lambda meter: meter.tick)), ticks_per_beat, 9000)
    for found in (lines, divide_bars(lines, ticks_per_beat, 9000, 8)[0]):
        assert found[0].tick == 0
        for meter, following in pairwise(found):
            assert meter.tick < following.tick
        score = Score(ticks_per_beat, make_notes([(0, 1, 60, 90)]), 9000, meters=found)
        assert {meter.tick for meter in lines} <= set(score.bar_ticks.tolist())
        assert {meter.denominator for meter in found} <= {2, 4, 8, 16}
    assert max(4 * meter.numerator / meter.denominator for meter in found) <= 8


def test_a_medley_is_counted_before_its_bars_are_made():
    with pytest.raises(InputError, match="expected at most 5000 bars, found 1000000"):
        refuse_medley((Meter(0, 4, 4),), 1, 4_000_000, Path("long.mid"), 5000)


def test_an_impossible_tempo_is_left_out_and_the_previous_one_stays_in_force():
    tempos = (Tempo(0, 200.0), Tempo(480, 6e7), Tempo(960, 210.0), Tempo(1440, 4.0))
    assert tempo_map(tempos, 0, RANGE) == ((Tempo(0, 200.0), Tempo(960, 210.0)), ["tempo_repaired:2"])
    assert tempo_map((Tempo(0, 6e7),), 0, RANGE) == ((Tempo(0, 120.0),), ["tempo_repaired:1", "tempo_assumed"])


def test_a_slow_or_fast_moment_of_a_performance_is_kept():
    tempos = (Tempo(0, 165.0), Tempo(480, 6.0), Tempo(960, 2248.0), Tempo(1440, 165.0))
    assert tempo_map(tempos, 0, RANGE) == (tempos, [])


def set_tempo(qpm: float) -> list[tuple[float, MetaMessage]]:
    return [(0, MetaMessage("set_tempo", tempo=round(60e6 / qpm)))]


@pytest.mark.parametrize("qpm", [38, 420])
def test_a_slow_or_fast_solo_is_used(tmp_path, write_midi, config, qpm):
    write_midi(tmp_path / "a.mid", metas=set_tempo(qpm))
    (solo,) = survey(tmp_path, "mine", config).used
    assert solo.row.qpm == pytest.approx(qpm, rel=1e-4)


@pytest.mark.parametrize("qpm", [12, 900])
def test_a_solo_at_an_unplayable_tempo_is_refused_and_the_error_names_the_tempo(tmp_path, write_midi, config, qpm):
    write_midi(tmp_path / "a.mid", metas=set_tempo(qpm))
    (file,) = survey(tmp_path, "mine", config).rejected
    assert file.reason == f"expected a mean tempo of 20 … 600 qpm, found {qpm}"
    assert file.remedy == "correct the file's tempo, or widen ingest.qpm_range and validate.qpm_range"
