from pathlib import Path

import pytest

from yardbird import files
from yardbird.errors import InputError


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    monkeypatch.setattr(files.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_not_a_number_never_reaches_a_metrics_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "m.json", {"x": float("nan")})


@pytest.mark.parametrize("name", ["../x.mid", "/etc/passwd", "a/../../x"])
def test_names_out_of_data_never_leave_their_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="one that leaves it"):
        files.within(tmp_path, name)


def test_a_link_to_the_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="one that leaves it"):
        files.within(tmp_path / "in", "link/x.mid")
