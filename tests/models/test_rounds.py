"""The windows of an epoch: with background in the first epochs, only the target in the epochs of adaptation."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.models.family import TARGET_ALONE, Mixture, Rounds
from yardbird.models.music_transformer.event_windows import TrainingWindows, read_sequences, read_tokens
from yardbird.models.music_vae.melody_windows import MelodyWindows
from yardbird.seeds import generator
from yardbird.tables.encoded_tables import read_index


def epochs(rounds: Rounds, count: int) -> list[list[int]]:
    shown = []
    for epoch in range(count):
        rounds.set_epoch(epoch)
        shown.append([rounds[index] for index in range(len(rounds))])
    return shown


@given(windows=st.integers(1, 20), per_epoch=st.none() | st.integers(1, 50), seed=st.integers(0, 9))
def test_without_background_the_order_is_what_it_was_before_there_were_roles(
    windows: int, per_epoch: int | None, seed: int
) -> None:
    """The formula before roles were added: models trained without background do not change."""
    size = per_epoch or windows
    expected = []
    for epoch in range(4):
        places = [divmod(epoch * size + index, windows) for index in range(size)]
        expected.append([int(generator(seed, "order", turn).permutation(windows)[place]) for turn, place in places])
    for mixture in (TARGET_ALONE, Mixture(3, 0.5), Mixture(None, 0.5)):
        assert epochs(Rounds(windows, 0, mixture, per_epoch, seed), 4) == expected


@given(
    target=st.integers(1, 20),
    background=st.integers(1, 20),
    mixture=st.builds(Mixture, st.none() | st.integers(0, 5), st.floats(0, 0.95)),
    per_epoch=st.none() | st.integers(1, 40),
)
def test_each_role_comes_in_successive_complete_rounds(
    target: int, background: int, mixture: Mixture, per_epoch: int | None
) -> None:
    rounds = Rounds(target, background, mixture, per_epoch, 0)
    shown = epochs(rounds, 7)
    for epoch, places in enumerate(shown):
        theirs = [place for place in places if place >= target]
        assert len(theirs) == (
            round(mixture.share * len(rounds)) if mixture.epochs is None or epoch < mixture.epochs else 0
        )
    for first, size in ((0, target), (target, background)):
        own = [place for places in shown for place in places if first <= place < first + size]
        for start in range(0, len(own) - size + 1, size):
            assert sorted(own[start : start + size]) == list(range(first, first + size))


def test_a_place_is_a_function_of_the_epoch_and_the_index(tmp_path: Path) -> None:
    """So a training that resumes in either phase has the same windows."""
    expected = epochs(Rounds(7, 5, Mixture(2, 0.5), 11, 3), 5)
    for epoch in (4, 1, 3):
        rounds = Rounds(7, 5, Mixture(2, 0.5), 11, 3)
        rounds.set_epoch(epoch)
        assert [rounds[index] for index in reversed(range(11))] == expected[epoch][::-1]


def with_background(encoded: Path, folder: Path) -> Path:
    """The same corpus with its first training solo as background."""
    shutil.copytree(encoded, folder)
    header, first, *rest = (folder / "index.csv").read_text().splitlines()
    (folder / "index.csv").write_text("\n".join([header, first.replace(",target,", ",background,"), *rest]) + "\n")
    return folder


def training_windows(folder: Path) -> Any:
    return TrainingWindows(folder, 48, 0, 30, 0, Mixture(2, 0.4))


def melody_windows(folder: Path) -> Any:
    return MelodyWindows(folder, "train", 2, hop=1, windows_per_epoch=30, seed=0, mixture=Mixture(2, 0.4))


def of_tokens(folder: Path, item: Any) -> bool:
    """Whether a window is background, i.e. from the first solo of the corpus."""
    (solo,) = read_sequences(folder, "train", "background")
    tokens, window = read_tokens(folder)[: solo.length].astype(np.int64), item["tokens"].numpy()
    content = window[window != 0]
    return any(np.array_equal(tokens[at : at + len(content)], content) for at in range(solo.length - len(content) + 1))


def of_steps(folder: Path, item: Any) -> bool:
    length = read_index(folder)[0].length
    steps = np.load(folder / "steps.npy")[:length]
    return any(np.array_equal(steps[at : at + 2], item["steps"].numpy()) for at in range(length - 1))


@pytest.mark.parametrize(
    ("corpus", "make", "is_background"),
    [("encoded", training_windows, of_tokens), ("melody_encoded", melody_windows, of_steps)],
)
def test_windows_mix_background_in_and_then_adapt_to_the_target_alone(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    corpus: str,
    make: Callable[[Path], Any],
    is_background: Callable[[Path, Any], bool],
) -> None:
    folder = with_background(request.getfixturevalue(corpus), tmp_path / "encoded")
    windows = make(folder)
    assert windows.mixed_epochs == 2
    counts = []
    for epoch in range(4):
        windows.set_epoch(epoch)
        counts.append(sum(is_background(folder, windows[index]) for index in range(len(windows))))
    assert counts == [12, 12, 0, 0]
    assert make(request.getfixturevalue(corpus)).mixed_epochs == 0, "without background there is one phase"
