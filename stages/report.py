"""Stage report: one page with all results, solos and sounds of a run."""

import gc
import sys
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.data.sources import read_sources
from yardbird.errors import exit_on_error
from yardbird.report.page import write_report


@exit_on_error
def main() -> None:
    write_report(Path(), Path("reports/index.html"), read_sources())


if __name__ == "__main__":
    main()
