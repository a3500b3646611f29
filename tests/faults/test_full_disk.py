"""A full or read-only disk is one line with what was written, its size and where; a solo has all its files or none."""

import errno
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_transformer import NAME, scale, write_model

from yardbird import files
from yardbird.audio.synth import render
from yardbird.cli import app
from yardbird.cli.output_places import reserved
from yardbird.errors import WriteError, exit_on_error

ROOT = Path(__file__).resolve().parents[2]
DRAW = ("generate", "--bars", "2", "--seed", "1", "--model", f"models/{NAME}")


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process grows beyond a size: what an almost full disk does to the largest file.

    Modules imported in the meantime are not kept compiled: Python would keep the first bytes of them.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[0][1]))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before[0])
        sys.dont_write_bytecode = before[1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user cannot mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with parameters and a tiny model; the SoundFont is loaded already."""
    render(scale(1))
    monkeypatch.chdir(tmp_path)
    files.write_text(Path("params.yaml"), (ROOT / "params.yaml").read_text())
    write_model(0)
    return tmp_path


def refused(*arguments: str) -> str:
    """The line with which a command ends."""
    with pytest.raises(SystemExit) as ended:
        app(arguments)
    line = str(ended.value.code)
    assert line.startswith("error: ")
    assert "\n" not in line
    return line


def test_a_solo_that_does_not_fit_on_the_disk_leaves_no_file(project: Path) -> None:
    """Regression: a traceback, and a .mid without its .wav, .png and .json."""
    with files_up_to(20_000):  # enough for the .mid
        line = refused(*DRAW)
    assert line.startswith("error: out/generate/free_seed1_000.wav: cannot write ")
    assert " kB (File too large; " in line
    assert f"are free in {project}/out/generate); " in line
    assert not (project / "out").exists()


def test_solos_that_were_complete_before_the_disk_was_full_stay(project: Path, small_disk: Path) -> None:
    line = refused(*DRAW[:1], "--bars", "1", *DRAW[3:], "--count", "9", "--out", str(small_disk))
    assert "No space left on device; " in line
    assert line.endswith("free space on the disk, and run the same command again")
    left = sorted(path.name for path in small_disk.iterdir())
    solos = sorted({name[:-4].removesuffix(".") for name in left})
    assert all(f"{solo}.{kind}" in left for solo in solos for kind in ("mid", "wav", "png", "json"))
    assert len(solos) < 9


def test_a_read_only_disk_is_refused_before_anything_is_drawn(project: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    line = refused(*DRAW, "--out", str(small_disk / "solos"))
    assert line == f"error: {small_disk}/solos: Read-only file system; choose a writable folder"


def test_a_result_that_replaces_another_is_complete_or_the_former_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files_of(end: str) -> list[Path]:
        return [tmp_path / f"solo{end}.mid"]

    for name in ("solo.mid", "solo.wav"):
        files.write_text(tmp_path / name, "old")
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.read_text() == "new wav":
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)

    def write() -> None:
        names = lambda end: [f"solo{end}"]  # noqa: E731
        with reserved(tmp_path, names, files_of, chosen=True, force=True) as place, place.together() as draft:
            files.write_text(draft / "solo.mid", "new mid")
            files.write_text(draft / "solo.wav", "new wav")

    with pytest.raises(OSError, match="No space"):
        write()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"solo.mid": "old", "solo.wav": "old"}


def test_the_error_of_a_write_has_the_file_its_size_and_the_free_space(tmp_path: Path) -> None:
    with files_up_to(1000), pytest.raises(WriteError) as error:
        files.write_bytes(tmp_path / "new/a.bin", b"0" * 12_345)
    said = str(error.value)
    assert said.startswith(f"{tmp_path}/new/a.bin: cannot write 13 kB (File too large; ")
    assert f" kB are free in {tmp_path}/new); raise the limit on the size of files" in said
    assert error.value.errno == errno.EFBIG
    assert list((tmp_path / "new").iterdir()) == []


def test_a_stage_on_a_full_disk_ends_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["stage"])
    work = {
        "text": lambda: files.write_text(tmp_path / "a.txt", "0" * 9000),
        "array": lambda: np.save(tmp_path / "a.npy", np.zeros(9000)),
        "file": lambda: (tmp_path / "b.txt").write_text("0" * 90_000),
    }
    for name, write in work.items():
        with files_up_to(5000), pytest.raises(SystemExit) as ended:
            exit_on_error(write)()
        assert str(ended.value.code).startswith("error: "), name
        assert "\n" not in str(ended.value.code)


def test_weights_that_do_not_fit_leave_the_former_model(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adapters are written by safetensors, which reports a full disk by its own kind of error."""
    monkeypatch.setattr(sys, "argv", ["stage"])
    adapters = small_disk / "musicgen/adapters/adapter_model.safetensors"
    files.write_text(adapters, "former")

    def save() -> None:
        with files.replacing_folder(small_disk / "musicgen") as draft:
            (draft / "adapters").mkdir()
            save_file({"a": torch.zeros(100_000)}, draft / "adapters" / adapters.name)

    with pytest.raises(SystemExit, match=r"^error: .*No space left on device[^\n]*; free space on the disk[^\n]*$"):
        exit_on_error(save)()
    assert [path for path in small_disk.rglob("*") if path.is_file()] == [adapters]
    assert adapters.read_text() == "former"


def test_another_error_of_a_stage_keeps_its_traceback() -> None:
    def wrong() -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        exit_on_error(wrong)()
