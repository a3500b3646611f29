"""The tab Measure: metrics of files, what they quote, and how the pipeline would use them."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yardbird.config import read_section
from yardbird.data.checkup import check_up
from yardbird.data.findings import explain
from yardbird.data.health import Finding, read_limits
from yardbird.data.reading import IngestConfig
from yardbird.data.validate_config import ValidateConfig
from yardbird.errors import InputError
from yardbird.metrics.solo_metrics import describe
from yardbird.music.score import Score
from yardbird.studio.studio_session import Chosen
from yardbird.time_budget import check_time

MOST_FILES = 20
_ABOUT_FOLDERS = "artist_from_folder"  # the folder is not the visitor's


@dataclass(frozen=True)
class Advice:
    """A finding of the Data Doctor: what the pipeline does, and what the owner of the file can do."""

    severity: str
    kind: str
    detail: str
    pipeline: str
    remedy: str


@dataclass(frozen=True, eq=False)
class Measured:
    """A file: its solo with all metrics, or the reason why it has none."""

    name: str
    score: Score | None
    fault: str
    metrics: dict[str, str]
    used: bool
    advice: Sequence[Advice]


def measure(files: Sequence[Chosen]) -> list[Measured]:
    """Measure files, and examine each as the stages ingest and validate do.

    Raises:
        InputError: there are no files, or too many.
    """
    if not 0 < len(files) <= MOST_FILES:
        expected, found = f"1 to {MOST_FILES} files", str(len(files))
        raise InputError("files", expected=expected, found=found, remedy="drop files of music")
    examined = _examine(files)
    return [_measure(file, *found) for file, found in zip(files, examined, strict=True)]


def _measure(file: Chosen, used: bool, advice: Sequence[Advice]) -> Measured:
    check_time()
    try:
        score = file.read()
    except InputError as error:
        return Measured(file.name, None, str(error), {}, used, advice)
    values = describe(score)
    metrics = {name.replace("_", " "): "–" if value is None else f"{value:.3f}" for name, value in values.items()}
    return Measured(file.name, score, "", metrics, used, advice)


def _examine(files: Sequence[Chosen]) -> list[tuple[bool, list[Advice]]]:
    """Whether the pipeline would train on each file, and its findings. All are examined at once, as a corpus is."""
    settings = read_section("ingest", IngestConfig), read_section("validate", ValidateConfig)
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files):
            shutil.copyfile(file.path, Path(folder) / f"{number:03d}{file.path.suffix}")
        health = check_up([Path(folder)], *settings, read_limits()).files
    found = []
    for number in range(len(files)):
        own = [one for one in health if one.file.startswith(f"{number:03d}.")]
        findings = [finding for one in own for finding in one.findings if finding.kind != _ABOUT_FOLDERS]
        advice = [_advice(finding, folder) for finding in findings]
        found.append((any(one.used for one in own), advice))
    return found


def _advice(finding: Finding, folder: str) -> Advice:
    kind, detail = explain(finding.kind), finding.detail.replace(f"{folder}/", "")
    return Advice(kind.severity, finding.kind.replace("_", " "), detail, kind.pipeline, kind.remedy)
