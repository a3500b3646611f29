"""What large and hostile requests cost a server: the answer, seconds, processor seconds, and memory.

Run it in the folder of a finished run. It serves the models of `models/` with `mlflow models serve`, then the blind
test and the studio, and prints a table for docs/experiments.md. Exit status 1: an answer is neither a result nor a
refusal in one line.
"""

import argparse
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.config import read_section, read_seed
from yardbird.generation.orders import GenerateConfig
from yardbird.generation.sound_orders import SingConfig
from yardbird.music.midi import write_score
from yardbird.music.score import Score, make_notes
from yardbird.tracking.endpoint import Endpoint, Server
from yardbird.tracking.pyfunc import signature

_START_SECONDS, _ANSWER_SECONDS = 300, 300
_JSON = {"Content-Type": "application/json"}
Body = tuple[str, str, Mapping[str, str], bytes]  # name, path, headers, content


@dataclass(frozen=True)
class Process:
    """A server, with all processes of its session."""

    session: int
    port: int

    def _files(self) -> Iterator[Path]:
        for folder in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                if os.getsid(int(folder.name)) == self.session:
                    yield folder

    def cpu_seconds(self) -> float:
        fields = [(folder / "stat").read_text().rpartition(")")[2].split() for folder in self._files()]
        return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")

    def mebibytes(self, key: str) -> float:
        """The sum of `VmRSS` (now) or `VmHWM` (at most, since `forget_peak`) over the processes."""
        lines = [line for folder in self._files() for line in (folder / "status").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024

    def forget_peak(self) -> None:
        for folder in self._files():
            (folder / "clear_refs").write_text("5")

    def ask(self, path: str, headers: Mapping[str, str], content: bytes | None) -> tuple[int, str]:
        """The status of the answer and its text; status 0: no answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_SECONDS)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # a server may answer before it has read everything
                connection.request("POST" if content else "GET", path, content, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, HTTPException) as error:
            return 0, str(error)
        finally:
            connection.close()


@contextmanager
def started(command: Sequence[str], ready: str) -> Iterator[Process]:
    """A server of this machine; `{port}` in the command is a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [str(Path(sys.executable).with_name(command[0])), *(word.format(port=port) for word in command[1:])]
    child = subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process, until = Process(child.pid, port), time.monotonic() + _START_SECONDS
    try:
        while process.ask(ready, {}, None)[0] != 200:
            if child.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"error: {' '.join(words)}: expected a server, found none")
            time.sleep(0.5)
        yield process
    finally:
        with suppress(ProcessLookupError):  # it has ended
            os.killpg(child.pid, signal.SIGTERM)
        child.wait()


def measured(server: str, process: Process, bodies: Iterable[Body]) -> bool:
    """Print a row for each request. Returns whether all were answered or refused in one line."""
    fine = True
    for name, path, headers, content in bodies:
        process.forget_peak()
        before, cpu, start = process.mebibytes("VmRSS"), process.cpu_seconds(), time.monotonic()
        status, text = process.ask(path, headers, content)
        seconds, cpu = time.monotonic() - start, process.cpu_seconds() - cpu
        added = max(process.mebibytes("VmHWM") - before, 0)
        refused = 400 <= status < 500 and "\n" not in text.strip() and "s of work" not in text
        fine = fine and (status == 200 or refused)
        size = f"{len(content) / 1e6:.2f}"
        print(f"| {server} | {name} | {size} | {status} | {seconds:.1f} | {cpu:.1f} | {added:.0f} |", flush=True)
        if status != 200:
            print(f"  {text[:200]!r}", file=sys.stderr)
    return fine


