"""A MusicGen that exists: on the hub, or in a folder laid out as there. `scratch` stands for one that does not yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoTokenizer,
    EncodecModel,
    MusicgenConfig,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

from yardbird.errors import InputError
from yardbird.nn import encodec

SCRATCH = "scratch"
CODEC = Path("codec")  # of the repository: what a model from scratch is built around

_REMEDY = "set musicgen.checkpoint to scratch, or to a folder laid out as facebook/musicgen-small is"
_NEEDED = ["*.json", "*.safetensors", "spiece.model"]  # no pickles


def open_codec(checkpoint: str) -> EncodecModel:
    """The codec whose codes a model of `musicgen.checkpoint` speaks, frozen, in evaluation mode.

    Raises:
        InputError: the checkpoint, or the repository's codec, is missing or of another kind.
    """
    if checkpoint == SCRATCH:
        with quiet():
            return encodec.load(CODEC)
    codec = cast(EncodecModel, open_model(locate(checkpoint)).audio_encoder)
    codec.requires_grad_(False)
    return codec


def locate(checkpoint: str) -> Path:
    """The folder of a checkpoint: a local one, or one of the hub, downloaded where the cache does not hold it.

    Without a network it fails at once: one request is made, not a row of them for every file.

    Raises:
        InputError: there is no such folder, nor such a repository within reach.
    """
    if Path(checkpoint).is_dir():
        return Path(checkpoint)
    try:
        return Path(snapshot_download(checkpoint, allow_patterns=_NEEDED))
    except HFValidationError:
        found = "no such folder"
    except OSError as error:  # no network, no such repository, no leave to read it
        found = f"neither such a folder nor the hub's repository ({str(error).splitlines()[0]})"
    raise InputError(checkpoint, expected="a MusicGen checkpoint", found=found, remedy=_REMEDY)


def open_model(folder: Path) -> MusicgenForConditionalGeneration:
    """The model in a folder, in single precision, in evaluation mode; its weights are safetensors.

    Raises:
        InputError: the folder holds no whole mono MusicGen.
    """
    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise _unusable(folder, str(error)) from None
    if not isinstance(config, MusicgenConfig):
        raise _unusable(folder, f"a model of type {config.model_type}")
    if cast(Any, config.decoder).audio_channels != 1:
        raise _unusable(folder, "a stereo model")
    try:
        with quiet():
            model, report = cast(Any, MusicgenForConditionalGeneration).from_pretrained(  # typed as if it gave one
                folder, config=config, use_safetensors=True, dtype=torch.float32, output_loading_info=True
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise _unusable(folder, str(error)) from None
    if report["missing_keys"]:
        raise _unusable(folder, f"no weights for {min(report['missing_keys'])}")
    complete(model)
    return cast(MusicgenForConditionalGeneration, model)


def open_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer beside a model.

    Raises:
        InputError: there is none.
    """
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise _unusable(folder, str(error)) from None
    return tokenizer


def complete(model: MusicgenForConditionalGeneration) -> None:
    """Name the token that the decoder starts from where it is named for generation only: else its loss raises."""
    decoder: Any = model.config.decoder
    decoder.decoder_start_token_id = decoder.pad_token_id


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' bars, and without its warning that MusicGen's pad id is the vocabulary's size, as it is."""
    logging: Any = transformers_logging  # which is partly untyped
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
    return InputError(folder, expected="a whole mono MusicGen with tokenizer", found=line, remedy=_REMEDY)
