"""Stage encode_audio: encode clips with the codec of musicgen.checkpoint, to train musicgen on the codes."""

import gc
import sys
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.checksums import write_sums
from yardbird.config import read_section
from yardbird.devices import prepare_torch
from yardbird.errors import exit_on_error
from yardbird.models.musicgen.hub_checkpoint import open_codec
from yardbird.sound_codec.clip_codes import encode_clips

DATA = Path("data")
ENCODED = DATA / "encoded/audio"


@exit_on_error
def main() -> None:
    prepare_torch()
    checkpoint = read_section("musicgen.checkpoint", str)
    report = encode_clips(DATA / "clips", DATA / "augmented", ENCODED, open_codec(checkpoint), checkpoint)
    write_sums(ENCODED)
    files.write_json(Path("reports/encode/audio.json"), {"audio": report})
    print(f"{report['clips']} clips, {report['frames']} frames, {report['seconds'] / 60:.1f} minutes")


if __name__ == "__main__":
    main()
