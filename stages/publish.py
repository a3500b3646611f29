"""Record the pipeline's state in MLflow and put every trained family into the registry: python stages/publish.py"""

import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files, serving
from yardbird.config import read_section, read_seed
from yardbird.errors import exit_on_error
from yardbird.generation.orders import GenerateConfig
from yardbird.tracking.publish import PublishConfig, publish
from yardbird.tracking.registry import Server
from yardbird.tracking.store import project_root


@exit_on_error
def main() -> None:
    defaults = {**asdict(read_section("generate", GenerateConfig)), "seed": read_seed()}
    server = Server(Path(serving.__file__), defaults)
    verdicts = publish(project_root(), read_section("publish", PublishConfig), server)
    files.write_json(Path("reports/publish.json"), verdicts)
    for family, verdict in verdicts.items():
        print(f"{family}: {'champion' if verdict['champion'] else 'challenger'}. {verdict['verdict']}")


if __name__ == "__main__":
    main()
