"""Trainings on several ranks of this machine, connected by gloo: forked, because imports would take seconds."""

import multiprocessing
import os
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from yardbird.training.training_config import TrainingConfig

CONFIG = TrainingConfig(
    batch_size=4, accumulate=1, max_epochs=3, patience=3, learning_rate=0.03, min_learning_rate=0.001, warmup_steps=3,
    weight_decay=0.1, gradient_clip=1.0, precision="32-true", sample_every_epochs=None, threads=1, processes=1,
    devices=1, num_nodes=1, strategy="auto",
)  # fmt: skip


def on_ranks(ranks: int, work: Callable[[int], object]) -> list[int | None]:
    """Call `work(rank)` in a process for each rank, as torchrun would. Returns their exit statuses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_run, args=(work, rank, ranks, port)) for rank in range(ranks)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        process.kill()
    return [process.exitcode for process in processes]


def _run(work: Callable[[int], object], rank: int, ranks: int, port: int) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), TORCHELASTIC_RUN_ID="test")
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(ranks))
    status = 1
    try:
        work(rank)
        status = 0
    except BaseException:  # the parent process would go on as a second pytest
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
