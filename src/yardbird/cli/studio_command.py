"""`yardbird studio`: the studio in a browser."""

from importlib.util import find_spec
from typing import Annotated

import typer

from yardbird.errors import InputError


def studio(
    host: Annotated[
        str, typer.Option(help="Address to listen on; other machines can connect unless it is loopback.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = 7860,
    registry: Annotated[bool, typer.Option(help="Also offer the models of the MLflow registry.")] = False,
) -> None:
    """Open the studio: a local web page to draw, interpolate, move, sing and measure solos.

    It offers the models in `models/`, or if there are none, those of the registry. What you keep on the page is written
    to `out/studio/`, in one folder for each session.

    Examples:

    - `yardbird studio`

    - `yardbird studio --host 0.0.0.0 --port 8000`  (for a phone in a trusted network)
    """
    if find_spec("gradio") is None:
        remedy = "install requirements.lock, or `pip install 'yardbird[studio]'`"
        raise InputError("studio", expected="the package gradio", found="none", remedy=remedy)
    from yardbird.config import read_params

    read_params()  # an error outside the repository, before the address is printed
    typer.echo("starting …")
    from yardbird.cli.free_port import open_port
    from yardbird.studio.studio_server import LOOPBACK, serve

    listening = open_port(host, port)
    if host not in LOOPBACK:
        typer.echo(f"warning: anyone who can reach {host} can use the studio, without encryption", err=True)
    name = f"[{host}]" if ":" in host else host
    typer.echo(f"the studio: http://{name}:{listening.getsockname()[1]}/\npress Ctrl-C to stop")
    serve(listening, host, registry=registry)
