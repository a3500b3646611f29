from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.data.manifest import read_solos
from yardbird.metrics.shared_runs import FIGURES, LENGTHS, MOST, KnownSolo, Originality, OriginalityIndex
from yardbird.music.midi import read_score
from yardbird.music.score import Meter, Score, make_notes


def eighths(pitches: list[int]) -> Score:
    return Score(2, make_notes([(place, 1, pitch, 80) for place, pitch in enumerate(pitches)]), len(pitches))


def known(*lines: list[int]) -> list[KnownSolo]:
    return [KnownSolo(f"Solo {number}", f"tune {number}", eighths(line)) for number, line in enumerate(lines)]


def slow_coverage(pitches: list[int], others: list[list[int]]) -> dict[int, float | None]:
    """A set of tuples for each length."""

    def grams(line, n):
        intervals = np.diff(line).tolist()
        return [tuple(intervals[place : place + n]) for place in range(len(intervals) - n + 1)]

    found = {}
    for n in LENGTHS:
        known_grams = {gram for other in others for gram in grams(other, n)}
        own = grams(pitches, n)
        found[n] = sum(gram in known_grams for gram in own) / len(own) if own else None
    return found


def slow_longest_run(pitches: list[int], others: list[list[int]]) -> int:
    own = np.diff(pitches).tolist()
    longest = 0
    for other in others:
        theirs = np.diff(other).tolist()
        for i in range(len(own)):
            for j in range(len(theirs)):
                length = 0
                while i + length < len(own) and j + length < len(theirs) and own[i + length] == theirs[j + length]:
                    length += 1
                longest = max(longest, length)
    return longest


LICK = [67, 70, 69, 65, 62, 64, 65, 67, 60, 61, 63, 58]
WANDERING = [60, 65, 58, 70, 61, 72, 55, 66, 59, 73]
few_pitches = st.lists(st.integers(60, 62), max_size=40)  # so few that long runs are repeated by chance


@given(few_pitches, st.lists(few_pitches, max_size=5))
def test_coverage_and_longest_run_equal_those_of_a_slow_search(pitches, others):
    found = OriginalityIndex(known(*others)).compare(eighths(pitches))
    assert found.coverage == slow_coverage(pitches, others)
    assert found.longest_run == slow_longest_run(pitches, others)


@given(st.lists(st.tuples(few_pitches, st.integers(0, 3)), max_size=6))
def test_known_solos_are_compared_only_with_those_of_other_groups(lines):
    """One pass over the sorted suffixes equals an index without the group, built for each group."""
    solos = [KnownSolo("", str(group), eighths(line)) for line, group in lines]
    found = OriginalityIndex(solos).compare_known()
    for solo, own in zip([solo for solo in solos if len(solo.score.notes)], found, strict=True):
        others = OriginalityIndex([other for other in solos if other.group != solo.group]).compare(solo.score)
        assert (own.coverage, own.longest_run) == (others.coverage, others.longest_run)
        assert (own.origin is None) == (own.longest_run == 0)


