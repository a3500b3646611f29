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
        (last,) = folder.path.glob("*.pt")
        (folder.path / "next.part").write_bytes(last.read_bytes()[:100])
        state = folder.read()
    assert state is not None
    assert state["step"] == 7


def test_two_checkpoints_are_kept_and_a_damaged_one_is_named_and_the_other_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CheckpointFolder(tmp_path, "fake", "key") as folder:
        for step in range(12):
            folder.write({**STATE, "step": step})
        before, last = sorted(folder.path.glob("*.pt"))
        last.write_bytes(last.read_bytes()[:-1] + b"x")
        state = folder.read()
        assert state is not None
        assert state["step"] == 10
        expected = f"{last}: a damaged file (its checksum is another); it is deleted, and {before.name} is resumed"
        assert capsys.readouterr().err == f"warning: {expected}\n"
        folder.write({**STATE, "step": 11})
        assert [path.name[:6] for path in sorted(folder.path.glob("*.pt"))] == ["000011", "000012"]


def test_if_both_checkpoints_are_damaged_one_line_names_what_to_delete(tmp_path: Path) -> None:
    with CheckpointFolder(tmp_path, "fake", "key") as folder:
        for step in (1, 2):
            folder.write({**STATE, "step": step})
        for path in folder.path.glob("*.pt"):
            path.write_bytes(b"PK\x03\x04 not really")
        with pytest.raises(InputError, match=r"-\w+\.pt: expected a checkpoint, found a damaged file .*; delete its"):
            folder.read()


def test_a_checkpoint_with_code_is_refused(tmp_path: Path) -> None:
    """`weights_only`: a pickle in place of a checkpoint must not be executed, even if its checksum is right."""
    with CheckpointFolder(tmp_path, "fake", "key") as folder:
        folder.write({"curve": Path("x")})
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
