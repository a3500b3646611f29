"""The tab Measure: metrics of files, what they quote, and how the pipeline would use them."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yardbird.config import read_section
from yardbird.data.checkup import check_up
from yardbird.data.findings import explain
from yardbird.data.health import read_limits
from yardbird.data.reading import IngestConfig
from yardbird.data.validation import ValidateConfig
from yardbird.errors import InputError
from yardbird.metrics.solo_metrics import describe
from yardbird.music.score import Score
from yardbird.studio.studio_session import Chosen

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
    return [_measure(file) for file in files]


def _measure(file: Chosen) -> Measured:
    used, advice = _examine(file)
    try:
        score = file.read()
    except InputError as error:
        return Measured(file.name, None, str(error), {}, used, advice)
    metrics = {
        name.replace("_", " "): "–" if value is None else f"{value:.3f}" for name, value in describe(score).items()
    }
    return Measured(file.name, score, "", metrics, used, advice)


def _examine(file: Chosen) -> tuple[bool, list[Advice]]:
    """Whether the pipeline would train on the file, and its findings."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(file.path, Path(folder) / file.path.name)
        settings = read_section("ingest", IngestConfig), read_section("validate", ValidateConfig)
        checkup = check_up([Path(folder)], *settings, read_limits())
    advice = []
    for finding in checkup.files[0].findings if checkup.files else ():
        if finding.kind == _ABOUT_FOLDERS:
            continue
        kind = explain(finding.kind)
        detail = finding.detail.replace(str(folder), "").replace(file.path.name, file.name)
        advice.append(Advice(kind.severity, finding.kind.replace("_", " "), detail, kind.pipeline, kind.remedy))
    return any(own.used for own in checkup.files), advice
