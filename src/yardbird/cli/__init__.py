"""The command line. Commands import heavy libraries themselves, so that `yardbird --help` is fast."""

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from yardbird.cli.blind_test_commands import blind_test
from yardbird.cli.check_command import check
from yardbird.cli.compare_command import compare
from yardbird.cli.console import verbosity
from yardbird.cli.doctor_command import doctor
from yardbird.cli.exp_command import exp
from yardbird.cli.export_command import export
from yardbird.cli.fetch_command import fetch
from yardbird.cli.generate_command import generate
from yardbird.cli.ingest_command import ingest
from yardbird.cli.interpolate_command import interpolate
from yardbird.cli.metrics_command import metrics
from yardbird.cli.mlflow_commands import mlflow
from yardbird.cli.move_commands import blend, transfer
from yardbird.cli.notation_command import notation
from yardbird.cli.regenerate_command import regenerate
from yardbird.cli.run_command import restore, run
from yardbird.cli.sing_command import sing
from yardbird.cli.studio_command import studio
from yardbird.cli.usage_errors import usage_line
from yardbird.errors import InputError, YardbirdError, disk_fault

_INTERRUPTED, _USAGE = 130, 2  # Typer's exit status after Ctrl-C, and after an error of options or arguments
#: Garbage of a process is collected after so many new objects: imports create hundreds of thousands and leave none.
_NEW_OBJECTS = 100_000
_cli = typer.Typer(
    epilog="Start with: yardbird doctor, then yardbird run, then yardbird generate --chart data/charts/blues_in_f.txt",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    run,
    restore,
    generate,
    sing,
    interpolate,
    transfer,
    blend,
    regenerate,
    notation,
    fetch,
    ingest,
    metrics,
    compare,
    exp,
    export,
    check,
    doctor,
    studio,
):
    _cli.command()(command)
_cli.add_typer(mlflow, name="mlflow")
_cli.add_typer(blind_test, name="blind-test")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"yardbird {version('yardbird')}")
        raise typer.Exit


@_cli.callback()
def _root(
    context: typer.Context,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also print the warnings and the log of all libraries.")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """From a folder of Charlie Parker solos to trained, compared and registered music generation models.

    DVC runs the pipeline: `yardbird run` runs the changed stages, `yardbird compare` shows the results. Commands that
    make something write it to out/ and never replace an earlier result, except with --force.
    """
    if deleted := _deleted_folder():
        raise YardbirdError(deleted)
    if quiet and verbose:
        raise InputError("--quiet", expected="no --verbose with it", found="both", remedy="remove one")
    context.with_resource(verbosity(quiet=quiet, verbose=verbose))


def app(arguments: Sequence[str] | None = None) -> None:
    """Run a command; an error that a user can fix is one line on stderr.

    The exit status is then 1; 2 after an error of options or arguments, and 130 after Ctrl-C.
    """
    _open_closed_streams()
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)  # the collection at exit takes tenths of a second with torch
    try:
        status = _cli(args=arguments, prog_name="yardbird", standalone_mode=False)
        if status == _INTERRUPTED:
            typer.echo("error: interrupted; complete results are kept", err=True)
        sys.exit(status or 0)
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(error.format_message(), err=True, nl=False)  # the help, or nothing if rich has printed it
        else:
            typer.echo(f"error: {usage_line(error, sys.argv[1:] if arguments is None else arguments)}", err=True)
        sys.exit(_USAGE)
    except typer.Abort:
        sys.exit("error: aborted")
    except YardbirdError as error:
        sys.exit(f"error: {error}")
    except Exception as error:
        if not (fault := _deleted_folder() or disk_fault(error)):
            raise
        sys.exit(f"error: {fault}")


def _deleted_folder() -> str:
    """A line if the working directory was deleted, before a command or during it; otherwise empty."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return "working directory: expected a folder, found that it was deleted; change to the repository with cd"
    return ""


def _open_closed_streams() -> None:
    """Replace streams that the shell closed (`>&-`): libraries write to them, and a file could take their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115  # until the process ends