@given(few_pitches, st.lists(few_pitches, min_size=1, max_size=4))
def test_the_origin_names_a_place_where_the_run_is(pitches, others):
    solos = known(*others)
    found = OriginalityIndex(solos).compare(eighths(pitches))
    if (origin := found.origin) is None:
        return
    line = next(solo.score for solo in solos if solo.title == origin.title).pitches.tolist()
    runs = [
        (i, j)
        for i in range(len(pitches) - found.longest_run)
        for j in range(len(line) - found.longest_run)
        if (i // 8 + 1, j // 8 + 1) == (origin.first_bar, origin.bar)
        and [pitch - origin.semitones for pitch in pitches[i : i + found.longest_run + 1]]
        == line[j : j + found.longest_run + 1]
    ]
    assert any((i + found.longest_run) // 8 + 1 == origin.last_bar for i, _ in runs)


@given(st.lists(st.tuples(few_pitches, st.integers(0, 3)), min_size=1, max_size=4), st.integers(2, 12))
def test_the_reference_equals_that_of_excerpts_of_known_solos(lines, notes):
    """Every value of every sample equals that of some excerpt compared with the other groups."""
    solos = [KnownSolo("", str(group), eighths(line)) for line, group in lines if line]
    length = min(notes, max((len(solo.score.notes) for solo in solos), default=0))
    possible: dict[str, set[float]] = {figure: set() for figure in FIGURES}
    for solo in solos:
        others = OriginalityIndex([other for other in solos if other.group != solo.group])
        pitches = solo.score.pitches.tolist()
        for start in range(len(pitches) - length + 1):
            for figure, value in others.compare(eighths(pitches[start : start + length])).figures.items():
                possible[figure].add(value)
    drawn = OriginalityIndex(solos).draw_known([notes], 20, np.random.default_rng(0))
    assert set(drawn) - {MOST} == {figure for figure, values in possible.items() if values - {None} and length > 1}
    if drawn:
        assert drawn.pop(MOST).tolist() == drawn["longest_run"].tolist(), "of one solo the most is the mean"
    assert all(set(values.tolist()) <= possible[figure] for figure, values in drawn.items())


def test_the_limit_of_the_longest_run_grows_with_the_length_of_the_solo():
    """A limit measured on whole solos was too high for short solos."""
    random = np.random.default_rng(0)
    walks = (60 + np.cumsum(random.integers(-1, 2, 400)) for _ in range(4))
    index = OriginalityIndex(known(*(walk.tolist() for walk in walks)))
    short, long, mixed = (
        index.draw_known(notes, 200, np.random.default_rng(1)) for notes in ([20] * 3, [300] * 3, [20, 300])
    )
    assert short["longest_run"].mean() < mixed["longest_run"].mean() < long["longest_run"].mean()
    assert np.all(mixed[MOST] >= mixed["longest_run"])
    assert short["coverage_4"].mean() == pytest.approx(long["coverage_4"].mean(), abs=0.05)
    assert OriginalityIndex([]).draw_known([20], 5, random) == {} == index.draw_known([1, 0], 5, random)


def test_a_copied_lick_is_found_in_another_key_and_named():
    source = eighths([*WANDERING, *WANDERING[::-1], *LICK, 40])
    copy = [50, 80, *[pitch - 3 for pitch in LICK], 81]
    found = OriginalityIndex([*known(WANDERING), KnownSolo("Ko-Ko", "koko", source)]).compare(eighths(copy))
    assert found.longest_run == len(LICK) - 1
    assert str(found.origin) == "bars 1–2 = Ko-Ko bar 3, −3"
    assert found.coverage[10] == 2 / (len(copy) - 10)


def test_the_origin_of_a_run_within_a_bar_at_the_same_pitch_says_so():
    index = OriginalityIndex([KnownSolo("Ko-Ko", "koko", eighths(LICK))])
    assert str(index.compare(eighths(LICK[:6])).origin) == "bar 1 = Ko-Ko bar 1, same pitch"


def test_a_pickup_is_bar_1():
    source = replace(eighths([60, *LICK]), meters=(Meter(0, 1, 8), Meter(1, 4, 4)))
    assert OriginalityIndex([KnownSolo("Ko-Ko", "koko", source)]).compare(eighths(LICK)).origin.bar == 2


def test_runs_of_the_prime_are_not_counted_and_bars_keep_their_numbers():
    index = OriginalityIndex([KnownSolo("Ko-Ko", "koko", eighths(LICK))])
    continued = eighths([*LICK, 41, 90, 40, 91, *[pitch + 2 for pitch in LICK[2:]]])
    assert str(index.compare(continued).origin) == "bars 1–2 = Ko-Ko bar 1, same pitch"
    assert str(index.compare(continued, start_tick=12).origin) == "bars 3–4 = Ko-Ko bar 1, +2"
    assert index.compare(continued, start_tick=12).coverage[8] == 2 / 6
    assert index.compare(continued, start_tick=100).longest_run == 0


def test_copies_in_every_key_change_nothing():
    """Intervals are the same in all keys: the index needs no augmented copies."""
    scores = [eighths(LICK), eighths(WANDERING)]
    plain = OriginalityIndex([KnownSolo("", "a", score) for score in scores])
    augmented = OriginalityIndex([KnownSolo("", "a", score.transposed(by)) for score in scores for by in range(-6, 6)])
    query = eighths([*LICK[:9], *WANDERING[3:]])
    assert augmented.compare(query).coverage == plain.compare(query).coverage
    assert augmented.compare(query).longest_run == plain.compare(query).longest_run == 8
    assert all(own.longest_run == 0 for own in augmented.compare_known())


def test_no_run_continues_from_one_solo_into_the_next():
    halves = known(LICK[:6], LICK[6:])
    assert OriginalityIndex(halves).compare(eighths(LICK)).longest_run == 5


def test_a_trill_is_a_run_and_rhythm_is_ignored():
    trill = [60, 62] * 10
    index = OriginalityIndex(known(trill))
    assert index.compare(eighths([67, 69] * 8)).longest_run == 15
    slow = replace(eighths(trill), ticks_per_beat=1)
    assert index.compare(slow) == replace(index.compare(eighths(trill)), origin=index.compare(slow).origin)


def test_a_solo_without_intervals_has_no_coverage_and_no_run():
    """A file of drums only reaches the metrics as an empty score."""
    nothing = Originality(dict.fromkeys(LENGTHS), 0, None)
    for index in (OriginalityIndex([]), OriginalityIndex(known([], [60])), OriginalityIndex(known(LICK))):
        assert index.compare(eighths([])) == index.compare(eighths([60])) == nothing
    assert OriginalityIndex([]).compare(eighths(LICK)) == Originality({4: 0, 6: 0, 8: 0, 10: 0}, 0, None)
    assert OriginalityIndex([]).compare_known() == []
    assert OriginalityIndex(known([60], [])).compare_known() == [nothing]


def test_shuffled_notes_are_original(real_solos):
    """Negative control: a solo with Parker's pitches in another order is not a copy."""
    solos = real_solos["parker/omnibook"][:12]
    index = OriginalityIndex([KnownSolo("", str(number), score) for number, score in enumerate(solos)])
    random = np.random.default_rng(0)
    for score in solos[:4]:
        notes = score.notes.copy()
        notes["pitch"] = random.permutation(notes["pitch"])
        assert index.compare(score).coverage[8] == 1
        assert index.compare(replace(score, notes=notes)).coverage[8] == 0


def test_real_solos_share_the_documented_runs(ingested):
    """Stated for the Weimar database's Parker: 53, 14.5, 3.5 and 1.3 %, longest run 17; Coltrane against it 0.4 %.

    11 of its 17 Parker solos are available. The fewer solos there are to quote, the lower the shares: by less than a
    tenth at 4 intervals, by up to a fifth at more. The longest run has 16 intervals, so 17 notes. Compared with the
    Omnibook as well, 58 transcriptions in all, a solo quotes more than twice as much.
    """
    weimar, everyone, coltrane = [], [], []
    for row in read_solos(ingested, ["parker", "coltrane"]):
        solo = KnownSolo(row.title, row.tune_group, read_score(ingested / row.path))
        if row.source == "coltrane":
            coltrane.append(solo.score)
            continue
        everyone.append(solo)
        if row.file.startswith("wjazzd"):
            weimar.append(solo)
    index = OriginalityIndex(weimar)
    quoted = index.compare_known()
    assert len(quoted) == 11
    for n, stated in {4: 0.53, 6: 0.145, 8: 0.035, 10: 0.013}.items():
        assert 0.8 * stated < np.mean([own.coverage[n] for own in quoted]) < stated
    assert max(own.longest_run for own in quoted) + 1 == 17
    assert np.mean([index.compare(score).coverage[8] for score in coltrane]) == pytest.approx(0.004, abs=0.001)
    among_all = OriginalityIndex(everyone).compare_known()
    assert np.mean([own.coverage[8] for own in among_all]) > 2 * np.mean([own.coverage[8] for own in quoted])
