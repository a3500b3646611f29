"""Python for subprocesses that starts at once, because importing the libraries takes seconds.

A server that has imported them forks for each command, and the fork does what Python would, with the arguments, the
folder, the environment, the files and the exit status of the command. Yardbird itself is imported in the fork, from the
paths of the command.

Signals are not passed on: a command is killed as soon as its program ends. The seed of hashes, and what Python and the
libraries read when they start, are those of the server; so a test of Ctrl-C, or that two runs are equal, needs
`sys.executable` at least once.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import multiprocessing.process
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import types
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from filelock import FileLock

#: What several stages and commands import, some of it in functions.
LIBRARIES = (
    "joblib", "librosa.feature", "lightning.pytorch", "matplotlib.figure", "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store", "numba", "pandas", "plotly.graph_objects", "scipy.signal", "scipy.stats",
    "sklearn.linear_model", "sklearn.metrics", "sklearn.decomposition", "symusic",
    "tensorboard.backend.event_processing.event_accumulator", "torch", "torch.utils.tensorboard",
    "torchaudio.transforms", "transformers.models.encodec.modeling_encodec",
    "transformers.models.musicgen.modeling_musicgen", "typer",
)  # fmt: skip
#: Sends a command with its folder, environment and open files, and ends with the exit status that it receives.
CLIENT = """\
#!{python} -IS
import json, os, shlex, socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect({address!r})
    socket.send_fds(link, [b"-"], [0, 1, 2])
    link.sendall(json.dumps([{arguments}, os.getcwd(), dict(os.environ)]).encode() + b"\\n")
    status = int(link.recv(4))
    if status < 0:  # ended by a signal
        os.kill(os.getpid(), -status)
    sys.exit(status)
"""


def python() -> str:
    """A program that runs `script …`, `-m module …` and `-c code …` as Python does.

    If a process that it runs has the variable PYTHON_EXEC, as in torchrun, that is `sys.executable` there.
    """
    return str(_server() / "python")


def shell() -> str:
    """A program for the variable SHELL, with which DVC runs the commands of stages: `python script …`."""
    return str(_server() / "shell")


@functools.cache
def _server() -> Path:
    """The folder of the programs of a server. All workers of a test session share it, and it ends with the session."""
    session = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    folder = Path(tempfile.gettempdir()) / f"forked_python_{session}"  # the address of a socket is short
    with FileLock(folder.with_suffix(".lock")):
        if not _answers(folder / "socket"):
            _start(folder, session)
    return folder


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as link, contextlib.suppress(OSError):
        link.connect(str(address))
        return True
    return False


def _start(folder: Path, session: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    address = f"{folder}/socket"
    for name, arguments in (("python", "sys.argv[1:]"), ("shell", "shlex.split(sys.argv[-1])[1:]")):
        program = folder / name
        program.write_text(CLIENT.format(python=sys.executable, address=address, arguments=arguments))
        program.chmod(0o700)
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, address, str(session)]
    server = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert server.stdout
    assert server.stdout.readline() == b"ready\n"


def serve(address: str, session: int) -> None:
    """Accept commands until the process `session` ends; in a fork, return after the command."""
    session_end = os.pidfd_open(session)  # readable when the process has ended
    with warnings.catch_warnings(action="ignore"):
        for name in LIBRARIES:
            importlib.import_module(name)
        # MLflow does it once in a process, for the first model that it logs: read which packages are installed.
        importlib.import_module("mlflow.utils.requirements_utils").warn_dependency_requirement_mismatches(["torch"])
    gc.freeze()  # else the first collection in each fork would copy the memory of all libraries
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while True:
            if session_end in select.select([listener, session_end], [], [])[0]:
                folder = Path(address).parent
                shutil.rmtree(folder, ignore_errors=True)
                folder.with_suffix(".lock").unlink(missing_ok=True)
                return
            link, _ = listener.accept()
            if os.fork() == 0:
                break
            link.close()
            while _has_ended():
                pass
    with link:
        sent, opened, _, _ = socket.recv_fds(link, 1, 3)
        if not sent:  # the question whether the server answers
            os._exit(0)
        arguments, folder, environment = json.loads(link.makefile().readline())
        if command := os.fork():
            threading.Thread(target=_end_with, args=(link, command), daemon=True).start()
            status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
            with contextlib.suppress(OSError):  # the program that sent the command was killed
                link.sendall(str(status).encode())
            os._exit(0)
    for number, file in enumerate(opened):
        os.dup2(file, number)
        os.close(file)
    _end(_run, arguments, folder, environment)


def _has_ended() -> bool:
    """Whether a fork ended that was not yet waited for."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] > 0
    except ChildProcessError:
        return False


def _end_with(link: socket.socket, command: int) -> None:
    """Kill a command as soon as the program that sent it was killed."""
    link.recv(1)
    with contextlib.suppress(ProcessLookupError):
        os.kill(command, signal.SIGKILL)


def _end(run: Callable[..., None], *arguments: object) -> None:
    """Call a function and end as Python does, but delete no module: that would copy the memory of all libraries."""
    status: object = 0
    try:
        run(*arguments)
    except SystemExit as ended:
        status = ended.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    if not isinstance(status, int):
        print(status, file=sys.stderr)
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    os.chdir(folder)
    multiprocessing.process.ORIGINAL_DIR = folder  # type: ignore[attr-defined]  # of workers
    np.random.seed()  # noqa: NPY002  # the state of the libraries, of which each fork has a copy
    os.environ.clear()
    os.environ.update(environment)
    sys.executable = environment.get("PYTHON_EXEC", sys.executable)
    sys.path[1:1] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    kind, *rest = arguments[1:] if arguments[0] == "-u" else arguments
    if kind == "-c":
        code, *options = rest
        sys.argv, sys.path[0] = ["-c", *options], ""
        sys.modules["__main__"] = module = types.ModuleType("__main__")
        exec(compile(code, "<string>", "exec"), module.__dict__)
    elif kind == "-m":
        sys.argv, sys.path[0] = rest, folder
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = [kind, *rest], str(Path(kind).resolve().parent)
        runpy.run_path(kind, run_name="__main__")


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
