"""`yardbird blind-test`: can listeners tell generated solos from real ones."""

import re
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yardbird.errors import InputError

if TYPE_CHECKING:
    from yardbird.blindtest.bundle import BlindTest, Key
    from yardbird.blindtest.plan import BlindTestConfig
    from yardbird.blindtest.store import VoteStore

blind_test = typer.Typer(help="Listeners judge whose solo they hear.", no_args_is_help=True)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PUBLIC = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?(/[^?#\s]*)?", re.IGNORECASE)
_Folder = Annotated[Path, typer.Option(help="The test: its clips, its key and its votes.")]
_FOLDER = Path("blind_test")


@blind_test.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; anything but loopback is open to others.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8765,
    public_url: Annotated[
        str | None, typer.Option(help="Address of the web server before this one, such as https://example.org/test.")
    ] = None,
    folder: _Folder = _FOLDER,
) -> None:
    """Ask listeners in a browser, and show the results to whoever has the token that is printed here.

    The first start makes the clips (section `blind_test` of params.yaml); later ones go on with the same test and its
    votes. An answer that was taken survives the kill of this program.

    Examples:

    - `yardbird blind-test serve`

    - `yardbird blind-test serve --host 0.0.0.0 --port 8000`  (for the phones of a class, in a network you trust)

    - `yardbird blind-test serve --public-url https://example.org`  (behind a web server with TLS)
    """
    import secrets
    import socket

    import uvicorn

    from yardbird.blindtest.app import make_app

    public = None if public_url is None else _PUBLIC.fullmatch(public_url)
    if public_url is not None and not public:
        expected, remedy = "an address such as https://example.org", "give the one that listeners open"
        raise InputError("--public-url", expected=expected, found=repr(public_url), remedy=remedy)
    test, key, config = _open_or_make(folder)
    token, local = secrets.token_urlsafe(24), host in _LOOPBACK
    hosts = ["127.0.0.1", "localhost", "[::1]"] if local else ["*"]
    secure = False
    if public:
        hosts.append(public[2])
        secure = public[1].lower() == "https"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        found, remedy = str(error.strerror).partition(" (")[0], "give another --host or --port"
        raise InputError(f"{host}:{port}", expected="a free port", found=found, remedy=remedy) from None
    own = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    address = (public_url or own).rstrip("/")
    if not local:
        typer.echo(f"warning: open to everyone who reaches {host}, without encryption", err=True)
    typer.echo(f"the test:    {address}/\nthe results: {address}/results?token={token}")
    typer.echo("Ctrl-C ends it; the votes are kept")
    app = make_app(
        folder, test, key, _store(folder), token,
        hosts=hosts, requests_per_minute=config.requests_per_minute, secure=secure,
    )  # fmt: skip
    # No access log: it would hold addresses, and the token. No proxy headers: the limit of requests would believe them.
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, proxy_headers=False, server_header=False, timeout_keep_alive=60
    )
    with suppress(KeyboardInterrupt):  # after a clean end uvicorn passes Ctrl-C on
        uvicorn.Server(settings).run(sockets=[listening])


@blind_test.command()
def export(
    out: Annotated[Path, typer.Option(help="The page, with all of the sound inside.")] = Path("blind_test.html"),
    folder: _Folder = _FOLDER,
) -> None:
    """Write the test as one HTML file that works offline; its answers come back as files, see `import`.

    Example: `yardbird blind-test export --out parker.html`
    """
    from yardbird.blindtest.offline import export_test

    test, _, _ = _open_or_make(folder)
    export_test(folder, test, out)
    typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB, {len(test.clips)} clips; keep {folder}/key.json to yourself")


@blind_test.command("import")
def import_(
    answers: Annotated[list[Path], typer.Argument(metavar="FILE…", help="What listeners have saved.")],
    folder: _Folder = _FOLDER,
) -> None:
    """Add the answers of exported pages to the votes; the same file may come twice.

    Bad files are named, one line each, and the others are taken; the exit status is then 1.

    Example: `yardbird blind-test import ~/Downloads/blind-test-*.json`
    """
    from yardbird.blindtest.bundle import read_test
    from yardbird.blindtest.offline import import_answers

    test, _ = read_test(folder)
    store, bad = _store(folder), 0
    for path in answers:
        try:
            votes, new = import_answers(path, test, store)
            typer.echo(f"{path}: {votes} answers, {new} new")
        except InputError as error:
            bad += 1
            typer.echo(f"error: {error}", err=True)
    if bad:
        raise typer.Exit(1)


@blind_test.command()
def results(
    folder: _Folder = _FOLDER, json: Annotated[bool, typer.Option("--json", help="For other programs.")] = False
) -> None:
    """Print what the votes say so far; the server need not run.

    Example: `yardbird blind-test results --json`
    """
    from json import dumps

    from yardbird.blindtest.bundle import read_test
    from yardbird.blindtest.results import as_text, results_of

    test, key = read_test(folder)
    found = results_of(test, key, _store(folder).everything())
    typer.echo(dumps(asdict(found), indent=2, ensure_ascii=False) if json else as_text(found))


def _open_or_make(folder: Path) -> "tuple[BlindTest, Key, BlindTestConfig]":
    """The test in a folder, made first where there is no folder or nothing in it, and the settings of today."""
    from yardbird.blindtest.bundle import read_test
    from yardbird.blindtest.plan import BlindTestConfig, make_plan
    from yardbird.config import read_section, read_seed

    config, seed = read_section("blind_test", BlindTestConfig), read_seed()
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        from yardbird.blindtest.clips import prepare

        typer.echo(f"making the clips of {folder} …")
        prepare(folder, make_plan(Path("data/augmented"), Path("data/generated"), config, seed), config, seed)
    test, key = read_test(folder)
    of_its_making = {**key.params, "requests_per_minute": config.requests_per_minute}  # which makes no test another
    if (of_its_making, key.seed) != (asdict(config), seed):
        typer.echo(
            f"note: {folder} was made with other parameters and stays so; a new --folder is a new test", err=True
        )
    judged = [origin.source for origin in key.clips.values()]
    counts = ", ".join(f"{judged.count(source)} {source}" for source in dict.fromkeys(judged))
    typer.echo(f'"Is this {test.artist}?" {len(test.clips)} clips: {counts}')
    for line in key.left_out:
        typer.echo(f"left out: {line}")
    return test, key, config


def _store(folder: Path) -> "VoteStore":
    from yardbird.blindtest.bundle import VOTES
    from yardbird.blindtest.store import VoteStore

    return VoteStore(folder / VOTES)
