"""Real servers for MLflow on this machine: PostgreSQL, an S3 store, `mlflow server`, and a proxy with a password."""

import base64
import contextlib
import http.client
import http.server
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

USER, PASSWORD = "ann", "secret"
NO_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # as in `yardbird mlflow ui`
DROPPED = ("Host", "Authorization", "Transfer-Encoding", "Content-Length")  # headers that the proxy does not forward


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The URI of an empty database of a new PostgreSQL server; skips if it is not installed.

    PostgreSQL refuses to run as root, so root starts it as the user nobody.
    """
    pytest.importorskip("psycopg", reason="psycopg[binary] is not installed")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    programs, port = found[-1].parent, str(free_port())
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)

        def run(program: str, *options: str) -> None:
            log = subprocess.DEVNULL  # a pipe would stay open in the server
            command = [*nobody, str(programs / program), *options]
            subprocess.run(command, check=True, cwd=folder, stdout=log, stderr=log, timeout=120)

        run("initdb", "-U", USER, "-A", "trust", "-D", "data")
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        run("pg_ctl", "-D", "data", "-w", "-o", settings, "-l", "log", "start")
        try:
            run("createdb", "-h", "127.0.0.1", "-p", port, "-U", USER, "runs")
            yield f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/runs"
        finally:
            run("pg_ctl", "-D", "data", "-m", "immediate", "stop")


@contextlib.contextmanager
def s3(folder: Path) -> Iterator[dict[str, str]]:
    """The variables with which boto3 finds a new local S3 store, with a bucket `solos`; skips without moto."""
    pytest.importorskip("boto3", reason="boto3 is not installed")
    pytest.importorskip("moto.server", reason="moto[server] is not installed")
    import boto3  # type: ignore[import-not-found]

    port = free_port()
    variables = {
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1",
        "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }  # fmt: skip
    with started([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], folder, port, {}):
        store = boto3.client(
            "s3", endpoint_url=variables["MLFLOW_S3_ENDPOINT_URL"], region_name="us-east-1",
            aws_access_key_id="a", aws_secret_access_key="b",
        )  # fmt: skip
        store.create_bucket(Bucket="solos")
        yield variables


@contextlib.contextmanager
def mlflow_server(folder: Path, options: Sequence[str], variables: dict[str, str]) -> Iterator[tuple[int, int]]:
    """The port and the process group of a new `mlflow server`."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with started([*command, *options], folder, port, variables) as group:
        yield port, group


@contextlib.contextmanager
def started(command: list[str], folder: Path, port: int, variables: dict[str, str]) -> Iterator[int]:
    """The process group of a server in a folder, as soon as it answers on its port."""
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", **NO_JOBS, **variables}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (folder / f"{port}.log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        for _ in range(240):
            assert server.poll() is None, (folder / f"{port}.log").read_text()
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                break
            time.sleep(0.5)
        yield server.pid
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@contextlib.contextmanager
def proxy(port: int, prefix: str) -> Iterator[str]:
    """The address of a proxy that forwards paths below a prefix to a port, for one user with a password."""
    expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Forward(http.server.BaseHTTPRequestHandler):
        def forward(self) -> None:
            body = self.body()
            if self.headers.get("Authorization") != expected:
                self.answer(401, [], b"who are you?")
                return
            if not self.path.startswith(prefix):
                self.answer(404, [], b"another site")
                return
            server = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            kept = {name: text for name, text in self.headers.items() if name not in DROPPED}
            server.request(self.command, self.path.removeprefix(prefix), body or None, kept)
            got = server.getresponse()
            content = got.read()
            headers = [(name, text) for name, text in got.getheaders() if name.lower() == "content-type"]
            self.answer(got.status, headers, content)

        def body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, text in [*headers, ("Content-Length", str(len(content)))]:
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815  # names of http.server

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forward) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
        server.shutdown()
