"""How time and memory of the stages grow with the number of files: ingest, augment, encode and metrics.

    python benchmarks/scaling.py 1000 3000 10000 --page docs/cluster.md
    python benchmarks/scaling.py 1000 10000 30000 100000 --rows rows.jsonl --page docs/cluster.md

For each number of files, a corpus is written: the built-in etudes with notes raised by an octave, so that no two are
equal. `ingest` reads all of them. `augment` makes as many files of the first tenth of them, `encode` writes these as
event tokens, and `metrics` measures them. Every stage runs in a new process with two workers, and writes shards above
2,000 files. `CPU s` is the processor time of the stage and its workers, `parent MiB` the peak memory of the stage
without them, and `entries` the number of files and folders in its output, which DVC tracks. The last lines give the
cost of one more file: if it does not depend on the number of files, the cost of the stage is linear. 100,000 files need
2 GB of disk and half an hour of processor time; `--rows` keeps the numbers of files that an interrupted run has
measured whole.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import cycle, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.config import Split, read_section
from yardbird.data.augmentation import AugmentConfig, augment
from yardbird.data.etudes.compose import etudes
from yardbird.data.ingest import ingest
from yardbird.data.manifest import read_solos
from yardbird.data.reading import IngestConfig
from yardbird.execution import ExecutionConfig, over_processes, use_workers
from yardbird.metrics.solo_metrics import describe
from yardbird.music.midi import read_score, write_score
from yardbird.shards import Shards
from yardbird.tables.copies_table import iterate_copies

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"
SHARDS = Shards(2000)
WORKERS = 2
ORIGINALS = 10  # files that `augment` makes of each solo
FIRST, LAST = "<!-- written by benchmarks/scaling.py -->", "<!-- end -->"


@dataclass(frozen=True)
class Measured:
    """One stage with one number of files."""

    stage: str
    files: int
    seconds: float
    cpu_seconds: float
    parent_mib: float
    entries: int


def write_corpus(folder: Path, count: int) -> None:
    """Write `count` different solos: etudes, whose repetitions have other notes raised by an octave."""
    folder.mkdir(parents=True)
    composed = [etude.score for etude in etudes(0, 100)]
    for number, score in zip(range(count), cycle(composed)):
        notes = score.notes.copy()
        digits = number // len(composed) >> np.arange(len(notes)) & 1  # the repetition as a binary number
        notes["pitch"] += (12 * digits).astype(notes["pitch"].dtype)
        write_score(replace(score, notes=notes), folder / f"{number:06}.mid")


def run_ingest(folder: Path) -> None:
    ingest(folder / "solos", "mine", read_section("ingest", IngestConfig, PARAMS), folder / "ingested/mine", SHARDS)


def run_augment(folder: Path) -> None:
    rows = read_solos(folder / "ingested", ["mine"])
    count = len(rows)
    rows = rows[: count // ORIGINALS]
    config = replace(read_section("augment", AugmentConfig, PARAMS), target_size=count)
    splits: dict[str, Split] = {row.solo: "train" for row in rows}
    augment(rows, folder / "ingested", splits, folder / "augmented", config, 0, shards=SHARDS)


def run_encode(folder: Path) -> None:
    from yardbird.codecs.encoded_corpus import encode_corpus
    from yardbird.codecs.vocabulary import EncodeConfig

    encode_corpus(folder / "augmented", folder / "encoded", read_section("encode.events", EncodeConfig, PARAMS), SHARDS)


def metrics_of(path: Path) -> int:
    return len(describe(read_score(path)))


def run_metrics(folder: Path) -> None:
    total = sum(1 for _ in iterate_copies(folder / "augmented"))
    paths = (folder / "augmented" / row.path for row in iterate_copies(folder / "augmented"))
    for _ in over_processes(metrics_of, paths, total=total, doing="metrics", unit="solo"):
        pass


#: Stage → what it runs, and the folder of its output.
STAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "ingest": (run_ingest, "ingested"),
    "augment": (run_augment, "augmented"),
    "encode": (run_encode, "encoded"),
    "metrics": (run_metrics, ""),
}


def run_stage(name: str, folder: Path) -> None:
    """Run a stage in this process and print what it took."""
    from joblib.externals.loky import get_reusable_executor

    use_workers(ExecutionConfig(backend="local", address=None, workers=WORKERS))
    run, output = STAGES[name]
    start = time.perf_counter()
    run(folder)
    seconds = time.perf_counter() - start
    get_reusable_executor().shutdown(wait=True)  # so that the time of the workers is known
    own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in (own, workers))
    entries = sum(1 for _ in (folder / output).rglob("*")) if output else 0
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "parent_mib": own.ru_maxrss / 1024, "entries": entries}))


def measure(count: int, stages: list[str], kept: Path | None = None) -> list[Measured]:
    """Measure the stages with this many files, or read them if the file `kept` has all of them; add them to it."""
    if kept and kept.exists():
        rows = [Measured(**json.loads(row)) for row in kept.read_text().splitlines()]
        latest = {row.stage: row for row in rows if row.files == count}
        if latest.keys() >= set(stages):
            return [latest[stage] for stage in stages]
    found = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder / "solos", count)
        for stage in stages:
            command = [sys.executable, __file__, "--stage", stage, "--folder", name]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found.append(Measured(stage, count, **json.loads(said.splitlines()[-1])))
            print(line(found[-1]), flush=True)
    if kept:
        with kept.open("a") as file:
            file.writelines(f"{json.dumps(asdict(row))}\n" for row in found)
    return found


HEAD = "| stage | files | seconds | CPU s | parent MiB | entries |\n|---|---:|---:|---:|---:|---:|"


def line(row: Measured) -> str:
    numbers = (f"{row.seconds:.1f}", f"{row.cpu_seconds:.1f}", f"{row.parent_mib:.0f}", f"{row.entries}")
    return f"| {row.stage} | {row.files} | {' | '.join(numbers)} |"


def growth(rows: list[Measured], stage: str) -> str:
    """What one more file costs, between each number of files and the next."""
    own = [row for row in rows if row.stage == stage]
    costs = []
    for one, other in pairwise(own):
        more = other.files - one.files
        milliseconds = 1000 * (other.cpu_seconds - one.cpu_seconds) / more
        kib = 1024 * (other.parent_mib - one.parent_mib) / more
        costs.append(f"{one.files} to {other.files}: {milliseconds:.2f} ms, {kib:.2f} KiB")
    return f"{stage}, for one more file: " + "; ".join(costs)


def write_between_marks(page: Path, lines: list[str]) -> None:
    before, _, rest = page.read_text().partition(f"{FIRST}\n")
    _, _, after = rest.partition(LAST)
    page.write_text("\n".join([before + FIRST, "", *lines, "", LAST + after]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=int, nargs="*", default=[1000, 3000, 10000], help="numbers of files, ascending")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES), help="each needs those before it")
    parser.add_argument("--rows", type=Path, help="a file of rows: what it has whole is not measured again")
    parser.add_argument("--page", type=Path, help="also write the table between the marks of this page")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        run_stage(options.stage, options.folder)
        return
    print(HEAD)
    rows = [row for count in options.files for row in measure(count, options.stages, options.rows)]
    costs = [growth(rows, stage) for stage in options.stages]
    print("\n".join(costs))
    if options.page:
        table = [HEAD, *map(line, sorted(rows, key=lambda row: options.stages.index(row.stage))), ""]
        write_between_marks(options.page, [*table, *(f"- {cost}" for cost in costs)])


if __name__ == "__main__":
    main()
