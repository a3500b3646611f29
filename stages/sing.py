"""Stage sing: draws sound for the prompts of section `sing`."""

import gc
import sys
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.config import read_section, read_seed
from yardbird.devices import prepare_torch
from yardbird.errors import exit_on_error
from yardbird.generation.prompted_sound import made_from, open_singer, read_melody, remarks, sing, write_sounds
from yardbird.generation.sound_orders import MELODIES, SingConfig
from yardbird.generation.timing import timed, write_speed
from yardbird.models.musicgen import MusicGenFamily

NAME = MusicGenFamily.name
MODEL, GENERATED = Path("models") / NAME, Path("data/generated") / NAME


@exit_on_error
def main() -> None:
    config, seed = read_section("sing", SingConfig), read_seed()
    prepare_torch()
    family, provenance = open_singer(MODEL)
    melody = read_melody(family, files.within(MELODIES, config.melody), config) if config.melody else None
    sounds, seconds = timed(lambda: sing(family, config.prompts, config, seed, melody))
    write_sounds(sounds, GENERATED, config, seed, provenance, made_from(config.prompts, melody), melody)
    write_speed(NAME, sum(sound.drawn_seconds for sound in sounds), seconds)
    for remark in remarks(sounds):
        print(f"note: {remark}")


if __name__ == "__main__":
    main()
