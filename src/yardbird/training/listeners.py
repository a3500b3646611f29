"""Listeners that receive the progress of a training: TensorBoard here, MLflow in `yardbird.tracking`."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from yardbird.tables.curve_table import CurveRow

_LOSS = "train/loss"  # a TensorBoard tag that every epoch has


class Listener(Protocol):
    def on_start(self, curve: Sequence[CurveRow]) -> None:
        """Training starts, or resumes after the last row of `curve`."""

    def on_epoch(self, curve: Sequence[CurveRow], pace: Mapping[str, float]) -> None:
        """The last row of `curve` is new. `pace` has the epoch's total seconds, and training windows per second."""

    def on_sample(self, epoch: int, sample: Any) -> None:
        """The family's raw sample after this epoch."""


class TensorBoard:
    """Log curves for `tensorboard --logdir <folder>`.

    The publish stage adds the samples of finished trainings as sound and picture.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_start(self, curve: Sequence[CurveRow]) -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]  # no stubs
        from torch.utils.tensorboard import SummaryWriter

        # Drop what a killed run wrote after its last checkpoint, so that the curve is one line.
        purge = len(curve) + 1 if curve else None
        if not curve:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._writer = SummaryWriter(str(self._folder), purge_step=purge)
        events = EventAccumulator(str(self._folder), size_guidance={"scalars": 0}).Reload()
        logged = {event.step for event in events.Scalars(_LOSS)} if _LOSS in events.Tags()["scalars"] else set()
        for epoch, row in enumerate(curve, 1):
            if epoch not in logged:  # a run was killed after its checkpoint, before it logged the epoch
                self._add(row, epoch)

    def on_epoch(self, curve: Sequence[CurveRow], pace: Mapping[str, float]) -> None:
        self._add({**curve[-1], **pace}, len(curve))

    def _add(self, values: CurveRow, epoch: int) -> None:
        for name, value in values.items():
            group, _, measure = name.partition("_")
            tag = f"{group}/{measure}" if group in ("train", "validation") else f"run/{name}"
            if name != "epoch":
                self._writer.add_scalar(tag, value, epoch)
        self._writer.flush()

    def on_sample(self, epoch: int, sample: Any) -> None:
        """Do nothing: samples are rendered and drawn later."""
