"""The command line as a user runs it; a few tests start the real program, the others call it in this process."""

import io
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
from contextlib import redirect_stdout, suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from event_scores import CODEC
from tiny_vae import tiny_vae

from yardbird import files
from yardbird.cli import app, doctor_command
from yardbird.cli.chosen_artist import chosen_artist
from yardbird.cli.doctor_command import Finding, gpu, parameters, torch_pair
from yardbird.cli.exp_command import as_override, check_override, preset_overrides
from yardbird.config import read_params
from yardbird.errors import InputError, YardbirdError
from yardbird.judges.style_judges import Judges, RatioJudge, TraitJudge, write_judges
from yardbird.models.music_transformer.transformer_family import ModelConfig, MusicTransformerFamily
from yardbird.music.midi import read_score, write_score
from yardbird.music.score import Score, make_notes

ROOT = Path(__file__).resolve().parents[1]
YARDBIRD = Path(sys.executable).with_name("yardbird")
TINY = ModelConfig(
    d_model=16, num_heads=2, num_layers=1, d_ff=32, dropout=0.0, attention="relative", max_distance=None,
    context_length=64, tie_embeddings=True, windows_per_epoch=None, hold_chords=True,
    interval="both", degree="both", motion="both", pulse="both", gap="both", release="both",
    background_epochs=0, background_share=0.0, fill_share=0.25,
)  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with parameters, charts, an untrained model and a MIDI file for priming."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "data/charts", tmp_path / "data/charts")
    MusicTransformerFamily(CODEC, TINY).save(tmp_path / "models/music_transformer")
    notes = make_notes([(6 * index, 6, 60 + index % 9, 90) for index in range(64)])
    write_score(Score(12, notes, end_tick=384), tmp_path / "tune.mid")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fail(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must fail, and return its error, which is one line."""
    with pytest.raises(SystemExit) as ended:
        app(arguments)
    said = str(ended.value.code) if isinstance(ended.value.code, str) else capsys.readouterr().err
    assert ended.value.code not in (0, None)
    return said


def succeed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        app(arguments)
    assert ended.value.code in (0, None), ended.value.code
    return capsys.readouterr().out


def start(arguments: list[str], folder: Path, stderr: int = subprocess.PIPE) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [YARDBIRD, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=stderr, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
    )  # fmt: skip


def test_help_is_fast_and_names_every_command() -> None:
    before = os.times()
    out, _ = start(["--help"], ROOT).communicate()
    for command in ("generate", "interpolate", "transfer", "blend", "ingest", "exp", "doctor", "mlflow"):
        assert command in out
    assert os.times().children_user - before.children_user < 3  # 0.3 to 1 s, by processor; with torch several more


def test_the_command_line_loads_no_heavy_library() -> None:
    code = "import sys, yardbird.cli; print({'torch', 'mlflow', 'pandas', 'symusic', 'matplotlib'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


@pytest.mark.parametrize(
    "command",
    [["generate"], ["interpolate"], ["transfer"], ["blend"], ["ingest"], ["exp"], ["doctor"], ["mlflow", "sync"]],
)
def test_every_help_has_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert f"yardbird {' '.join(command)}" in succeed([*command, "--help"], capsys).split("Example", 1)[1]


def test_solos_over_a_chart_are_written_and_named(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = "data/charts/blues_in_f.txt"
    out = succeed(["generate", "--chart", chart, "--bars", "4", "--count", "2", "--seed", "5"], capsys)
    assert len(out.splitlines()) == 2
    for number in range(2):
        stem = workspace / f"out/generate/blues_in_f_seed5_{number:03d}"
        assert read_score(stem.with_suffix(".mid")).bar_count == 4
        assert all(stem.with_suffix(suffix).is_file() for suffix in (".wav", ".png", ".json"))
        told = files.read_json(stem.with_suffix(".json"))
        assert told["model"]["sha256"] == files.sha256_folder(workspace / "models/music_transformer")


def test_a_part_is_written_beside_a_generated_solo(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fpdf", reason="fpdf2 is not installed")
    chart = ["--chart", "data/charts/blues_in_f.txt", "--bars", "4", "--seed", "5"]
    out = succeed(["generate", *chart, "--notation", "alto", "--out", "parts"], capsys)
    assert out.startswith("parts/blues_in_f_seed5_000.mid .wav .png .json _alto.pdf: 4 bars")
    assert (workspace / "parts/blues_in_f_seed5_000_alto.pdf").read_bytes().startswith(b"%PDF-")


def test_without_bars_a_solo_over_a_chart_has_whole_choruses(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = workspace / "params.yaml"
    params.write_text(re.sub(r"\n  bars: 32 ", "\n  bars: 8 ", params.read_text()))
    succeed(["generate", "--chart", "data/charts/blues_in_f.txt", "--seed", "0"], capsys)
    succeed(["generate", "--chart", "data/charts/blues_in_f.txt", "--bars", "7", "--seed", "1"], capsys)
    lengths = [read_score(workspace / f"out/generate/blues_in_f_seed{seed}_000.mid").bar_count for seed in (0, 1)]
    assert lengths == [12, 7]
    told = [files.read_json(workspace / f"out/generate/blues_in_f_seed{seed}_000.json") for seed in (0, 1)]
    assert [(solo["bars"], solo["settings"]["whole_choruses"]) for solo in told] == [(12, True), (7, False)]


def test_a_free_solo_is_in_the_key_requested_and_greedy_solos_differ_in_key(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--no-comping", "--drums", "--no-count-in", "--seed", "0"]
    succeed(["generate", "--bars", "2", "--key", "F minor", *options], capsys)
    told = files.read_json(workspace / "out/generate/free_seed0_000.json")
    assert (told["key"], told["settings"]["key"], told["count_in_seconds"]) == ("F minor", "F minor", 0)
    assert told["settings"]["drums"]
    succeed(["generate", "--bars", "2", "--count", "2", "--temperature", "0", "--seed", "1"], capsys)
    keys = [files.read_json(workspace / f"out/generate/free_seed1_{number:03d}.json")["key"] for number in range(2)]
    assert len(set(keys)) == 2


def test_the_best_of_several_solos_is_kept_with_and_without_a_judge_of_style(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wishes = ["generate", "--bars", "32", "--best-of", "2", "--seed", "0", "--force"]
    succeed(wishes, capsys)
    told = files.read_json(workspace / "out/generate/free_seed0_000.json")["judged"]
    assert [list(measured) for measured in told] == [["style", "harmony_margin", "longest_run"]] * 2
    assert [measured["style"] for measured in told] == [None, None]
    ratio = RatioJudge(1, [[1] * 9], [[-1] * 9], slope=1.0)
    write_judges(Judges("Ann", ratio, TraitJudge({}, 0.0)), workspace / "data/judges")
    succeed(wishes, capsys)
    told = files.read_json(workspace / "out/generate/free_seed0_000.json")
    assert told["settings"]["best_of"] == len(told["judged"]) == 2
    assert all(measured["style"] is not None for measured in told["judged"])


def test_the_real_program_continues_a_prime_and_prints_the_seed_that_it_drew(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe gets no progress bar."""
    wishes = ["generate", "--prime", "tune.mid", "--prime-bars", "2", "--bars", "4", "--top-k", "40"]
    process = start(wishes, workspace)
    out, err = process.communicate()
    assert process.returncode == 0, err
    found = re.fullmatch(r"(out/generate/after_tune_seed(\d+)_000)\.mid \.wav \.png \.json: 4 bars, \d+ notes\n", out)
    assert found
    *notes, last = err.splitlines()
    assert all(note.startswith("note: ") for note in notes), err
    assert last == f"note: drawn with a new seed; --seed {found[2]} gives the same result again"
    first = workspace / f"{found[1]}.mid"
    score = read_score(first)
    assert score.bar_count == 4
    assert score.pitches[:16].tolist() == [60 + index % 9 for index in range(16)]
    with pytest.raises(SystemExit) as ended:
        app(["-q", *wishes, "--seed", found[2]])
    assert ended.value.code in (0, None)
    out, err = capsys.readouterr()
    assert (out.split(":")[0], err) == (f"{found[1].removesuffix('_000')}_take2_000.mid .wav .png .json", "")
    assert (workspace / out.split()[0]).read_bytes() == first.read_bytes()


def test_an_earlier_result_is_kept_unless_forced(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wishes = ["generate", "--bars", "2", "--best-of", "1", "--seed", "3"]
    first = workspace / "out/generate/free_seed3_000.mid"
    succeed(wishes, capsys)
    content = first.read_bytes()
    assert "free_seed3_take2_000.mid" in succeed([*wishes, "--key", "F minor"], capsys)
    assert first.read_bytes() == content
    said = fail([*wishes, "--out", "out/generate"], capsys)
    assert said == (
        "error: out/generate/free_seed3_000.mid: expected no earlier result, found one; "
        "add --force to replace it, or use another --out"
    )
    assert first.read_bytes() == content
    succeed([*wishes, "--bars", "3", "--force"], capsys)
    assert read_score(first).bar_count == 3


def test_json_names_the_files_and_the_seed(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(succeed(["generate", "--bars", "2", "--best-of", "1", "--key", "F", "--json"], capsys))
    (solo,) = found["solos"]
    assert solo["mid"] == f"out/generate/free_seed{found['seed']}_000.mid"
    assert (solo["bars"], solo["key"]) == (2, "F major")
    assert read_score(workspace / solo["mid"]).bar_count == 2


def test_bars_are_filled_and_the_others_kept(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = succeed(["generate", "--fill", "2-3,6", "tune.mid", "--fill", "8", "--seed", "3", "--count", "2"], capsys)
    given = read_score(workspace / "tune.mid")
    kept = ~np.isin(given.bar_of(given.onsets), [1, 2, 5, 7])
    for number, line in enumerate(out.splitlines()):
        stem = workspace / f"out/generate/tune_fill_2-3_6_8_seed3_{number:03d}"
        score = read_score(stem.with_suffix(".mid"))
        inside = np.isin(score.bar_of(score.onsets), [1, 2, 5, 7])
        assert np.array_equal(score.notes[~inside], given.notes[kept])
        assert (score.tempos, score.meters, score.end_tick) == (given.tempos, given.meters, given.end_tick)
        assert all(stem.with_suffix(suffix).stat().st_size for suffix in (".wav", ".png"))
        told = files.read_json(stem.with_suffix(".json"))
        digest = files.sha256(workspace / "tune.mid")
        assert told["fill"] == {"file": "tune.mid", "sha256": digest, "bars": ["2-3", "6", "8"]}
        assert told["model"]["sha256"] == files.sha256_folder(workspace / "models/music_transformer")
        assert line.endswith(f".mid .wav .png .json: 4 of 8 bars filled with {inside.sum()} notes")
    assert number == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--fill", "9", "tune.mid"],
            "--fill: expected bars such as 9-12, or 9-12,21-24, within 1-8 of tune.mid, found '9'",
        ),
        (
            ["--fill", "2"],
            "generate: expected a file with a solo too, found --fill alone; write e.g. yardbird generate",
        ),
        (["tune.mid"], "generate: expected --fill too, found tune.mid alone"),
        (
            ["--fill", "2", "tune.mid", "--part", "Flute"],
            "tune.mid: expected one pitched part of the file, by",
        ),
        (["--fill", "2", "absent.mid"], "absent.mid: expected a music file, found no such file"),
        (["--fill", "2", "tune.mid", "--bars", "8"], "--bars: expected no such option with --fill, found both"),
        (["--fill", "2", "tune.mid", "--best-of", "2"], "--best-of: expected no such option with --fill"),
        (["--fill", "2", "tune.mid", "--chart", "data/charts/blues_in_f.txt"], "--chart: expected no such option"),
        (
            ["--fill", "2", "tune.mid", "--temperature", "0", "--count", "2"],
            "expected one solo, found 2, which would be equal",
        ),
        (["--fill", "2", "tune.mid", "--model", "vae"], "vae: expected a model that fills bars, found a music_vae"),
        (
            ["--fill", "2", "tune.mid", "--model", "before"],
            "--fill: expected a model trained to fill bars, found another",
        ),
    ],
)
def test_bad_options_with_fill_are_one_line(
    workspace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    tiny_vae().save(workspace / "vae")
    MusicTransformerFamily(CODEC, replace(TINY, fill_share=0.0)).save(workspace / "before")
    for folder, family in (("vae", "music_vae"), ("before", "music_transformer")):
        files.write_json(workspace / folder / "trained.json", {"family": family})
    text = fail(["generate", *arguments], capsys)
    assert said in text
    assert "\n" not in text


def test_a_latent_family_draws_over_a_chart_and_names_ignored_options(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several solos at temperature 0 are valid here, because each has its own latent."""
    tiny_vae().save(workspace / "models/music_vae")
    wishes = ["--model", "models/music_vae", "--chart", "data/charts/blues_in_f.txt", "--artist", "Charlie Parker"]
    with pytest.raises(SystemExit) as ended:
        app(["generate", *wishes, "--bars", "4", "--count", "2", "--temperature", "0", "--seed", "0"])
    said = capsys.readouterr()
    assert ended.value.code in (0, None)
    assert len(said.out.splitlines()) == 2
    assert "note: this model ignores artist='Charlie Parker'\n" in said.err
    solos = [workspace / f"out/generate/blues_in_f_seed0_{number:03d}.mid" for number in range(2)]
    assert [read_score(solo).bar_count for solo in solos] == [4, 4]
    assert files.read_json(solos[0].with_suffix(".json"))["model"]["ignored"] == ["artist", "key", "int8"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bars", "0"], "error: --bars: expected 1 to 1024, found 0; change it"),
        (["--temperature", "-1"], "error: --temperature: expected 0 or more, found -1.0"),
        (
            ["--temperature", "0", "--count", "2", "--key", "F"],
            "--temperature 0: expected one solo, found 2, which would be equal",
        ),
        (["--top-p", "2"], "error: --top-p: expected above 0, at most 1"),
        (["--count", "0"], "--count: expected 1 or more"),
        (["--chart", "absent.txt"], "absent.txt: expected a chart, found no such file"),
        (["--chart", "bad.txt"], "bad.txt, line 2: expected a chord symbol, found 'H7'"),
        (["--prime", "absent.mid"], "absent.mid: expected a music file, found no such file"),
        (["--prime", "corrupt.mid"], "corrupt.mid: expected a"),
        (["--prime", "tune.mid", "--prime-bars", "9"], "tune.mid: expected at least 9 bars, found 8"),
        (["--prime", "tune.mid", "--prime-bars", "4", "--bars", "4"], "expected a prime of less than 4 bars"),
        (["--chart", "tune.mid"], "tune.mid: expected chord symbols, found none"),
        (["--artist", "Nobody"], "Nobody: expected one of the artists unknown, Ada Line, Bo Dense"),
        (["--model", "models/absent"], "models/absent: expected the folder of a trained model, found no such folder"),
        (["--model", "data/charts", "--family", "music_transformer"], "expected a trained model, found no codec.json"),
        (["--model", "data/charts"], "expected a family, one of"),
        (["--model", "music_transformer@champion"], "expected a registered model, found no database yet"),
        (["--prime", "tune.mid", "--qpm", "200"], "--qpm: expected no tempo with --prime, found 200"),
        (["--prime-bars", "4"], "--prime-bars: expected a solo to continue, found none; add --prime"),
        (["--key", "H"], "error: --key: expected a key such as Bb major or D minor, found 'H'; change it"),
        (["--key", "F", "--chart", "data/charts/blues_in_f.txt"], "--key: expected no key with --chart, found F"),
        (["--out", "tune.mid"], "tune.mid: expected a folder to write to, found a file"),
        (["--out", "link"], "link: expected a folder to write to, found that it cannot be made (File exists)"),
        (["--out", "x" * 300], "x: expected a folder to write to, found that it cannot be made (File name too long)"),
    ],
)
def test_bad_options_of_generate_are_one_line(
    workspace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (workspace / "bad.txt").write_text("F7\nBb7 | H7")
    (workspace / "link").symlink_to("nowhere/below")
    (workspace / "corrupt.mid").write_bytes(b"MThd\0\0\0\6\0\1\0\2\1\xe0MTrk\0\0\1")
    text = fail(["generate", "--bars", "8", *arguments], capsys)
    assert said in text
    assert "\n" not in text
    assert text.startswith("error: ")


def test_an_artist_is_chosen_by_the_beginning_of_the_name_or_the_key_of_the_source(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: `generate` required the whole name, in its case."""
    names = ["unknown", "Ada Line", "Bo Dense", "Bo Densely", "Cy Ada"]
    assert [chosen_artist(names, given) for given in ("ada", "BO DENSE", "cy")] == ["Ada Line", "Bo Dense", "Cy Ada"]
    monkeypatch.setattr(
        "yardbird.data.manifest.read_solos", lambda _, keys: [SimpleNamespace(artist="Cy Ada")] * len(keys)
    )
    files.write_text(workspace / "data/ingested/lakes/manifest.csv", "")
    assert chosen_artist(names, "Lakes") == "Cy Ada"
    with pytest.raises(InputError, match="found 2: Bo Dense, Bo Densely; give more of the name"):
        chosen_artist(names, "bo")
    succeed(["generate", "--artist", "ada", "--bars", "2", "--seed", "0"], capsys)
    assert files.read_json(workspace / "out/generate/free_seed0_000.json")["settings"]["artist"] == "Ada Line"


def test_temperature_zero_is_greedy(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("a", "b"):
        succeed(["generate", "--temperature", "0", "--bars", "2", "--seed", "0", "--out", folder], capsys)
    first, second = (workspace / folder / "free_seed0_000.mid" for folder in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_a_mismatched_weight_file_is_one_line(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "models/music_transformer/model.safetensors").write_bytes(b"no weights")
    assert "expected a trained model, found files that do not fit" in fail(["generate"], capsys)


def test_an_odd_setting_in_a_model_folder_is_not_blamed_on_params_yaml(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workspace / "models/music_transformer/config.json"
    path.write_text(re.sub(r'"dropout": [0-9.]+', '"dropout": 2.0', path.read_text()))
    said = fail(["generate"], capsys)
    assert "models/music_transformer: expected a trained model, found files that do not fit" in said
    assert "dropout: expected 0 to below 1, found 2.0" in said
    assert "params.yaml" not in said


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_broken_file_of_the_family_name_is_one_line(
    workspace: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    """Regression: a JSONDecodeError, an AttributeError."""
    (workspace / "models/music_transformer/trained.json").write_text(content)
    assert "expected a trained model, found files that do not fit" in fail(["generate"], capsys)


def test_outside_the_repository_the_error_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "run from the repository's root" in fail(["generate"], capsys)


def test_ctrl_c_ends_in_one_line(workspace: Path) -> None:
    """On a terminal, where progress is shown: drawing has started when its bar appears."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 100))  # without columns, tqdm prints nothing
    process = start(["generate", "--bars", "1000"], workspace, stderr=follower)
    os.close(follower)
    read = b""
    while b"drawing" not in read:
        read += os.read(leader, 1024)  # an error at the end of the program
    process.send_signal(signal.SIGINT)
    with suppress(OSError):  # the end of a pseudo-terminal
        while more := os.read(leader, 1024):
            read += more
    process.wait(timeout=60)
    os.close(leader)
    assert process.returncode == 130
    assert b"loading models/music_transformer" in read
    assert b"Traceback" not in read
    assert read.endswith(b"error: interrupted; complete results are kept\r\n")


def test_a_dry_run_lists_used_and_unused_files_and_writes_nothing(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace / "raw/Ada Line"
    folder.mkdir(parents=True)
    shutil.copy(workspace / "tune.mid", folder)
    (folder / "empty.mid").touch()
    before = sorted(workspace.rglob("*"))
    out = succeed(["ingest", "--dry-run", str(folder)], capsys)
    assert sorted(workspace.rglob("*")) == before
    used, part, rejected = out.splitlines()[1:4]
    assert part.strip() == "part: track 1, channel 1, Solo; other parts: none"
    assert used.split()[:2] == ["used", "tune.mid:"]
    assert "Ada Line · tune" in used
    assert "8 bars · 64 notes" in used
    assert rejected.strip().startswith("not   empty.mid: expected a MIDI file, found an empty file; ")
    assert out.endswith("1 used, 1 not\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dry-run", "absent"], "absent: expected a folder of music files, found no such folder; correct the path"),
        (["--dry-run", "empty"], "empty: expected at least one usable solo, found none"),
        (["--dry-run", "tune.mid"], "tune.mid: expected a folder of music files, found a file"),
        (["data"], "expected --dry-run"),
    ],
)
def test_a_folder_without_music_is_one_line(
    workspace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (workspace / "empty").mkdir()
    assert said in fail(["ingest", *arguments], capsys)


def test_a_missing_folder_of_the_command_line_is_not_blamed_on_params_yaml(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: the remedy was to correct `sources` in params.yaml."""
    assert "absent: expected a folder of music files, found no such folder; correct the path" in fail(
        ["doctor", "absent"], capsys
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (1e-05, "1e-05"),
        (0.95, "0.95"),
        ("bf16-mixed", "bf16-mixed"),
        ("data/charts", "data/charts"),
        ("null", "'null'"),
        ("12", "'12'"),
        ("", "''"),
        ("it's, a: b", r"'it\'s, a: b'"),
        ([1, [2.5, None], "a b"], "[1,[2.5,null],'a b']"),
    ],
)
def test_values_are_written_in_the_syntax_of_dvc(value: object, text: str) -> None:
    """Compared with the parser of DVC."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    assert as_override(value) == text
    parsed = OverridesParser.create().parse_override(f"key={text}").value()
    assert OmegaConf.to_container(OmegaConf.create({"key": parsed}))["key"] == value  # type: ignore[call-overload,index]


def test_a_preset_becomes_single_overrides(workspace: Path) -> None:
    files.write_text(workspace / "presets/tiny.yaml", "seed: 3\ngenerate:\n  bars: 8\n  top_k: null\n")
    assert list(preset_overrides("tiny", read_params())) == ["seed=3", "generate.bars=8", "generate.top_k=null"]


@pytest.mark.parametrize(
    ("preset", "said"),
    [
        ("generate:\n  bras: 8\n", "generate.bras: expected a parameter of params.yaml"),
        ("generate:\n  bars:\n    more: 8\n", "generate.bars.more: expected a parameter"),
        ("generate: {}\nfoo: 1\n", "foo: expected a parameter"),
        ("generate: [\n", "expected valid YAML"),
    ],
)
def test_a_preset_with_an_unknown_key_is_refused(
    workspace: Path, capsys: pytest.CaptureFixture[str], preset: str, said: str
) -> None:
    files.write_text(workspace / "presets/wrong.yaml", preset)
    assert said in fail(["exp", "--preset", "wrong"], capsys)


def test_an_unknown_preset_names_the_known_ones(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.write_text(workspace / "presets/tiny.yaml", "seed: 3\n")
    assert "papper: expected a preset, found none of that name in presets/; choose one of tiny" in fail(
        ["exp", "--preset", "papper"], capsys
    )
    fail(["exp", "--preset", "../params"], capsys)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("generate.bras=8", "expected a parameter such as generate.bars, found an unknown key"),
        ("solos_per_chart=3", "such as generate.solos_per_chart"),
        ("generate.bars", "expected KEY=VALUE"),
        ("=3", "expected KEY=VALUE"),
    ],
)
def test_an_override_of_an_unknown_parameter_is_refused(override: str, said: str) -> None:
    with pytest.raises(YardbirdError) as error:
        check_override(override, read_params(ROOT / "params.yaml"))
    assert said in str(error.value)


@pytest.mark.parametrize(
    "override", ["generate.bars=8", "params.yaml:generate.bars=8", "~sources.etudes", "+sources.parker=data/raw/parker"]
)
def test_valid_overrides_of_dvc_pass(override: str) -> None:
    check_override(override, read_params(ROOT / "params.yaml"))


@pytest.mark.parametrize("path", sorted((ROOT / "presets").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_included_presets_match_the_parameters(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for override in preset_overrides(path.stem, read_params()):
        check_override(override, read_params())


def test_the_doctor_checks_everything(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The state of Git and DVC is arbitrary, because the test also runs in a plain copy."""
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit):
        app(["doctor"])
    out = capsys.readouterr().out
    for line in ("Python", "symusic", "torch + torchaudio", "SoundFont", "GPU", "MLflow", "disk", "Git", "DVC"):
        assert line in out
    failed = [line.split()[1] for line in out.splitlines() if line.startswith("fail")]
    assert set(failed) <= {"Git", "DVC"}


def test_the_findings_of_the_doctor_can_be_read_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = Finding("fail", "disk", "1.0 GB free", "delete files")
    for check in ("python", "libraries", "torch_pair", "soundfont", "gpu", "database", "repository", "parameters"):
        monkeypatch.setattr(doctor_command, check, list)
    monkeypatch.setattr(doctor_command, "disk", lambda: [finding])
    with pytest.raises(SystemExit) as ended:
        app(["doctor", "--json"])
    assert ended.value.code == 1
    assert json.loads(capsys.readouterr().out) == {"ok": False, "findings": [asdict(finding)]}


@pytest.mark.parametrize("kept", [True, False])
def test_the_doctor_says_if_compiled_files_are_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: bool
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", not kept)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    remedies = [finding.remedy for finding in doctor_command.python() if finding.state == "warn"]
    assert remedies == ([] if kept else ["unset PYTHONDONTWRITEBYTECODE"])


def test_the_doctor_survives_sources_without_names(workspace: Path) -> None:
    """Regression: an AttributeError."""
    text = (workspace / "params.yaml").read_text()
    (workspace / "params.yaml").write_text(re.sub(r"(?m)^sources:\n(?: .*\n)+", "sources: [a, b]\n", text))
    (finding,) = parameters()
    assert (finding.state, finding.what, finding.found) == ("fail", "sources", "['a', 'b'] has no names")


def test_a_broken_torch_is_one_line_of_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: the check of the GPU raised an ImportError."""
    monkeypatch.setitem(sys.modules, "torch", None)
    assert [finding.state for finding in (*torch_pair(), *gpu())] == ["fail"]


def test_the_doctor_fails_if_something_must_be_fixed(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (workspace / "params.yaml").read_text().replace("etudes: data/etudes", "parker: nowhere")
    (workspace / "params.yaml").write_text(text)
    (workspace / "mlruns").mkdir()
    with pytest.raises(SystemExit) as ended:
        app(["doctor"])
    out = capsys.readouterr().out
    assert ended.value.code == 1
    assert "no folder nowhere: correct section `sources` of params.yaml" in out
    assert "MLflow would show the folder mlruns/ instead of mlflow.db: move mlruns/ away" in out
    assert "this folder is no repository" in out


def test_a_streamed_solo_is_reported_bar_by_bar_and_equals_the_solo_drawn_at_once(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wishes = ["generate", "--chart", "data/charts/blues_in_f.txt", "--bars", "6", "--seed", "5"]
    succeed([*wishes, "--best-of", "1", "--out", "whole"], capsys)
    written: list[list[str]] = []  # the files of the solo when each line is printed

    class Printed(io.StringIO):
        def flush(self) -> None:
            if self.getvalue().count("\n") > len(written):
                written.append(sorted(path.suffix for path in (workspace / "bars").glob("blues*")))

    with redirect_stdout(Printed()) as printed, pytest.raises(SystemExit) as ended:
        app([*wishes, "--stream", "--out", "bars"])
    assert ended.value.code in (0, None)
    first, *rest = printed.getvalue().splitlines()
    assert written[0] == [".mid"], "the first bar is printed and written before the solo is complete"
    assert len(written) >= 6
    assert [line.split(":")[0] for line in (first, *rest[:5])] == [f"bar {bar} of 6" for bar in range(1, 7)]
    assert re.fullmatch(r"bar 1 of 6: F7; notes: \d+", first)
    for kind in ("mid", "wav"):
        drawn = [workspace / folder / f"blues_in_f_seed5_000.{kind}" for folder in ("bars", "whole")]
        assert drawn[0].read_bytes() == drawn[1].read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stream", "--count", "2"], "--stream: expected one new solo, as text, found --count"),
        (["--stream", "--best-of", "3"], "--stream: expected one new solo, as text, found --best-of"),
        (["--stream", "--json"], "--stream: expected one new solo, as text, found --json"),
        (["--stream", "--family", "music_vae"], "--stream: expected a music_transformer, found a music_vae"),
        (["--int8", "--family", "music_vae"], "--int8: expected a music_transformer, found a music_vae"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_streaming_is_refused_where_it_does_not_apply(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert said in fail(["generate", *arguments], capsys)
