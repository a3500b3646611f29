"""`yardbird sing` as a user runs it."""

import json
import shutil
from pathlib import Path

import pytest
from tiny_musicgen import tiny_musicgen

from yardbird.audio.wave import read_wave
from yardbird.cli import app
from yardbird.music.midi import write_score
from yardbird.music.score import Score, make_notes

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with parameters, an untrained model and a MIDI file."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    tiny_musicgen().save(tmp_path / "models/musicgen")
    (tmp_path / "models/musicgen/trained.json").write_text('{"family": "musicgen"}')
    notes = make_notes([(6 * index, 6, 60 + index % 9, 90) for index in range(16)])
    write_score(Score(12, notes, end_tick=96), tmp_path / "tune.mid")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(*arguments: str) -> str:
    """The error line of a command."""
    with pytest.raises(SystemExit) as ended:
        app(["sing", *arguments])
    assert isinstance(ended.value.code, str)
    assert "\n" not in ended.value.code
    return ended.value.code


def test_the_program_draws_a_prompt_and_names_unknown_words(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    melody = ["--melody", "tune.mid", "--melody-seconds", "0.1"]
    app_ok("Be-bop jazz solo in F#", "--seconds", "0.3", "--seed", "7", *melody, "--guidance", "2")
    out, err = capsys.readouterr()
    assert out == "out/sing/be_bop_jazz_solo_in_f_sharp_seed7.wav .png .json: 0.3 seconds\n"
    assert "note: 'Be-bop jazz solo in F#': the training captions do not contain 'F#'\n" in err
    stem = workspace / "out/sing/be_bop_jazz_solo_in_f_sharp_seed7"
    assert read_wave(stem.with_suffix(".wav")).seconds == 0.3
    assert stem.with_suffix(".png").stat().st_size > 10_000
    told = json.loads(stem.with_suffix(".json").read_text())
    assert (told["sound"], told["seed"], told["settings"]["guidance"]) == (stem.name, 7, 2.0)
    assert told["melody"]["file"] == "tune.mid"
    assert told["model"]["trained"] == {"family": "musicgen"}


def test_several_prompts_are_drawn_and_the_seed_determines_the_sound(workspace: Path) -> None:
    for out in ("a", "b"):
        app_ok("jazz solo", "jazz solo", "--seconds", "0.1", "--seed", "0", "--out", out)
    app_ok("jazz solo", "--seconds", "0.1", "--seed", "5", "--out", "c")
    read = {str(path.relative_to(workspace)): path.read_bytes() for path in workspace.glob("?/*.wav")}
    assert sorted(read) == [
        "a/jazz_solo_2_seed0.wav", "a/jazz_solo_seed0.wav", "b/jazz_solo_2_seed0.wav", "b/jazz_solo_seed0.wav",
        "c/jazz_solo_seed5.wav",
    ]  # fmt: skip
    assert read["a/jazz_solo_seed0.wav"] == read["b/jazz_solo_seed0.wav"]
    assert len({*read.values()}) == 3


def test_a_melody_is_followed_to_its_end_under_a_caption_made_from_it(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app_ok("--melody", "tune.mid", "--follow", "--seed", "1", "--json")
    (row,) = json.loads(capsys.readouterr().out)["sounds"]
    assert row["prompt"] == "Be-bop alto saxophone solo in F minor, 120 bpm"
    assert row["seconds"] == pytest.approx(4.0)
    app_ok("jazz solo", "--melody", "tune.mid", "--follow", "--seconds", "1", "--seed", "1", "--json")
    (row,) = json.loads(capsys.readouterr().out)["sounds"]
    assert (row["prompt"], row["seconds"]) == ("jazz solo", 1.0)


def test_the_setting_follow_is_that_of_the_parameters_without_the_option(workspace: Path) -> None:
    """The command once ignored `sing.follow`, which the stage reads."""
    path = workspace / "params.yaml"
    path.write_text(path.read_text().replace("\n  follow: false", "\n  follow: true"))
    app_ok("jazz solo", "--melody", "tune.mid", "--seconds", "0.5", "--seed", "1")
    settings = json.loads((workspace / "out/sing/jazz_solo_seed1.json").read_text())["settings"]
    assert settings["follow"]


def test_a_melody_that_is_too_long_to_follow_is_refused(workspace: Path) -> None:
    notes = make_notes([(24 * index, 6, 60 + index % 9, 90) for index in range(640)])
    write_score(Score(12, notes, end_tick=24 * 640), workspace / "long.mid")
    line = "error: --seconds: expected above 0, at most 600, found 640"
    assert line in refused("--melody", "long.mid", "--follow")


def app_ok(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["sing", *arguments])
    assert ended.value.code in (0, None)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--model", "nowhere"],
            "nowhere: expected the folder of a trained model, found no such folder; run `yardbird run`",
        ),
        (["--seconds", "0"], "error: --seconds: expected above 0, at most 600, found 0.0; change it"),
        (["--guidance", "-1"], "error: --guidance: expected 0 or more, found -1.0; change it"),
        (["--temperature", "-1"], "error: --temperature: expected 0 or more, found -1.0"),
        (["--top-k", "0"], "error: --top-k: expected 1 to 1000000, found 0"),
        (["--melody", "none.mid"], "none.mid: expected a music file, found no such file"),
        (["--melody", "tune.mid", "--melody-seconds", "1", "--seconds", "0.5"], "found 1; raise the seconds"),
        (["--melody", "params.yaml"], "params.yaml: expected a MIDI file"),
        (["--out", "params.yaml"], "params.yaml: expected a folder to write to, found a file"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_impossible_options_are_one_line(workspace: Path, arguments: list[str], line: str) -> None:
    assert line in refused("jazz solo", *arguments)
    assert not list(workspace.glob("**/*.wav"))


def test_a_prompt_without_words_is_refused(workspace: Path) -> None:
    assert "error: prompt 1: expected words, found none" in refused(" ")
    assert "error: PROMPT: expected a description of the sound, found none" in refused()
    assert "error: --follow: expected a melody to follow, found none; add --melody solo.mid" in refused("--follow")
