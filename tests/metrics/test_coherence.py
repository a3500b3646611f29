from dataclasses import replace

import numpy as np
import pytest

from yardbird.metrics.coherence import RATES, SHOWN, Within, coherence, coherence_of
from yardbird.metrics.estimates import flat
from yardbird.metrics.set_rows import SELF
from yardbird.metrics.verdicts import VERDICTS, family_verdicts
from yardbird.music.excerpts import excerpts, in_full_bars


def phrases_of(line, lengths, **more):
    """Eighths on one pitch, with two beats of rest after every `notes` notes."""
    onsets, place = [], 0.0
    for length in lengths:
        onsets += [place + note / 2 for note in range(length)]
        place += length / 2 + 2
    return line([60] * len(onsets), onsets, **more)


def test_the_median_phrase_lies_within_most_real_phrases(line):
    real = [phrases_of(line, range(5, 26))]
    for length, inside in ((4, False), (7, True), (23, True), (24, False)):
        phrases = coherence([phrases_of(line, [length] * 3)], real).phrases
        assert phrases == Within(length, 7, 23)
        assert phrases.inside is inside


def test_changes_must_be_found_nearly_as_often_as_in_real_solos(line):
    found = line([67, 70, 74, 77, 60, 64, 67, 70, 65, 69, 72, 76], chords={0: "Gm7", 2: "C7", 4: "Fmaj7"})
    lost = replace(found, chords=found.transposed(1).chords)
    for misses, real_misses, inside in ((0, 0, True), (1, 0, True), (2, 0, False), (2, 2, True)):
        solos, real = ([lost] * count + [found] * (10 - count) for count in (misses, real_misses))
        changes = coherence(solos, real).changes
        assert (changes.value, changes.low) == (pytest.approx(1 - misses / 10), pytest.approx(0.9 - 0.09 * real_misses))
        assert changes.inside is inside


def test_the_share_of_found_changes_has_an_interval(line):
    """Golden values of Wilson's interval for 6 of 8."""
    found = line([67, 70, 74, 77, 60, 64, 67, 70, 65, 69, 72, 76], chords={0: "Gm7", 2: "C7", 4: "Fmaj7"})
    lost = replace(found, chords=found.transposed(1).chords)
    figures = flat(coherence([lost] * 2 + [found] * 6 + [replace(found, chords=())], [found]).estimates())
    assert (figures["changes_share"], figures["changes_solos"]) == (0.75, 8)
    assert figures["changes_share_low"] == pytest.approx(0.4093, abs=1e-4)
    assert figures["changes_share_high"] == pytest.approx(0.9285, abs=1e-4)


def test_all_traits_must_lie_in_the_range_and_are_counted(line):
    arpeggios = line([60, 64, 67, 72, 67, 64, 60], chords={0: "C"})
    scale = line([60, 62, 64, 65, 67, 69, 71], chords={0: "C"})
    own, other = coherence([arpeggios], [arpeggios]), coherence([arpeggios], [scale])
    assert flat(own.estimates())["coherent_traits"] == 1
    assert flat(own.estimates())["traits_inside"] == len(RATES)
    assert flat(other.estimates())["coherent_traits"] == 0
    assert flat(other.estimates())["traits_inside"] == len(RATES) - 1
    assert not other.traits["arpeggios"].inside


def test_a_part_that_cannot_be_judged_has_no_verdict(line):
    with_chords = line([60, 64, 67, 72], chords={0: "C"})
    for solos, real in (([line([])], [with_chords]), ([with_chords], [line([])]), ([], [])):
        assert flat(coherence(solos, real).estimates()) == {}
    assert list(flat(coherence([line([60, 62])], [with_chords]).estimates())) == [
        "coherent_phrases", "phrase_notes", "real_phrase_p10", "real_phrase_p90",
        "coherent_solos",
    ]  # fmt: skip


def test_only_generated_sets_have_rows(line):
    score = line([60, 64, 67, 72], chords={0: "C"})
    rows = coherence_of({"model": [score, score], "real": [score], "floor": [score]})
    assert rows == {"model": coherence([score] * 2, [score]).estimates()}
    assert {estimate.n for estimate in rows["model"].values()} == {2}
    assert set(rows["model"]) == {name for shown in SHOWN for name in shown.names}


def test_verdicts_are_shown_with_their_values(line):
    score = line([60, 64, 67, 72], chords={0: "C"})
    runs = {"original": 0.0, "coverage_8": 0.5, "longest_run": 20.0, "longest_run_most": 31.0}
    yardstick = {"coverage_8_high": 0.25, "longest_run_high": 12.0, "longest_run_most_high": 15.0}
    content = {"model": flat(coherence([score], [score]).estimates()) | runs, SELF: yardstick}
    verdicts = family_verdicts(content, "model")
    assert [verdict.figure for verdict in verdicts] == list(VERDICTS)
    assert [verdict.met for verdict in verdicts] == [False, True, True, True]
    assert verdicts[0].words == (
        "50.0% of runs of 8 intervals occur in training solos (limit 25.0%); longest run of a solo: 20.0 intervals in "
        "the mean (limit 12.0), 31 at most (limit 15)"
    )
    assert verdicts[2].value == "100%"
    assert verdicts[2].clause.startswith("of 1 solos follow their changes (required: ")
    assert verdicts[2].clause.endswith("95% interval 21% to 100%")
    assert verdicts[3].words == "4 of 4 bebop traits lie in the range of real solos, mean of 1 solos"
    assert family_verdicts({}, "model") == []


def test_real_parker_is_coherent_and_his_notes_in_another_order_are_not(real_solos):
    """Negative control: shuffled pitches keep the phrases, but lose the changes and the traits."""
    parker = [
        e
        for key in ("parker/omnibook", "parker/wjazzd")
        for s in real_solos[key]
        for e in excerpts(in_full_bars(s), 128)
    ]
    random = np.random.default_rng(0)
    shuffled = []
    for score in parker[::2]:
        notes = score.notes.copy()
        notes["pitch"] = random.permutation(notes["pitch"])
        shuffled.append(replace(score, notes=notes))
    real = flat(coherence(parker[::2], parker[1::2]).estimates())
    broken = flat(coherence(shuffled, parker[1::2]).estimates())
    verdicts = ("coherent_phrases", "coherent_changes", "coherent_traits")
    assert [real[name] for name in verdicts] == [1, 1, 1]
    assert [broken[name] for name in verdicts] == [1, 0, 0]
