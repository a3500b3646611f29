"""Stage render: the user's recordings, or the corpus rendered with the SoundFont → clips with captions."""

import gc
import sys
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.config import read_section, read_seed
from yardbird.data.cutting import in_words, make_clips
from yardbird.data.source_sounds import AudioConfig
from yardbird.data.splitting import SplitConfig
from yardbird.devices import prepare_torch
from yardbird.errors import exit_on_error
from yardbird.execution import prepare_workers

CLIPS = Path("data/clips")


@exit_on_error
def main() -> None:
    prepare_torch()
    prepare_workers()
    config, split = read_section("audio", AudioConfig), read_section("split", SplitConfig)
    made = make_clips(Path("data/augmented"), CLIPS, config, split, read_seed())
    print("\n".join(in_words(made, CLIPS)))
    for warning in made.warnings:
        print(f"warning: {warning}", file=sys.stderr)


if __name__ == "__main__":
    main()
