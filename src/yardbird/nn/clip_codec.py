"""The codec of a MusicGen: sound ↔ codes of its channels.

A stereo MusicGen (Copet et al. 2023, arXiv 2306.05284, appendix) has a codec of one channel, and for each of its
codebooks one of the left and one of the right channel, in turn.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yardbird.nn import encodec

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import EncodecModel


@dataclass(frozen=True, eq=False)
class ClipCodec:
    """A codec of one channel, used for `channels` channels."""

    model: "EncodecModel"
    channels: int

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

    def decode(self, codes: NDArray[np.int16]) -> NDArray[np.float32]:
        """(codebooks, frames) → (frames · samples of a frame, channels)."""
        sides = [encodec.decode(self.model, codes[side :: self.channels]) for side in range(self.channels)]
        return np.stack(sides, axis=1)
