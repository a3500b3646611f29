"""`yardbird run` and `yardbird restore`: the pipeline with a line for each stage, and the way back to its last run."""

from pathlib import Path
from typing import Annotated

import typer

from yardbird.cli.check_command import refuse_problem
from yardbird.runs.recorded_run import check_branch, record
from yardbird.runs.restored_run import restore_run
from yardbird.runs.stage_runner import only_run, read_seconds, run_stages

Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        help="Number of stages at the same time; by default the number of cores, with a GPU 1.",
        show_default=False,
    ),
]


def run(
    record_as: Annotated[
        str | None,
        typer.Option("--record", metavar="BRANCH", help="Commit the results on this new local branch afterwards."),
    ] = None,
    jobs: Jobs = None,
) -> None:
    """Run the stages that changed, side by side where their dependencies allow it, with a line for each stage.

    Results that this machine has computed before come from the run cache, also after `git checkout`, `git pull` or
    `dvc checkout`; `dvc repro` may compute them again. After Ctrl-C the same command continues.

    Examples:

    - `yardbird run`

    - `yardbird run --record demo`, as in `make demo`: `main` stays as it is in the remote repository
    """
    root = Path.cwd()
    with only_run(root):
        if record_as:
            check_branch(root, record_as)
        refuse_problem()
        run_stages(root, typer.echo, read_seconds(root), jobs=jobs, measure=True)
        if record_as:
            typer.echo(record(root, record_as))


def restore() -> None:
    """Return to the last committed run: parameters, models, solos and reports.

    Changes of params.yaml, dvc.lock and the reports are set aside with `git stash`; other files are not touched. The
    outputs come from the cache; nothing is trained. If the cache lacks one, nothing is changed.

    Examples:

    - `yardbird restore`, for example after `yardbird exp --here` or `dvc exp apply`

    - `git stash pop`, to get the changes back
    """
    root = Path.cwd()
    with only_run(root):
        restore_run(root, typer.echo)
    typer.echo("restored: models, solos and reports are those of the last committed run")
