"""The condition of the decoder on the score of each frame (see `yardbird.music.score_frames`), added to its inputs.

At step s the decoder predicts frame s of the first codebook, so the score of frame s is added to the input of step s.
A convolution shows it the frames around, so that it prepares an onset. All frames unknown add exactly zero.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from yardbird.errors import InputError
from yardbird.music.score_frames import AGE, BAR_BEAT, BEAT, CHORD, CHROMA, KEY, NOTE, SIZES

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import MusicgenForConditionalGeneration

_FILE = "score_condition.safetensors"
_AROUND = 5  # frames that the convolution sees, the frame itself in the middle
_PITCH_CLASSES = 12
#: Columns that are known or unknown together in training.
GROUPS = ((NOTE, AGE), (KEY,), (CHORD,), (BEAT, BAR_BEAT), (CHROMA,))


class ScoreCondition(nn.Module):
    """Score frames (B, T, columns) → what is added to the decoder's input, (B, T, width)."""

    def __init__(self, width: int, deviation: float) -> None:
        super().__init__()
        self.columns = nn.ModuleDict({str(c): nn.Embedding(size, width, padding_idx=0) for c, size in SIZES.items()})
        self.chord = nn.Linear(_PITCH_CLASSES, width, bias=False)
        self.around = nn.Conv1d(width, width, _AROUND, padding=_AROUND // 2, bias=False)
        with torch.no_grad():
            for column in self.columns.values():
                cast(nn.Embedding, column).weight[1:].normal_(std=deviation)
            self.chord.weight.normal_(std=deviation)
            nn.init.dirac_(self.around.weight)

    def forward(self, frames: Tensor) -> Tensor:
        states = sum(column(frames[..., int(name)]) for name, column in self.columns.items())
        bits = frames[..., CHORD, None] >> torch.arange(_PITCH_CLASSES, device=frames.device) & 1
        states = states + self.chord(bits.to(self.chord.weight.dtype))
        mixed: Tensor = self.around(states.transpose(1, 2)).transpose(1, 2)
        return mixed


def attach(model: "MusicgenForConditionalGeneration", deviation: float) -> ScoreCondition:
    """Give a model a new condition, trained and moved with its decoder. With a deviation of 0 it adds zero at first."""
    condition = ScoreCondition(model.decoder.config.hidden_size, deviation)
    model.decoder.score_condition = condition
    return condition


def save(model: "MusicgenForConditionalGeneration", folder: Path) -> None:
    save_file(condition_of(model).state_dict(), folder / _FILE)


def load(model: "MusicgenForConditionalGeneration", folder: Path) -> None:
    """Attach the condition of a folder to its model.

    Raises:
        InputError: the folder has none, or one of another size.
    """
    try:
        attach(model, 0.0).load_state_dict(load_file(folder / _FILE))
    except (OSError, RuntimeError, SafetensorError) as error:
        found = " ".join(str(error).split())[:160]
        raise InputError(
            folder / _FILE, expected="the score condition of this model", found=found, remedy="train it again"
        ) from None


def condition_of(model: "MusicgenForConditionalGeneration") -> ScoreCondition:
    return cast(ScoreCondition, model.decoder.score_condition)


def is_of_condition(name: str) -> bool:
    """Whether a weight of the model belongs to its score condition, which no other MusicGen has."""
    return name.startswith("decoder.score_condition.")


def steps_of(frames: Tensor, steps: int) -> Tensor:
    """Score frames (B, T, columns) for `steps` steps of the delay pattern: unknown after the last frame."""
    return F.pad(frames, (0, 0, 0, steps - frames.shape[1]))


@contextmanager
def adding(model: "MusicgenForConditionalGeneration", states: Tensor) -> Iterator[None]:
    """Inside the block, the decoder adds `states`, (B, steps, width), to its last input embeddings."""
    positions: Any = model.decoder.model.decoder.embed_positions

    def add(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        front = output.shape[-2] - states.shape[1]  # words and chroma in front of the codes of a melody checkpoint
        return output + (F.pad(states, (0, 0, front, 0)) if front else states).to(output.dtype)

    hook = positions.register_forward_hook(add)
    try:
        yield
    finally:
        hook.remove()
