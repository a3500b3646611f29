"""A repository that was moved, copied or mounted elsewhere keeps its runs and models, and writes to itself only."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from mlflow_servers import NO_JOBS
from published_store import ROOT, in_folder, publish_model, yardbird

pytestmark = pytest.mark.slow
MODEL = "music_transformer@challenger"
DRAW = ("generate", "--bars", "2", "--seed", "1", "--json", "--model")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one training, one pipeline run and one version of a model."""
    root = tmp_path_factory.mktemp("published") / "first place ü"
    publish_model(root, 0)
    return root


@pytest.fixture
def first(published: Path, tmp_path: Path) -> Path:
    """A repository that was made in its folder."""
    root = tmp_path / published.name
    shutil.copytree(published, root)
    yardbird(root, "mlflow", "sync")
    (root / "mlflow.db.backup").unlink()
    return root


def snapshot(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_moved_repository_finds_its_model_and_leaves_the_former_place_alone(first: Path, tmp_path: Path) -> None:
    """Regression: `generate` failed after `mv`, no command helped, and trainings wrote to the former place."""
    expected = yardbird(first, *DRAW, "models/music_transformer")
    root = first.rename(tmp_path / "elsewhere")
    drawn = yardbird(root, *DRAW, MODEL)
    assert json.loads(drawn.stdout)["solos"][0]["notes"] == json.loads(expected.stdout)["solos"][0]["notes"]
    (said,) = [line for line in drawn.stderr.splitlines() if "repository was" in line]
    assert said.startswith(f"note: the repository was in {first}; ")
    assert said.endswith(f"locations in mlflow.db now name {root} (before: mlflow.db.backup)")
    assert "repository was" not in yardbird(root, *DRAW, MODEL).stderr
    publish_model(root, 1)
    assert len(list((root / "mlartifacts").glob("*/artifacts/samples/epoch_0001.mid"))) == 2
    assert not first.exists()


def test_mlflow_shows_the_artifacts_of_a_moved_repository_after_sync(first: Path, tmp_path: Path) -> None:
    root = first.rename(tmp_path / "elsewhere")
    yardbird(root, "mlflow", "sync")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{root}/mlflow.db"]
    with subprocess.Popen(command, cwd=tmp_path, env=os.environ | NO_JOBS) as server:
        try:
            runs = answer(port, "runs/search", {"experiment_ids": ["1"]})["runs"]
            (training,) = [run["info"] for run in runs if run["info"]["run_name"].startswith("train")]
            query = f"artifacts/list?run_id={training['run_id']}&path=samples"
            listed = [file["path"] for file in answer(port, query)["files"]]
            assert listed == ["samples/epoch_0001.html", "samples/epoch_0001.mid", "samples/epoch_0001.png",
                              "samples/epoch_0001.wav"]  # fmt: skip
            url = f"http://127.0.0.1:{port}/get-artifact?run_id={training['run_id']}&path=samples/epoch_0001.mid"
            with urllib.request.urlopen(url, timeout=60) as sent:
                assert sent.read(4) == b"MThd"
        finally:
            server.terminate()


def answer(port: int, query: str, content: object = None) -> dict[str, list[dict[str, dict[str, str]]]]:
    """The answer of MLflow's API, as soon as the server has started."""
    body = None if content is None else json.dumps(content).encode()
    address = f"http://127.0.0.1:{port}/api/2.0/mlflow/{query}"
    for _ in range(120):
        try:
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as sent:
                return json.load(sent)  # type: ignore[no-any-return]
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(1)
    raise AssertionError("the server did not start")


def test_two_copies_side_by_side_do_not_write_into_each_other(first: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    shutil.copytree(first, second)
    before = snapshot(first)
    publish_model(second, 1)
    assert snapshot(first) == before
    after = snapshot(second)
    publish_model(first, 2)
    assert snapshot(second) == after
    assert "repository was" not in yardbird(first, *DRAW, MODEL).stderr


def test_without_its_artifacts_the_advice_for_a_model_works(first: Path, tmp_path: Path) -> None:
    root = tmp_path / "without"
    shutil.copytree(first, root, ignore=shutil.ignore_patterns("mlartifacts"))
    refused = yardbird(root, *DRAW, MODEL, status=1).stderr.splitlines()
    assert refused[0].endswith(f"; copy {first / 'mlartifacts'} to {root}, too")
    assert refused[1].startswith(f"error: {MODEL}: expected the files of a registered model, found none in ")
    assert "run `dvc repro --force --single-item publish`" in refused[1]
    publish_model(root, 0)  # the same weights
    yardbird(root, *DRAW, MODEL)


def test_a_read_only_mount_of_a_repository_is_used_as_it_is(first: Path, tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    bind = subprocess.run(["mount", "--bind", str(first), str(mounted)], capture_output=True, check=False)
    if bind.returncode or subprocess.run(["mount", "-o", "remount,ro,bind", str(mounted)], check=False).returncode:
        pytest.skip("this user cannot mount")
    try:
        out = tmp_path / "out"
        yardbird(mounted, *DRAW, MODEL, "--out", str(out))
        assert len(list(out.iterdir())) == 4
        assert not (first / "mlflow.db.backup").exists()
        refused = yardbird(mounted, *DRAW, MODEL, status=1).stderr.splitlines()
        assert refused[-1] == "error: out: Read-only file system; choose a writable folder"
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_commands_of_the_helper_import_this_source(tmp_path: Path) -> None:
    said = in_folder(tmp_path, "-c", "import yardbird; print(yardbird.__file__)").stdout
    assert said.startswith(str(ROOT / "src"))
