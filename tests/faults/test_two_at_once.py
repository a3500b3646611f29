"""Two commands at once: each result is right, or refused in one line."""

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from forked_python import python
from published_store import ROOT
from tiny_pipeline import call, environment, made_by, make_repository
from tiny_transformer import NAME, write_model

from yardbird import files
from yardbird.cli.output_places import reserved
from yardbird.errors import InputError
from yardbird.models.trained_folder import open_family


def solo(folder: Path, stack: ExitStack, *, chosen: bool = False, force: bool = False) -> str:
    """Hold the name of a solo; returns its ending."""

    def files_of(end: str) -> list[Path]:
        return [folder / f"solo{end}.mid"]

    held = reserved(folder, lambda end: [f"solo{end}"], files_of, chosen=chosen, force=force)
    return stack.enter_context(held).end


def test_a_name_in_use_is_not_given_again(tmp_path: Path) -> None:
    with ExitStack() as first:
        assert [solo(tmp_path, first) for _ in range(3)] == ["", "_take2", "_take3"]
        for options in ({"chosen": True}, {"force": True}):
            with pytest.raises(InputError, match="found another command that writes it now; wait for it"):
                solo(tmp_path, first, **options)
        files.write_text(tmp_path / "solo_take2.mid", "")
    assert [path.name for path in tmp_path.iterdir()] == ["solo_take2.mid"]
    with ExitStack() as later:
        assert [solo(tmp_path, later) for _ in range(2)] == ["", "_take3"]


