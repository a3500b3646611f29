"""`yardbird doctor`: checks the requirements of the pipeline or, with folders, the music in them."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from yardbird.cli.console import print_json
from yardbird.cli.doctor_of_data import examine_folders
from yardbird.errors import InputError, YardbirdError, counted

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_SPARE_GB, _NEEDED_GB = 10, 2
_INSTALL = "run make demo, or pip install -r requirements.lock"


@dataclass(frozen=True)
class Finding:
    """One line of output: what was checked, what was found, and a remedy unless it is ok."""

    state: Literal["ok", "warn", "fail"]
    what: str
    found: str
    remedy: str = ""


def doctor(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of music; none: check the installation.")
    ] = None,
    all_files: Annotated[bool, typer.Option("--all", help="List all files, including notes about them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    repair: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write corrected copies and a list of changes to this new folder."),
    ] = None,
) -> None:
    """Check the installation, or examine folders of music.

    Without a folder, it checks the installation, the machine and the repository; run it in the repository's root. Each
    line is ok, warn (works, but not optimally) or fail, with a remedy; the exit status is 1 if any line is fail.

    With folders, it reports what the pipeline does with each file and why, notes lost on each grid, duplicates, written
    and timed editions, missing information, and remedies. The folders are never changed.
    The first line counts the files that are not used; the exit status is 1 if no file is usable.

    Examples:

    - `yardbird doctor`

    - `yardbird doctor data/raw/parker data/raw/coltrane`

    - `yardbird doctor data/raw/parker --repair data/raw/parker_repaired`
    """
    if folders:
        examine_folders(folders, all_files=all_files, as_json=as_json, out=repair)
        return
    if all_files or repair:
        remedy = "name the folders to examine"
        raise InputError("yardbird doctor", expected="a folder with these options", found="none", remedy=remedy)
    found: list[Finding] = []
    for check in (python, libraries, torch_pair, soundfont, gpu, database, disk, repository, parameters):
        try:
            findings = list(check())
        except YardbirdError as error:
            findings = [Finding("fail", check.__name__, str(error))]
        found += findings
        for finding in [] if as_json else findings:
            state = typer.style(f"{finding.state:4}", fg=_COLOURS[finding.state])
            remedy = f": {finding.remedy}" if finding.remedy else ""
            typer.echo(f"{state}  {finding.what:20} {finding.found}{remedy}")
    failed = any(finding.state == "fail" for finding in found)
    if as_json:
        print_json({"ok": not failed, "findings": [asdict(finding) for finding in found]})
    if failed:
        raise typer.Exit(1)


def python() -> Iterator[Finding]:
    from packaging.specifiers import SpecifierSet

    version, wanted = platform.python_version(), importlib.metadata.metadata("yardbird")["Requires-Python"]
    right = SpecifierSet(wanted).contains(version, prereleases=True)
    yield Finding("ok", "Python", version) if right else Finding("fail", "Python", version, f"{wanted} is required")
    numpy = importlib.util.find_spec("numpy")
    compiled = numpy and numpy.origin and Path(importlib.util.cache_from_source(numpy.origin)).exists()
    if sys.dont_write_bytecode and not compiled:
        found = "every command compiles its libraries again, which takes seconds"
        yield Finding("warn", "Python", found, "unset PYTHONDONTWRITEBYTECODE")


def libraries() -> Iterator[Finding]:
    """Check the version of every required library."""
    from packaging.requirements import Requirement

    for text in importlib.metadata.requires("yardbird") or []:
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding("fail", wanted.name, "not installed", _INSTALL)
            continue
        if wanted.specifier.contains(version, prereleases=True):
            yield Finding("ok", wanted.name, version)
        else:
            yield Finding("fail", wanted.name, f"{version}, but {wanted.specifier} is required", _INSTALL)


def torch_pair() -> Iterator[Finding]:
    """torchaudio is compiled for one build of torch; with another one, such as the CPU wheel, it cannot be loaded."""
    try:
        import torch
        import torchaudio
    except (ImportError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        yield Finding(
            "fail", "torch + torchaudio", f"cannot be loaded ({reason})", f"install matching builds; {_INSTALL}"
        )
        return
    versions = f"{torch.__version__} + {torchaudio.__version__}"
    if torch.__version__ == torchaudio.__version__:
        yield Finding("ok", "torch + torchaudio", f"{versions} match")
    else:
        yield Finding("fail", "torch + torchaudio", f"{versions} do not match", f"install matching builds; {_INSTALL}")


def soundfont() -> Iterator[Finding]:
    """Check that every instrument used in renderings produces sound."""
    from yardbird.audio.comping import ACOUSTIC_BASS, PIANO
    from yardbird.audio.soundfont import soundfont_path
    from yardbird.audio.synth import synthesised
    from yardbird.music.score import ALTO_SAX, Score, make_notes

    path = soundfont_path()
    for program in (ALTO_SAX, PIANO, ACOUSTIC_BASS):
        if synthesised(Score(12, make_notes([(0, 12, 50, 90)]), end_tick=12, program=program)).max() < 0.01:
            yield Finding(
                "fail", "SoundFont", f"{path.name}: MIDI program {program} is silent", "reinstall pretty_midi"
            )
            return
    yield Finding("ok", "SoundFont", f"{path.name}: every instrument sounds")


def gpu() -> Iterator[Finding]:
    """Check the GPU; no finding if torch cannot be loaded, as `torch_pair` reports that."""
    try:
        import torch
    except (ImportError, OSError):
        return
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 1e9
        yield Finding("ok", "GPU", f"{torch.cuda.get_device_name(0)}, {memory:.0f} GB")
    else:
        remedy = "the default models train on a CPU; those of presets/paper.yaml need a GPU"
        yield Finding("warn", "GPU", f"no GPU, {os.cpu_count()} CPU cores", remedy)


def database() -> Iterator[Finding]:
    """Check that MLflow's database is readable; it is not created here."""
    root, remote = Path.cwd(), os.environ.get("MLFLOW_TRACKING_URI")
    absent = Finding("ok", "MLflow", "no database yet; the first training creates it")
    if (root / "mlruns").is_dir():
        yield Finding(
            "fail", "MLflow", "MLflow would show the folder mlruns/ instead of mlflow.db", "move mlruns/ away"
        )
    if not (remote or (root / "mlflow.db").exists()):
        yield absent
        return
    from yardbird.tracking.store import connect, tracking_uri  # MLflow is slow to import
    from yardbird.tracking.store_faults import shown

    if remote and tracking_uri(root) != remote:
        yield Finding("warn", "MLflow", f"{shown(remote)} does not answer", "start it, or unset MLFLOW_TRACKING_URI")
        remote = None
        if not (root / "mlflow.db").exists():
            yield absent
            return
    client, experiment = connect(root)
    runs = client.search_runs([experiment], max_results=1000)
    yield Finding("ok", "MLflow", f"{shown(remote) if remote else 'mlflow.db'}: {counted(len(runs), 'run')}")


