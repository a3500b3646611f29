"""`yardbird mlflow`: MLflow records, which mirror the state of Git and DVC."""

import typer

mlflow = typer.Typer(help="Records of runs and models; view them with `mlflow ui`.", no_args_is_help=True)


@mlflow.callback()
def _group() -> None:
    """Makes `sync` a subcommand; with a single command, typer would drop its name."""


@mlflow.command()
def sync() -> None:
    """Add missing runs to MLflow, from the tracked reports and curves.

    Stages that DVC restores from its cache or pulls from another machine create no run; this command adds them. It can
    be run at any time and adds no duplicates.

    Examples:

    - `yardbird mlflow sync`

    - `rm mlflow.db && yardbird mlflow sync && mlflow ui`  (from scratch)
    """
    from yardbird.tracking.store import project_root
    from yardbird.tracking.sync import sync as rebuild

    typer.echo(rebuild(project_root()))
