"""`yardbird exp`: runs an experiment in a separate folder, with presets of parameters.

DVC's Hydra composition would overwrite manual edits of params.yaml, so a preset becomes single overrides.
"""

import contextlib
import difflib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from yardbird import files
from yardbird.cli.check_command import refuse_problem
from yardbird.cli.run_command import Jobs
from yardbird.config import PARAMS, read_params
from yardbird.errors import InputError
from yardbird.runs.dvc_stage import open_repo
from yardbird.runs.experiment_folder import (
    EXPERIMENTS,
    bring_data,
    data_outside_git,
    experiment_folder,
    fetch_experiment,
    finished_experiments,
)
from yardbird.runs.param_edits import with_overrides
from yardbird.runs.stage_runner import only_run, read_seconds, run_stages

PRESETS = Path("presets")
_NAME = re.compile(r"(?!.*[.]lock$)\w[\w-]*([.][\w-]+)*")  # of a folder and of a reference in Git
_PLAIN = re.compile(r"[\w./-]+")
_READS_AS_OTHER = re.compile(r"true|false|null|[-+]?[\d.]+(e[-+]?\d+)?", re.I)


def exp(
    preset: Annotated[str | None, typer.Option(help="Name of a file in presets/, such as smoke or paper.")] = None,
    override: Annotated[
        list[str] | None,
        typer.Option("--set", "-S", metavar="KEY=VALUE", help="Override a parameter, as in dvc; can be repeated."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the experiment; by default that of the preset.")] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Run it in the workspace: it replaces parameters, models and reports.")
    ] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="Put it in DVC's queue; start it with `dvc queue start`.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an experiment of this name.")] = False,
    jobs: Jobs = None,
) -> None:
    """Run the pipeline as a DVC experiment, with a preset of parameters and further overrides.

    It runs in the folder out/experiments/NAME, with the uncommitted changes and your data of the workspace. The
    workspace stays as it is. After Ctrl-C the same command continues.

    Examples:

    - `yardbird exp --preset smoke`  (the whole pipeline in a minute or two)

    - `yardbird exp --preset paper -S music_transformer.training.batch_size=4`

    - `yardbird exp -S generate.temperature=0.8 --queue`, then `dvc queue start -j 1`

    - `make exp`  (a table of all experiments)

    - `dvc exp apply smoke`, then `yardbird restore`  (copy the results to the workspace, then go back)
    """
    root, params = Path.cwd(), read_params()
    if name is not None and not _NAME.fullmatch(name):
        remedy = "use letters, digits, - and _"
        raise InputError("--name", expected="the name of an experiment", found=repr(name), remedy=remedy)
    preset_values = list(preset_overrides(preset, params)) if preset else []
    for text in override or []:
        check_override(text, params)
    overrides = [*preset_values, *(override or [])]
    text = with_overrides(PARAMS.read_text(encoding="utf-8"), overrides)
    with tempfile.TemporaryDirectory() as temporary:
        files.write_text(Path(temporary, PARAMS), text)
        refuse_problem(Path(temporary, PARAMS), partial(_place, override or [], preset, preset_values))
    if queue:
        if here or force or jobs:
            expected = "no --here, --force or --jobs with it"
            raise InputError("--queue", expected=expected, found="one", remedy="leave it out")
        _queue(root, name, overrides)
    done = finished_experiments(root)
    if name in done and not force:
        remedy = "choose another --name, or --force to replace it"
        raise InputError(
            str(name), expected="the name of a new experiment", found="one that is recorded", remedy=remedy
        )
    named = name or _free_name(preset or "exp", done)
    os.environ |= {"DVC_ROOT": str(root), "DVC_EXP_NAME": named}  # stages log to the MLflow of the repository
    seconds = {} if preset else read_seconds(root)
    if here:
        with only_run(root):
            files.write_text(root / PARAMS, text)
            _run(root, named, seconds, force, jobs)
        typer.echo(f"experiment {named} is recorded; back to the last committed run: yardbird restore")
        return
    with experiment_folder(root, named) as folder:
        typer.echo(f"experiment {named} runs in {EXPERIMENTS / named}")
        files.write_text(folder / PARAMS, text)
        bring_data(root, folder)
        _run(folder, named, seconds, force, jobs)
        fetch_experiment(root, folder, named)
    typer.echo(f"experiment {named} is recorded; its results: {EXPERIMENTS / named}/reports/index.html")


def _run(folder: Path, name: str, seconds: Mapping[str, float], force: bool, jobs: int | None) -> None:
    run_stages(folder, typer.echo, seconds, jobs=jobs)
    with contextlib.chdir(folder), open_repo(folder) as repo:
        repo.experiments.save(name=name, force=force)


