"""Clips of codes with captions and score frames: random cuts for training, fixed windows for measuring."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from yardbird import files
from yardbird.config import PositiveFloat, PositiveInt, Settings, Share
from yardbird.models.family import TARGET_ALONE, Batch, Rounds
from yardbird.models.musicgen.score_condition import GROUPS
from yardbird.music.score_frames import ScoreFrames, key_and_beats
from yardbird.seeds import generator
from yardbird.tables.clip_tables import read_clip_index

Codes = NDArray[np.int16]
TextIds = Callable[[Sequence[str]], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class ClipsConfig(Settings, section="musicgen.clips"):
    """Section `musicgen.clips`: how clips are presented in training."""

    context_seconds: PositiveFloat  # the model's context; longer clips are cut at a random place
    per_epoch: PositiveInt | None  # null: each clip once
    caption_dropout: Share  # share of the clips without caption and score, which classifier-free guidance requires
    notes_shown: Share  # share of the other clips whose notes, or chroma, the model sees; the rest have key and tempo
    key_shown: Share
    chords_shown: Share
    beats_shown: Share

    @property
    def shown(self) -> tuple[float, ...]:
        """The shares in the order of `score_condition.GROUPS`."""
        return self.notes_shown, self.key_shown, self.chords_shown, self.beats_shown, self.notes_shown


@dataclass(frozen=True)
class Clip:
    """The place of a clip in the packed codes, and its captions. The first caption is the most complete."""

    start: int
    length: int
    captions: tuple[str, ...]


def read_clips(encoded: Path, split: str) -> list[Clip]:
    """The clips of a split, in the order of the index.

    Raises:
        InputError: the split has no clips.
    """
    return [Clip(row.start, row.length, row.captions) for row in read_clip_index(encoded, split)]


def read_codes(encoded: Path) -> Codes:
    """All clips, concatenated and memory-mapped: (frames, codebooks)."""
    codes: Codes = files.read_array(encoded / "codes.npy")
    return codes


def read_score_frames(encoded: Path) -> ScoreFrames:
    """The score frames of all clips, memory-mapped, with the places of their codes: (frames, columns)."""
    frames: ScoreFrames = files.read_array(encoded / "score_frames.npy")
    return frames


class TrainingClips(Dataset[Batch]):
    """Clips in random order, each with one of its captions at random, and a random part of its score.

    Items are {"codes": (codebooks, context), "score": (context, columns of `ScoreFrames`), "text": (words,), "mask":
    (words,)}. Shorter clips are padded on the right to the context, or to the longest clip if that is shorter. `Rounds`
    orders the clips; none is background. An item is a function of (seed, epoch, index) alone.
    """

    def __init__(
        self, encoded: Path, context: int, config: ClipsConfig, pad_id: int, text_ids: TextIds, seed: int
    ) -> None:
        self._codes, self._clips = read_codes(encoded), read_clips(encoded, "train")
        self._frames = read_score_frames(encoded)
        shown = zip(GROUPS, config.shown, strict=True)
        self._shown = [(group, share) for group, share in shown if max(group) < self._frames.shape[1]]
        self._texts = _Texts([caption for clip in self._clips for caption in clip.captions], text_ids)
        self._context = min(context, max(clip.length for clip in self._clips))
        self._pad_id, self._seed, self._epoch = pad_id, seed, 0
        self._rounds = Rounds(len(self._clips), 0, TARGET_ALONE, config.per_epoch, seed)

    def __len__(self) -> int:
        return len(self._rounds)

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch
        self._rounds.set_epoch(epoch)

    def __getitem__(self, index: int) -> Batch:
        clip = self._clips[self._rounds[index]]
        rng = generator(self._seed, "clip", self._epoch, index)
        caption = clip.captions[int(rng.integers(len(clip.captions)))]
        offset = int(rng.integers(max(0, clip.length - self._context) + 1))
        score = _cut(self._frames, clip, offset, self._context, 0).T
        for columns, share in self._shown:
            if rng.random() >= share:
                score[:, columns] = 0
        codes = _cut(self._codes, clip, offset, self._context, self._pad_id)
        return {"codes": codes, "score": score, **self._texts[caption]}


class MeasuringClips(Dataset[Batch]):
    """Whole clips with their first captions. Clips longer than the context are cut into overlapping windows.

    Items are those of `TrainingClips`, with the key and the beats of the score, and "scored" (context,), which marks
    the frames to score in this window. Each frame of a clip is scored exactly once, given at least half a context or
    the whole beginning of the clip.

    Args:
        codes: (frames, codebooks) of all clips; `score` is (frames, columns) at the same frames.
    """

    def __init__(
        self, codes: Codes, score: ScoreFrames, clips: Sequence[Clip], context: int, pad_id: int, text_ids: TextIds
    ) -> None:
        self._codes, self._score, self._pad_id = codes, key_and_beats(score), pad_id
        self._context = context = min(context, max(clip.length for clip in clips))
        self._texts = _Texts([clip.captions[0] for clip in clips], text_ids)
        self._hop = (context + 1) // 2
        self._places = [
            (clip, self._hop * number)
            for clip in clips
            for number in range(1 + -(-max(0, clip.length - context) // self._hop))
        ]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Batch:
        clip, offset = self._places[index]
        frames = torch.arange(self._context)
        scored = (frames < clip.length - offset) & (frames >= (self._context - self._hop if offset else 0))
        codes = _cut(self._codes, clip, offset, self._context, self._pad_id)
        score = _cut(self._score, clip, offset, self._context, 0).T
        return {"codes": codes, "score": score, **self._texts[clip.captions[0]], "scored": scored}


class _Texts:
    """Token ids of captions, padded to one length."""

    def __init__(self, captions: Sequence[str], text_ids: TextIds) -> None:
        unique = list(dict.fromkeys(captions))
        self._rows = {caption: row for row, caption in enumerate(unique)}
        self._ids, self._mask = text_ids(unique)

    def __getitem__(self, caption: str) -> Batch:
        row = self._rows[caption]
        return {"text": self._ids[row], "mask": self._mask[row]}


def _cut(rows: Codes | ScoreFrames, clip: Clip, offset: int, context: int, pad: int) -> Tensor:
    """`context` frames of a clip from `offset` on, (columns, context), padded on the right."""
    stop = min(offset + context, clip.length)
    window = torch.full((rows.shape[1], context), pad)
    frames = rows[clip.start + offset : clip.start + stop].astype(np.int64)
    window[:, : stop - offset] = torch.from_numpy(frames.T)
    return window
