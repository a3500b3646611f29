"""`yardbird mlflow`: MLflow's records, which are a view of what Git and DVC hold."""

import typer

mlflow = typer.Typer(help="Records of runs and models; look at them with `mlflow ui`.", no_args_is_help=True)


@mlflow.callback()
def _group() -> None:
    """Keeps `sync` a command of its own."""


@mlflow.command()
def sync() -> None:
    """Rebuild in MLflow the runs that it lacks, from the tracked reports and curves.

    Stages that DVC restores from its cache, or pulls from another machine, leave no run; this adds them. Nothing is
    doubled: it may be run at any time.

    Examples:

    - `yardbird mlflow sync`

    - `rm mlflow.db && yardbird mlflow sync && mlflow ui`  (from nothing)
    """
    from yardbird.tracking.store import project_root
    from yardbird.tracking.sync import sync as rebuild

    typer.echo(rebuild(project_root()))
