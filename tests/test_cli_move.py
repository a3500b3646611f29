"""`yardbird transfer` and `yardbird blend`, with a MusicVAE of a few thousand random weights."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moved_solos import readable_study
from tiny_vae import tiny_vae

from yardbird import files
from yardbird.cli import app
from yardbird.latent.directions import Directions, fingerprint
from yardbird.latent.interval_style import INTERVALS
from yardbird.models.music_vae import MusicVAEFamily
from yardbird.music.midi import write_score
from yardbird.music.score import make_notes


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a model, its directions and a solo."""
    folder = tmp_path_factory.mktemp("trained")
    family = tiny_vae()
    family.save(folder / "music_vae")
    vectors = {
        name: np.random.default_rng(place).standard_normal(family.config.latent_dim).astype(np.float32)
        for place, name in enumerate(("Charlie Parker", "John Coltrane", "register", "rests"))
    }
    artists = {name: vectors[name] for name in ("Charlie Parker", "John Coltrane")}
    attributes = {name: vectors[name] for name in ("register", "rests")}
    intervals = {name: np.eye(INTERVALS + 1, INTERVALS, side, dtype=np.float32) for side, name in enumerate(artists)}
    Directions(fingerprint(family), artists, attributes, intervals).save(folder / "directions.safetensors")
    write_score(readable_study(1, 8).solos[0].score, folder / "solo.mid")
    return folder


def run(trained: Path, *arguments: str, out: Path):
    options = ["--model", str(trained / "music_vae"), "--directions", str(trained / "directions.safetensors")]
    command, *rest = arguments
    try:
        app([command, str(trained / "solo.mid"), *rest, *options, "--out", str(out)])
    except SystemExit as stop:
        return stop.code


def test_a_transfer_is_written_as_midi_sound_picture_and_provenance(trained, tmp_path, capsys):
    assert run(trained, "transfer", "--to", "coltrane", "--strength", "1.5", "--bars", "4", out=tmp_path) in (0, None)
    names = {f"solo_to_john_coltrane.{end}" for end in ("mid", "wav", "png", "json")}
    names |= {f"solo_reconstruction.{end}" for end in ("mid", "wav", "png")} | {"solo_to_john_coltrane_changes.csv"}
    assert {path.name for path in tmp_path.iterdir()} == names
    told = files.read_json(tmp_path / "solo_to_john_coltrane.json")
    assert (told["from"], told["to"], told["strength"], told["bars"]) == (None, "John Coltrane", 1.5, 4)
    with (tmp_path / "solo_to_john_coltrane_changes.csv").open() as file:
        assert "rhythm_kept" in {row["measure"] for row in csv.DictReader(file)}
    assert "rhythm kept" in capsys.readouterr().out


def test_a_blend_adds_several_attributes_at_once(trained, tmp_path):
    assert run(trained, "blend", "--add", "blues=1.0", "--add", "rests=-0.5", out=tmp_path) in (0, None)
    assert files.read_json(tmp_path / "solo_with_blues_rests.json")["add"] == {"blues": 1.0, "rests": -0.5}


@pytest.mark.parametrize(("add", "unchanged"), [("density=0", True), ("density=100", False)])
def test_a_move_that_changes_no_note_says_so(trained, tmp_path, capsys, monkeypatch, add, unchanged):
    """The random weights play hardly a note, so the decoder here is one whose pitch follows z."""

    def decode(_family, latents):
        pitches = [60 + min(int(np.abs(latent.z).max()), 12) for latent in latents]
        notes = [make_notes([(12 * beat, 6, pitch, 80) for beat in range(4)]) for pitch in pitches]
        return [replace(latent.frame.score, notes=own) for latent, own in zip(latents, notes, strict=True)]

    monkeypatch.setattr(MusicVAEFamily, "decode", decode)
    run(trained, "blend", "--add", add, out=tmp_path)
    assert ("No note changed; use a greater strength or amount." in capsys.readouterr().out) is unchanged


def test_the_same_command_writes_the_same_bytes(trained, tmp_path):
    for out in ("first", "second"):
        run(trained, "blend", "--add", "blues=2", out=tmp_path / out)
    for path in (tmp_path / "first").iterdir():
        assert (tmp_path / "second" / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("transfer", "--to", "dolphy"), "dolphy: expected one of the artists Charlie Parker, John Coltrane, f"),
        (("transfer", "--to", "parker", "--from", "charlie"), "--from: expected an artist other than --to"),
        (("transfer", "--to", "parker", "--strength", "nan"), "--strength: expected -100 to 100, f"),
        (("blend", "--add", "swing=1"), "--add: expected name=amount, a name of blues, chrom.*, found swing=1"),
        (("blend", "--add", "blues"), "--add: expected name=amount, .*, found blues; write e.g. --add blues=1.0"),
        (("blend", "--add", "blues=much"), "--add: expected name=amount"),
        (("blend", "--add", "blues=inf"), "--add: expected name=amount"),
        (("blend", "--add", "blues=1", "--add", "blues=2"), "--add: expected each attribute once"),
        (("blend", "--add", "blues=1", "--bars", "0"), "--bars: expected 1 or more, found 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line(trained, tmp_path, arguments, said):
    code = run(trained, *arguments, out=tmp_path)
    assert isinstance(code, str)
    assert "\n" not in code
    assert re.search(said, code)


def test_without_directions_the_error_names_the_remedy(trained, tmp_path):
    paths = {"--model": trained / "music_vae", "--directions": tmp_path / "none", "--out": tmp_path}
    options = [text for name, path in paths.items() for text in (name, str(path))]
    with pytest.raises(SystemExit, match="no such file; run `dvc repro explore`"):
        app(["blend", str(trained / "solo.mid"), "--add", "blues=1", *options])
