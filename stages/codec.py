"""Stage codec: train a small EnCodec on rendered instruments and measure it on held-out sounds. Takes over an hour."""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import torch

from yardbird import files
from yardbird.config import Settings, read_section, read_seed
from yardbird.devices import best_device, prepare_torch
from yardbird.errors import exit_on_error
from yardbird.nn import encodec
from yardbird.pipeline import stage_hash
from yardbird.seeds import derive_seed
from yardbird.sound_codec import codec_quality
from yardbird.sound_codec.codec_card import model_card
from yardbird.sound_codec.codec_training import FREE_KEYS, CodecCurveRow, Trainer, TrainingConfig
from yardbird.sound_codec.training_sounds import SoundsConfig, held_out
from yardbird.training.checkpoints import CheckpointFolder

CODEC, REPORTS = Path("codec"), Path("reports/codec")
CURVE = (
    "step",
    "train_magnitude",
    "train_logarithm",
    "train_waveform",
    "train_commitment",
    "pitch_share",
    "log_mel_distance",
)


@dataclass(frozen=True)
class CodecConfig(Settings, section="codec"):
    """Section `codec` of params.yaml."""

    model: encodec.NetworkConfig
    sounds: SoundsConfig
    training: TrainingConfig


def print_row(row: CodecCurveRow) -> None:
    print(", ".join(f"{name.replace('_', ' ')} {row[name]:.4g}" for name in CURVE), flush=True)


@exit_on_error
def main() -> None:
    config, seed = read_section("codec", CodecConfig), read_seed()
    prepare_torch(config.training.threads)
    torch.manual_seed(derive_seed(seed, "codec", "create"))
    clips = held_out(config.sounds, seed)
    model = encodec.build(config.model).to(best_device())  # type: ignore[arg-type]  # transformers wraps it so that its types are lost
    trainer = Trainer(model, config.training, config.sounds, seed)
    with CheckpointFolder(Path(), "codec", stage_hash("codec", free=FREE_KEYS)) as checkpoint:
        if state := checkpoint.read():
            trainer.restore(state)
        curve = trainer.run(clips, print_row, checkpoint.write)
        encodec.save(trainer.average, CODEC)
        codec = encodec.load(CODEC)
        figures = {**encodec.describe(codec), **codec_quality.measure(codec, clips)}
        hours, device = trainer.cpu_seconds / 3600, "a GPU's host" if model.device.type == "cuda" else "one CPU core"
        card = model_card(codec, config.sounds, config.training, figures, curve, hours=hours, device=device)
        files.write_text(CODEC / "README.md", card)
        files.write_json(REPORTS / "codec.json", {"codec": {"steps": trainer.step, **figures}})
        files.write_csv(REPORTS / "curve.csv", CURVE, curve)
        codec_quality.draw(codec, clips[:6], REPORTS / "spectrograms.png")
        checkpoint.remove()


if __name__ == "__main__":
    main()
