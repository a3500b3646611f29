"""`yardbird interpolate`, with a MusicVAE of a few thousand random weights."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from solo_rows import solo
from test_cli import fail, succeed
from tiny_vae import PARAMS, tiny_vae

from yardbird import files
from yardbird.music.midi import read_score, write_score
from yardbird.music.score import Score


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with parameters, an untrained model and two solos of different lengths."""
    shutil.copy(PARAMS, tmp_path / "params.yaml")
    tiny_vae().save(tmp_path / "models/music_vae")
    write_score(solo(1, notes=32, qpm=100), tmp_path / "short.mid")
    write_score(solo(2, notes=96, qpm=225), tmp_path / "long.mid")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reconstruction(path: Path) -> Score:
    return tiny_vae().reconstruct([read_score(path)])[0]


def test_two_solos_are_interpolated_in_even_steps(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The ends equal the reconstructions byte for byte; between them lengths and tempos are interpolated."""
    out = succeed(["interpolate", "short.mid", "long.mid", "--steps", "3", "--path", "spherical"], capsys)
    assert len(out.splitlines()) == 1 + 3 + 1
    folder = workspace / "out/interpolate/short_to_long"
    pieces = {f"step_{step:02d}.{kind}" for step in (1, 2, 3) for kind in ("mid", "wav", "png")}
    tables = {"steps.csv", "interpolation.png", "interpolation.json"}
    assert {path.name for path in folder.iterdir()} == pieces | tables
    for step, name in ((1, "short.mid"), (3, "long.mid")):
        write_score(reconstruction(workspace / name), workspace / "again.mid")
        assert (folder / f"step_{step:02d}.mid").read_bytes() == (workspace / "again.mid").read_bytes()
    rows = pd.read_csv(folder / "steps.csv")
    assert rows["bars"].tolist() == [4, 8, 12]
    assert rows["qpm"].tolist() == pytest.approx([100, 150, 225], rel=1e-3)
    told = files.read_json(folder / "interpolation.json")
    assert told["model"]["sha256"] == files.sha256_folder(workspace / "models/music_vae")
    assert told["to"] == {"solo": "long.mid", "sha256": files.sha256(workspace / "long.mid"), "bars": None}


def test_the_bars_can_be_limited_and_a_shorter_solo_is_used_whole(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    succeed(["interpolate", "short.mid", "long.mid", "--steps", "2", "--bars", "6", "--out", "way"], capsys)
    assert [read_score(workspace / f"way/step_0{step}.mid").bar_count for step in (1, 2)] == [4, 6]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["short.mid", "long.mid", "--steps", "1"], "--steps: expected 2 to 257, found 1"),
        (["short.mid", "long.mid", "--bars", "0"], "--bars: expected 1 or more, found 0"),
        (["short.mid", "absent.mid"], "absent.mid: expected a music file, found no such file"),
        (["short.mid", "params.yaml"], "params.yaml: expected a"),
        (["short.mid", "empty.mid"], "empty.mid: expected a melody, found no notes"),
        (
            ["short.mid", "long.mid", "--model", "absent"],
            "absent: expected the folder of a trained model, found",
        ),
        (["short.mid", "long.mid", "--model", "other"], "other: expected a trained model, found no codec.json"),
        (["short.mid", "long.mid", "--out", "short.mid"], "short.mid: expected a folder to write to, found a file"),
        (
            ["short.mid", "long.mid", "--out", "short.mid/below"],
            "short.mid: expected a folder to write to, found a file",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(
    workspace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    silence = solo(1)
    write_score(Score(480, silence.notes[:0], silence.end_tick), workspace / "empty.mid")
    files.write_json(workspace / "other/trained.json", {"family": "music_vae"})
    heard = fail(["interpolate", *arguments], capsys)
    assert heard.startswith(f"error: {said}")
    assert "\n" not in heard
    assert not (workspace / "out").exists()


def test_a_model_of_another_family_is_refused(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from event_scores import CODEC
    from test_cli import TINY

    from yardbird.models.music_transformer.transformer_family import MusicTransformerFamily

    MusicTransformerFamily(CODEC, TINY).save(workspace / "models/music_transformer")
    heard = fail(["interpolate", "short.mid", "long.mid", "--model", "models/music_transformer"], capsys)
    assert "expected a MusicVAE, found a music_transformer; use --model with the folder of one" in heard
