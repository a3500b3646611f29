"""Help, versions and errors of arguments come at once: before torch, which takes seconds to import.

All cases run one after the other in one process of the real command line, which reports what each has imported.
"""

import json
import logging
import os
import pty
import re
import shutil
import subprocess
import sys
import termios
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import ruamel.yaml
from event_scores import CODEC
from test_cli import ROOT, TINY, YARDBIRD
from tiny_vae import tiny_vae

from yardbird import files
from yardbird.cli import app
from yardbird.cli.check_command import SECTIONS, refuse_problem, section_types
from yardbird.cli.console import note, verbosity
from yardbird.config import read_params
from yardbird.errors import InputError
from yardbird.latent.direction_file import Vectors
from yardbird.models.music_transformer.transformer_family import MusicTransformerFamily
from yardbird.music.midi import write_score
from yardbird.music.score import Score, make_notes
from yardbird.progress import progress

CHART = "data/charts/blues_in_f.txt"
#: The arguments of a command, and a part of its only line of output.
CASES = {
    "generate --bars 0": "--bars: expected 1 to 1024, found 0",
    "generate --bars 100000000": "--bars: expected 1 to 1024, found 100000000",
    "generate --count 100000000": "--count: expected at most 1024 solos, candidates of --best-of included",
    "generate --best-of 100000000": "--best-of: expected 1 to 1024, found 100000000",
    "generate --top-k 1000000000000000000000": "--top-k: expected 1 to 1000000, found 1000000000000000000000",
    "generate --chart long.txt": "long.txt: expected at most 20,000 letters, found more",
    "generate --chart /dev/zero": "/dev/zero: expected a chart, found no regular file",
    "generate --prime large.mid": "large.mid: expected at most 4 MB, found 5 MB",
    "generate --prime many_notes.mid": "expected at most 20,000 notes in",
    "generate --prime many_bars.mid": "many_bars.mid: expected at most 1024 bars, found 1250",
    "generate --fill 9 large.mid": "large.mid: expected at most 4 MB, found 5 MB",
    "generate --temperature -1": "--temperature: expected 0 or more",
    "generate --count 0": "--count: expected 1 or more",
    "generate --temperature 0 --count 2 --key F": "--temperature 0: expected one solo, found 2",
    "generate --artist Nobody": "Nobody: expected one of the artists unknown, Ada Line, Bo Dense",
    "generate --chart absent.txt": "absent.txt: expected a chart, found no such file",
    "generate --prime absent.mid": "absent.mid: expected a music file, found no such file",
    "generate --prime tune.mid --prime-bars 4 --bars 4": "expected a prime of less than 4 bars",
    "generate --model absent": "absent: expected the folder of a trained model, found no such folder",
    "generate --out tune.mid": "tune.mid: expected a folder to write to, found a file",
    "generate --fill 9 tune.mid": "--fill: expected bars such as 9-12",
    "generate --fill 2": "generate: expected a file with a solo too",
    f"generate --chart {CHART} --key F": "--key: expected no key with --chart",
    "generate --bars 4 --seed 1 --out earlier": "earlier/free_seed1_000.mid: expected no earlier result, found one",
    "sing words --seconds 0": "--seconds: expected above 0",
    "sing words --seconds 1e9": "--seconds: expected above 0, at most 600, found 1000000000.0",
    f"sing {'word ' * 7} --seconds 600": "--seconds: expected at most 3600 in all 7 sounds, found 600.0",
    f"sing {'w' * 501}": "prompt 1: expected at most 500 letters, found 501",
    "sing words --melody large.mid": "large.mid: expected at most 4 MB, found 5 MB",
    "sing words --melody absent.mid": "absent.mid: expected a music file, found no such file",
    "sing words --model absent": "absent: expected the folder of a trained model",
    "interpolate tune.mid tune.mid --steps 0": "--steps: expected 2 to 257, found 0",
    "interpolate tune.mid tune.mid --steps 100000000": "--steps: expected 2 to 257, found 100000000",
    "interpolate tune.mid long.mid --steps 257": "expected at most 16,384 bars in all steps, found 205,600",
    "interpolate tune.mid large.mid": "large.mid: expected at most 4 MB, found 5 MB",
    "interpolate tune.mid absent.mid": "absent.mid: expected a music file, found no such file",
    "interpolate tune.mid tune.mid --bars 0": "--bars: expected 1 or more, found 0",
    "interpolate tune.mid tune.mid --model models/music_transformer": "expected a MusicVAE, found a music_transformer",
    "transfer tune.mid --to nobody": "nobody: expected one of the artists Ada, Bo, found none",
    "transfer tune.mid --to ada --strength 1000": "--strength: expected -100 to 100, found 1000",
    "transfer tune.mid --to ada --directions absent": "absent: expected the directions",
    "transfer large.mid --to ada": "large.mid: expected at most 4 MB, found 5 MB",
    "blend large.mid --add blues=1": "large.mid: expected at most 4 MB, found 5 MB",
    "notation large.mid": "large.mid: expected at most 4 MB, found 5 MB",
    "metrics large.mid": "large.mid: expected at most 4 MB, found 5 MB",
    "blend tune.mid --add swing=1": "--add: expected name=amount, a name of blues, chromaticism, density, rests,",
    "blend absent.mid --add blues=1": "absent.mid: expected a music file, found no such file",
    "metrics absent.mid": "absent.mid: expected a music file, found no such file",
    "ingest --dry-run absent": "absent: expected a folder of music files, found no such folder",
    "doctor absent": "absent: expected a folder of music files, found no such folder",
    "fetch nothing": "yardbird fetch: expected",
    "exp --preset nothing": "nothing: expected a preset",
    "exp -S generate.bras=1": "generate.bras=1: expected a parameter such as generate.bars, found an unknown key; ",
    "blind-test results": "blind_test: expected a blind test, found no test.json",
    "blind-test serve --public-url example": "--public-url: expected an address",
    "generate --bars x": "error: yardbird generate: --bars: expected an integer, found x; see `yardbird generate --h",
    "generate --bars": "error: yardbird generate: option '--bars' requires an argument; see `yardbird generate --help`",
    "generate --foo": "error: yardbird generate: expected a known option, such as --force or --out, found --foo; see ",
    "generate --notation cello": "yardbird generate: --notation: 'cello' is not one of 'alto', 'tenor', 'trumpet', ",
    "generate one.mid two.mid": "error: yardbird generate: got unexpected extra argument(s) (two.mid); see `yar",
    "run --jobs 0": "error: yardbird run: --jobs: expected 1 or more, found 0; see `yardbird run --help`",
    "metrics": "error: yardbird metrics: files: expected a value, found nothing; see `yardbird metrics --help`",
    "generat": "error: yardbird: no such command 'generat' (did you mean 'generate', 'regenerate'?); see `yardbird --h",
    "-q -v fetch": "--quiet: expected no --verbose with it, found both",
    "--version": f"yardbird {version('yardbird')}",
}
HELP = [
    "", "generate", "sing", "interpolate", "transfer", "blend", "metrics", "ingest", "doctor", "fetch", "exp", "check",
    "mlflow sync", "blind-test serve",
]  # fmt: skip
HEAVY = {"torch", "transformers", "librosa", "matplotlib", "mlflow", "pandas", "scipy", "numba", "huggingface_hub"}
#: Reads a JSON list of arguments; writes for each: exit status, what was printed, heavy modules, CPU seconds.
RUN = f"""
import contextlib, io, json, sys, time
from yardbird.cli import app
told = []
for arguments in json.load(sys.stdin):
    began, printed, code = time.process_time(), io.StringIO(), None
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            app(arguments)
        except SystemExit as ended:
            code = ended.code
    said = (code if isinstance(code, str) else "") + printed.getvalue()
    told.append([bool(code), said, sorted({HEAVY!r} & set(sys.modules)), time.process_time() - began])
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parameters, charts, models and a solo."""
    folder = tmp_path_factory.mktemp("workspace")
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "data/charts", folder / "data/charts")
    MusicTransformerFamily(CODEC, TINY).save(folder / "models/music_transformer")
    tiny_vae().save(folder / "models/music_vae")
    files.write_json(folder / "models/musicgen/trained.json", {"family": "musicgen"})
    code = np.zeros(2, dtype=np.float32)
    artists = {"Ada": code, "Bo": code}
    Vectors("", artists, {"rests": code}, artists).save(folder / "data/explored/directions.safetensors")
    notes = make_notes([(6 * index, 6, 60 + index % 9, 90) for index in range(64)])
    write_score(Score(12, notes, end_tick=384), folder / "tune.mid")
    files.write_text(folder / "earlier/free_seed1_000.mid", "")
    files.write_text(folder / "long.txt", "F7 | " * 10_000_000)
    event = b"\x00\x90\x3c\x40"
    body = event * 1_350_000
    files.write_bytes(folder / "large.mid", b"MThd\0\0\0\6\0\0\0\1\x01\xe0MTrk" + len(body).to_bytes(4, "big") + body)
    for name, count, step in (("many_notes", 20_001, 1), ("many_bars", 10_000, 6), ("long", 6400, 6)):
        line = make_notes([(step * index, step, 60 + index % 9, 90) for index in range(count)])
        write_score(Score(12, line, end_tick=step * count), folder / f"{name}.mid")
    return folder


