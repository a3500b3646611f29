"""`yardbird transfer` and `yardbird blend`, with a MusicVAE of a few thousand random weights."""

import csv
import json
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
from yardbird.latent.measured_effects import weak_blend, weak_interpolation, weak_moves, weak_transfer
from yardbird.models.music_vae import MusicVAEFamily
from yardbird.music.midi import write_score
from yardbird.music.score import make_notes


def save_directions(family: MusicVAEFamily, path: Path) -> None:
    """Write random directions of two artists and of two attributes."""
    vectors = {
        name: np.random.default_rng(place).standard_normal(family.config.latent_dim).astype(np.float32)
        for place, name in enumerate(("Charlie Parker", "John Coltrane", "register", "rests"))
    }
    artists = {name: vectors[name] for name in ("Charlie Parker", "John Coltrane")}
    attributes = {name: vectors[name] for name in ("register", "rests")}
    intervals = {name: np.eye(INTERVALS + 1, INTERVALS, side, dtype=np.float32) for side, name in enumerate(artists)}
    Directions(fingerprint(family), artists, attributes, intervals).save(path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a model, its directions and a solo."""
    folder = tmp_path_factory.mktemp("trained")
    family = tiny_vae()
    family.save(folder / "music_vae")
    save_directions(family, folder / "directions.safetensors")
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


def measured(explored: Path) -> None:
    """Tables of the explore stage; only Parker → Coltrane, density and the spherical path beat their controls."""
    rows = ["from,to,way,strength,verdict"]
    for source, target, own in (("Charlie Parker", "John Coltrane", 0.9), ("John Coltrane", "Charlie Parker", 0.55)):
        for row in ("intervals,0,0.4", f"intervals,2,{own}", "random 1,2,0.5", "random 2,2,0.7"):
            rows.append(f"{source},{target},{row}")
    files.write_text(explored / "transfer/transfer.csv", "\n".join(rows))
    rows = ["way,strength,blues,chromaticism,density,register,rests"]
    for way, effects in (("density", "0,0,{}0.9,0,{}0.2"), ("rests", "0,0,{}0.5,0,{}0.3"), ("blues", "{}0.1,0,0,0,0"),
                         ("random 1", "{}0.2,0,{}0.1,0,0")):  # fmt: skip
        rows += [f"{way},{sign}1.0,{effects.replace('{}', sign)}" for sign in ("", "-")]
    files.write_text(explored / "arithmetic/arithmetic.csv", "\n".join(rows))
    files.write_text(
        explored / "interpolation/summary.csv",
        "pair,path,monotony,new_bars\na,linear,0.9,0.7\na,spherical,0.99,0.7\na,cross-fade,0.98,0.1\n",
    )


def test_a_move_that_did_not_beat_random_moves_says_so(tmp_path):
    measured(tmp_path)
    assert weak_transfer(tmp_path, "Charlie Parker", "John Coltrane", 1.0) == []
    assert weak_transfer(tmp_path, None, "John Coltrane", 3.0) == []
    assert weak_transfer(tmp_path, None, "Charlie Parker", -2.0) == []
    (said,) = weak_transfer(tmp_path, None, "Charlie Parker", 3.0)
    assert said == (
        "this move did not beat its control in the explore stage: strength 2 takes the judge's verdict for "
        "Charlie Parker from 0.40 to 0.55, random moves of the same distance to 0.60"
    )
    (said,) = weak_transfer(tmp_path, "Charlie Parker", "Sonny Stitt", 2.0)
    assert said.startswith("the explore stage has not measured this move, only Charlie Parker → John Coltrane, John C")
    assert weak_transfer(tmp_path / "elsewhere", None, "Charlie Parker", 3.0) == []


def test_an_attribute_that_did_not_beat_random_moves_or_changed_another_more_says_so(tmp_path):
    measured(tmp_path)
    assert weak_blend(tmp_path, ["density"]) == []
    assert weak_blend(tmp_path, ["blues", "rests"]) == [
        "blues did not beat its control in the explore stage: a move changes it by +0.10 standard deviations, "
        "a random move by 0.20",
        "in the explore stage, rests changed density more than itself: 0.50 against 0.30 standard deviations",
    ]
    assert weak_blend(tmp_path / "elsewhere", ["blues"]) == []


def test_a_path_less_steady_than_a_cross_fade_says_so(tmp_path):
    measured(tmp_path)
    assert weak_interpolation(tmp_path, "spherical") == []
    (said,) = weak_interpolation(tmp_path, "linear")
    assert "monotony 0.900 against 0.980; 70% against 10% of its bars are new" in said


def test_the_explore_stage_says_so_of_every_move(tmp_path):
    measured(tmp_path)
    assert [sentence.split(":")[0] for sentence in weak_moves(tmp_path)] == [
        "John Coltrane → Charlie Parker",
        "blues did not beat its control in the explore stage",
        "in the explore stage, rests changed density more than itself",
        "a linear path was less steady than its control in the explore stage, a cross-fade of bars",
    ]
    assert weak_moves(tmp_path / "elsewhere") == []


def test_the_commands_say_so_when_a_direction_is_used(trained, tmp_path, capsys):
    measured(trained)
    assert run(trained, "transfer", "--to", "parker", "--strength", "2", "--bars", "2", out=tmp_path / "a") in (0, None)
    assert "note: this move did not beat its control in the explore stage" in capsys.readouterr().err
    assert run(trained, "blend", "--add", "rests=1", "--bars", "2", out=tmp_path / "b") in (0, None)
    assert "note: in the explore stage, rests changed density more than itself" in capsys.readouterr().err


def test_without_out_every_result_gets_a_folder_of_its_own_and_json_names_it(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ["--model", str(trained / "music_vae"), "--directions", str(trained / "directions.safetensors")]
    for end in ("", "_take2"):
        with pytest.raises(SystemExit) as ended:
            app(["blend", str(trained / "solo.mid"), "--add", "rests=1", "--bars", "2", "--json", *options])
        assert ended.value.code in (0, None)
        found = json.loads(capsys.readouterr().out)
        assert found["folder"] == f"out/blend/solo_with_rests{end}"
        assert {row["measure"] for row in found["changes"]} >= {"rests", "notes_kept"}
        assert Path(found["moved"]).is_file()
    code = run(trained, "blend", "--add", "rests=1", out=tmp_path / "out/blend/solo_with_rests")
    assert "solo_with_rests.mid: expected no earlier result, found one; add --force" in code
