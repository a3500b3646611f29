"""Stage publish: record the pipeline's state in MLflow, and register every trained family."""

import gc
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.config import read_section, read_seed
from yardbird.errors import exit_on_error
from yardbird.generation.audition import sound_and_picture
from yardbird.generation.orders import GenerateConfig
from yardbird.generation.sound_orders import SingConfig
from yardbird.tracking.endpoint import Server
from yardbird.tracking.gate import Gate


@exit_on_error
def main() -> None:
    notes, sound = asdict(read_section("generate", GenerateConfig)), asdict(read_section("sing", SingConfig))
    gates, seed = read_section("publish", dict[str, Gate]), {"seed": read_seed()}

    # MLflow and torch take seconds to import, so that errors in parameters come first
    gc.disable()  # imports leave no garbage
    from yardbird.serving import music_transformer_endpoint, music_vae_endpoint, musicgen_endpoint
    from yardbird.tracking.publish import publish
    from yardbird.tracking.store import project_root

    gc.enable()
    endpoints = (
        (music_transformer_endpoint.ENDPOINT, notes),
        (music_vae_endpoint.ENDPOINT, notes),
        (musicgen_endpoint.ENDPOINT, sound),
    )
    servers = {endpoint.family: Server(endpoint, settings | seed) for endpoint, settings in endpoints}
    verdicts = publish(project_root(), gates, servers, sound_and_picture)
    files.write_json(Path("reports/publish.json"), verdicts)
    for family, verdict in verdicts.items():
        print(f"{family}: {'champion' if verdict['champion'] else 'challenger'}. {verdict['verdict']}")


if __name__ == "__main__":
    main()
