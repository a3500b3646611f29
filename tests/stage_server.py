"""Runs the stages of a pipeline in forks of one process that has imported the libraries, which takes seconds a stage.

DVC passes the command of a stage to the shell that the variable SHELL names. Here this is a program that sends the
command to a server. The server forks, and the fork runs the script as Python would, with the folder, the environment,
the output and the exit status of the command. The library itself is imported in the fork, from the stage's repository.
"""

import contextlib
import importlib
import json
import os
import runpy
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

#: What stages import, some of it in functions.
LIBRARIES = (
    "great_expectations", "joblib", "librosa.feature", "lightning.pytorch", "matplotlib.figure", "mlflow.pyfunc",
    "numba", "pandas", "plotly.graph_objects", "scipy.signal", "scipy.stats", "sklearn.linear_model", "sklearn.metrics",
    "sklearn.decomposition", "symusic", "tensorboard.backend.event_processing.event_accumulator", "torch",
    "torch.utils.tensorboard", "torchaudio.transforms", "transformers.models.encodec.modeling_encodec",
    "transformers.models.musicgen.modeling_musicgen",
)  # fmt: skip
#: Sends a command with its folder, environment and open files, and ends with the exit status that it receives.
CLIENT = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect({address!r})
    socket.send_fds(link, [b"-"], [0, 1, 2])
    link.sendall(json.dumps([sys.argv[-1], os.getcwd(), dict(os.environ)]).encode())
    link.shutdown(socket.SHUT_WR)
    sys.exit(int(link.recv(4)))
"""


@contextlib.contextmanager
def stage_shell(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment in which DVC runs stages with a server, while the server runs."""
    with tempfile.TemporaryDirectory() as folder:  # the address of a socket is short
        address, shell = f"{folder}/socket", Path(folder, "shell")
        shell.write_text(CLIENT.format(python=sys.executable, address=address))
        shell.chmod(0o700)
        command = [sys.executable, "-W", "ignore", __file__, address]
        with subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout
                assert server.stdout.readline() == b"ready\n"
                yield {**environment, "SHELL": str(shell)}
            finally:
                server.terminate()


def serve(address: str) -> None:
    """Accept commands until the process ends; in a fork, return after the stage."""
    for name in LIBRARIES:
        importlib.import_module(name)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while True:
            link, _ = listener.accept()
            if os.fork() == 0:
                break
            link.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
    with link:
        _, opened, _, _ = socket.recv_fds(link, 1, 3)
        command, folder, environment = json.load(link.makefile())
        if stage := os.fork():
            link.sendall(str(os.waitstatus_to_exitcode(os.waitpid(stage, 0)[1]) & 0xFF).encode())
            os._exit(0)
    for number, file in enumerate(opened):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    python, script, *arguments = shlex.split(command)
    assert python == "python"
    sys.argv, sys.path[0] = [script, *arguments], str(Path(script).resolve().parent)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    serve(sys.argv[1])