def midi(notes: int, bars: int) -> str:
    """A solo in base64, whose notes are spread over its bars."""
    step = max(1, 48 * bars // notes)
    rows = [(step * index, max(1, step - 1), 50 + index % 30, 90) for index in range(notes)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "solo.mid"
        write_score(Score(12, make_notes(rows), max(48 * bars, -(-step * notes // 48) * 48)), path)
        return base64.b64encode(path.read_bytes()).decode()


def requests(family: str) -> Iterator[Body]:
    """Requests to a served model: wrong types, above a limit, and the largest within all limits."""

    def rows(name: str, rows: list[Mapping[str, Any]], **params: Any) -> Body:
        content = json.dumps({"dataframe_records": rows, "params": params})
        return name, "/invocations", _JSON, content.encode()

    if family == "music_transformer":
        yield rows("4 bars", [{"chart": "F7 | Bb7"}], bars=4)
        yield rows("`chart: 5`", [{"chart": 5}])
        yield rows('`chart: ["F7"]`', [{"chart": ["F7"]}])
        yield rows("`bars: null`", [{"chart": "F7"}], bars=None)
        yield rows("a chart of 1 MB", [{"chart": "F7 | " * 200_000}])
        yield rows("a chart of 50 MB", [{"chart": "F7 | " * 10_000_000}])
        yield rows("200 rows", [{"chart": "F7"}] * 200)
        yield rows("one row of 256 bars", [{"chart": "F7 | Bb7"}], bars=256)
        yield rows("64 rows of 16 bars", [{"chart": "F7 | Bb7"}] * 64, bars=16)
        yield rows("4 rows of 256 bars", [{"chart": "F7 | Bb7"}] * 4, bars=256)
    elif family == "music_vae":
        yield rows("encode 64 notes", [{"midi": midi(64, 16)}], task="encode")
        yield rows("`midi: 7`", [{"midi": 7}], task="encode")
        yield rows("200 rows of 64 notes", [{"midi": midi(64, 16)}] * 200, task="encode")
        yield rows("64 rows of 64 notes", [{"midi": midi(64, 16)}] * 64, task="encode")
        yield rows("a MIDI file of 90,000 notes", [{"midi": midi(90_000, 256)}], task="encode")
        yield rows("encode 4,096 notes in 256 bars", [{"midi": midi(4096, 256)}], task="encode")
        yield rows("encode 4 rows of 256 bars", [{"midi": midi(2048, 256)}] * 4, task="encode")
        two = {"midi": midi(120, 15), "midi_b": midi(90, 15)}
        yield rows("interpolate 65 steps of 15 bars", [two], task="interpolate", steps=65)
        yield rows("sample 64 rows of 16 bars", [{"chart": "F7 | Bb7"}] * 64, task="sample", bars=16)
        yield rows("a `z` of 2,000 brackets", [{"z": "[" * 2000}], task="decode")
    else:
        yield rows("a sound of 1 s", [{"prompt": "Be-bop jazz solo in F"}], seconds=1.0)
        yield rows("`prompt: 7`", [{"prompt": 7}])
        yield rows("a prompt of 1 MB", [{"prompt": "jazz " * 200_000}])
        yield rows("`seconds: 1e9`", [{"prompt": "jazz"}], seconds=1e9)
        yield rows("2 sounds of 30 s", [{"prompt": "jazz"}] * 2, seconds=30.0)
        yield rows("12 sounds of 5 s", [{"prompt": "jazz"}] * 12, seconds=5.0)
        yield rows("5 sounds of 60 s", [{"prompt": "jazz"}] * 5, seconds=60.0)


def pages(server: str) -> Iterator[Body]:
    """Requests to the blind test or the studio."""

    def upload(size: int) -> Body:
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.mid"\r\n\r\n'
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return f"an upload of {size / 1e6:g} MB", "/gradio_api/upload", headers, head + b"a" * size + b"\r\n--x--\r\n"

    if server == "studio":
        yield upload(900_000)
        yield upload(2_000_000)
        yield upload(50_000_000)
        yield "3 MB of brackets", "/gradio_api/queue/join", _JSON, b"[" * 3_000_000
    else:
        yield "`profile: 7`", "/api/listeners", _JSON, b'{"profile": 7}'
        yield "50 MB of brackets", "/api/listeners", _JSON, b"[" * 50_000_000


def serve_models(families: Iterable[str], seconds: int) -> bool:
    import mlflow  # after yardbird, which turns its telemetry off

    fine, seed = True, read_seed()
    settings = {"music_transformer": GenerateConfig, "music_vae": GenerateConfig, "musicgen": SingConfig}
    for family in families:
        endpoint: Endpoint = import_module(f"yardbird.serving.{family}_endpoint").ENDPOINT
        kind = settings[family]
        defaults = asdict(read_section("sing" if kind is SingConfig else "generate", kind)) | {"seed": seed}
        with TemporaryDirectory() as folder:
            model = Path(folder) / family
            mlflow.pyfunc.save_model(
                str(model), python_model=str(endpoint.file), artifacts={"model": f"models/{family}"},
                signature=signature(Server(endpoint, defaults)), pip_requirements=[],
            )  # fmt: skip
            command = ["mlflow", "models", "serve", "-m", str(model), "--env-manager", "local", "--port", "{port}",
                       "--timeout", str(seconds)]  # fmt: skip
            with started(command, "/ping") as process:
                fine = measured(family, process, requests(family)) and fine
    return fine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    servers = ("music_transformer", "music_vae", "musicgen", "blind-test", "studio")
    parser.add_argument("servers", nargs="*", metavar="server", help=f"all, or some of {', '.join(servers)}")
    parser.add_argument("--timeout", type=int, default=60, help="of `mlflow models serve`, in seconds")
    options = parser.parse_args()
    if unknown := sorted(set(options.servers) - set(servers)):
        parser.error(f"expected servers of {', '.join(servers)}, found {', '.join(unknown)}")
    chosen = options.servers or servers
    print("| server | request | MB | status | s | CPU s | MiB added |\n|---|---|---|---|---|---|---|", flush=True)
    fine = serve_models([name for name in servers[:3] if name in chosen], options.timeout)
    with TemporaryDirectory() as folder:
        commands = {"blind-test": ["blind-test", "serve", "--folder", folder], "studio": ["studio"]}
        for name in [name for name in servers[3:] if name in chosen]:
            with started(["yardbird", *commands[name], "--port", "{port}"], "/") as process:
                fine = measured(name, process, pages(name)) and fine
    sys.exit(not fine)


if __name__ == "__main__":
    main()
