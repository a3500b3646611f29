"""`yardbird regenerate`: every result is made again with the same bytes, or one line says what is missing."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from published_store import in_folder, publish_model, yardbird
from test_cli import fail, succeed
from tiny_transformer import NAME, scale, write_model
from tiny_vae import tiny_vae

from yardbird import files
from yardbird.cli import app
from yardbird.cli.generate_command import JUDGES
from yardbird.generation.leadsheet import LeadSheet
from yardbird.judges.style_judges import Judges, RatioJudge, TraitJudge, write_judges
from yardbird.music.midi import write_score
from yardbird.music.score import ChordChange, Tempo

ROOT = Path(__file__).resolve().parents[1]
CHART = "data/charts/blues_in_f.txt"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with parameters, a chart, an untrained model and a solo."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    files.write_text(Path(CHART), (ROOT / CHART).read_text())
    write_model(0)
    write_score(scale(8), tmp_path / "tune.mid")
    return tmp_path


def same_again(capsys: Capture, record: str, *, count: int) -> None:
    """Make a result again, and check that all its files have the bytes of the original."""
    out = succeed(["regenerate", record, "--out", "again"], capsys)
    assert out.startswith("identical: ")
    written = sorted(Path("again").iterdir())
    assert len(written) == count
    for path in written:
        assert path.read_bytes() == Path(record).with_name(path.name).read_bytes()
    shutil.rmtree("again")


@pytest.mark.parametrize(
    ("options", "solo"),
    [
        (["--count", "3", "--bars", "4", "--key", "F minor", "--drums", "--no-comping"], "free_seed5_002"),
        (["--chart", CHART, "--bars", "4", "--temperature", "0.8", "--top-k", "9", "--int8"], "blues_in_f_seed5_000"),
        (["--chart", CHART, "--prime", "tune.mid", "--prime-bars", "2", "--bars", "5"], "blues_in_f_seed5_000"),
        (["--fill", "3-4,6", "tune.mid", "--count", "2", "--artist", "Ada Line"], "tune_fill_3-4_6_seed5_001"),
    ],
    ids=["free", "chart", "prime", "fill"],
)
def test_a_solo_is_made_again_from_its_provenance_alone(
    workspace: Path, capsys: Capture, options: list[str], solo: str
) -> None:
    """The chart and the parameters may have changed in between: the provenance contains them."""
    succeed(["generate", *options, "--seed", "5"], capsys)
    Path(CHART).unlink()
    Path("params.yaml").unlink()
    same_again(capsys, f"out/generate/{solo}.json", count=4)


@pytest.mark.slow
def test_the_choice_among_several_is_made_again_with_the_same_judges(workspace: Path, capsys: Capture) -> None:
    ratio = RatioJudge(1, [[1] * 9], [[-1] * 9], slope=1.0)
    write_judges(Judges("Ada Line", ratio, TraitJudge({}, 0.0)), JUDGES)
    succeed(["generate", "--chart", CHART, "--best-of", "3", "--count", "2", "--seed", "5"], capsys)
    record = "out/generate/blues_in_f_seed5_001.json"
    assert len(files.read_json(Path(record))["judged"]) == 3
    same_again(capsys, record, count=4)
    files.write_text(next(JUDGES.iterdir()), "{}")
    said = fail(["regenerate", record], capsys)
    assert "data/judges: expected the judges that chose this solo, found others" in said


@pytest.mark.slow
def test_sheet_music_is_written_again(workspace: Path, capsys: Capture) -> None:
    pytest.importorskip("fpdf", reason="fpdf2 is not installed")
    succeed(["generate", "--chart", CHART, "--bars", "4", "--notation", "alto", "--seed", "5"], capsys)
    same_again(capsys, "out/generate/blues_in_f_seed5_000.json", count=5)


def test_a_change_of_an_input_or_of_the_model_is_one_line_with_its_name(workspace: Path, capsys: Capture) -> None:
    prime = ["--prime", "tune.mid", "--prime-bars", "2", "--bars", "4", "--seed", "5"]
    succeed(["generate", *prime], capsys)
    record = Path("out/generate/after_tune_seed5_000.json")
    write_score(scale(8).transposed(1), Path("tune.mid"))
    said = fail(["regenerate", str(record)], capsys)
    assert "expected tune.mid with the SHA-256" in said
    assert "found a changed file tune.mid; restore it, or put it next to" in said
    write_score(scale(8), record.with_name("tune.mid"))
    same_again(capsys, str(record), count=4)
    Path(f"models/{NAME}").rename("elsewhere")
    write_model(1)
    said = fail(["regenerate", str(record)], capsys)
    assert "found no such model in models, out/experiments or the registry; name its folder with --model" in said
    assert "identical: " in succeed(["regenerate", str(record), "--model", "elsewhere"], capsys)
    assert "expected the music_transformer with" in fail(
        ["regenerate", str(record), "--model", f"models/{NAME}"], capsys
    )


def test_a_difference_is_named_and_ends_with_status_1(workspace: Path, capsys: Capture) -> None:
    succeed(["generate", "--bars", "4", "--seed", "5"], capsys)
    record = Path("out/generate/free_seed5_000.json")
    content = files.read_json(record)
    content["made"]["with"]["libraries"]["numpy"] = "1.0"
    content["made"]["with"]["processor"] = "abacus"
    files.write_json(record, content)
    succeed(["regenerate", str(record), "--json"], capsys)
    with pytest.raises(SystemExit) as ended:
        app(["regenerate", str(record)])
    out, err = capsys.readouterr()
    assert ended.value.code in (0, None)
    assert "identical: free_seed5_000.mid free_seed5_000.png free_seed5_000.wav\n" in out
    assert "identical except for the software it was made with: free_seed5_000.json\n" in out
    assert err.startswith("note: bytes may differ, because the software or the processor is another one: ")
    assert "processor abacus, now " in err
    assert "numpy 1.0, now " in err
    succeed(["generate", "--bars", "4", "--seed", "5", "--out", "copy"], capsys)
    shutil.copy(record, "renamed.json")
    said = fail(["regenerate", "renamed.json", "--out", "copy"], capsys)
    assert said.startswith("error: copy/free_seed5_000.json: expected no earlier result, found one")
    record.with_suffix(".mid").write_bytes(b"another")
    record.with_suffix(".wav").unlink()
    content["notes"] += 1
    files.write_json(record, content)
    with pytest.raises(SystemExit) as ended:
        app(["regenerate", str(record), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (ended.value.code, told["identical"]) == (1, False)
    assert told["files"]["free_seed5_000.json"] == "different in notes"
    assert told["files"]["free_seed5_000.mid"] == "different"
    assert told["files"]["free_seed5_000.wav"] == "no original to compare with"


@pytest.mark.slow
def test_interpolations_and_moves_are_made_again(workspace: Path, capsys: Capture) -> None:
    from test_cli_move import save_directions

    family = tiny_vae()
    family.save(Path("models/music_vae"))
    write_score(scale(4).transposed(5), Path("other.mid"))
    save_directions(family, Path("data/explored/directions.safetensors"))
    succeed(["interpolate", "tune.mid", "other.mid", "--steps", "3", "--bars", "4", "--path", "spherical"], capsys)
    succeed(["transfer", "tune.mid", "--to", "coltrane", "--strength", "1.5", "--bars", "4"], capsys)
    succeed(["blend", "tune.mid", "--add", "blues=1.0", "--add", "rests=-0.5"], capsys)
    same_again(capsys, "out/interpolate/tune_to_other/interpolation.json", count=12)
    same_again(capsys, "out/transfer/tune_to_john_coltrane/tune_to_john_coltrane.json", count=8)
    same_again(capsys, "out/blend/tune_with_blues_rests/tune_with_blues_rests.json", count=8)


@pytest.mark.slow
def test_a_sound_is_made_again_with_the_prompts_of_its_batch(workspace: Path, capsys: Capture) -> None:
    from tiny_musicgen import tiny_musicgen

    tiny_musicgen().save(Path("models/musicgen"))
    options = ["--seconds", "0.3", "--seed", "7", "--melody", "tune.mid", "--melody-seconds", "0.1"]
    succeed(["sing", "jazz solo", "Be-bop alto saxophone solo in F", *options], capsys)
    Path("params.yaml").unlink()
    same_again(capsys, "out/sing/be_bop_alto_saxophone_solo_in_f_seed7.json", count=3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no json", "found a file of another kind; name the .json next to the .mid or the .wav"),
        ("[]", "found another .json"),
        ('{"model": {}}', "found one without the entry `made`, of an earlier version of Yardbird"),
        ('{"model": {}, "made": {"by": "sing"}}', "found no such model in models, out/experiments or the registry"),
        (
            '{"model": {}, "made": {"by": "sing", "with": 3}}',
            "found one with another entry `made.with`; restore the file",
        ),
        (
            '{"model": {}, "made": {"by": "sing", "with": {"libraries": []}}}',
            "found one with another entry `made.with`",
        ),
        ('{"model": {}, "made": {"by": "studio"}}', "found one of studio; only results of commands and stages can"),
        ('{"model": {}, "made": {"by": "stage baseline"}}', "found one of stage baseline; run `dvc repro --force ba"),
    ],
)
def test_a_file_that_is_no_provenance_is_one_line(workspace: Path, capsys: Capture, content: str, said: str) -> None:
    files.write_text(Path("x.json"), content)
    error = fail(["regenerate", "x.json"], capsys)
    assert error.startswith("error: x.json: expected ")
    assert said in error
    assert "\n" not in error


@pytest.mark.parametrize(("place", "found"), [("absent.json", "no such file"), ("data", "a folder")])
def test_a_path_without_a_file_is_one_line(workspace: Path, capsys: Capture, place: str, found: str) -> None:
    expected = "the .json of a generated solo or sound"
    assert (
        fail(["regenerate", place], capsys) == f"error: {place}: expected {expected}, found {found}; correct the path"
    )


@pytest.mark.parametrize("change", [{"settings": {"bars": 4}}, {"index": 9}, {"prime": 3}, {"made": {"solos": 10**9}}])
def test_an_incomplete_or_wrong_provenance_is_one_line(
    workspace: Path, capsys: Capture, change: dict[str, Any]
) -> None:
    succeed(["generate", "--fill", "3", "tune.mid", "--seed", "5"], capsys)
    record = Path("out/generate/tune_fill_3_seed5_000.json")
    content = files.read_json(record)
    content |= change | {"made": content["made"] | change.get("made", {})}
    if "prime" in change:
        del content["fill"]
    files.write_json(record, content)
    error = fail(["regenerate", str(record)], capsys)
    assert "expected the entries that this version writes, found " in error
    assert "\n" not in error


@pytest.mark.slow
def test_a_solo_of_the_stage_is_made_again(workspace: Path, capsys: Capture) -> None:
    """Its batch is drawn again, so other charts and primes of the folder must be the same."""
    params = Path("params.yaml").read_text()
    shorter = re.sub(r"(?m)^  (bars|free|solos_per_chart|measured|best_of): \d+", r"  \1: 2", params)
    files.write_text(Path("params.yaml"), shorter.replace("prime_bars: 4", "prime_bars: 1"))
    over_f7 = replace(scale(8), chords=(ChordChange(0, LeadSheet.parse("F7").bars[0][0]),))
    write_score(over_f7, Path("data/charts/tune.mid"))
    in_folder(workspace, str(ROOT / "stages/generate.py"), NAME)
    folder = Path("data/generated") / NAME
    solos = sorted(path for path in folder.rglob("*.json"))
    assert len(solos) == 6
    for solo in (solos[0], solos[-1]):
        same_again(capsys, str(solo), count=4)
    Path(CHART).write_text("F7 | Bb7")
    assert "data/charts: expected the charts and primes of this solo's run, found others" in fail(
        ["regenerate", str(solos[-1])], capsys
    )


@pytest.mark.slow
def test_a_registered_model_is_found_also_if_its_alias_belongs_to_another_version(tmp_path: Path) -> None:
    publish_model(tmp_path, 1)
    options = ["--bars", "4", "--seed", "5", "--model", f"{NAME}@challenger"]
    yardbird(tmp_path, "generate", *options)
    publish_model(tmp_path, 2)
    out = yardbird(tmp_path, "regenerate", "out/generate/free_seed5_000.json").stdout
    assert out.startswith("identical: free_seed5_000.json free_seed5_000.mid free_seed5_000.png free_seed5_000.wav\n")
    yardbird(tmp_path, "generate", *options, "--out", "new")
    models = [files.read_json(tmp_path / folder / "free_seed5_000.json")["model"] for folder in ("out/generate", "new")]
    assert [model["trained"]["seed"] for model in models] == [1, 2]


def test_a_chart_in_the_provenance_keeps_the_exact_tempo() -> None:
    """Regression: the tempo of a MIDI file may be outside the limits of a text chart, or its title like a header."""
    changes = (ChordChange(0, LeadSheet.parse("F7").bars[0][0]),)
    for qpm in (30.0, 123.457, 480.0):
        sheet = LeadSheet.from_score(replace(scale(2), chords=changes, tempos=(Tempo(0, qpm),)), f"qpm: {qpm:g}")
        assert LeadSheet.restored(sheet.text()) == sheet
    exact = LeadSheet.parse("qpm: 123.45678\nF7")
    assert LeadSheet.restored(exact.text()) == exact
