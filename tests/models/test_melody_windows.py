from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from table_rows import filled

from yardbird.codecs.melody import HOLD, PAD, MelodyCodec, chord_features
from yardbird.errors import InputError
from yardbird.models.music_vae.melody_windows import MelodyWindows, padded
from yardbird.music.score import Score, make_notes
from yardbird.tables.encoded_tables import EncodedRow, write_index

Melodies = dict[str, list[Score]]


def windows(
    encoded: Path, bars: int = 2, split: str = "train", hop: int = 1, count: int | None = None, seed: int = 0
) -> MelodyWindows:
    return MelodyWindows(encoded, split, bars, hop=hop, windows_per_epoch=count, seed=seed)


def expected(codec: MelodyCodec, scores: list[Score], bars: int, hop: int) -> Counter[bytes]:
    """Every window of every solo, padded, except silent windows and those with half or more beyond the solo's end."""
    found: Counter[bytes] = Counter()
    for score in scores:
        melody = codec.encode(score)
        count = len(melody.frame)
        for first in range(0, count, hop):
            rows = melody.steps[first : first + bars]
            beyond = first + bars - count
            if (rows < HOLD).any() and (first == 0 or beyond < bars / 2):
                filled = np.concatenate([rows, np.full((bars - len(rows), rows.shape[1]), PAD, dtype=np.uint8)])
                found[filled.tobytes()] += 1
    return found


def content(dataset: MelodyWindows) -> Counter[bytes]:
    return Counter(dataset[index]["steps"].numpy().astype(np.uint8).tobytes() for index in range(len(dataset)))


@pytest.mark.parametrize("bars", [1, 2, 3, 4, 16])
@pytest.mark.parametrize("hop", [1, "bars"])
def test_a_round_contains_every_window_once(
    melody_encoded: Path, melody_codec: MelodyCodec, melodies: Melodies, bars: int, hop: int | str
) -> None:
    hop = bars if hop == "bars" else 1
    for split in ("train", "validation"):
        round_ = content(windows(melody_encoded, bars, split, hop))
        assert round_ == expected(melody_codec, melodies[split], bars, hop)


@pytest.mark.parametrize("bars", [2, 4, 16])
def test_every_bar_with_a_note_is_trained_on(
    melody_encoded: Path, melody_codec: MelodyCodec, melodies: Melodies, bars: int
) -> None:
    dataset = windows(melody_encoded, bars)
    seen = {row.numpy().astype(np.uint8).tobytes() for index in range(len(dataset)) for row in dataset[index]["steps"]}
    for score in melodies["train"]:
        rows = melody_codec.encode(score).steps
        assert {row.tobytes() for row in rows if (row < HOLD).any()} <= seen


def test_velocities_and_chords_are_aligned_with_the_steps(
    melody_encoded: Path, melody_codec: MelodyCodec, melodies: Melodies
) -> None:
    dataset = windows(melody_encoded)
    solos = [melody_codec.encode(score) for score in melodies["train"]]
    for index in range(len(dataset)):
        item = {name: values.numpy() for name, values in dataset[index].items()}
        assert np.array_equal(item["velocities"] > 0, item["steps"] < HOLD)
        places = [
            np.array_equal(padded(solo.frame.chords[at : at + 2], 2, 0), packed)
            and np.array_equal(padded(solo.velocities[at : at + 2], 2, 0), item["velocities"])
            for solo in solos
            for at in range(len(solo.frame))
            for packed in [padded(solo.frame.chords[at : at + 2], 2, 0)]
            if np.array_equal(padded(solo.steps[at : at + 2], 2, PAD), item["steps"])
            and np.array_equal(chord_features(packed), item["chords"])
        ]
        assert any(places)


def test_an_epoch_continues_where_the_previous_one_stopped(melody_encoded: Path) -> None:
    everything = content(windows(melody_encoded))
    total = everything.total()
    short = windows(melody_encoded, count=10)
    assert len(short) == 10
    seen: list[bytes] = []
    for epoch in range(-(-2 * total // 10)):
        short.set_epoch(epoch)
        seen += content_in_order(short)
    assert Counter(seen[:total]) == Counter(seen[total : 2 * total]) == everything
    assert seen[:total] != seen[total : 2 * total], "each round has its own order"


def content_in_order(dataset: MelodyWindows) -> list[bytes]:
    return [dataset[index]["steps"].numpy().astype(np.uint8).tobytes() for index in range(len(dataset))]


def test_a_window_depends_only_on_seed_epoch_and_index(melody_encoded: Path) -> None:
    first, again, other = windows(melody_encoded), windows(melody_encoded), windows(melody_encoded, seed=1)
    again.set_epoch(3)
    backwards = [again[index]["steps"] for index in reversed(range(len(again)))]
    again.set_epoch(0)
    assert content_in_order(first) == content_in_order(again)
    assert content_in_order(first) != content_in_order(other)
    first.set_epoch(3)
    assert all(
        torch.equal(first[index]["steps"], steps)
        for index, steps in zip(reversed(range(len(first))), backwards, strict=True)
    )
    with pytest.raises(IndexError):
        _ = first[len(first)]


def test_a_split_without_solos_gives_a_one_line_error(melody_encoded: Path) -> None:
    with pytest.raises(InputError, match=r"expected solos of the holdout split, found none"):
        windows(melody_encoded, split="holdout")


@pytest.mark.parametrize("count", [None, 10])
def test_a_split_of_silence_gives_a_one_line_error(
    tmp_path: Path, melody_codec: MelodyCodec, count: int | None
) -> None:
    """With `windows_per_epoch`, the dataset once had the configured length and then divided by zero."""
    silence = melody_codec.encode(Score(4, make_notes([]), 64))
    for name, grid in (("steps", silence.steps), ("velocities", silence.velocities), ("chords", silence.frame.chords)):
        np.save(tmp_path / f"{name}.npy", grid)
    write_index(tmp_path, [filled(EncodedRow, split="train", length=4)])
    with pytest.raises(InputError, match=r"expected solos of the train split, found no notes in its 1 solo"):
        windows(tmp_path, count=count)
