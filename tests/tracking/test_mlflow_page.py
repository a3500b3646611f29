"""`yardbird mlflow ui` in a real browser: the runs, without a request to another machine."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from opened_page import CHROMIUM
from playwright.sync_api import sync_playwright

from yardbird import files
from yardbird.tracking.runs import TrainingRun
from yardbird.tracking.store import provenance
from yardbird.tracking.sync import sync

MILLISECONDS = 120_000


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_mlflow_opens_on_the_runs_and_ends_with_ctrl_c(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace)
    curve = workspace / "reports/train/fake_curve.csv"
    files.write_text(curve, "epoch,train_loss\n1,4\n")
    tags = {**provenance("train@fake"), "family": "fake"}
    with TrainingRun(workspace, "fake", {}, tags, {"data/encoded/fake": "0123.dir"}, workspace / "state") as run:
        run.on_epoch([{"epoch": 1, "train_loss": 4.0}], {})
        run.finish(curve, {})
    files.write_text(workspace / "params.yaml", "seed: 7\n")
    files.write_text(workspace / "dvc.lock", "stages: {}\n")
    sync(workspace)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-c", "from yardbird.cli import app; app()", "mlflow", "ui", "--port", port]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        try:
            assert server.stdout is not None
            address = re.sub("^the runs: ", "", server.stdout.readline()).strip()
            outside: list[str] = []
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1600, "height": 900})
                page.on("request", lambda asked: None if port in asked.url else outside.append(asked.url))
                for _ in range(60):
                    try:
                        page.goto(address)
                        break
                    except Exception:  # the server has not started yet
                        page.wait_for_timeout(1000)
                row = page.locator(".ag-row", has=page.get_by_text("pipeline")).first
                row.get_by_role("link").first.wait_for(timeout=MILLISECONDS)
                assert page.get_by_text("Models that generate jazz solos").count() > 0
                assert page.locator(".ag-row").filter(has_text="publish.py").count() == 1
                assert page.locator(".ag-row").filter(has_text="train fake").count() == 0, "nested, and folded"
                row.get_by_role("link").first.click()
                page.get_by_text("train fake").first.wait_for(timeout=MILLISECONDS)
                browser.close()
            assert [address for address in outside if address.startswith("http")] == []
        finally:
            os.killpg(server.pid, signal.SIGINT)
        assert server.wait(60) is not None
