"""Fine-tuning of a checkpoint: of its whole decoder, or of low-rank adapters (LoRA)."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from safetensors.torch import save_file

from yardbird.config import PositiveInt, Settings, ShareBelowOne

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import MusicgenForConditionalGeneration

if TYPE_CHECKING:
    from peft import PeftModel  # slow to import, and only LoRA needs it

#: The folder of the adapters in that of the model. Side by side, transformers would add them to the merged weights.
ADAPTERS = "adapters"

_TARGETS = r"decoder\..*\.(q_proj|k_proj|v_proj|out_proj|fc1|fc2)"


@dataclass(frozen=True)
class Adaptation(Settings, section="musicgen.adaptation"):
    """Section `musicgen.adaptation`. `method` applies to checkpoints; a model from scratch is trained in full.

    Hu et al. 2021, arXiv 2106.09685: a matrix W becomes W + alpha / rank · B A, and only A and B are trained.
    """

    method: Literal["full", "lora"]
    rank: PositiveInt
    alpha: float
    dropout: ShareBelowOne  # on the input of A


def with_adapters(model: "MusicgenForConditionalGeneration", adaptation: Adaptation) -> "PeftModel":
    """Add adapters to the decoder, in place. Afterwards only they require gradients."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=adaptation.rank,
        lora_alpha=cast(int, adaptation.alpha),  # any number does
        lora_dropout=adaptation.dropout,
        target_modules=_TARGETS,
    )
    return cast("PeftModel", get_peft_model(model, config))


def save_adapters(adapted: "PeftModel", checkpoint: str, folder: Path) -> None:
    """Write the adapters of a checkpoint as peft does: `PeftModel.from_pretrained(model, folder)` adds them to it."""
    from peft import get_peft_model_state_dict

    config = copy.copy(adapted.peft_config["default"])
    config.base_model_name_or_path, config.inference_mode = checkpoint, True
    config.save_pretrained(str(folder))
    weights = get_peft_model_state_dict(adapted)
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / "adapter_model.safetensors")


def merged(adapted: "PeftModel") -> "MusicgenForConditionalGeneration":
    """A plain MusicGen: a copy with the adapters merged into the matrices."""
    return cast("MusicgenForConditionalGeneration", copy.deepcopy(adapted).merge_and_unload())
