"""The audio codec, transformers' `EncodecModel` (Défossez et al. 2022, arXiv 2210.13438): our own small configuration,
and encoding and decoding with any codec of MusicGen.

Our codec has its longest strides next to the waveform, without layers between them, because sixteen channels at the
full rate already take two thirds of a training step on a CPU. Convolutions are not causal, because MusicGen never
streams.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np
import torch
from annotated_types import Ge
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import save_file

from yardbird.config import Check, NonNegativeInt, PositiveInt, Settings
from yardbird.errors import InputError
from yardbird.nn.residual_vq import Codebook

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import EncodecModel

SAMPLE_RATE = 16_000  # of our codec; other codecs have their rate in `model.config`
FRAME_RATE = 50
HOP = SAMPLE_RATE // FRAME_RATE
_WEIGHTS = "model.safetensors"


_REACH_SOUND = Check(lambda ratios: math.prod(ratios) == HOP, f"numbers whose product is {HOP}")
_POWER_OF_2 = Check(lambda size: size.bit_count() == 1, "a power of 2")


@dataclass(frozen=True)
class NetworkConfig(Settings, section="codec.model"):
    """Sizes of the layers. The encoder's channels start at `num_filters` and double at every stride."""

    num_filters: PositiveInt
    upsampling_ratios: Annotated[
        tuple[PositiveInt, ...], _REACH_SOUND
    ]  # of the decoder; the encoder uses them in reverse
    residual_layers: NonNegativeInt  # after every stride
    kernel_size: PositiveInt  # of the first and last convolutions
    latent_dim: PositiveInt
    codebooks: PositiveInt
    codebook_size: Annotated[int, Ge(1), _POWER_OF_2]


def build(config: NetworkConfig) -> "EncodecModel":
    """An untrained codec."""

    from transformers import EncodecConfig, EncodecModel

    bits = config.codebook_size.bit_length() - 1
    return EncodecModel(
        EncodecConfig(
            sampling_rate=SAMPLE_RATE,
            target_bandwidths=[FRAME_RATE * bits * config.codebooks / 1000],
            num_filters=config.num_filters,
            num_residual_layers=config.residual_layers,
            upsampling_ratios=list(config.upsampling_ratios),
            kernel_size=config.kernel_size,
            last_kernel_size=config.kernel_size,
            hidden_size=config.latent_dim,
            codebook_size=config.codebook_size,
            use_causal_conv=False,
            use_conv_shortcut=False,
            pad_mode="constant",
            num_lstm_layers=1,
        )
    )


def save(model: "EncodecModel", folder: Path) -> None:
    """Write config.json and half-precision weights for `EncodecModel.from_pretrained`."""
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    halves = {name: tensor.detach().cpu().half().contiguous() for name, tensor in model.state_dict().items()}
    part = folder / f".{_WEIGHTS}"
    save_file(halves, part, metadata={"format": "pt"})
    part.chmod(0o644)
    part.replace(folder / _WEIGHTS)


def load(folder: Path) -> "EncodecModel":
    """Load a trained codec in single precision and evaluation mode.

    Raises:
        InputError: there is none, it is damaged, or `check` refuses it.
    """

    from transformers import EncodecModel

    if not (folder / _WEIGHTS).is_file():
        raise _unusable(folder, "none")
    try:
        loaded: Any = EncodecModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise _unusable(folder, " ".join(str(error).split())[:160]) from None
    model: EncodecModel
    model, report = loaded
    if report["missing_keys"]:
        raise _unusable(folder, f"no weights for {min(report['missing_keys'])}")
    check(model, folder)
    model.requires_grad_(False).train(False)
    return model


def check(model: "EncodecModel", folder: Path) -> None:
    """Refuse a codec that needs more than codes to decode, or encodes in overlapping chunks: MusicGen supports neither.

    Raises:
        InputError: the codec is stereo, normalises loudness, or encodes in chunks.
    """
    config = model.config
    refused = {
        "a stereo codec": config.audio_channels != 1,
        "a codec that normalises loudness": config.normalize,
        "a codec that encodes in chunks": config.chunk_length_s is not None,
    }
    for found, is_so in refused.items():
        if is_so:
            raise InputError(folder, expected="a codec like MusicGen's", found=found, remedy="use another codec")


def _unusable(folder: Path, found: str) -> InputError:
    remedy = "restore the codec from Git, or train it: make codec"
    return InputError(folder, expected="a trained codec", found=found, remedy=remedy)


def codebooks(model: "EncodecModel") -> list[Codebook]:
    """The codebooks, in the order of quantisation."""
    return [cast(Any, layer).codebook for layer in model.quantizer.layers]


@torch.no_grad()
def encode(model: "EncodecModel", samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Encode a waveform of shape (n,), n > 0, at the model's rate: (codebooks, ⌈n / samples of a frame⌉).

    There is no batch dimension: on a CPU batches are not faster (measured), because convolutions already fill a core.
    """
    codes = cast(Any, model).encode(_in_frames(model, samples)).audio_codes
    found: NDArray[np.int16] = codes[0, 0].cpu().numpy().astype(np.int16)
    return found


@torch.no_grad()
def latents(model: "EncodecModel", samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The encoder's output before quantisation, (frames, dimensions), of a waveform as in `encode`."""
    found: NDArray[np.float32] = model.encoder(_in_frames(model, samples))[0].T.cpu().numpy()
    return found


def _in_frames(model: "EncodecModel", samples: NDArray[np.float32]) -> torch.Tensor:
    """The samples with zeros up to whole frames, (1, 1, samples), on the device of the model."""
    hop = model.config.hop_length
    whole = torch.zeros(1, 1, -(-len(samples) // hop) * hop)
    whole[0, 0, : len(samples)] = torch.from_numpy(samples)
    return whole.to(model.device)


@torch.no_grad()
def decode(model: "EncodecModel", codes: NDArray[np.int16]) -> NDArray[np.float32]:
    """Decode codes of shape (codebooks, frames) to a waveform: (frames · samples of a frame,)."""
    batch = torch.from_numpy(codes.astype(np.int64))[None, None].to(model.device)
    samples: NDArray[np.float32] = cast(Any, model).decode(batch, [None]).audio_values[0, 0].cpu().numpy()
    return samples


def describe(model: "EncodecModel") -> dict[str, int]:
    """The number of parameters, and the number of values in the codebooks, which are not parameters."""
    return {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "codebook_values": sum(codebook.embed.numel() for codebook in codebooks(model)),
    }
