"""An artist's intervals as probabilities, and the decoder's expected log ratio of two artists.

The log ratio of two n-gram models identifies a player from melody alone (see `judges.style_judges`). Here its
expectation under the decoder's probabilities is differentiable, so a solo can climb it (`gradient_climbing`). A climb
changes pitches, and almost no rhythm.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from yardbird.codecs.melody import HOLD
from yardbird.metrics.style import LARGEST_INTERVAL
from yardbird.models.music_vae.vae_model import StepValue
from yardbird.music.score import Floats, Score

INTERVALS = 2 * LARGEST_INTERVAL + 1
_FIRST = INTERVALS  # context of the first interval of a solo
_WEIGHT = 10.0  # of the marginal distribution, in intervals, in each context


def interval_table(scores: Sequence[Score]) -> Floats:
    """Log probability of each interval after each interval, (INTERVALS + 1, INTERVALS); the last row is the first one.

    Intervals larger than an octave count as an octave. Each row is smoothed towards the distribution of all intervals.
    """
    counts = np.zeros((INTERVALS + 1, INTERVALS))
    for score in scores:
        intervals = np.clip(np.diff(score.pitches), -LARGEST_INTERVAL, LARGEST_INTERVAL) + LARGEST_INTERVAL
        np.add.at(counts, (np.concatenate([[_FIRST], intervals[:-1]])[: len(intervals)], intervals), 1)
    marginal = (counts.sum(axis=0) + 1) / (counts.sum() + INTERVALS)
    table: Floats = np.log((counts + _WEIGHT * marginal) / (counts.sum(axis=1, keepdims=True) + _WEIGHT))
    return table


def expected_log_ratio(ratios: Floats) -> StepValue:
    """The expected log ratio in nats a note, mean over the notes of each window.

    A pitch at a step counts the interval to it and the interval from it to the next note. Its neighbours are the
    most probable notes.

    Args:
        ratios: the difference of two `interval_table`s.
    """
    table = torch.from_numpy(ratios.astype(np.float32))

    def clipped(interval: Tensor) -> Tensor:
        return interval.clamp(-LARGEST_INTERVAL, LARGEST_INTERVAL) + LARGEST_INTERVAL

    def log_ratio(probabilities: Tensor, steps: Tensor) -> Tensor:
        line, of = steps.flatten(), table.to(steps.device)
        notes = torch.nonzero(line < HOLD)[:, 0]
        pitches = line[notes]
        moves = clipped(pitches[1:] - pitches[:-1])
        before = torch.cat([moves.new_tensor([_FIRST]), moves])[: len(moves)]  # context of each move
        anything = torch.arange(HOLD, device=line.device)
        there = clipped(anything - pitches[:-1, None])  # (moves, HOLD): from the note before to any pitch
        onwards = torch.zeros(there.shape, device=line.device)
        onwards[:-1] = of[there[:-1], clipped(pitches[2:, None] - anything)]
        ratio = ((of[before[:, None], there] + onwards) * probabilities.flatten(0, 2)[notes[1:], :HOLD]).sum(-1)
        window = notes[1:] // steps[0].numel()
        counts = torch.bincount(window, minlength=len(steps)).clamp(min=1)
        return torch.zeros(len(steps), device=line.device).index_add(0, window, ratio) / counts

    return log_ratio
