"""`yardbird notation` as a user runs it, on valid and on unusable input."""

import json
import subprocess
from pathlib import Path
from typing import get_args

import pytest
import solo_rows
from in_process import yardbird

from yardbird.cli.notation_command import Player
from yardbird.data.reading import load_midi
from yardbird.engraving.instruments import INSTRUMENTS
from yardbird.music.midi import write_score


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return yardbird(folder, "notation", *arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A generated solo with its provenance, and files that are no solo."""
    write_score(solo_rows.solo(1), tmp_path / "my_solo.mid")
    provenance = {"model": {"family": "music_vae"}, "seed": 7, "chart": "title: Blues for Bea\nkey: F major\n"}
    (tmp_path / "my_solo.json").write_text(json.dumps(provenance))
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "file").write_text("a file")
    return tmp_path


def test_a_part_has_the_title_of_its_chart_and_the_model_and_is_never_replaced(folder: Path) -> None:
    first = run(folder, "my_solo.mid", "--for", "alto", "--out", "parts/alto.musicxml")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("parts/alto.musicxml: Alto saxophone in E♭, 5 bars")
    content = (folder / "parts/alto.musicxml").read_text()
    assert "<work-title>Blues for Bea</work-title>" in content
    assert "Yardbird, music vae, seed 7: my_solo.mid" in content
    again = run(folder, "my_solo.mid", "--for", "alto", "--out", "parts/alto.musicxml")
    assert again.returncode == 1
    assert again.stderr == (
        "error: parts/alto.musicxml: expected no earlier result, found one; add --force to replace it, or use another "
        "--out\n"
    )
    forced = run(folder, "my_solo.mid", "--for", "alto", "--out", "parts/alto.musicxml", "--force", "--title", "Mine")
    assert forced.returncode == 0
    assert "<work-title>Mine</work-title>" in (folder / "parts/alto.musicxml").read_text()


def test_all_parts_sound_alike_and_a_pdf_is_the_default(folder: Path) -> None:
    pytest.importorskip("fpdf", reason="fpdf2 is not installed")
    assert run(folder, "my_solo.mid", "--parts", "--out", "parts/solo.mid").returncode == 0
    names = sorted(path.name for path in (folder / "parts").iterdir())
    assert names == sorted(f"solo_{name}.mid" for name in INSTRUMENTS)
    pitches = [load_midi(folder / "parts" / name).pitches % 12 for name in names]
    assert all((own == pitches[0]).all() for own in pitches)
    shown = run(folder, "my_solo.mid")
    assert shown.stdout.startswith("out/notation/my_solo_concert.pdf: Concert pitch"), shown.stderr
    assert (folder / "out/notation/my_solo_concert.pdf").read_bytes().startswith(b"%PDF-")


def test_earlier_parts_are_kept_and_a_folder_is_accepted(folder: Path) -> None:
    """Regression: an earlier part of one instrument, and a folder as --out, were errors."""
    pytest.importorskip("fpdf", reason="fpdf2 is not installed")
    assert run(folder, "my_solo.mid", "--for", "alto").returncode == 0
    first = (folder / "out/notation/my_solo_alto.pdf").read_bytes()
    assert run(folder, "my_solo.mid", "--parts", "--title", "Mine").returncode == 0
    names = {path.name for path in (folder / "out/notation").iterdir()}
    assert names == {"my_solo_alto.pdf", *(f"my_solo_{name}_take2.pdf" for name in INSTRUMENTS)}
    assert (folder / "out/notation/my_solo_alto.pdf").read_bytes() == first
    (folder / "parts").mkdir()
    assert run(folder, "my_solo.mid", "--out", "parts").stdout.startswith("parts/my_solo_concert.pdf: Concert pitch")
    again = run(folder, "my_solo.mid", "--out", "parts")
    assert again.stderr.startswith("error: parts/my_solo_concert.pdf: expected no earlier result, found one")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.mid"], "none.mid: expected a music file, found no such file; correct the path"),
        (["empty.mid"], "empty.mid: expected a MIDI file"),
        (
            ["my_solo.mid", "--out", "solo.docx"],
            "solo.docx: expected a name with .pdf, .svg, .musicxml, .mid, found .docx",
        ),
        (["my_solo.mid", "--out", "solo"], "solo: expected a name with .pdf, .svg, .musicxml, .mid, found no suffix"),
        (["my_solo.mid", "--out", "file/solo.pdf"], "file: expected a folder to write to, found a file"),
        (["my_solo.mid", "--out", "my_solo.mid", "--force"], "my_solo.mid: expected another file than the solo"),
        (["my_solo.mid", "--part", "cello"], "my_solo.mid: expected"),
    ],
)
def test_unusable_input_is_refused_in_one_line(folder: Path, arguments: list[str], message: str) -> None:
    before = sorted(folder.rglob("*"))
    found = run(folder, *arguments)
    assert found.returncode == 1
    assert found.stderr.startswith(f"error: {message}"), found.stderr
    assert found.stderr.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_the_option_names_every_instrument(folder: Path) -> None:
    assert list(get_args(Player)) == list(INSTRUMENTS)
    found = run(folder, "my_solo.mid", "--for", "kazoo")
    assert found.returncode == 2
    assert "kazoo" in found.stderr