def run_all(folder: Path, commands: list[list[str]]) -> list[tuple[bool, str, list[str], float]]:
    ran = subprocess.run(
        [sys.executable, "-c", RUN], cwd=folder, input=json.dumps(commands), capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout)


def test_errors_of_arguments_and_help_come_before_heavy_imports(workspace: Path) -> None:
    helps = [[*command.split(), "--help"] for command in HELP]
    cases = [command.split() for command in CASES]
    told = run_all(workspace, [*helps, *cases])
    for command, (failed, said, heavy, seconds) in zip([*helps, *cases], told, strict=True):
        assert not heavy, (command, heavy)
        assert seconds < 1, (command, seconds)
        assert failed is (command in cases and command != ["--version"]), (command, said)
    for (command, expected), (_, said, _, _) in zip(CASES.items(), told[len(helps) :], strict=True):
        assert expected in said, (command, said)
        assert said.count("\n") <= 1, (command, said)


@pytest.mark.parametrize(("arguments", "status"), [(["run", "--jobs", "x\ny"], 2), ([], 2), (["--version"], 0)])
def test_an_error_of_options_is_one_line_with_its_own_exit_status(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: a box of several lines, without a remedy."""
    with pytest.raises(SystemExit) as ended:
        app(arguments)
    assert ended.value.code in ({0: (0, None), 2: (2,)}[status])
    assert capsys.readouterr().err.count("\n") == len(arguments) // 2


def test_the_checks_of_the_installation_and_of_the_parameters_import_torch_alone(workspace: Path) -> None:
    """Regression: the doctor imported SciPy and, without a database, MLflow; each takes a second or two."""
    for _, said, heavy, _ in run_all(workspace, [["doctor"], ["check"]]):
        assert {"torch"} <= set(heavy) <= {"torch", "librosa"}, said  # librosa imports its parts when they are used


@pytest.mark.parametrize(
    "code",
    [
        "from yardbird.cli import app; app(['--version'])",
        "from yardbird.errors import exit_on_error; exit_on_error(lambda: None)()",
    ],
)
def test_the_collection_of_garbage_at_exit_skips_all_objects(code: str) -> None:
    watch = "import atexit, gc; atexit.register(lambda: print(len(gc.get_objects())))"
    ran = subprocess.run([sys.executable, "-c", f"{watch}; {code}"], capture_output=True, text=True, check=True)
    assert int(ran.stdout.split()[-1]) < 100


def test_a_new_process_reports_an_error_soon_after_its_imports(workspace: Path) -> None:
    """Processors differ, so the measure is the time to import the libraries that reading options and files needs."""

    def seconds(command: list[str], code: int) -> float:
        """CPU time, as the machine may be busy."""
        before = os.times()
        assert subprocess.run(command, cwd=workspace, capture_output=True, check=False).returncode == code
        return os.times().children_user - before.children_user

    libraries = [sys.executable, "-c", "import numpy, pydantic, ruamel.yaml, symusic, typer"]
    error = [YARDBIRD, "generate", "--artist", "Nobody"]
    ratios = [seconds(error, code=1) / seconds(libraries, code=0) for _ in range(2)]
    assert min(ratios) < 3, ratios  # 1.8; with torch 7 or more


def test_completion_offers_the_commands(workspace: Path) -> None:
    asked = {"_YARDBIRD_COMPLETE": "complete_bash", "COMP_WORDS": "yardbird inter", "COMP_CWORD": "1"}
    ran = subprocess.run([YARDBIRD], cwd=workspace, env=os.environ | asked, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["interpolate"]


def test_the_included_parameters_have_no_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        app(["check"])
    assert ended.value.code in (0, None)
    assert capsys.readouterr().out == f"params.yaml: {len(SECTIONS)} sections, no problem\n"


def test_the_check_knows_every_parameter() -> None:
    """Each section, and each part of a section without settings of its own, has a type."""
    params = read_params(ROOT / "params.yaml")
    assert tuple(params) == SECTIONS
    for section, value in params.items():
        typed = section_types()
        assert section in typed or {f"{section}.{part}" for part in value} <= set(typed)


def test_all_problems_of_the_parameters_are_reported(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    yaml = ruamel.yaml.YAML()
    params = yaml.load(workspace / "params.yaml")
    params["extra"] = 1
    params["encode"]["extra"] = 1
    params["generate"] |= {"bars": 0, "top_p": 2.0, "charts": "nowhere"}
    params["music_vae"]["model"]["latent_dim"] = "wide"
    params["sources"] = {"parker": "data/raw/parker", "empty": ".", "": "data/raw/coltrane"}
    params["roles"] = {"coltrane": "background"}
    yaml.dump(params, tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    expected = {
        "extra", "encode.extra", "generate.bars", "generate.top_p", "generate.charts", "music_vae.model.latent_dim",
        "sources.parker", "sources.empty", "sources", "roles.coltrane",
    }  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        app(["check"])
    assert ended.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert {line.split(": ")[1] for line in lines} == expected
    assert "params.yaml: generate.bars: expected 1 to 1024, found 0; correct the value" in lines
    assert "params.yaml: sources: expected lines `name: folder`, found one without a name; add the name" in lines
    folder = "params.yaml: sources.{}: expected a folder of solos, found no {}; correct the path, or add it"
    assert {folder.format("parker", "folder data/raw/parker"), folder.format("empty", "music in .")} < set(lines)
    with pytest.raises(SystemExit):
        app(["check", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert ({one["key"] for one in found["problems"]}, found["ok"]) == (expected, False)


def test_parameters_that_do_not_fit_a_small_corpus_are_found_before_the_run(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: the split and augment stages found them, one after the other."""
    sources = "sources:\n  ada: data/ada\n  bo: data/bo\n"
    text = re.sub(r"(?m)^sources:\n(?: .*\n)+", sources, (workspace / "params.yaml").read_text())
    shutil.copytree(ROOT / "data/charts", tmp_path / "data/charts")
    pitches = np.random.default_rng(0).integers(55, 80, (8, 64))
    names = ("ash", "bay", "elm", "fig", "fir", "oak", "pine", "yew")
    for number, (name, line) in enumerate(zip(names, pitches.tolist(), strict=True)):
        notes = make_notes([(6 * place, 6, pitch, 90) for place, pitch in enumerate(line)])
        folder = ("ada", "bo")[number % 2]
        write_score(Score(12, notes, end_tick=384), tmp_path / f"data/{folder}/{name}.mid")
    monkeypatch.chdir(tmp_path)

    def refused(text: str, fault: str) -> str:
        files.write_text(Path("params.yaml"), text)
        with pytest.raises(InputError, match=fault) as raised:
            refuse_problem()
        return str(raised.value)

    said = refused(
        text, r"^params.yaml: split.salt: expected .*, found none for .*; add tunes, or set split.salt to \d+$"
    )
    text = text.replace("  salt: 1 ", f"  salt: {said.rpartition(' ')[2]} ")
    said = refused(
        text, r"^params.yaml: augment.target_size: expected .*, found one that needs \d+; write 8 to \d+, or"
    )
    text = text.replace("target_size: 1000", f"target_size: {said.partition('write 8 to ')[2].partition(',')[0]}")
    files.write_text(Path("params.yaml"), text)
    with pytest.raises(SystemExit):
        app(["check"])
    assert capsys.readouterr() == (f"params.yaml: {len(SECTIONS)} sections, no problem\n", "")
    for salt in range(100):
        files.write_text(Path("params.yaml"), re.sub(r"  salt: \d+ ", f"  salt: {salt} ", text))
        with suppress(InputError):
            refuse_problem()
        if said := capsys.readouterr().err:
            break
    better = r"note: params.yaml: split.salt: \w+ has nothing by (ada|bo)[\w ,]*; split.salt \d+ gives a better split\n"
    assert re.match(better, said)


def test_before_a_run_settings_of_models_are_checked_only_if_they_changed(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of all takes seconds; dvc.lock has the settings of the last run."""
    text = (workspace / "params.yaml").read_text().replace("attention: relative", "attention: absolut")
    files.write_text(tmp_path / "params.yaml", text.replace("  charts: data/charts", "  charts: ."))
    monkeypatch.chdir(tmp_path)
    wrong = r"^params.yaml: music_transformer.model.attention: expected [^\n]*, found 'absolut'; correct the value$"
    with pytest.raises(InputError, match=wrong):
        refuse_problem()
    recorded = {name: read_params()[name] for name in SECTIONS}
    stages = {"train": {"params": {"params.yaml": recorded}}}
    with (tmp_path / "dvc.lock").open("w") as lock:
        ruamel.yaml.YAML().dump({"stages": stages}, lock)
    refuse_problem()
    (tmp_path / "dvc.lock").write_text("stages: [")
    with pytest.raises(InputError, match=wrong):
        refuse_problem()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("seed: 0\n bars: 1\n", "mapping values are not allowed here in line 2, column 6"),
        ("a: 1\na: 2", 'while constructing a mapping in line 1, column 1, found duplicate key "a" with value "2" '
         '(original value: "1") in line 2, column 1'),
        ("a: *x", "undefined alias 'x' in line 1, column 4"),
        ("\t- a", "character '\\t' that cannot start any token in line 1, column 1"),
        ("a: \x01", 'unacceptable character #x0001: special characters are not allowed at position 3'),
    ],
)  # fmt: skip
def test_a_fault_of_yaml_names_each_line_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, fault: str
) -> None:
    files.write_text(tmp_path / "params.yaml", text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        app(["check"])
    assert ended.value.code == f"error: params.yaml: expected valid YAML, found {fault}; correct that line"


def test_progress_is_shown_on_a_terminal(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 100))  # without columns, tqdm prints nothing
    draw = ["interpolate", "tune.mid", "tune.mid", "--steps", "2", "--out", str(tmp_path / "out")]
    monkeypatch.chdir(workspace)
    with ThreadPoolExecutor(1) as beside, os.fdopen(follower, "w") as terminal:
        reading = beside.submit(read_all, leader)
        monkeypatch.setattr(sys, "stderr", terminal)
        with pytest.raises(SystemExit) as ended:
            app(draw)
        terminal.close()
        read = reading.result()
    assert ended.value.code in (0, None), read
    assert b"loading models/music_vae" in read
    assert b"writing solos" in read


def read_all(leader: int) -> bytes:
    """What is written to a pseudo-terminal until it is closed."""
    read = b""
    with suppress(OSError):  # the end of a pseudo-terminal
        while more := os.read(leader, 1024):
            read += more
    os.close(leader)
    return read


@pytest.mark.parametrize("quiet", [False, True])
def test_a_user_who_wants_results_only_sees_no_note_and_no_progress_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, quiet: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with verbosity(quiet=quiet, verbose=False):
        assert bool(progress([1]).disable) is quiet
        note("seven bars")
    assert capsys.readouterr().err.endswith("note: seven bars\n") is not quiet
    assert not progress([1]).disable


@pytest.mark.parametrize("verbose", [False, True])
def test_the_warnings_and_the_log_of_libraries_are_shown_if_the_user_wants_them(
    capsys: pytest.CaptureFixture[str], *, verbose: bool
) -> None:
    with warnings.catch_warnings(record=True) as warned, verbosity(quiet=False, verbose=verbose):
        logging.getLogger("library").info("loaded")
        warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
    assert ("INFO library: loaded" in capsys.readouterr().err) is verbose
    assert bool(warned) is verbose
