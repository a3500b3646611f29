"""The kinds of family: what a family of tokens, of latents or of sound offers to generation, evaluation and serving.

A family derives from every kind that it is. Code that needs a kind checks it by `isinstance`. A class that lacks a
method of its kind cannot be created.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yardbird.models.family import Family, TokenScores

if TYPE_CHECKING:  # at run time, a sound family does not depend on the note codecs
    from yardbird.codecs.events import EventCodec
    from yardbird.codecs.melody import Frame, MelodyCodec, Steps
    from yardbird.music.score import Score
    from yardbird.music.score_frames import ScoreFrames
    from yardbird.nn.sampling import Constraint, Sampling, SoundSampling

Vectors: TypeAlias = NDArray[np.float32]
#: Codes of sound, (codebooks, frames).
Codes: TypeAlias = NDArray[np.int16]


class TokenFamily(Family):
    """A model of event tokens: it scores sequences, continues them and may fill gaps in them."""

    codec: "EventCodec"

    @property
    @abstractmethod
    def fill_context(self) -> int:
        """The context in tokens for filling bars; 0 if the model was not trained to fill."""

    @abstractmethod
    def score_tokens(self, tokens: ArrayLike) -> TokenScores:
        """Score all tokens except the first of a sequence of any length."""

    @abstractmethod
    def generate(
        self,
        primes: Sequence[ArrayLike],
        constraints: Sequence["Constraint"],
        sampling: "Sampling",
        seed: int,
        max_tokens: int,
        *,
        int8: bool = False,
    ) -> list[NDArray[np.uint16]]:
        """Continue all primes, each until its constraint is finished or it has `max_tokens` tokens, prime included.

        Constraints must be new; this method advances them over the primes. Row i depends on the model, its prime, the
        seed and i. `int8`: with weights rounded to 8 bits (see `yardbird.nn.compiled_decoder`).
        """


class LatentFamily(Family):
    """A model with a latent space over the melody grid, with one point for each window of a solo.

    A latent is the points of a whole solo with the frame (bars, tempo and chords) in which they are decoded. Its type
    belongs to the family.
    """

    codec: "MelodyCodec"

    @property
    @abstractmethod
    def window_bars(self) -> int:
        """The length of a window, in segments of the codec."""

    @abstractmethod
    def encode(self, scores: Sequence["Score"]) -> list[Any]:
        """The latent of each solo: its posterior means."""

    @abstractmethod
    def prior(
        self, frames: Sequence["Frame"], seeds: Sequence[int], before: Sequence["Score | None"] | None = None
    ) -> list[Any]:
        """A latent sampled from the prior in each frame, with its seed; it may continue the score `before` it."""

    @abstractmethod
    def decode(
        self, latents: Sequence[Any], *, sampling: "Sampling", pitch_range: tuple[int, int], seeds: Sequence[int]
    ) -> list["Score"]:
        """The monophonic grid score of each latent, in its frame and with its seed."""

    @abstractmethod
    def posterior(self, score: "Score") -> tuple[Vectors, Vectors]:
        """μ and σ of each window of a solo, (windows, dimensions) each."""

    @abstractmethod
    def score_steps(self, score: "Score", z: Vectors) -> TokenScores:
        """Score all steps of a solo except padding, each after the true steps before it.

        Args:
            z: one point a window, (windows, dimensions).
        """

    @abstractmethod
    def sample_steps(self, score: "Score", z: Vectors) -> "Steps":
        """The steps of greedy decoding, as `Melody.steps`; `z` as in `score_steps`."""


class SoundFamily(Family):
    """A model of sound codes conditioned on captions, and the codec of these codes.

    Attributes:
        sample_rate: of the sound, in Hz.
        frame_rate: frames of codes a second.
        has_melody: whether the chroma of a melody is a condition.
    """

    sample_rate: int
    frame_rate: int
    has_melody: bool

    @abstractmethod
    def untrained(self) -> "SoundFamily":
        """The same model before training.

        Raises:
            InputError: the checkpoint it started from cannot be found.
        """

    @abstractmethod
    def unknown_words(self, caption: str) -> tuple[str, ...]:
        """The words of a caption that the text encoder does not know."""

    @abstractmethod
    def score_codes(
        self, codes: Codes, caption: str, score: "ScoreFrames"
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Nats of each code of a clip of any length, and whether it was the most probable, both shaped like `codes`.

        The model sees the caption, and the key and the beats of the score.
        """

    @abstractmethod
    def generate(
        self,
        captions: Sequence[str],
        frames: int,
        sampling: "SoundSampling",
        seed: int,
        primes: Sequence[Codes] | None = None,
        scores: "Sequence[ScoreFrames] | None" = None,
    ) -> Codes:
        """Codes of exactly `frames` frames a caption, (captions, codebooks, frames).

        Row i depends on the model, its caption, prime and score, the seed and i.

        Args:
            primes: the beginning of each sound, (codebooks, its frames) for each caption. They are kept unchanged.
            scores: the score that each sound follows, (frames, columns); None: the key and the tempo of its caption.

        Raises:
            InputError: the model's scores are not finite.
        """

    @abstractmethod
    def encode_sound(self, samples: NDArray[np.float32]) -> Codes:
        """(n,) at `sample_rate` → (codebooks, frames)."""

    @abstractmethod
    def sound_latents(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) at `sample_rate` → the latents that the codec quantises, (frames, dimensions)."""

    @abstractmethod
    def melody_chroma(self, samples: NDArray[np.float32]) -> NDArray[np.uint16]:
        """(n,) at `sample_rate` → the strongest pitch class of each frame of its codes, counted from 1 for C.

        As a last column of the scores of `generate`, it is the melody. Only where `has_melody`.
        """

    @abstractmethod
    def decode_channels(self, codes: Codes) -> NDArray[np.float32]:
        """(codebooks, frames) → (n, channels) at `sample_rate`."""

    def decode_codes(self, codes: Codes) -> NDArray[np.float32]:
        """(codebooks, frames) → (n,) at `sample_rate`: the mean of the channels."""
        mean: NDArray[np.float32] = self.decode_channels(codes).mean(axis=1)
        return mean
