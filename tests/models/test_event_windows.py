from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from yardbird.errors import InputError
from yardbird.models.music_transformer.event_windows import (
    MeasuringWindows,
    Sequence,
    TrainingWindows,
    read_sequences,
    read_tokens,
)

PAD = 0


def test_sequences_are_those_of_the_split(encoded: Path) -> None:
    train, validation = read_sequences(encoded, "train"), read_sequences(encoded, "validation")
    assert [len(train), len(validation)] == [4, 2]
    assert validation[0].start == sum(sequence.length for sequence in train)


def test_a_split_without_solos_gives_a_one_line_error(encoded: Path) -> None:
    with pytest.raises(InputError, match=r": expected solos of the holdout split, found none"):
        read_sequences(encoded, "holdout")


def test_training_windows_are_parts_of_training_sequences(encoded: Path) -> None:
    tokens = read_tokens(encoded)
    solos = [tokens[s.start : s.start + s.length].astype(np.int64) for s in read_sequences(encoded, "train")]
    windows = TrainingWindows(encoded, 48, PAD, None, seed=0)
    for index in range(len(windows)):
        window = windows[index]["tokens"].numpy()
        assert window.shape == (49,)
        content = window[window != PAD]
        places = [
            any(np.array_equal(solo[at : at + len(content)], content) for at in range(len(solo) - len(content) + 1))
            for solo in solos
        ]
        assert any(places)
        assert len(content) == 49 or any(np.array_equal(content, solo) for solo in solos), "only whole solos are padded"


def test_an_epoch_covers_each_sequence_about_once_by_length(encoded: Path) -> None:
    sequences = read_sequences(encoded, "train")
    windows = TrainingWindows(encoded, 48, PAD, None, seed=0)
    assert len(windows) == sum(max(1, -(-(sequence.length - 1) // 48)) for sequence in sequences)
    longest = max(sequences, key=lambda sequence: sequence.length)
    seen = np.zeros(longest.length)
    solo = read_tokens(encoded)[longest.start : longest.start + longest.length].astype(np.int64)
    places = np.lib.stride_tricks.sliding_window_view(solo, 49)
    for epoch in range(40):
        windows.set_epoch(epoch)
        for index in range(len(windows)):
            matches = np.flatnonzero((places == windows[index]["tokens"].numpy()).all(axis=1))
            if len(matches) == 1:
                seen[matches[0] : matches[0] + 49] += 1
    assert np.all(seen >= 10), "every position is sampled often, including the opening and the end"
    assert 0.8 < seen.mean() / 40 < 1.3


def test_a_window_is_a_function_of_seed_epoch_and_index(encoded: Path) -> None:
    def draw(seed: int, epoch: int) -> list[list[int]]:
        windows = TrainingWindows(encoded, 48, PAD, 10, seed)
        windows.set_epoch(epoch)
        backwards = [windows[index]["tokens"].tolist() for index in reversed(range(10))]
        return backwards[::-1]

    assert draw(0, 1) == draw(0, 1)
    assert draw(0, 1) != draw(0, 2)
    assert draw(0, 1) != draw(1, 1)


def test_short_epochs_together_visit_every_part(encoded: Path) -> None:
    whole = len(TrainingWindows(encoded, 48, PAD, None, seed=0))
    windows = TrainingWindows(encoded, 48, PAD, 1, seed=0)
    openings = set()
    for epoch in range(whole):
        windows.set_epoch(epoch)
        openings.add(tuple(windows[0]["tokens"].tolist()))
    assert len(openings) == whole
    with pytest.raises(IndexError):
        windows[1]


def test_a_share_of_the_windows_is_rearranged_if_possible(encoded: Path) -> None:
    calls: list[int] = []

    def reversed_end(solo: np.ndarray, place: int, random: np.random.Generator) -> np.ndarray | None:
        calls.append(place)
        assert any(np.array_equal(solo, tokens[s.start : s.start + s.length]) for s in read_sequences(encoded, "train"))
        assert 0 <= place < max(len(solo), 48)
        return solo[: -1 - int(random.integers(5, 9)) : -1] if len(solo) > 48 else None

    tokens = read_tokens(encoded)
    plain = TrainingWindows(encoded, 48, PAD, 400, seed=0)
    mixed = TrainingWindows(encoded, 48, PAD, 400, 0, rearrange=reversed_end, share=0.25)
    kinds = []
    for index in range(400):
        window = mixed[index]["tokens"].numpy()
        assert window.shape == (49,)
        same = np.array_equal(window, plain[index]["tokens"].numpy())
        kinds.append(same)
        assert same or 5 <= np.count_nonzero(window != PAD) <= 8
    assert 0.17 < len(calls) / 400 < 0.33
    assert 0 < kinds.count(False) <= len(calls)
    assert np.array_equal(mixed[7]["tokens"], mixed[7]["tokens"])


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=4), context=st.integers(1, 20))
def test_each_token_but_the_first_is_scored_once_with_half_a_context_before_it(
    lengths: list[int], context: int
) -> None:
    tokens = np.arange(1, sum(lengths) + 1, dtype=np.uint16)  # every token is its own position, from 1
    starts = np.cumsum([0, *lengths[:-1]])
    sequences = [Sequence(int(start), length) for start, length in zip(starts, lengths, strict=True)]
    windows = MeasuringWindows(tokens, sequences, context, PAD)
    scored: list[int] = []
    for index in range(len(windows)):
        item = windows[index]
        targets = item["tokens"][1:][item["scored"]].tolist()
        scored += targets
        for target in targets:
            seen = int((item["tokens"] == target).nonzero()[0, 0])
            before = target - 1 - max(int(start) for start in starts if start < target)
            assert seen >= min(before, context // 2)
            assert torch.all(item["tokens"][:seen] == torch.arange(target - seen, target))
    firsts = {int(start) + 1 for start in starts}
    assert scored == [token for token in tokens.tolist() if token not in firsts]
