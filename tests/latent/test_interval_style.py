import numpy as np
import pytest
import torch
import torch.nn.functional as F
from moved_solos import BAR

from yardbird.codecs.melody import CLASSES, HOLD, REST
from yardbird.latent.interval_style import INTERVALS, expected_log_ratio, interval_table
from yardbird.music.score import Score, make_notes


def solo(pitches):
    return Score(12, make_notes([(12 * at, 6, pitch, 80) for at, pitch in enumerate(pitches)]), BAR)


def test_every_row_of_a_table_is_a_distribution_and_counts_raise_it():
    table = interval_table([solo([60, 61, 62, 63, 64]), solo([60, 90]), solo([60]), solo([])])
    assert np.exp(table).sum(axis=1) == pytest.approx(1)
    assert table.shape == (INTERVALS + 1, INTERVALS)
    semitone, octave = 12 + 1, 12 + 12
    assert table[semitone].argmax() == semitone, "after a semitone, most often another"
    assert table[INTERVALS, octave] > table[semitone, octave], "30 semitones count as an octave, a first interval"


def slow_log_ratio(ratios, probabilities, steps):
    """Note by note, pitch by pitch, as the definition says."""

    def clipped(interval):
        return int(np.clip(interval, -12, 12)) + 12

    line = steps.flatten().tolist()
    found = [(at, step) for at, step in enumerate(line) if step < HOLD]
    sums, counts = np.zeros(len(steps)), np.zeros(len(steps))
    for index in range(1, len(found)):
        at, _ = found[index]
        before = found[index - 1][1]
        context = INTERVALS if index == 1 else clipped(before - found[index - 2][1])
        ratio = 0.0
        for pitch in range(HOLD):
            own = ratios[context, clipped(pitch - before)]
            if index + 1 < len(found):
                own += ratios[clipped(pitch - before), clipped(found[index + 1][1] - pitch)]
            ratio += float(probabilities.reshape(-1, CLASSES)[at, pitch]) * own
        window = at // steps[0].numel()
        sums[window] += ratio
        counts[window] += 1
    return sums / np.maximum(counts, 1)


@pytest.mark.parametrize("notes", [0, 1, 2, 9])
def test_the_expected_log_ratio_equals_a_slow_sum_over_notes_and_pitches(notes):
    rng = np.random.default_rng(notes)
    steps = torch.full((2, 2, 6), REST)
    places = np.sort(rng.permutation(24)[:notes])
    steps.view(-1)[torch.from_numpy(places)] = torch.from_numpy(rng.integers(40, 80, notes))
    probabilities = torch.rand(2, 2, 6, CLASSES, generator=torch.Generator().manual_seed(notes)).softmax(-1)
    ratios = rng.standard_normal((INTERVALS + 1, INTERVALS))
    found = expected_log_ratio(ratios)(probabilities, steps)
    assert found.numpy() == pytest.approx(slow_log_ratio(ratios, probabilities, steps), abs=1e-4)


def test_the_expected_log_ratio_is_higher_for_the_player_whose_intervals_they_are():
    semitones, thirds = [solo([60, 61, 62, 63])], [solo([60, 64, 67, 71])]
    value = expected_log_ratio(interval_table(semitones) - interval_table(thirds))
    for pitches, sign in (([70, 71, 72, 73], 1), ([70, 74, 77, 81], -1)):
        steps = torch.tensor(pitches)[None, None]
        assert value(F.one_hot(steps, CLASSES).float(), steps).sign() == sign