def disk() -> Iterator[Finding]:
    free = shutil.disk_usage(".").free / 1e9
    if free >= _SPARE_GB:
        yield Finding("ok", "disk", f"{free:.0f} GB free")
    else:
        remedy = "delete files; `dvc gc --workspace` deletes the results of earlier runs"
        yield Finding("warn" if free >= _NEEDED_GB else "fail", "disk", f"{free:.1f} GB free", remedy)


def repository() -> Iterator[Finding]:
    """Check for a Git repository with a commit and with DVC, which experiments require."""
    for tool in ("git", "dvc"):
        if not shutil.which(tool, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"):
            yield Finding("fail", tool, "not installed", _INSTALL if tool == "dvc" else "install git")
            return
    status = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=False)
    if status.returncode:
        yield Finding(
            "fail", "Git", "this folder is no repository", "clone the project, and run `yardbird doctor` in its root"
        )
    elif subprocess.run(["git", "rev-parse", "--verify", "-q", "HEAD"], capture_output=True, check=False).returncode:
        yield Finding("fail", "Git", "the repository has no commit", "make one; experiments start from a commit")
    else:
        changed = len(status.stdout.splitlines())
        files = counted(changed, "changed file")
        yield Finding("ok", "Git", f"{files} not committed; experiments include them" if changed else "no changes")
    if not (Path(".dvc") / "config").is_file():
        yield Finding(
            "fail",
            "DVC",
            "not set up in this folder",
            "run `yardbird doctor` in the repository's root, or run `dvc init`",
        )
    elif not Path("dvc.lock").is_file():
        yield Finding("warn", "DVC", "the pipeline has not run yet", "run `yardbird run`")
    else:
        yield Finding("ok", "DVC", "set up; the pipeline has run")


def parameters() -> Iterator[Finding]:
    """Check the sources of params.yaml: each exists or will be created, and roles name sources.

    `yardbird check` checks all values.
    """
    from yardbird.config import read_params
    from yardbird.data.roles import read_background

    sources = read_params().get("sources") or {}
    if not isinstance(sources, dict):
        yield Finding("fail", "sources", f"{sources} has no names", "write lines `name: folder` in params.yaml")
        return
    read_background()  # raises if a role is invalid
    for name, folder in sources.items():
        if Path(str(folder)).is_dir():
            yield Finding("ok", f"source {name}", str(folder))
        elif str(folder) == "data/etudes":
            yield Finding("ok", f"source {name}", f"{folder}; the first run creates it")
        else:
            yield Finding("fail", f"source {name}", f"no folder {folder}", "correct section `sources` of params.yaml")
