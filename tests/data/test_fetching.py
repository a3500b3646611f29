"""Downloads are pinned, continue where they stopped, and overwrite nothing. The server is on the loopback."""

import errno
import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from yardbird.cli import app
from yardbird.data import public_collections
from yardbird.data.fetching import fetch
from yardbird.data.public_collections import COLLECTIONS, Collection, Download
from yardbird.errors import InputError

CONTENT = bytes(range(256)) * 2000


@dataclass
class Server:
    """The data that the test server sends, and the requests that it received."""

    url: str = ""
    content: bytes = CONTENT
    breaks_after: int | None = None  # bytes of the next answer
    ranges: bool = True
    requested_ranges: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested_range = self.headers.get("Range")
            state.requested_ranges.append(requested_range)
            if self.path == "/absent":
                self.send_error(404)
                return
            start = int(requested_range.removeprefix("bytes=").rstrip("-")) if requested_range and state.ranges else 0
            if start >= len(state.content):
                self.send_error(416)
                return
            body = state.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(state.content) - 1}/{len(state.content)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.breaks_after])
            state.breaks_after = None

        def log_message(self, *_: object) -> None:
            pass

    service = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{service.server_port}"
    threading.Thread(target=service.serve_forever, daemon=True).start()
    yield state
    service.shutdown()
    service.server_close()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def collection(*downloads: Download) -> Collection:
    return Collection("mine", "solos", "1 MB", "free", "a citation", downloads, "use {folder}")


def one_file(server: Server, content: bytes = CONTENT, name: str = "solos.db", most: int = 10**6) -> Collection:
    return collection(Download(name, f"{server.url}/file", digest(content), most))


def test_a_file_is_downloaded_completely_and_not_requested_again(server: Server, tmp_path: Path) -> None:
    (path,) = fetch(one_file(server), tmp_path / "mine")
    assert path.read_bytes() == CONTENT
    assert [each.name for each in (tmp_path / "mine").iterdir()] == ["solos.db"]
    assert fetch(one_file(server), tmp_path / "mine") == [path]
    assert server.requested_ranges == [None]


