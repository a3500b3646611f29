"""Load a MusicGen checkpoint from the hub or a local folder. `scratch` means a new model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import SafetensorError

from yardbird.errors import InputError
from yardbird.nn import encodec
from yardbird.nn.clip_codec import ClipCodec

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import (
        EncodecModel,
        MusicgenForConditionalGeneration,
        MusicgenMelodyFeatureExtractor,
        PreTrainedTokenizerBase,
    )

SCRATCH = "scratch"
CODEC = Path("codec")  # the repository's codec, used by a model from scratch

_REMEDY = "set musicgen.checkpoint to scratch, or to a folder with the layout of facebook/musicgen-small"
_NEEDED = ["*.json", "*.safetensors", "spiece.model"]  # no pickles


def open_codec(checkpoint: str) -> ClipCodec:
    """The codec of a model of `musicgen.checkpoint`, frozen and in evaluation mode.

    Raises:
        InputError: the checkpoint or the repository's codec is missing or of the wrong kind.
    """
    if checkpoint == SCRATCH:
        with quiet():
            return ClipCodec(encodec.load(CODEC), channels=1)
    folder = locate(checkpoint)
    codec = codec_of(open_model(folder), open_extractor(folder))
    codec.model.requires_grad_(False)
    return codec


def codec_of(
    model: "MusicgenForConditionalGeneration", extractor: "MusicgenMelodyFeatureExtractor | None"
) -> ClipCodec:
    """The codec in a model, with the channels of its decoder."""
    channels: int = cast(Any, model.config.decoder).audio_channels
    return ClipCodec(cast("EncodecModel", model.audio_encoder), channels, extractor)


def locate(checkpoint: str) -> Path:
    """The folder of a checkpoint: a local folder, or a repository of the hub, downloaded unless it is cached.

    Makes a single request, so that it fails fast without a network.

    Raises:
        InputError: there is no such folder, and no such repository can be reached.
    """
    if Path(checkpoint).is_dir():
        return Path(checkpoint)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(checkpoint, allow_patterns=_NEEDED))
    except HFValidationError:
        found = "no such folder"
    except OSError as error:  # no network, no such repository, or no permission
        found = f"no such folder, and no access to such a repository ({str(error).splitlines()[0]})"
    raise InputError(checkpoint, expected="a MusicGen checkpoint", found=found, remedy=_REMEDY)


def open_model(folder: Path) -> "MusicgenForConditionalGeneration":
    """Load the model of a folder (safetensors), in single precision and evaluation mode.

    Raises:
        InputError: the folder does not hold a complete MusicGen.
    """

    from transformers import AutoConfig, AutoModelForTextToWaveform, MusicgenConfig, MusicgenMelodyConfig

    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise _unusable(folder, str(error)) from None
    if not isinstance(config, MusicgenConfig | MusicgenMelodyConfig):
        raise _unusable(folder, f"a model of type {config.model_type}")
    decoder: Any = config.decoder
    books = decoder.audio_channels * cast(Any, config.audio_encoder).num_quantizers
    if decoder.num_codebooks != books:
        raise _unusable(folder, f"a decoder of {decoder.num_codebooks} codebooks for {books} of its codec")
    try:
        with quiet():
            model, report = cast(Any, AutoModelForTextToWaveform).from_pretrained(  # typed as one return value
                folder, config=config, use_safetensors=True, dtype=torch.float32, output_loading_info=True
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise _unusable(folder, str(error)) from None
    if report["missing_keys"]:
        raise _unusable(folder, f"no weights for {min(report['missing_keys'])}")
    complete(model)
    return cast("MusicgenForConditionalGeneration", model)


def open_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """Load the tokenizer of a folder.

    Raises:
        InputError: there is none.
    """

    from transformers import AutoTokenizer

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise _unusable(folder, str(error)) from None
    return tokenizer


def open_extractor(folder: Path) -> "MusicgenMelodyFeatureExtractor | None":
    """Load the extractor of chroma of a melody checkpoint; None if the folder has another checkpoint.

    Raises:
        InputError: the folder of a melody checkpoint has none.
    """

    from transformers import AutoConfig, AutoFeatureExtractor, MusicgenMelodyConfig, MusicgenMelodyFeatureExtractor

    with quiet():
        if not isinstance(AutoConfig.from_pretrained(folder), MusicgenMelodyConfig):
            return None
    try:
        extractor = cast(Any, AutoFeatureExtractor).from_pretrained(folder)  # untyped
    except (OSError, ValueError) as error:
        raise _unusable(folder, str(error)) from None
    if not isinstance(extractor, MusicgenMelodyFeatureExtractor):
        raise _unusable(folder, "no extractor of chroma")
    return extractor


def complete(model: "MusicgenForConditionalGeneration") -> None:
    """Set the decoder's start token where only the generation config has it; without it, the model's loss raises."""
    decoder: Any = model.config.decoder
    decoder.decoder_start_token_id = decoder.pad_token_id


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' progress bars and its warning that MusicGen's pad id equals the vocabulary size."""

    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging  # partly untyped
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _unusable(folder: Path, found: str) -> InputError:
    line = " ".join(found.split())[:160]
    return InputError(folder, expected="a complete MusicGen with tokenizer", found=line, remedy=_REMEDY)
