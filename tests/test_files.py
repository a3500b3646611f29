from pathlib import Path

import pytest

from yardbird import files
from yardbird.errors import InputError, WriteError


def test_a_failed_write_leaves_the_old_file_and_no_temporary_file(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    monkeypatch.setattr(files.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_folder_is_restored_when_the_new_one_cannot_replace_it(tmp_path: Path, monkeypatch) -> None:
    """Regression: the old folder, moved aside, was deleted together with the draft."""
    folder, rename = tmp_path / "out", Path.rename
    files.write_text(folder / "a.txt", "old")

    def fail_for_the_draft(path: Path, target: Path) -> Path:
        if path.suffix != ".old" and path != folder:
            raise OSError("device busy")
        return rename(path, target)

    monkeypatch.setattr(files, "_exchanged", lambda one, other: False)  # as on a disk that cannot do that
    monkeypatch.setattr(Path, "rename", fail_for_the_draft)
    with pytest.raises(OSError, match="device busy"), files.replacing_folder(folder) as draft:
        files.write_text(draft / "a.txt", "new")
    assert (folder / "a.txt").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


def test_the_hash_of_a_folder_follows_links_to_files_and_counts_links_to_folders(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    files.write_text(folder / "a.txt", "a")
    files.write_text(other / "b.txt", "b")
    before = files.sha256_folder(folder)
    (folder / "a.txt").rename(other / "a.txt")
    (folder / "a.txt").symlink_to(other / "a.txt")
    assert files.sha256_folder(folder) == before
    (folder / "link").symlink_to(other)
    linked = files.sha256_folder(folder)
    assert linked != before
    files.write_text(other / "b.txt", "c")
    assert files.sha256_folder(folder) == linked
    (folder / "link").unlink()
    (folder / "link").symlink_to(tmp_path)
    assert files.sha256_folder(folder) not in (before, linked)


def test_nan_is_never_written_to_a_metrics_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "m.json", {"x": float("nan")})


@pytest.mark.parametrize("name", ["../x.mid", "/etc/passwd", "a/../../x"])
def test_names_from_data_cannot_leave_their_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="a path that leaves it"):
        files.within(tmp_path, name)


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "é" * 200])
def test_names_that_no_file_can_have_are_refused(tmp_path: Path, name: str) -> None:
    """Regression: a NUL in captions.csv was a traceback."""
    with pytest.raises(InputError, match="found no name of a file"):
        files.within(tmp_path, name)


def test_a_link_to_the_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="a path that leaves it"):
        files.within(tmp_path / "in", "link/x.mid")


def test_a_table_keeps_awkward_cells_and_only_its_columns(tmp_path: Path) -> None:
    rows = [{"file": 'a, "b"\nc.mid', "notes": 3, "more": "left out"}, {"file": "ø.mid", "notes": None}]
    files.write_csv(tmp_path / "table.csv", ("notes", "file"), rows)
    assert (tmp_path / "table.csv").read_bytes() == 'notes,file\n3,"a, ""b""\nc.mid"\n,ø.mid\n'.encode()


def test_a_carriage_return_in_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    """Regression: it was not quoted, and the reader found a row that was too short."""
    files.write_csv(tmp_path / "table.csv", ("part", "notes"), [{"part": "Solo\rBb", "notes": 3}])
    assert (tmp_path / "table.csv").read_bytes() == b'part,notes\n"Solo\rBb",3\n'


def test_a_file_of_a_draft_gets_its_folder_and_replaces_none(tmp_path):
    files.write_to_draft(f"{tmp_path}/new/folder/a.mid", b"one")
    files.write_to_draft(f"{tmp_path}/new/folder/b.mid", b"two")
    assert [path.read_bytes() for path in sorted((tmp_path / "new/folder").iterdir())] == [b"one", b"two"]
    with pytest.raises(WriteError, match=r"a\.mid"):
        files.write_to_draft(f"{tmp_path}/new/folder/a.mid", b"three")
