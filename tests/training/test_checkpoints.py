from pathlib import Path

import pytest
import torch

from yardbird.errors import InputError
from yardbird.training.checkpoints import CheckpointFolder

STATE = {"curve": [{"epoch": 1, "loss": 0.5}], "weights": {"w": torch.arange(3.0)}, "step": 7}


def test_a_checkpoint_is_read_by_the_next_process(tmp_path: Path) -> None:
    with CheckpointFolder(tmp_path, "fake", "key") as folder:
        assert folder.read() is None
        folder.write(STATE)
    with CheckpointFolder(tmp_path, "fake", "key") as folder:
        state = folder.read()
    assert state is not None
    assert (state["curve"], state["step"], state["weights"]["w"].tolist()) == (STATE["curve"], 7, [0.0, 1.0, 2.0])
    folder.remove()
    assert not folder.path.exists()


def test_a_partial_checkpoint_does_not_hide_the_last_complete_one(tmp_path: Path) -> None:
    with CheckpointFolder(tmp_path, "fake", "key") as folder:
        folder.write(STATE)
        (folder.path / "last.pt.part").write_bytes((folder.path / "last.pt").read_bytes()[:100])
        state = folder.read()
    assert state is not None
    assert state["step"] == 7


def test_a_damaged_checkpoint_is_a_one_line_error_that_names_the_file_to_delete(tmp_path: Path) -> None:
    with CheckpointFolder(tmp_path, "fake", "key") as folder:
        (folder.path / "last.pt").write_bytes(b"PK\x03\x04 not really")
        with pytest.raises(InputError, match=r"last\.pt: expected a checkpoint, found a damaged file .*; delete it"):
            folder.read()


def test_a_checkpoint_with_code_is_refused(tmp_path: Path) -> None:
    """`weights_only`: a pickle in place of a checkpoint must not be executed."""
    with CheckpointFolder(tmp_path, "fake", "key") as folder:
        torch.save({"curve": Path("x")}, folder.path / "last.pt")
        with pytest.raises(InputError, match="damaged"):
            folder.read()


def test_the_same_training_twice_at_once_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    first, second = (CheckpointFolder(tmp_path, "fake", "key") for _ in range(2))
    with first, pytest.raises(InputError, match="found another process that runs it; wait for it, or stop it"):
        second.__enter__()
    with pytest.raises(KeyboardInterrupt), first:
        raise KeyboardInterrupt
    with second:
        second.write(STATE)
    with first:
        assert first.read() is not None, "leaving the block releases the lock and keeps the checkpoint"
