"""A registered model behind `mlflow models serve`."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from yardbird.tracking.store import tracking_uri


@contextmanager
def served(root: Path, name: str) -> Iterator[Callable[[Any], Any]]:
    """A function that sends a request to the challenger and returns the rows of its response.

    It raises HTTPError if the server refuses the request.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"models:/{name}@challenger"]
    command += ["--env-manager", "local", "--port", port]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # of an environment not activated
    environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking_uri(root), "PATH": path}
    with subprocess.Popen(command, env=environment, start_new_session=True) as server:
        try:
            until = time.monotonic() + 120
            yield lambda content: _post(port, content, until)["predictions"]
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def _post(port: str, content: Any, until: float) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError:
            raise
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
