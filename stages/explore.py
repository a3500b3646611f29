"""Stage explore: experiments in the latent space of the MusicVAE."""

import gc
import sys
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.config import read_section, read_seed
from yardbird.devices import best_device, prepare_torch
from yardbird.errors import exit_on_error
from yardbird.latent.latent_experiments import ExploreConfig, explore
from yardbird.latent.measured_effects import weak_moves
from yardbird.latent.study import open_study
from yardbird.models.music_vae.vae_family import MusicVAEFamily


@exit_on_error
def main() -> None:
    config, seed = read_section("explore", ExploreConfig), read_seed()
    prepare_torch()
    family = MusicVAEFamily.load(Path("models/music_vae"))
    family.model.to(best_device()).requires_grad_(False)  # only points need gradients
    study = open_study(family, Path("data/augmented"), config.split, seed)
    figures = explore(study, config, Path("data/explored"))
    files.write_json(Path("reports/explore.json"), {MusicVAEFamily.name: figures})
    for sentence in weak_moves(Path("data/explored")):
        print(f"note: {sentence}")


if __name__ == "__main__":
    main()
