"""`yardbird mlflow`: the records in MLflow, which are a view of Git and DVC."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from yardbird.cli.free_port import open_port

mlflow = typer.Typer(help="Records of runs and models; view them with `yardbird mlflow ui`.", no_args_is_help=True)


@mlflow.command()
def sync() -> None:
    """Add missing runs to MLflow, from the tracked reports and curves; find the artifacts of a moved repository.

    Stages that DVC restores from its cache or pulls from another machine create no run; this command adds them. It can
    be run at any time and adds no duplicates. In a repository that has moved or is a copy, it corrects the locations of
    artifacts in mlflow.db and keeps the former database as mlflow.db.backup, as every command that uses MLflow does.

    Examples:

    - `yardbird mlflow sync`

    - `rm mlflow.db && yardbird mlflow sync && yardbird mlflow ui`  (from scratch)
    """
    from yardbird.tracking.store import project_root
    from yardbird.tracking.sync import sync as rebuild

    typer.echo(rebuild(project_root()))


@mlflow.command()
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="A free port of this machine.")] = 5000) -> None:
    """Run `mlflow ui` on loopback, and print the address of the runs.

    MLflow itself opens on a page for language models; the printed address opens on the runs. The server sends no usage
    data. If MLFLOW_TRACKING_URI is a server, the command prints the address of the runs on it.

    Examples:

    - `yardbird mlflow ui`

    - `yardbird mlflow ui --port 5050`
    """
    from yardbird.tracking.store import connect, project_root, tracking_uri
    from yardbird.tracking.store_faults import is_server, shown

    root = project_root()
    uri = tracking_uri(root)
    address = shown(uri).rstrip("/") if is_server(uri) else f"http://127.0.0.1:{port}"
    if not is_server(uri):
        open_port("127.0.0.1", port, "use another --port").close()
    _, experiment = connect(root)
    typer.echo(f"the runs: {address}/#/experiments/{experiment}?workflowType=machine_learning")
    if is_server(uri):
        return
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", uri]
    # Else the server starts seven more processes, for jobs that judge language models.
    no_jobs = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment = {**os.environ, **no_jobs, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with subprocess.Popen(command, env=environment) as server:
        try:
            code = server.wait()
        except KeyboardInterrupt:  # the server has received it, too
            code = server.wait()
    raise typer.Exit(code)
