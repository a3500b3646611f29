"""Measures how well sounds match their captions with CLAP (Wu et al. 2023, arXiv 2211.06687), if configured."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError

from yardbird.audio.resampling import to_mono
from yardbird.audio.wave import Waveform
from yardbird.errors import InputError

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import ClapModel

_AT_ONCE = 8
_REMEDY = "set evaluate_audio.clap to null, or to a folder with the layout of laion/clap-htsat-unfused"
_NEEDED = ["*.json", "*.txt", "*.safetensors"]  # no pickles: loading them can run code


@dataclass(frozen=True, eq=False)
class Clap:
    """A model that embeds sounds and texts in one space, and its processor for both."""

    model: "ClapModel"
    processor: Any


def open_clap(name: str) -> Clap:
    """Load a checkpoint from a folder or from the hub, in evaluation mode; the weights must be safetensors.

    Raises:
        InputError: the checkpoint is unavailable or malformed.
    """

    from transformers import AutoProcessor, ClapModel

    try:
        folder = Path(name) if Path(name).is_dir() else Path(snapshot_download(name, allow_patterns=_NEEDED))
        processor = cast(Any, AutoProcessor).from_pretrained(folder)
        model = ClapModel.from_pretrained(folder, use_safetensors=True)
    except HFValidationError:
        raise _unusable(name, "no such folder") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise _unusable(name, " ".join(str(error).split())[:160]) from None
    model.train(False)
    return Clap(model, processor)


def _unusable(name: str, found: str) -> InputError:
    return InputError(name, expected="a CLAP checkpoint", found=found, remedy=_REMEDY)


@torch.inference_mode()
def clap_score(clap: Clap, pairs: Sequence[tuple[Waveform, str]]) -> float:
    """The mean cosine similarity of sounds and captions, −1 … 1; at least one pair is required."""
    rate = int(clap.processor.feature_extractor.sampling_rate)
    cosines: list[float] = []
    for start in range(0, len(pairs), _AT_ONCE):
        sounds, captions = zip(*pairs[start : start + _AT_ONCE], strict=True)
        inputs = clap.processor(
            audio=[to_mono(sound, rate) for sound in sounds],
            text=list(captions),
            sampling_rate=rate,
            padding=True,
            return_tensors="pt",
        )
        outputs = clap.model(**inputs)
        cosines += torch.cosine_similarity(outputs.audio_embeds, outputs.text_embeds).tolist()
    return float(np.mean(cosines))
