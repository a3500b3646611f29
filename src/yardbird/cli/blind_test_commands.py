"""`yardbird blind-test`: a listening test of generated and real solos."""

import re
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yardbird.blindtest.questions import Mode
from yardbird.cli.output_places import OUT, Force, free_take
from yardbird.errors import InputError, counted

if TYPE_CHECKING:
    from yardbird.blindtest.bundle import BlindTest, Key
    from yardbird.blindtest.plan import BlindTestConfig
    from yardbird.blindtest.votes import VoteStore

blind_test = typer.Typer(help="Let listeners judge generated and real solos.", no_args_is_help=True)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PUBLIC = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?(/[^?#\s]*)?", re.IGNORECASE)
_Folder = Annotated[Path, typer.Option(help="Folder of the test, with its clips, key and votes.")]
_Mode = Annotated[
    Mode | None,
    typer.Option(
        help="Kind of question of a new test: is it the artist, 1 to 5, or which of two; default: params.yaml."
    ),
]
_Language = Annotated[
    str | None, typer.Option(help="Language of the page, such as de; default: that of the listener's browser.")
]
_FOLDER = Path("blind_test")


@blind_test.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; other machines can connect unless it is loopback.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = 8765,
    public_url: Annotated[
        str | None, typer.Option(help="Public address of a reverse proxy, such as https://example.org/test.")
    ] = None,
    folder: _Folder = _FOLDER,
    mode: _Mode = None,
    language: _Language = None,
) -> None:
    """Serve the test for browsers. The results page requires the printed token.

    The first start renders the clips (section `blind_test` of params.yaml); later starts continue the same test with
    its votes. A confirmed answer is never lost, even if the server is killed.

    Examples:

    - `yardbird blind-test serve`

    - `yardbird blind-test serve --mode pairs --folder blind_test_pairs --language de`

    - `yardbird blind-test serve --host 0.0.0.0 --port 8000`  (for phones in a trusted network)

    - `yardbird blind-test serve --public-url https://example.org`  (behind a reverse proxy with TLS)
    """
    public = None if public_url is None else _PUBLIC.fullmatch(public_url)
    if public_url is not None and not public:
        expected, remedy = "an address such as https://example.org", "use the address that listeners open"
        raise InputError("--public-url", expected=expected, found=repr(public_url), remedy=remedy)
    import secrets
    import socket

    import uvicorn

    from yardbird.blindtest.app import make_app

    test, key, config = _open_or_make(folder, mode, language)
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
        found, remedy = str(error.strerror).partition(" (")[0], "use another --host or --port"
        raise InputError(f"{host}:{port}", expected="a free port", found=found, remedy=remedy) from None
    own = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    address = (public_url or own).rstrip("/")
    if not local:
        typer.echo(f"warning: anyone who can reach {host} can open the test, without encryption", err=True)
    typer.echo(f"the test:    {address}/\nthe results: {address}/results?token={token}")
    typer.echo("press Ctrl-C to stop; the votes are kept")
    app = make_app(
        folder, test, key, _store(folder), token,
        hosts=hosts, requests_per_minute=config.requests_per_minute, secure=secure, language=language,
    )  # fmt: skip
    # No access log: it would contain addresses and the token. No proxy headers: clients could evade the request limit.
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, proxy_headers=False, server_header=False, timeout_keep_alive=60
    )
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after a clean shutdown
        uvicorn.Server(settings).run(sockets=[listening])


@blind_test.command()
def export(
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write, instead of out/blind_test/blind_test.html; it includes the sounds.", show_default=False
        ),
    ] = None,
    folder: _Folder = _FOLDER,
    mode: _Mode = None,
    language: _Language = None,
    force: Force = False,
) -> None:
    """Write the test as one HTML file that works offline. Listeners save answers as files for `import`.

    Example: `yardbird blind-test export --out parker.html`
    """
    from yardbird.blindtest.offline import export_test

    if out:
        earlier = [out] if out.is_file() else []
        free_take(lambda _: earlier, chosen=True, force=force)
    else:
        place = OUT / "blind_test"
        end = free_take(lambda end: [place / f"blind_test{end}.html"], chosen=False, force=force)
        out = place / f"blind_test{end}.html"
    test, _, _ = _open_or_make(folder, mode, language)
    export_test(folder, test, out, language)
    typer.echo(
        f"{out}: {out.stat().st_size / 1e6:.1f} MB, {len(test.questions)} questions; keep {folder}/key.json secret"
    )


