"""The codec of a MusicGen: sound ↔ codes of its channels.

A stereo MusicGen (Copet et al. 2023, arXiv 2306.05284, appendix) has a codec of one channel, and for each of its
codebooks one of the left and one of the right channel, in turn.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yardbird.nn import encodec
from yardbird.nn.chroma import strongest_pitch_classes

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import EncodecModel, MusicgenMelodyFeatureExtractor


@dataclass(frozen=True, eq=False)
class ClipCodec:
    """A codec of one channel, used for `channels` channels. `extractor`: of the chroma of a melody checkpoint."""

    model: "EncodecModel"
    channels: int
    extractor: "MusicgenMelodyFeatureExtractor | None" = None

    @property
    def codebooks(self) -> int:
        """Of all channels."""
        return int(self.model.config.num_quantizers) * self.channels

    @property
    def sample_rate(self) -> int:
        return int(self.model.config.sampling_rate)

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.int16]:
        """(n,) at `sample_rate` → (codebooks, ⌈n / samples of a frame⌉), with equal codes in all channels."""
        return np.repeat(encodec.encode(self.model, samples), self.channels, axis=0)

    def latents(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) at `sample_rate` → the encoder's output before quantisation, (frames, dimensions)."""
        return encodec.latents(self.model, samples)

    def chroma(self, samples: NDArray[np.float32]) -> NDArray[np.uint16]:
        """The strongest pitch class of each frame, counted from 1 for C; of a melody checkpoint."""
        assert self.extractor is not None, "the checkpoint has no melody"
        return strongest_pitch_classes(self.extractor, samples, int(self.model.config.hop_length))

    def decode(self, codes: NDArray[np.int16]) -> NDArray[np.float32]:
        """(codebooks, frames) → (frames · samples of a frame, channels)."""
        sides = [encodec.decode(self.model, codes[side :: self.channels]) for side in range(self.channels)]
        return np.stack(sides, axis=1)
