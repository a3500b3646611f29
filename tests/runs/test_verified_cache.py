"""Damaged objects of DVC's cache are found when they are used, named, and computed again."""

import shutil
from pathlib import Path

import pytest
from mutations import damaged
from tiny_pipeline import ran, yardbird

WEIGHTS = Path("models/toy/weights.txt")


def object_with(repository: Path, content: bytes) -> Path:
    """The cache object with some bytes."""
    objects = [path for path in (repository / ".dvc/cache/files/md5").rglob("*") if path.is_file()]
    return next(path for path in objects if path.read_bytes() == content)


def damage(path: Path, seed: int) -> None:
    """Change a read-only file, as a disk does: DVC trusts the permissions of an object and does not hash it."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(damaged(path.read_bytes(), seed))
    path.chmod(mode)


@pytest.mark.parametrize("seed", range(3))
def test_a_run_names_a_damaged_object_and_computes_it_again(demo: Path, seed: int) -> None:
    whole = (demo / WEIGHTS).read_bytes()
    broken = object_with(demo, whole)
    damage(broken, seed)
    shutil.rmtree(demo / "models")
    lines = yardbird(demo, "run").splitlines()
    named = "expected the object of its MD5 in DVC's cache, found other bytes; it is deleted"
    assert f"{broken}: {named}" in lines
    assert "models/toy/weights.txt" in ran(demo)
    assert ((demo / WEIGHTS).read_bytes(), broken.read_bytes()) == (whole, whole)


def test_a_damaged_list_of_a_folder_is_named_and_the_stage_runs_again(demo: Path) -> None:
    whole = (demo / WEIGHTS).read_bytes()
    for folder in (demo / ".dvc/cache/files/md5").rglob("*.dir"):
        damage(folder, 1)
    shutil.rmtree(demo / "models")
    said = yardbird(demo, "run")
    assert ".dir: expected the object of its MD5 in DVC's cache, found other bytes; it is deleted" in said
    assert (demo / WEIGHTS).read_bytes() == whole


def test_restore_names_a_damaged_object_and_how_to_compute_it(demo: Path) -> None:
    whole = (demo / WEIGHTS).read_bytes()
    broken = object_with(demo, whole)
    damage(broken, 0)
    shutil.rmtree(demo / "models")
    said = yardbird(demo, "restore", status=1)
    assert f"{broken}: expected the object of its MD5" in said
    assert "found models/toy in neither; yardbird run" in said
    assert not (demo / WEIGHTS).exists(), "damaged bytes are not checked out"
    yardbird(demo, "run")
    assert (demo / WEIGHTS).read_bytes() == whole


def test_sound_objects_are_restored_without_a_message(demo: Path) -> None:
    shutil.rmtree(demo / "models")
    assert "expected" not in yardbird(demo, "restore")
    assert (demo / WEIGHTS).is_file()