def test_an_interrupted_download_continues_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.breaks_after = 100_000
    with pytest.raises(
        InputError, match=r"a broken connection \(.*\); run it again; it continues after the 0\.1 MB received"
    ):
        fetch(one_file(server), tmp_path)
    assert not (tmp_path / "solos.db").exists()
    (path,) = fetch(one_file(server), tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.requested_ranges[0] is None
    assert server.requested_ranges[1] == "bytes=65536-", "whole chunks are kept"


def test_a_server_without_range_requests_sends_the_whole_file_again(server: Server, tmp_path: Path) -> None:
    server.breaks_after = 100_000
    with pytest.raises(InputError):
        fetch(one_file(server), tmp_path)
    server.ranges = False
    (path,) = fetch(one_file(server), tmp_path)
    assert path.read_bytes() == CONTENT


def test_a_complete_part_needs_no_more_bytes(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".solos.db.part").write_bytes(CONTENT)
    (path,) = fetch(one_file(server), tmp_path)
    assert path.read_bytes() == CONTENT


def test_other_bytes_are_refused_and_deleted_and_the_next_try_starts_again(server: Server, tmp_path: Path) -> None:
    server.content = b"x" * 1000
    with pytest.raises(InputError, match=r"expected SHA-256 .*, found other bytes, which were deleted"):
        fetch(one_file(server), tmp_path)
    assert list(tmp_path.iterdir()) == []
    server.content = CONTENT
    assert fetch(one_file(server), tmp_path)[0].read_bytes() == CONTENT


def test_the_error_about_a_missing_file_has_the_response_of_the_server(server: Server, tmp_path: Path) -> None:
    absent = collection(Download("solos.db", f"{server.url}/absent", digest(CONTENT), 10**6))
    with pytest.raises(InputError, match="/absent: expected the file, found 404 Not Found"):
        fetch(absent, tmp_path)


def test_no_connection_gives_a_one_line_error(tmp_path: Path) -> None:
    nowhere = collection(Download("solos.db", "http://127.0.0.1:1/file", digest(CONTENT), 10**6))
    with pytest.raises(InputError, match=r"a broken connection \(ConnectionError\); run it again$"):
        fetch(nowhere, tmp_path)


def test_a_server_that_sends_too_much_is_cut_off(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at most 0 MB, found more"):
        fetch(one_file(server, most=200_000), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_file_with_the_same_name_is_never_overwritten(server: Server, tmp_path: Path) -> None:
    (tmp_path / "solos.db").write_text("mine")
    with pytest.raises(InputError, match=r"solos\.db: expected no file, .* found another file of that name"):
        fetch(one_file(server), tmp_path)
    assert (tmp_path / "solos.db").read_text() == "mine"
    assert server.requested_ranges == []


@pytest.mark.parametrize("name", ["../out.db", "/tmp/out.db"])
def test_no_name_can_leave_the_folder(server: Server, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="a path inside"):
        fetch(one_file(server, name=name), tmp_path / "mine")
    assert server.requested_ranges == []


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def archive_of(server: Server, **pinned: bytes) -> Collection:
    members = {f"{name}.xml": digest(content) for name, content in pinned.items()}
    return collection(Download("solos.zip", f"{server.url}/zip", None, 10**6, members))


def test_only_the_pinned_members_of_an_archive_are_written_under_their_bare_names(
    server: Server, tmp_path: Path
) -> None:
    server.content = zipped(
        {
            "Omnibook xml/a.xml": b"A",
            "../../b.xml": b"B",
            "/tmp/evil.sh": b"rm",
            "other/a.xml": b"forged",
            "c.xml": b"C",
        }
    )
    fetched = fetch(archive_of(server, a=b"A", b=b"B"), tmp_path / "in/mine")
    assert [path.read_bytes() for path in fetched] == [b"A", b"B"]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.xml", "b.xml"]
    (tmp_path / "in/mine/a.xml").unlink()
    fetch(archive_of(server, a=b"A", b=b"B"), tmp_path / "in/mine")
    assert (tmp_path / "in/mine/a.xml").read_bytes() == b"A"


def test_an_archive_with_other_members_writes_nothing(server: Server, tmp_path: Path) -> None:
    server.content = zipped({"a.xml": b"A", "b.xml": b"forged"})
    with pytest.raises(
        InputError, match=r"none of that SHA-256 for b\.xml; the source has changed; nothing was written"
    ):
        fetch(archive_of(server, a=b"A", b=b"B"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_an_archive_gives_a_one_line_error(server: Server, tmp_path: Path) -> None:
    server.content = b"<html>moved</html>"
    with pytest.raises(InputError, match="expected an archive, found none"):
        fetch(archive_of(server, a=b"A"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_collection_is_pinned_and_uses_an_encrypted_connection() -> None:
    for each in COLLECTIONS.values():
        for download in each.downloads:
            assert download.url.startswith("https://")
            pins = [*download.members.values()] if download.sha256 is None else [download.sha256]
            assert pins
            assert all(len(pin) == 64 and set(pin) <= set("0123456789abcdef") for pin in pins)
        assert each.licence
        assert each.citation


SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.mark.skipif(not (SHARED / "musicxml").is_dir(), reason="the sample data are absent")
def test_the_pinned_hashes_are_those_of_the_files() -> None:
    pinned = dict(COLLECTIONS["omnibook"].downloads[0].members)
    assert pinned == {path.name: digest(path.read_bytes()) for path in (SHARED / "musicxml").glob("*.xml")}
    assert COLLECTIONS["jsb"].downloads[0].sha256 == digest((SHARED / "jsb/jsb-chorales-16th.json").read_bytes())


def test_the_command_lists_and_fetches_and_prints_the_next_step(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(public_collections, "COLLECTIONS", {"mine": one_file(server)})
    monkeypatch.chdir(tmp_path)
    for arguments in ([], ["mine"]):
        with pytest.raises(SystemExit) as done:
            app(["fetch", *arguments])
        assert done.value.code == 0
    out = capsys.readouterr().out
    assert "mine\n  solos\n  1 MB; licence: free\n  a citation\n" in out
    assert "data/raw/mine: 1 file; licence: free\nnext: use data/raw/mine\n" in out
    assert (tmp_path / "data/raw/mine/solos.db").read_bytes() == CONTENT
    with pytest.raises(SystemExit, match="expected mine, found other; run yardbird fetch for the list"):
        app(["fetch", "other"])


def test_a_full_disk_is_not_reported_as_a_broken_connection(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it was reported as a broken connection; other commands ended with a traceback."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("yardbird.data.fetching._Resuming._receive", full)
    monkeypatch.setitem(public_collections.COLLECTIONS, "mine", one_file(server))
    message = "error: No space left on device; free space on the disk, and run the same command again"
    with pytest.raises(SystemExit, match=message):
        app(["fetch", "mine", "--to", str(tmp_path)])
