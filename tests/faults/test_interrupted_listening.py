"""A stage that listens to recordings, killed or interrupted: the former clips stay, and the next run begins cleanly."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[2]
#: The stage render, whose listener answers at once. It waits at the third recording or clip if an argument says so.
RENDER = f"""
import sys, time
from dataclasses import replace
from pathlib import Path
from yardbird.config import read_section
from yardbird.data import cutting, recordings
from yardbird.data.source_sounds import AudioConfig
from yardbird.data.splitting import SplitConfig
from yardbird.errors import exit_on_error

calls = []
def wait_in(phase):
    calls.append(phase)
    if sys.argv[1:] == [phase] and calls.count(phase) == 3:
        print(phase, flush=True)
        time.sleep(60)

class Listener:
    @classmethod
    def fit(cls, *_):
        return cls()

    def hear(self, *_):
        wait_in("listening")

def write(*arguments):
    write_wave(*arguments)
    wait_in("cutting")

recordings.Listener, write_wave, cutting.write_wave = Listener, cutting.write_wave, write
config = replace(read_section("audio", AudioConfig, Path({str(ROOT / "params.yaml")!r})), source="recordings")
main = lambda: cutting.make_clips(Path("none"), Path("data/clips"), config, SplitConfig(0.3, 0.3, 0, 0.13), 0)
exit_on_error(main)()
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
@pytest.mark.parametrize("phase", ["listening", "cutting"])
def test_the_former_clips_stay_and_the_next_run_is_that_of_an_undisturbed_one(
    tmp_path: Path, phase: str, sent: signal.Signals
) -> None:
    def stage(*arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", RENDER, *arguments]
        return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    for number in range(6):
        tone = 0.4 * np.sin(np.arange(16_000 * 9) * (number + 2) / 40)
        (tmp_path / "recordings").mkdir(exist_ok=True)
        soundfile.write(tmp_path / f"recordings/Tune {'ABCDEF'[number]}.wav", tone, 16_000)
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    assert stage().communicate()[1] == ""
    former = contents(tmp_path / "data")
    assert "clips/captions.csv" in former

    soundfile.write(tmp_path / "recordings/Tune G.wav", 0.4 * np.sin(np.arange(16_000 * 9) / 3), 16_000)
    stopped = stage(phase)
    assert stopped.stdout is not None
    assert stopped.stdout.readline().strip() == phase
    stopped.send_signal(sent)
    assert stopped.communicate()[1] == ""
    assert stopped.returncode == (-sent if sent == signal.SIGKILL else 130)
    assert contents(tmp_path / "data") == former
    drafts = list((tmp_path / ".dvc/tmp/drafts").glob("[!l]*"))
    assert len(drafts) == (phase == "cutting" and sent == signal.SIGKILL)

    assert stage().communicate()[1] == ""
    assert list((tmp_path / ".dvc/tmp/drafts").glob("[!l]*")) == []
    made = contents(tmp_path / "data")
    assert any("Tune_G" in name for name in made)
    assert {path.name for path in tmp_path.iterdir()} == {".dvc", "data", "recordings"}
    (tmp_path / "data").rename(tmp_path / "before")
    assert stage().communicate()[1] == ""
    assert contents(tmp_path / "data") == made
