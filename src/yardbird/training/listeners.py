"""What receives the progress of a training: TensorBoard here, MLflow in `yardbird.tracking`."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

#: One epoch of the curve: `epoch` (from 1), `learning_rate`, `train_loss`, `train_<term>`, `validation_<measure>`.
Row = Mapping[str, float]

_LOSS = "train/loss"  # on TensorBoard, in every epoch


class Listener(Protocol):
    def on_start(self, curve: Sequence[Row]) -> None:
        """Training starts, or resumes behind the last row of `curve`."""

    def on_epoch(self, curve: Sequence[Row], pace: Mapping[str, float]) -> None:
        """The last row of `curve` is new; `pace` holds its seconds in all, and windows a second of training alone."""

    def on_sample(self, epoch: int, sample: Any) -> None:
        """What the family samples after this epoch, as it is."""


class TensorBoard:
    """Curves: `tensorboard --logdir <folder>`. The publish stage adds the samples, to hear and to see."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_start(self, curve: Sequence[Row]) -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]  # no stubs
        from torch.utils.tensorboard import SummaryWriter

        # What a killed run wrote behind its last checkpoint is struck out: the curve stays one line.
        purge = len(curve) + 1 if curve else None
        if not curve:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._writer = SummaryWriter(str(self._folder), purge_step=purge)
        events = EventAccumulator(str(self._folder), size_guidance={"scalars": 0}).Reload()
        logged = {event.step for event in events.Scalars(_LOSS)} if _LOSS in events.Tags()["scalars"] else set()
        for epoch, row in enumerate(curve, 1):
            if epoch not in logged:  # killed between the checkpoint and here
                self._add(row, epoch)

    def on_epoch(self, curve: Sequence[Row], pace: Mapping[str, float]) -> None:
        self._add({**curve[-1], **pace}, len(curve))

    def _add(self, values: Row, epoch: int) -> None:
        for name, value in values.items():
            group, _, measure = name.partition("_")
            tag = f"{group}/{measure}" if group in ("train", "validation") else f"run/{name}"
            if name != "epoch":
                self._writer.add_scalar(tag, value, epoch)
        self._writer.flush()

    def on_sample(self, epoch: int, sample: Any) -> None:
        """Nothing: a sample that is to be shown is rendered and drawn first."""
