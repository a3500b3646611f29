"""Render and draw the samples of a training after it has ended. Training stores raw samples (see `runs`)."""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import MlflowClient
from numpy.typing import NDArray

from yardbird.audio.wave import Waveform, read_wave
from yardbird.music.midi import read_score
from yardbird.tracking.runs import SAMPLES
from yardbird.tracking.solo_pages import write_solo
from yardbird.tracking.store import board_folder

#: The sound of a sample, a `Score` or a `Waveform`, and its picture, (height, width, 3).
Show = Callable[[Any], tuple[Waveform, NDArray[np.uint8]]]
_EPOCH = re.compile(r"epoch_\d+")


def show_samples(client: MlflowClient, run_id: str, root: Path, show: Show) -> None:
    """Add .wav, .png and .html to each raw sample of a training that has none, and sound and picture to TensorBoard.

    Args:
        root: the folder with TensorBoard's files. If it has none of this training, only MLflow shows the samples.
    """
    stored = {Path(file.path) for file in client.list_artifacts(run_id, SAMPLES)}
    raw = {path.stem: path for suffix in (".wav", ".mid") for path in stored if path.suffix == suffix}
    tags = client.get_run(run_id).data.tags
    board = board_folder(root, tags.get("family", ""), tags.get("key", ""))
    shown_already = {path.stem for path in stored if path.suffix == ".html"}
    for stem in sorted(stem for stem in raw.keys() - shown_already if _EPOCH.fullmatch(stem)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(client.download_artifacts(run_id, raw[stem].as_posix(), folder))
            sample = read_wave(path) if path.suffix == ".wav" else read_score(path)
            waveform, image = show(sample)
            shown = Path(folder) / "shown"
            write_solo(shown, stem, sample, waveform, image)
            (shown / path.name).unlink()  # keep the raw sample unchanged
            if "key" in tags and board.is_dir():
                _add_to_board(board, int(stem.removeprefix("epoch_")), waveform, image)
            for file in sorted(shown.iterdir(), key=lambda file: file.suffix == ".html"):
                client.log_artifact(run_id, str(file), SAMPLES)  # the page last: it marks the sample as shown


def _add_to_board(board: Path, epoch: int, waveform: Waveform, image: NDArray[np.uint8]) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(board)) as writer:
        writer.add_audio("sample", waveform.mono[None, :], epoch, waveform.sample_rate)
        writer.add_image("sample", image, epoch, dataformats="HWC")