def test_the_name_of_a_killed_command_is_free(tmp_path: Path) -> None:
    files.write_text(tmp_path / ".solo.part/draft/solo.mid", "half")
    with ExitStack() as stack:
        assert solo(tmp_path, stack) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_held_against_other_processes(tmp_path: Path) -> None:
    program = (
        "from contextlib import ExitStack; from pathlib import Path; import sys\n"
        "from yardbird.cli.output_places import reserved\n"
        "with reserved(Path('.'), lambda end: ['solo' + end], lambda end: [], chosen=False, force=False) as place:\n"
        "    print(place.end, flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None and other.stdout is not None  # noqa: PT018
        assert other.stdout.readline() == "\n"
        with ExitStack() as stack:
            assert solo(tmp_path, stack) == "_take2"
        other.kill()
    with ExitStack() as stack:
        assert solo(tmp_path, stack) == ""


def test_a_model_that_the_pipeline_replaces_is_read_whole_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`dvc repro` beside `yardbird generate`: never the codec of one training with the weights of another."""
    monkeypatch.chdir(tmp_path)
    folder, versions = Path("models") / NAME, {}
    for seed in (0, 1):
        write_model(seed)
        folder.rename(f"version{seed}")
        versions[files.sha256_folder(Path(f"version{seed}"))] = seed
    shutil.copytree("version0", folder)
    began = time.perf_counter()
    open_family(Path("version0"))
    seconds = time.perf_counter() - began
    stop = threading.Event()
    read = refused = 0

    def replace() -> None:
        count = 0
        while not stop.is_set():
            with files.replacing_folder(folder) as draft:
                for path in Path(f"version{count % 2}").iterdir():
                    (draft / path.name).write_bytes(path.read_bytes())
            count, before = count + 1, read
            time.sleep(count % 5 * seconds / 2)  # after a short pause hardly any reading has ended
            while count % 5 == 0 and read == before and not stop.is_set():  # until one has, also on a busy machine
                time.sleep(seconds / 10)

    replacing = threading.Thread(target=replace)
    replacing.start()
    try:
        while (read < 4 or refused < 4) and time.perf_counter() < began + 60:
            try:
                _family, provenance = open_family(folder)
            except InputError as error:
                refused += 1
                assert "\n" not in str(error)  # noqa: PT017  # both outcomes are right
            else:
                read += 1
                assert versions[provenance["sha256"]] == provenance["trained"]["seed"]
    finally:
        stop.set()
        replacing.join()
    assert read > 3
    assert refused > 3


@pytest.mark.slow
def test_two_generate_into_one_folder_write_two_results_or_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files.write_text(Path("params.yaml"), (ROOT / "params.yaml").read_text())
    write_model(0)
    draw = [python(), "-m", "yardbird.cli", "generate", "--bars", "8", "--json", "--model", f"models/{NAME}"]

    def both(*options: list[str]) -> list[subprocess.CompletedProcess[str]]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started = [subprocess.Popen([*draw, *own], **pipes) for own in options]  # type: ignore[call-overload]
        return [subprocess.CompletedProcess(one.args, one.wait(), *one.communicate()) for one in started]

    named = ["--seed", "1", "--out", "solos"]
    ended = both(named, [*named, "--temperature", "0.5"])
    assert sorted(one.returncode for one in ended) == [0, 1]
    (refusal,) = [one.stderr for one in ended if one.returncode]
    assert refusal.startswith("error: solos/free_seed1")
    assert refusal.count("\n") == 1
    (written,) = [json.loads(one.stdout)["solos"][0] for one in ended if not one.returncode]
    assert json.loads(Path(written["json"]).read_text())["solo"] == Path(written["mid"]).stem
    assert len(list(Path("solos").iterdir())) == 4

    ended = both(["--seed", "2"], ["--seed", "2"])
    assert [one.returncode for one in ended] == [0, 0]
    assert len(list(Path("out/generate").iterdir())) == 8


@pytest.mark.slow
def test_two_experiments_at_once_are_both_right(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "project")
    call(root, "dvc", "repro", "-q")
    command = [sys.executable, "-c", "from yardbird.cli import app; app()", "exp"]
    outputs = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    started = [
        subprocess.Popen(
            [*command, "-S", f"seed={seed}", "--name", f"seed{seed}"], cwd=root, env=environment(), **outputs
        )  # type: ignore[call-overload]
        for seed in (11, 12)
    ]
    said = {one.communicate()[0]: one.returncode for one in started}
    assert list(said.values()) == [0, 0], said
    for seed in (11, 12):
        folder = root / f"out/experiments/seed{seed}"
        assert made_by(folder, "models/toy/weights.txt")["seed"] == seed
        assert made_by(folder, "data/generated/toy/solo.wav")["seed"] == seed


def start_two_workers(root: Path) -> None:
    # not by `call`, which waits for the workers: one may miss the message to end if both do at once, a fault of DVC
    start = {"cwd": root, "env": environment(), "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["dvc", "queue", "start", "-j", "2"], check=True, **start)  # type: ignore[call-overload]


@pytest.mark.slow
def test_two_queued_experiments_with_two_workers_are_both_right(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "project")
    call(root, "dvc", "repro", "-q")
    call(root, "dvc", "add", "-q", "data/raw/parker")
    call(root, "git", "add", "-A")
    call(root, "git", "commit", "-qm", "Add the data")
    for seed in (21, 22):
        call(root, "dvc", "exp", "run", "--queue", "--name", f"seed{seed}", "-S", f"seed={seed}")
    without_workers = 0
    for second in range(240):
        # On a busy machine, DVC's workers may end with an experiment still queued: start them again, as a user would.
        if second == 0 or without_workers == 15:
            start_two_workers(root)
            without_workers = 0
        status = call(root, "dvc", "queue", "status")
        if status.count("Success") == 2 or "Failed" in status:
            break
        without_workers = without_workers + 1 if "0 active, 0 idle" in status else 0
        threading.Event().wait(1)
    assert status.count("Success") == 2, status
    for seed in (21, 22):
        call(root, "dvc", "exp", "apply", f"seed{seed}")
        assert made_by(root, "models/toy/weights.txt")["seed"] == seed
        assert made_by(root, "data/generated/toy/solo.wav")["seed"] == seed


#: A stage that replaces the model as the stage train does, with the weights of the seed; it waits while a file says so.
TRAIN = """\
import re, time
from pathlib import Path

from yardbird import files
from yardbird.checksums import write_sums

seed = re.search(r"(?m)^seed: (\\d+)", Path("params.yaml").read_text())[1]
Path("started").touch()
while Path("wait").exists():
    time.sleep(0.05)
with files.replacing_folder(Path("models/music_transformer")) as draft:
    for path in Path("versions", seed).iterdir():
        (draft / path.name).write_bytes(path.read_bytes())
    write_sums(draft)
"""
TRAINED = """\
stages:
  train:
    cmd: python stages/train.py
    params: [seed]
    deps: [stages/train.py]
    outs: [models/music_transformer]
"""


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_solo_beside_dvc_repro_is_of_one_training_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC deletes the model before the stage starts, so that there is none until the training has ended.

    An earlier test drew beside a loop of trainings: on a busy machine the model was missing during each of its draws.
    Here the stage waits. The moment at which the folder is replaced is tested above.
    """
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    root = make_repository(tmp_path / "project")
    params = (ROOT / "params.yaml").read_text()
    files.write_text(root / "dvc.yaml", TRAINED)
    files.write_text(root / "stages/train.py", TRAIN)
    monkeypatch.chdir(root)
    for seed in (1, 2):
        write_model(seed)
        (root / "versions").mkdir(exist_ok=True)
        (root / "models" / NAME).rename(root / "versions" / str(seed))
    repro = ["dvc", "repro", "-q"]
    draw = [python(), "-m", "yardbird.cli", "generate", "--bars", "2", "--seed", "1", "--json"]

    def train_with(seed: int) -> subprocess.Popen[str]:
        files.write_text(root / "params.yaml", re.sub(r"(?m)^seed: \d+", f"seed: {seed}", params))
        (root / "started").unlink(missing_ok=True)
        return subprocess.Popen(repro, env=environment(), text=True)

    def drawn_with() -> tuple[str, int]:
        """The checksum of the model and the seed of its training, from the provenance of a solo."""
        done = subprocess.run(draw, env=environment(), capture_output=True, text=True, check=True)
        model = files.read_json(root / json.loads(done.stdout)["solos"][0]["json"])["model"]
        return model["sha256"], model["trained"]["seed"]

    assert train_with(1).wait() == 0
    assert drawn_with() == (files.sha256_folder(root / "models" / NAME), 1)
    files.write_text(root / "wait", "")
    with train_with(2) as training:
        while not (root / "started").exists():
            assert training.poll() is None
            threading.Event().wait(0.1)
        refused = subprocess.run(draw, env=environment(), capture_output=True, text=True, check=False)
        (root / "wait").unlink()
        assert training.wait() == 0
    assert refused.returncode == 1
    assert re.fullmatch(
        r"error: models/music_transformer: expected .*, found no such folder; .*wait.*\n", refused.stderr
    )
    assert drawn_with() == (files.sha256_folder(root / "models" / NAME), 2)
    assert train_with(1).wait() == 0  # DVC restores the model from its cache, without the stage
    assert not (root / "started").exists()
    assert drawn_with() == (files.sha256_folder(root / "models" / NAME), 1)
