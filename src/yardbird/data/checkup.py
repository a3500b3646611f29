"""A check of folders of music with the stages of the pipeline: ingest, validate and the measures of data health."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from yardbird.data.findings import explain, rank
from yardbird.data.health import Finding, Health, Limits, SoloHealth, examine, summarise
from yardbird.data.ingest import Survey, survey
from yardbird.data.manifest import MANIFEST, Entry, Rejected, SoloRow, nfc, read_manifest
from yardbird.data.reading import IngestConfig
from yardbird.data.validate_config import ValidateConfig
from yardbird.data.validation import Verdict, validate


@dataclass(frozen=True, eq=False)
class FileHealth:
    """A file of a folder: it has either `row` or `rejected`; `findings` start with the most severe."""

    source: str
    file: str
    row: SoloRow | None
    rejected: Rejected | None
    solo: SoloHealth | None  # measured if validate finds no error
    findings: tuple[Finding, ...]

    @property
    def used(self) -> bool:
        """Whether the file passes ingest and validate."""
        return all(explain(finding.kind).severity != "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        what = {"source": self.source, "file": self.file, "used": self.used}
        if self.rejected:
            what |= {"reason": self.rejected.reason, "remedy": self.rejected.remedy}
        if self.row:
            what |= {"row": asdict(self.row)}
        if self.solo:
            what |= asdict(self.solo)
        findings = [{"kind": f.kind, "severity": explain(f.kind).severity, "detail": f.detail} for f in self.findings]
        return what | {"findings": findings}


@dataclass(frozen=True)
class Checkup:
    """The result for all folders: `surveys` by the name of the source, `files` in the order of the folders."""

    surveys: Mapping[str, Survey]
    health: Health
    files: tuple[FileHealth, ...]

    @property
    def findings(self) -> list[Finding]:
        """All findings: those of sources, then those of files, with the name of the file."""
        names = {source.name for source in self.health.sources}
        of_sources = [finding for finding in self.health.findings if finding.where in names]
        return [*of_sources, *(finding for file in self.files for finding in file.findings)]

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.health.to_dict(),
            "findings": summarise(self.findings),
            "files": [file.to_dict() for file in self.files],
        }


def check_up(folders: Sequence[Path], ingest: IngestConfig, validation: ValidateConfig, limits: Limits) -> Checkup:
    """Check folders as if they were the sources of one corpus; writes nothing.

    Raises:
        InputError: a folder is missing, or one of its manifests is unreadable.
    """
    names = dict(zip(_names(folders), folders, strict=True))
    surveys = {name: survey(folder, name, ingest) for name, folder in names.items()}
    solos = [solo for found in surveys.values() for solo in found.used]
    rows, scores = [solo.row for solo in solos], {solo.row.solo: solo.score for solo in solos}
    verdict = validate(rows, scores, validation) if rows else Verdict(0, 0, ())
    health = examine(rows, scores, verdict, limits)
    measured = {solo.row.solo: solo for solo in health.solos}
    findings: dict[str, list[Finding]] = {row.solo: [] for row in rows}
    unnamed = (finding for name, found in surveys.items() for finding in _unnamed(names[name], found))
    for finding in (*health.findings, *unnamed):
        if finding.where in findings:
            findings[finding.where].append(finding)
    files: list[FileHealth] = []
    for name, found in surveys.items():
        for rejected in found.rejected:
            finding = Finding("rejected", f"{name}/{rejected.file}", f"{rejected.reason}; {rejected.remedy}")
            files.append(FileHealth(name, rejected.file, None, rejected, None, (finding,)))
        for solo in found.used:
            row, where = solo.row, f"{name}/{solo.row.file}"
            ranked = sorted(findings[row.solo], key=lambda finding: rank(finding.kind))
            own = tuple(replace(finding, where=where) for finding in ranked)
            files.append(FileHealth(name, row.file, row, None, measured.get(row.solo), own))
    return Checkup(surveys, health, tuple(files))


def _names(folders: Sequence[Path]) -> list[str]:
    """A unique name for each folder: its own, with a number if two are equal."""
    names: list[str] = []
    for folder in folders:
        plain = folder.resolve().name or "root"
        options = (plain if number == 1 else f"{plain}_{number}" for number in range(1, len(folders) + 1))
        names.append(next(name for name in options if name not in names))
    return names


def _unnamed(folder: Path, found: Survey) -> Iterator[Finding]:
    """A finding for each solo whose artist is only the name of its folder and in no manifest."""
    manifests: dict[PurePath, Mapping[str, Entry]] = {}
    for solo in found.used:
        file = PurePath(solo.row.file)
        if solo.row.artist != (file.parent.name or folder.resolve().name).replace("_", " ").strip():
            continue
        for home in file.parents:
            if home not in manifests:
                manifests[home] = read_manifest(folder / home / MANIFEST, Entry)
        names = ((home, nfc(file.relative_to(home).as_posix())) for home in file.parents)
        if not any(name in manifests[home] and manifests[home][name].artist for home, name in names):
            yield Finding("artist_from_folder", solo.row.solo, solo.row.artist)
