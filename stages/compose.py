"""Stage compose: the built-in corpus of synthetic bebop etudes → data/etudes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.config import read_section, read_seed
from yardbird.data.etudes.compose import ComposeConfig, compose
from yardbird.errors import exit_on_error


@exit_on_error
def main() -> None:
    compose(read_seed(), read_section("compose", ComposeConfig), Path("data/etudes"))


if __name__ == "__main__":
    main()
