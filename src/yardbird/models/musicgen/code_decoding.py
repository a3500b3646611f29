"""Sampling of sound codes from captions, with the delay pattern, classifier-free guidance and a key-value cache.

Copet et al. 2023, arXiv 2306.05284 (§2.2 the delay pattern, §3.1 guidance), as in `MusicgenForConditionalGeneration`.
Sound longer than the context of training is made in windows.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from yardbird.errors import InputError
from yardbird.models.family_kinds import Codes
from yardbird.models.musicgen.delay_pattern import delayed, undelayed
from yardbird.models.musicgen.score_condition import adding
from yardbird.music.score_frames import BAR_BEAT, BEAT, ScoreFrames
from yardbird.nn.evaluating import evaluating
from yardbird.nn.sampling import Sampling, SoundSampling, choose, row_generators
from yardbird.progress import progress
from yardbird.time_budget import check_time

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import MusicgenForConditionalGeneration

_UNKNOWN = -1


class Singer(Protocol):
    """The interface of a family for decoding."""

    @property
    def model(self) -> "MusicgenForConditionalGeneration": ...

    @property
    def context_frames(self) -> int: ...

    @property
    def pad_id(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def has_melody(self) -> bool: ...

    def text_ids(self, captions: Sequence[str], /) -> tuple[Tensor, Tensor]: ...

    def text_states(self, ids: Tensor, mask: Tensor, /) -> Tensor: ...

    def score_states(self, score: Tensor, steps: int, /) -> Tensor: ...

    def conditions(self, states: Tensor, mask: Tensor, score: Tensor, /) -> dict[str, Tensor]: ...


def generate(
    family: Singer,
    captions: Sequence[str],
    frames: int,
    sampling: SoundSampling,
    seed: int,
    primes: Sequence[Codes] | None,
    scores: Sequence[ScoreFrames],
) -> Codes:
    """Sample exactly `frames` frames of codes for each caption, (captions, codebooks, frames), without pads.

    Row i samples from its own random stream, derived from `seed` and i, independently of the other rows. Dropout is
    off.

    The model sees at most `family.context_frames` frames. Longer sound is made in windows of that length. Each window
    begins with the newer half of the previous window as its prime. The places of the windows do not depend on `primes`.

    Args:
        primes: the beginning of each sound, (codebooks, its frames), possibly empty. They are kept unchanged.
        scores: what each sound follows, (frames, columns).

    Raises:
        InputError: the model's logits are not finite.
    """
    model = family.model
    codes = torch.full((len(captions), model.decoder.num_codebooks, frames), _UNKNOWN)
    for row, prime in enumerate(primes or ()):
        assert prime.shape[1] <= frames, "a prime must not be longer than the sound"
        codes[row, :, : prime.shape[1]] = torch.from_numpy(prime.astype(np.int64))
    score = torch.from_numpy(np.stack(scores).astype(np.int64))
    generators = row_generators(seed, len(captions))
    with evaluating(model), torch.inference_mode():
        conditioned = _Conditioned(family, captions, sampling.guidance)
        for start in window_starts(frames, family.context_frames):
            window = slice(start, start + family.context_frames)
            _fill(
                conditioned, codes[:, :, window], score[:, window], sampling.tokens, generators
            )  # writes into `codes`
    return codes.numpy().astype(np.int16)


def window_starts(frames: int, context: int) -> range:
    """The start of each window of `context` frames. Windows overlap by half a context."""
    overlap = context // 2
    return range(0, max(1, frames - overlap), context - overlap)


class _Conditioned:
    """The model with its captions and scores and, if guidance needs it, in a second half of the batch without them.

    The second half keeps the beats, because guidance on them gives too many onsets.
    """

    def __init__(self, family: Singer, captions: Sequence[str], guidance: float) -> None:
        self._family, self._model, self._guidance = family, family.model, guidance
        self.pad_id, self.channels = family.pad_id, family.channels
        ids, mask = (tensor.to(self._model.device) for tensor in family.text_ids(captions))
        states = family.text_states(ids, mask)
        if guidance != 1:
            # No caption: states of zero with an open mask. Transformers masks all states instead, which is a softmax
            # over nothing, and some kernels then return NaN.
            states, mask = torch.cat([states, torch.zeros_like(states)]), torch.cat([mask, torch.ones_like(mask)])
        self._states, self._mask, self._halves = states, mask, 1 if guidance == 1 else 2

    def start(self, score: Tensor, steps: int) -> None:
        """Clear the cache, for a window of `steps` steps that follows a score (rows, frames, columns)."""
        from transformers import DynamicCache, EncoderDecoderCache
        from transformers.cache_utils import Cache

        from yardbird.models.musicgen.growing_cache import GrowingLayer

        own = Cache(layer_class_to_replicate=GrowingLayer)
        self._cache = EncoderDecoderCache(own, DynamicCache(config=self._model.decoder.config))
        score = score.to(self._model.device)
        if self._halves == 2:
            without = torch.zeros_like(score)
            without[..., [BEAT, BAR_BEAT]] = score[..., [BEAT, BAR_BEAT]]
            score = torch.cat([score, without])
        self._added = self._family.score_states(score, steps)
        self._given = self._family.conditions(self._states, self._mask, score)
        self._seen = 0

    def scores(self, ids: Tensor) -> Tensor:
        """Logits of the codes after `ids` (rows, codebooks, new positions): (rows, codebooks, pad_id), on the CPU."""
        rows, codebooks, positions = ids.shape
        added = self._added[:, self._seen : self._seen + positions]
        self._seen += positions
        with adding(self._model, added):
            logits = self._model.decoder(
                input_ids=ids.repeat(self._halves, 1, 1).reshape(-1, positions).to(self._model.device),
                **self._given,
                past_key_values=self._cache,
                use_cache=True,
            ).logits[:, -1, : self.pad_id]
        if self._family.has_melody:
            self._given = {}  # what is in front of the codes is in the cache now
        halves = cast(Tensor, logits).float().cpu().reshape(self._halves, rows, codebooks, -1)
        if not bool(halves.sum().isfinite()) and not bool(halves.isfinite().all()):
            which = "with the caption" if not bool(halves[0].isfinite().all()) else "without a caption"
            remedy = "use other weights, or set guidance to 1" if which.startswith("without") else "use other weights"
            raise InputError("musicgen", expected="finite scores", found=f"NaN or infinity {which}", remedy=remedy)
        under, without = halves[0], halves[-1]
        return without + self._guidance * (under - without) if self._halves == 2 else under


def _fill(
    conditioned: _Conditioned, codes: Tensor, score: Tensor, sampling: Sampling, generators: Sequence[torch.Generator]
) -> None:
    """Sample the unknown codes of a window (rows, codebooks, frames), in place."""
    pad = conditioned.pad_id
    ids = F.pad(
        delayed(codes, pad, conditioned.channels), (1, 0), value=pad
    )  # the first step is predicted from a column of pads
    unknown = ids == _UNKNOWN
    if not bool(unknown.any()):
        return
    conditioned.start(score, ids.shape[2])
    seen, first = 0, int(unknown.any(0).any(0).nonzero()[0])
    for step in progress(range(first, ids.shape[2]), doing="singing", unit="frame"):
        check_time()
        scores = conditioned.scores(ids[:, :, seen:step])
        seen, drawing = step, unknown[:, :, step]
        if bool(drawing.any()):  # a row still inside its prime keeps the prime's own codes
            streams = [generators[row] for row in drawing.nonzero()[:, 0].tolist()]
            ids[:, :, step][drawing] = choose(scores[drawing], sampling, streams)
    codes.copy_(undelayed(ids[:, :, 1:], conditioned.channels))
