from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_audio import LENGTHS, write_encoded
from torch import Tensor

from yardbird.errors import ConfigError, InputError
from yardbird.models.musicgen.code_windows import (
    Clip,
    ClipsConfig,
    MeasuringClips,
    TrainingClips,
    read_clips,
    read_codes,
    read_score_frames,
)
from yardbird.music.score_frames import AGE, BAR_BEAT, BEAT, CHORD, KEY, NOTE

PAD, CONTEXT = 16, 20
CLIPS = ClipsConfig(
    context_seconds=0.4, per_epoch=None, caption_dropout=0.1, notes_shown=0.2, key_shown=0.8, chords_shown=0.0,
    beats_shown=1.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoded(tmp_path_factory.mktemp("clips") / "audio")


def letters(captions: Sequence[str]) -> tuple[Tensor, Tensor]:
    """A caption as the codes of its letters."""
    longest = max(map(len, captions))
    ids = torch.tensor([[ord(letter) for letter in caption.ljust(longest)] for caption in captions])
    return ids, (ids != ord(" ")).long()


def caption_of(item: object) -> str:
    return "".join(chr(letter) for letter in item["text"].tolist()).rstrip()  # type: ignore[index]


def training(encoded: Path, per_epoch: int | None = None, seed: int = 0) -> TrainingClips:
    return TrainingClips(encoded, CONTEXT, replace(CLIPS, per_epoch=per_epoch), PAD, letters, seed)


def test_every_clip_comes_once_per_round_for_any_length_of_epoch(encoded: Path) -> None:
    clips = training(encoded, per_epoch=4)
    lengths: Counter[int] = Counter()
    for epoch in range(3):  # two rounds of six
        clips.set_epoch(epoch)
        lengths.update(int((clips[index]["codes"][0] != PAD).sum()) for index in range(len(clips)))
    assert lengths == Counter(2 * [min(length, CONTEXT) for length in LENGTHS["train"]])


def test_a_window_is_a_part_of_its_clip_and_short_clips_are_padded_on_the_right(encoded: Path) -> None:
    clips, packed = training(encoded), read_codes(encoded)
    known = {clip.captions[0]: clip for clip in read_clips(encoded, "train")}
    offsets = set()
    for epoch in range(30):
        clips.set_epoch(epoch)
        for item in (clips[index] for index in range(len(clips))):
            codes = item["codes"].numpy()
            frames = int((codes[0] != PAD).sum())
            assert (codes[:, frames:] == PAD).all()
            places = [
                (clip, offset)
                for clip in known.values()
                for offset in range(clip.length - frames + 1)
                if np.array_equal(packed[clip.start + offset : clip.start + offset + frames].T, codes[:, :frames])
            ]
            assert places
            offsets.update(offset for clip, offset in places if clip.length == 44)
    assert min(offsets) == 0
    assert max(offsets) == 44 - CONTEXT


def test_captions_are_random_in_training_and_complete_in_validation(encoded: Path) -> None:
    clips = training(encoded)
    read_captions = set()
    for epoch in range(40):
        clips.set_epoch(epoch)
        read_captions |= {caption_of(clips[index]) for index in range(len(clips))}
    assert read_captions == {caption for clip in read_clips(encoded, "train") for caption in clip.captions}
    held_out = read_clips(encoded, "validation")
    measured = MeasuringClips(read_codes(encoded), read_score_frames(encoded), held_out, CONTEXT, PAD, letters)
    assert {caption_of(measured[index]) for index in range(len(measured))} == {clip.captions[0] for clip in held_out}


def test_each_part_of_a_score_is_shown_in_its_share_of_the_clips_at_the_frames_of_the_codes(encoded: Path) -> None:
    clips, packed, score = training(encoded), read_codes(encoded), read_score_frames(encoded)
    lengths = {clip.captions[0]: clip for clip in read_clips(encoded, "train")}
    shown: Counter[int] = Counter()
    for epoch in range(60):
        clips.set_epoch(epoch)
        for item in (clips[index] for index in range(len(clips))):
            shown.update(column for column in range(6) if item["score"][:, column].any())
            codes = item["codes"].numpy()
            frames = int((codes[0] != PAD).sum())
            assert not item["score"][frames:].any(), "padding is unknown"
            beats = item["score"][:frames, BEAT].numpy()
            assert any(
                np.array_equal(score[start : start + frames, BEAT], beats)
                and np.array_equal(packed[start : start + frames].T, codes[:, :frames])
                for clip in lengths.values()
                for start in range(clip.start, clip.start + clip.length - frames + 1)
            )
    items = 60 * len(clips)
    assert shown[BEAT] == shown[BAR_BEAT] == items
    assert shown[CHORD] == 0
    assert shown[NOTE] == shown[AGE] == pytest.approx(0.2 * items, rel=0.3)
    assert shown[KEY] == pytest.approx(0.8 * items, rel=0.1)


def test_an_item_depends_only_on_seed_epoch_and_index(encoded: Path) -> None:
    one, other, third = training(encoded), training(encoded), training(encoded, seed=1)
    for clips in (one, other, third):
        clips.set_epoch(2)
    _ = other[3]  # earlier items have no effect
    same = [torch.equal(one[index]["codes"], other[index]["codes"]) for index in range(len(one))]
    apart = [torch.equal(one[index]["codes"], third[index]["codes"]) for index in range(len(one))]
    assert all(same)
    assert not all(apart)
    with pytest.raises(IndexError):
        one[len(one)]


@pytest.mark.parametrize("context", [1, 2, 7, 20, 64])
def test_each_frame_of_a_clip_is_scored_once_after_half_a_context_or_all_before(context: int) -> None:
    codes = np.arange(4 * 45).reshape(45, 4).astype(np.int16)
    clip = Clip(3, 40, ("blues",))
    score = np.arange(6 * 45).reshape(45, 6).astype(np.uint16)
    windows = MeasuringClips(codes, score, [clip], context, 9999, letters)
    scored = []
    for item in (windows[index] for index in range(len(windows))):
        frames = item["codes"][0][item["scored"]]
        scored += frames.tolist()
        first = int(item["scored"].nonzero()[0])
        known = score[frames.numpy() // 4][:, [KEY, BEAT, BAR_BEAT]].astype(np.int64)  # at the same frames
        assert np.array_equal(item["score"][item["scored"]][:, [KEY, BEAT, BAR_BEAT]], known)
        assert not item["score"][:, [NOTE, AGE, CHORD]].any(), "nothing of the line is known"
        assert first >= context // 2 or frames[0] == codes[3, 0]
    assert scored == codes[3:43, 0].tolist()


def test_a_split_without_clips_is_named(encoded: Path) -> None:
    with pytest.raises(InputError, match=r"index\.csv: expected clips of the encore split, found none"):
        read_clips(encoded, "encore")


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("context_seconds", {"context_seconds": 0.0}),
        ("per_epoch", {"per_epoch": 0}),
        ("caption_dropout", {"caption_dropout": 1.1}),
        ("notes_shown", {"notes_shown": -0.1}),
    ],
)
def test_an_invalid_setting_is_named(key: str, settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=rf"^params.yaml: musicgen.clips.{key}: expected "):
        replace(CLIPS, **settings)  # type: ignore[arg-type]
