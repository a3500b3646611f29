"""How much of a checkpoint is trained: all of its decoder, or low-rank additions to the decoder's matrices."""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from transformers import MusicgenForConditionalGeneration

from yardbird.config import PositiveInt, Settings, ShareBelowOne

if TYPE_CHECKING:
    from peft import PeftModel  # takes two seconds, and only adaptation needs it

_TARGETS = r"decoder\..*\.(q_proj|k_proj|v_proj|out_proj|fc1|fc2)"


@dataclass(frozen=True)
class Adaptation(Settings, section="musicgen.adaptation"):
    """Section `musicgen.adaptation`; `method` is for checkpoints: a model from scratch is trained in full.

    Hu et al. 2021, arXiv 2106.09685: a matrix W becomes W + alpha / rank · B A, and only A and B are trained.
    """

    method: Literal["full", "lora"]
    rank: PositiveInt
    alpha: float
    dropout: ShareBelowOne  # of what A reads


def with_adapters(model: MusicgenForConditionalGeneration, adaptation: Adaptation) -> "PeftModel":
    """Put adapters into the decoder, in place: afterwards they are all of `model` that wants a gradient."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=adaptation.rank,
        lora_alpha=cast(int, adaptation.alpha),  # any number does
        lora_dropout=adaptation.dropout,
        target_modules=_TARGETS,
    )
    return cast("PeftModel", get_peft_model(model, config))


def merged(adapted: "PeftModel") -> MusicgenForConditionalGeneration:
    """A copy in which the adapters have been added to the matrices: a plain MusicGen again."""
    return cast(MusicgenForConditionalGeneration, copy.deepcopy(adapted).merge_and_unload())
