from pathlib import Path

import pytest
import torch

from yardbird.errors import InputError
from yardbird.training.checkpoints import CheckpointFolder

STATE = {"curve": [{"epoch": 1, "loss": 0.5}], "weights": {"w": torch.arange(3.0)}, "step": 7}


def test_what_is_written_is_read_by_the_next_process(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, "fake", "key")
    assert folder.read() is None
    folder.write(STATE)
    state = folder.read()
    assert state is not None
    assert (state["curve"], state["step"], state["weights"]["w"].tolist()) == (STATE["curve"], 7, [0.0, 1.0, 2.0])
    folder.remove()
    assert not folder.path.exists()


def test_half_of_a_checkpoint_does_not_hide_the_last_whole_one(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, "fake", "key")
    folder.write(STATE)
    (folder.path / "last.pt.part").write_bytes((folder.path / "last.pt").read_bytes()[:100])
    state = folder.read()
    assert state is not None
    assert state["step"] == 7


def test_a_damaged_checkpoint_is_one_line_that_says_what_to_delete(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, "fake", "key")
    (folder.path / "last.pt").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(InputError, match=r"last\.pt: expected a checkpoint, found a damaged file .*; delete it"):
        folder.read()


def test_a_checkpoint_holding_code_is_refused(tmp_path: Path) -> None:
    """`weights_only`: a pickle in the place of a checkpoint must not run."""
    folder = CheckpointFolder(tmp_path, "fake", "key")
    torch.save({"curve": Path("x")}, folder.path / "last.pt")
    with pytest.raises(InputError, match="damaged"):
        folder.read()


def test_the_same_training_twice_at_once_is_refused(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path, "fake", "key")
    with pytest.raises(InputError, match="found another process at the same one; wait for it, or stop it"):
        CheckpointFolder(tmp_path, "fake", "key")
    folder.remove()
    CheckpointFolder(tmp_path, "fake", "key")