@blind_test.command("import")
def import_(
    answers: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files saved by listeners.")],
    folder: _Folder = _FOLDER,
) -> None:
    """Add the answers of exported pages to the votes; importing a file twice is harmless.

    Each unusable file is reported in one line, and the others are imported; the exit status is then 1.

    Example: `yardbird blind-test import ~/Downloads/blind-test-*.json`
    """
    from yardbird.blindtest.bundle import read_test
    from yardbird.blindtest.offline import import_answers

    test, _ = read_test(folder)
    store, bad = _store(folder), 0
    for path in answers:
        try:
            votes, new = import_answers(path, test, store)
            typer.echo(f"{path}: {counted(votes, 'answer')}, {new} new")
        except InputError as error:
            bad += 1
            typer.echo(f"error: {error}", err=True)
    if bad:
        raise typer.Exit(1)


@blind_test.command()
def results(
    folder: _Folder = _FOLDER,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print every vote as CSV, with reasons.")] = False,
) -> None:
    """Print the results of the votes so far; no server is required.

    Examples:

    - `yardbird blind-test results --json`

    - `yardbird blind-test results --csv > votes.csv`
    """
    from json import dumps

    if json and csv:
        raise InputError("--json --csv", expected="one format", found="two", remedy="use one of the options")
    from yardbird.blindtest.bundle import read_test

    test, key = read_test(folder)
    from yardbird.blindtest.result_tables import as_text
    from yardbird.blindtest.results import results_of
    from yardbird.blindtest.votes_csv import votes_csv

    votes = _store(folder).everything()
    if csv:
        typer.echo(votes_csv(test, key, votes), nl=False)
        return
    found = results_of(test, key, votes)
    typer.echo(dumps(asdict(found), indent=2, ensure_ascii=False) if json else as_text(found))


@blind_test.command()
def training_pairs(
    out: Annotated[Path, typer.Option(help="File to write, one JSON object a line.")] = Path(
        "out/blind_test/pairs.jsonl"
    ),
    folder: _Folder = _FOLDER,
) -> None:
    """Write the preferences between generated solos as pairs for preference tuning: chosen and rejected.

    Example: `yardbird blind-test training-pairs --folder blind_test_pairs --out pairs.jsonl`
    """
    from yardbird import files
    from yardbird.blindtest import training_pairs as pairs
    from yardbird.blindtest.bundle import read_test

    test, key = read_test(folder)
    records, ties = pairs.training_pairs(folder, test, key, _store(folder).everything())
    if out.is_dir():
        raise InputError(out, expected="a file to write", found="a folder", remedy=f"use {out / 'pairs.jsonl'}")
    files.write_text(out, pairs.as_json_lines(records))
    typer.echo(f"{out}: {counted(len(records), 'pair')}; left out: {counted(ties, 'tie')}")


def _open_or_make(folder: Path, mode: Mode | None, language: str | None) -> "tuple[BlindTest, Key, BlindTestConfig]":
    """The test in a folder, created if the folder is missing or empty, and the current settings."""
    from yardbird.blindtest.messages import read_messages

    if language:
        read_messages(language)  # before the clips are rendered
    from yardbird.blindtest.bundle import read_test
    from yardbird.blindtest.plan import BlindTestConfig, make_plan
    from yardbird.blindtest.web_pages import title
    from yardbird.config import read_section, read_seed

    config, seed = read_section("blind_test", BlindTestConfig), read_seed()
    config = replace(config, mode=mode) if mode else config
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        from yardbird.blindtest.listening_clips import prepare

        typer.echo(f"rendering the clips of {folder} …")
        prepare(folder, make_plan(Path("data/augmented"), Path("data/generated"), config, seed), config, seed)
    test, key = read_test(folder)
    if mode and mode != test.mode:
        found, remedy = f"one in mode {test.mode}", "use a new --folder for each mode"
        raise InputError(folder, expected=f"a test in mode {mode}", found=found, remedy=remedy)
    stored = {**key.params, "requests_per_minute": config.requests_per_minute}  # it does not affect the clips
    if (stored, key.seed) != (asdict(config), seed):
        typer.echo(
            f"note: {folder} was made with other parameters and keeps them; use a new --folder for a new test", err=True
        )
    judged = [origin.source for origin in key.clips.values()]
    counts = ", ".join(f"{judged.count(source)} {source}" for source in dict.fromkeys(judged))
    typer.echo(f"{title(test)} {len(test.questions)} questions; clips: {counts}")
    for line in key.left_out:
        typer.echo(f"not included: {line}")
    return test, key, config


def _store(folder: Path) -> "VoteStore":
    from yardbird.blindtest.bundle import VOTES
    from yardbird.blindtest.votes import VoteStore

    return VoteStore(folder / VOTES)