def _queue(root: Path, name: str | None, overrides: Sequence[str]) -> None:
    """Put an experiment into DVC's queue, which runs it on what Git and DVC track; exits with DVC's status.

    Raises:
        InputError: a source is tracked by neither.
    """
    if untracked := data_outside_git(root):
        folder = untracked[0]
        remedy = f"run dvc add {folder} and git add {folder}.dvc, or leave out --queue"
        raise InputError(
            folder, expected="data in DVC, for --queue", found="files that DVC does not track", remedy=remedy
        )
    command = [sys.executable, "-m", "dvc", "exp", "run", "--queue", *(["--name", name] if name else [])]
    for text in overrides:
        command += ["-S", text]
    typer.echo(f"dvc {' '.join(command[3:])}", err=True)
    raise typer.Exit(subprocess.run(command, check=False).returncode)


def _free_name(base: str, taken: set[str]) -> str:
    return next(name for name in [base, *(f"{base}-{count}" for count in range(2, 10_000))] if name not in taken)


def preset_overrides(name: str, params: Mapping[str, Any]) -> Iterator[str]:
    """The overrides of a preset, as `key=value` in DVC's syntax.

    Raises:
        InputError: there is no such preset, or it has a key that is not in params.yaml.
    """
    path = PRESETS / f"{name}.yaml"
    known = sorted(preset.stem for preset in PRESETS.glob("*.yaml"))
    if name not in known:
        found, remedy = f"none of that name in {PRESETS}/", f"choose one of {', '.join(known) or 'none'}"
        raise InputError(name, expected="a preset", found=found, remedy=remedy)
    for key, value in _leaves(read_params(path), params, path):
        yield f"{key}={as_override(value)}"


def _place(override: Sequence[str], preset: str | None, preset_values: Sequence[str], key: str) -> str:
    """Where a parameter has its value: the option, the preset or params.yaml."""

    def sets(text: str) -> bool:
        own = _key(text)
        return re.match(rf"{re.escape(own)}($|[.[])", key) is not None or own.startswith(f"{key}.")

    for text in reversed(override):
        if sets(text):
            return f"-S {text}" if _key(text) == key else f"-S {text}: {key}"
    return f"{PRESETS / f'{preset}.yaml' if any(map(sets, preset_values)) else PARAMS}: {key}"


def _key(override: str) -> str:
    """The key of an override, without the file of `params.yaml:key` and without `+` or `~`."""
    return override.lstrip("+~").partition("=")[0].rpartition(":")[2]


def check_override(text: str, params: Mapping[str, Any]) -> None:
    """Reject an override of an unknown parameter; `+key=value` adds a parameter and `~key` removes one.

    Raises:
        InputError: there is no such parameter, or the text is not an override.
    """
    if text.startswith(("+", "~")):
        return
    key = _key(text)
    if "=" not in text or not key:
        raise InputError(f"-S {text}", expected="KEY=VALUE", found="none", remedy="write e.g. -S generate.bars=16")
    value: Any = params
    for part in re.split(r"\.|\[", key.replace("]", "")):
        inside = isinstance(value, Mapping) and part in value
        inside = inside or (isinstance(value, list) and part in map(str, range(len(value))))
        if not inside:
            expected, remedy = f"a parameter{_like(key, params)}", f"correct the key ({PARAMS} lists all)"
            raise InputError(f"-S {text}", expected=expected, found="an unknown key", remedy=remedy)
        value = value[part] if isinstance(value, Mapping) else value[int(part)]


def as_override(value: Any) -> str:
    """A value in the override syntax of DVC (that of Hydra)."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{','.join(map(as_override, value))}]"
    if not isinstance(value, str):
        return repr(value)
    if _PLAIN.fullmatch(value) and not _READS_AS_OTHER.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _leaves(preset: Mapping[str, Any], params: Any, path: Path, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in preset.items():
        key = f"{prefix}{name}"
        if not isinstance(params, Mapping) or name not in params:
            expected, remedy = "a parameter of params.yaml", "correct the key, or remove it"
            raise InputError(f"{path}: {key}", expected=expected, found="an unknown key", remedy=remedy)
        if isinstance(value, Mapping):
            yield from _leaves(value, params[name], path, f"{key}.")
        else:
            yield key, value


def _like(key: str, params: Mapping[str, Any]) -> str:
    """A hint at the nearest known key."""
    known = list(_keys(params))
    nearest = difflib.get_close_matches(key, known, n=1) or [name for name in known if name.endswith(f".{key}")][:1]
    return f" such as {nearest[0]}" if nearest else ""


def _keys(params: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in params.items():
        yield f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{name}.")
