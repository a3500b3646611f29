"""Samples of a training: stored raw while it runs, heard and seen in MLflow and TensorBoard once it is published."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_family import FakeFamily
from numpy.typing import NDArray

from yardbird.audio.wave import Waveform, read_wave
from yardbird.generation.audition import sound_and_picture
from yardbird.music.midi import read_score
from yardbird.tracking.runs import TrainingRun
from yardbird.tracking.sample_pages import show_samples
from yardbird.tracking.solo_pages import solo_page
from yardbird.tracking.store import board_folder, connect

SOUND = Waveform(np.sin(np.arange(8000) / 5).astype(np.float32)[:, None] / 2, 8000)


@pytest.fixture
def samples(workspace: Path) -> Path:
    """The artifacts of a training that has sampled a score and, as musicgen does, a sound."""
    tags = {"family": "fake", "key": "0123"}
    with TrainingRun(workspace, "fake", {}, tags, {}, workspace / "state/run") as run:
        run.on_sample(2, FakeFamily().sample(0))
        run.on_sample(4, SOUND)
    (folder,) = workspace.glob("mlartifacts/*/artifacts/samples")
    return folder


def publish_samples(root: Path, show: Any = sound_and_picture) -> None:
    client, experiment = connect(root)
    (run,) = client.search_runs([experiment])
    show_samples(client, run.info.run_id, root, show)


def test_every_raw_sample_is_rendered_and_drawn(samples: Path, workspace: Path) -> None:
    raw = {path.name: path.read_bytes() for path in samples.iterdir()}
    publish_samples(workspace)
    made = {path.name: path.read_bytes() for path in samples.iterdir()}
    assert sorted(made) == [
        "epoch_0002.html", "epoch_0002.mid", "epoch_0002.png", "epoch_0002.wav",
        "epoch_0004.html", "epoch_0004.png", "epoch_0004.wav",
    ]  # fmt: skip
    assert {name: made[name] for name in raw} == raw
    assert read_wave(samples / "epoch_0002.wav").peak > 0.1
    assert len(read_score(samples / "epoch_0002.mid").notes) == 8
    for name in ("epoch_0002", "epoch_0004"):
        assert made[f"{name}.png"].startswith(b"\x89PNG")
        assert b"data:audio/wav;base64," in made[f"{name}.html"]


def test_what_is_there_is_not_made_again(samples: Path, workspace: Path) -> None:
    shown: list[Any] = []

    def show(sample: Any) -> tuple[Waveform, NDArray[np.uint8]]:
        shown.append(sample)
        return SOUND, np.zeros((4, 6, 3), np.uint8)

    publish_samples(workspace, show)
    publish_samples(workspace, show)
    assert len(shown) == 2
    (samples / "epoch_0002.html").unlink()  # as if the process had been killed before
    publish_samples(workspace, show)
    assert [type(sample).__name__ for sample in shown] == ["Score", "Waveform", "Score"]


def test_another_file_beside_the_samples_is_left_alone(samples: Path, workspace: Path) -> None:
    (samples / "cover.wav").write_bytes(b"RIFF")
    publish_samples(workspace)
    assert not (samples / "cover.html").exists()
    assert (samples / "epoch_0004.html").exists()


@pytest.mark.parametrize("trained_here", [True, False])
def test_tensorboard_has_sound_and_picture_where_it_has_the_curve(
    samples: Path, workspace: Path, trained_here: bool
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = board_folder(workspace, "fake", "0123")
    if trained_here:
        board.mkdir(parents=True)
    publish_samples(workspace)
    assert board.exists() == trained_here
    if trained_here:
        events = EventAccumulator(str(board)).Reload()
        for tag in (events.Audio("sample"), events.Images("sample")):
            assert sorted(event.step for event in tag) == [2, 4]


def test_the_page_of_a_solo_escapes_its_title(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"")
    page = solo_page("<script>alert(1)</script>", tmp_path / "a.wav", tmp_path / "a.wav")
    assert "<script>" not in page
    assert page.count("&lt;script&gt;alert(1)") == 2, "title and heading"
