"""Promises that hold for the whole code: connections, telemetry, servers, files that could run code."""

import ast
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

#: Modules that may import a network client, and why.
CONNECTED = {
    "data/fetching.py": "yardbird fetch",
    "evaluation/clap.py": "a checkpoint named on the hub",
    "models/pretrained.py": "a model named on the hub",
    "models/musicgen/hub_checkpoint.py": "a checkpoint named on the hub",
    "tracking/hub_export.py": "writes a model card, without a connection",
    "cli/blind_test_commands.py": "listens",
    "cli/free_port.py": "listens",
    "studio/studio_server.py": "listens",
}
CLIENTS = {"requests", "socket", "httpx", "httpx2", "aiohttp", "pooch", "huggingface_hub", "ftplib", "smtplib"}
CLIENTS |= {"urllib.request", "http.client", "urllib3"}
#: Prints what each library would read at its import. It is not imported, which would take seconds.
TELEMETRY = """
import contextlib, os, sys

VARIABLES = {
    "great_expectations": "GX_ANALYTICS_ENABLED",
    "gradio": "GRADIO_ANALYTICS_ENABLED",
    "mlflow": "MLFLOW_DISABLE_TELEMETRY",
}

class Stop:
    def find_spec(self, name, *_):
        if variable := VARIABLES.get(name):
            print(name, os.environ[variable])
            raise ImportError

sys.meta_path.insert(0, Stop())
with contextlib.suppress(ImportError):
    import yardbird.data.expectations
with contextlib.suppress(ImportError):
    import yardbird.studio.studio_server
with contextlib.suppress(ImportError):
    import yardbird.tracking.runs
"""


def sources(root: Path) -> Iterator[tuple[str, ast.Module]]:
    """The path of each file of the library and of the stages, and its syntax tree."""
    for folder in (root / "src/yardbird", root / "stages"):
        for path in sorted(folder.rglob("*.py")):
            yield path.relative_to(folder).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def clients(tree: ast.Module) -> set[str]:
    return {name for name in imported(tree) if name in CLIENTS or name.partition(".")[0] in CLIENTS}


def dangers(tree: ast.Module) -> Iterator[str]:
    """Calls that can run code which a file contains."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, options = ast.unparse(node.func), {option.arg: ast.unparse(option.value) for option in node.keywords}
        unsafe = {
            "torch.load": options.get("weights_only") != "True",
            "np.load": options.get("allow_pickle", "False") != "False",
            "yaml.load": True,
            "YAML": options.get("typ") == "'unsafe'",
            "joblib.load": True,
            "eval": True,
            "exec": True,
            "os.system": True,
            "torch.jit.load": True,
            "shelve.open": True,
        }
        loads = name.startswith(("pickle.", "cloudpickle.", "dill.", "marshal.")) and "load" in name
        if loads or name.endswith("read_pickle") or options.get("shell") == "True" or unsafe.get(name, False):
            yield ast.unparse(node)


def test_only_declared_modules_can_open_a_connection(root: Path) -> None:
    found = {path: clients(tree) for path, tree in sources(root)}
    assert {path for path, names in found.items() if names} == set(CONNECTED)


def test_no_file_is_read_in_a_way_that_can_run_code(root: Path) -> None:
    assert {path: calls for path, tree in sources(root) if (calls := list(dangers(tree)))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "torch.load(f)",
        "torch.load(f, weights_only=False)",
        "np.load(f, allow_pickle=True)",
        "pickle.load(f)",
        "pd.read_pickle(f)",
        "subprocess.run(f, shell=True)",
        "eval(x)",
    ],
)
def test_the_check_finds_a_call_that_can_run_code(code: str) -> None:
    assert list(dangers(ast.parse(code))) == [code]


def test_the_telemetry_of_the_libraries_is_off(root: Path) -> None:
    config = ConfigParser()
    config.read(root / ".dvc/config")
    assert config.getboolean("core", "analytics") is False
    assert config.getboolean("core", "check_update") is False
    inherited = {
        name: value for name, value in os.environ.items() if not {"ANALYTICS", "MLFLOW"} & set(name.split("_"))
    }
    done = subprocess.run([sys.executable, "-c", TELEMETRY], env=inherited, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["great_expectations", "false", "gradio", "False", "mlflow", "true"]


def test_every_text_that_shows_how_to_serve_a_model_turns_the_telemetry_off(root: Path) -> None:
    paths = [root / "README.md", *root.glob("docs/**/*.md"), *root.glob("src/yardbird/**/*.py")]
    texts = {path.name: text for path in paths if "-m models:/" in (text := path.read_text(encoding="utf-8"))}
    assert len(texts) >= 4, "docs/experiments.md and the model cards of three endpoints"
    assert {name for name, text in texts.items() if "MLFLOW_DISABLE_TELEMETRY=true" not in text} == set()


def test_servers_listen_on_the_loopback_without_an_option() -> None:
    from yardbird.cli import blind_test_commands, mlflow_commands, studio_command

    hosts = {
        name: inspect.signature(command).parameters["host"].default
        for module in (blind_test_commands, studio_command)
        for name, command in inspect.getmembers(module, inspect.isfunction)
        if "host" in inspect.signature(command).parameters
    }
    assert hosts == {"serve": "127.0.0.1", "studio": "127.0.0.1"}
    assert '"--host", "127.0.0.1"' in inspect.getsource(mlflow_commands), "`yardbird mlflow ui` has no option for it"
