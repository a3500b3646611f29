"""Embeds sounds and captions in one space with CLAP (Wu et al. 2023, arXiv 2211.06687), if configured."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from yardbird.audio.resampling import to_mono
from yardbird.audio.wave import Waveform
from yardbird.errors import InputError
from yardbird.music.score import Floats
from yardbird.progress import progress

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import ClapModel

PREFIX = "clap_"
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

    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError
    from transformers import AutoProcessor, ClapModel

    try:
        folder = Path(name) if Path(name).is_dir() else Path(snapshot_download(name, allow_patterns=_NEEDED))
        processor = cast(Any, AutoProcessor).from_pretrained(folder)
        model = ClapModel.from_pretrained(folder, use_safetensors=True)
    except HFValidationError:
        raise _unusable(name, "no such folder") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise _unusable(name, " ".join(str(error).split())[:160]) from None
    if cast(Any, model.config.audio_config).enable_fusion:  # hears whole sounds, not windows
        raise _unusable(name, "one with fusion of windows")
    model.train(False)
    return Clap(model, processor)


def _unusable(name: str, found: str) -> InputError:
    return InputError(name, expected="a CLAP checkpoint", found=found, remedy=_REMEDY)


@torch.inference_mode()
def embed_with_clap(clap: Clap, sounds: Sequence[Waveform], label: str) -> list[Floats]:
    """Vectors of length 1 for each sound, (windows, dimensions): of its windows as long as the model hears, 10 seconds.

    The last window may be shorter. A longer sound would be cut at random by the processor.
    """
    extractor = clap.processor.feature_extractor
    rate, longest = int(extractor.sampling_rate), int(extractor.nb_max_samples)
    windows = [
        (place, samples[start : start + longest])
        for place, samples in enumerate(to_mono(sound, rate) for sound in sounds)
        for start in range(0, len(samples), longest)
    ]
    vectors = []
    for start in progress(range(0, len(windows), _AT_ONCE), doing=f"embedding {label} with CLAP", unit="batch"):
        part = [samples for _, samples in windows[start : start + _AT_ONCE]]
        inputs = clap.processor(audio=part, sampling_rate=rate, return_tensors="pt")
        vectors.append(_normal(clap.model.get_audio_features(**inputs)))
    whole, of_sound = np.concatenate(vectors), np.array([place for place, _ in windows])
    return [whole[of_sound == place] for place in range(len(sounds))]


@torch.inference_mode()
def clap_score(clap: Clap, embedded: Sequence[Floats], captions: Sequence[str]) -> float:
    """The mean cosine similarity of sounds, given by their vectors, and captions, −1 … 1; one or more are required."""
    cosines = []
    for sound, caption in zip(embedded, captions, strict=True):
        inputs = clap.processor(text=[caption], return_tensors="pt")
        cosines.append(float((sound @ _normal(clap.model.get_text_features(**inputs))[0]).mean()))
    return float(np.mean(cosines))


def _normal(output: Any) -> Floats:
    """The pooled output of a tower of CLAP as vectors of length 1."""
    vectors: Floats = torch.nn.functional.normalize(output.pooler_output.double(), dim=-1).numpy()
    return vectors
