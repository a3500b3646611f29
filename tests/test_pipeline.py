"""The whole pipeline with the smoke preset on the real command line; two runs of a commit give equal bytes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import forked_python
import nbformat
import numpy as np
import pandas as pd
import pytest
from event_scores import CODEC
from nbclient import NotebookClient
from ruamel.yaml import YAML
from tiny_transformer import SIZES

from yardbird.config import read_params
from yardbird.data.etudes.compose import etudes
from yardbird.deciding_metrics import METRICS
from yardbird.generation.leadsheet import read_lead_sheet
from yardbird.models.music_transformer.transformer_family import MusicTransformerFamily
from yardbird.music.midi import read_score, write_score
from yardbird.nn.decoding import decode
from yardbird.nn.sampling import Sampling

ROOT = Path(__file__).resolve().parents[1]
FAMILIES = ("music_transformer", "music_vae")
#: Outputs with the time and the memory of training and the speed of sampling, which differ between runs.
TIMED = (
    "reports/timing/",
    "reports/comparison.md",
    "reports/comparison_models.csv",
    "reports/comparison_tables.json",
    "reports/index.html",
)
#: Still smaller than the preset.
SMALLER = (
    "execution.workers=1",  # the import of a worker takes longer than its work
    "compose.solos=12",
    "split.salt=19",  # both players in each split, and short held-out solos, whose sound takes most of the time
    "augment.target_size=24",
    "audio.training_seconds=60",
    "generate.best_of=2",
    "sing.prompts=['Charlie Parker jazz solo','Minor blues in C minor']",
    "explore.interpolation.bars=2",
    "explore.transfer.bars=2",
    "explore.arithmetic.bars=2",
    "judge.bootstrap_samples=50",
    "evaluate.ngram_escapes=[1,10]",
    "evaluate.bootstrap_samples=50",
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]  # the first test waits for a whole pipeline, or for two


def environment() -> dict[str, str]:
    identity = {f"GIT_{who}_{what}": "yardbird" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_", "GIT_"))}
    return inherited | identity | {"PATH": path, "OMP_NUM_THREADS": "1", "DVC_NO_ANALYTICS": "1"}


def run(
    clone: Path, command: Sequence[str], variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=clone, env=variables or environment(), capture_output=True, text=True)


def check(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def make_clone(folder: Path) -> Path:
    """The working tree as git would commit it, in a repository of its own."""
    listed = check(run(ROOT, ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]))
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    compiled = Path("src/yardbird/nn/__pycache__")  # numba takes fifteen seconds for this code: once for all clones
    decode(MusicTransformerFamily(CODEC, SIZES).model, [[0]], Sampling(1.0, None, None, None), seed=0, max_length=3)
    (folder / compiled).mkdir()
    for code in (ROOT / compiled).glob("*.nb[ic]"):
        shutil.copy2(code, folder / compiled)
    for command in (["git", "init", "-q"], ["git", "add", "-A"], ["git", "commit", "-qm", "clone"]):
        check(run(folder, command))
    return folder


def run_smoke(folder: Path, variables: Mapping[str, str]) -> Path:
    """A clone in which the smoke preset has run to the end."""
    clone = make_clone(folder)
    smaller = [word for override in SMALLER for word in ("-S", override)]
    check(run(clone, ["yardbird", "exp", "--preset", "smoke", *smaller, "--here"], variables))
    return clone


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose stages ran in forks, because their imports take longer than their work."""
    return run_smoke(tmp_path_factory.mktemp("first"), environment() | {"SHELL": forked_python.shell()})


def outputs(clone: Path) -> dict[str, str]:
    """Path → md5 of every output of every stage, as dvc.lock has them."""
    lock = YAML(typ="safe").load(clone / "dvc.lock")
    return {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage.get("outs", [])}


def test_two_runs_give_the_same_bytes(clone: Path, tmp_path: Path) -> None:
    """Each stage of the second run is a new process, as on the command line."""
    first, second = outputs(clone), outputs(run_smoke(tmp_path, environment()))
    assert len(first) > 25
    assert {"data/encoded/events", "data/encoded/melody", "data/explored"} < first.keys()
    assert {f"{folder}/{family}" for folder in ("models", "data/generated") for family in FAMILIES} < first.keys()
    assert {path for path in first if first[path] != second[path] and not path.startswith(TIMED)} == set()


def test_nothing_is_left_to_do_after_a_run(clone: Path) -> None:
    assert "up to date" in check(run(clone, ["dvc", "status"]))


def test_the_notebook_runs_from_top_to_bottom(clone: Path) -> None:
    notebook = nbformat.read(clone / "notebooks/first_solos.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(clone / "notebooks")}})
    client.execute(env=environment() | {"PYTHONPATH": str(clone / "src")})
    shown = [output["data"] for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    assert sum("image/png" in data for data in shown) == 3
    assert sum("<audio" in data.get("text/html", "") for data in shown) == 3


def test_the_corpus_has_the_configured_size_and_no_tune_group_in_two_splits(clone: Path) -> None:
    params = read_params(clone / "params.yaml")
    manifest = pd.read_csv(clone / "data/augmented/manifest.csv")
    assert len(manifest) == params["augment"]["target_size"]
    assert (manifest.groupby("tune_group")["split"].nunique() == 1).all()
    assert set(manifest.loc[manifest["split"] != "train", "semitones"]) == {0}


@pytest.mark.parametrize("family", FAMILIES)
def test_generated_solos_have_the_configured_bars_and_are_monophonic(clone: Path, family: str) -> None:
    bars = read_params(clone / "params.yaml")["generate"]["bars"]
    solos = sorted((clone / "data/generated" / family).rglob("*.mid"))
    assert solos
    for path in solos:
        score = read_score(path)
        chart = clone / "data/charts" / f"{path.parent.name}.txt"
        chorus = len(read_lead_sheet(chart).bars) if chart.is_file() else bars
        nearest = min((count * chorus for count in range(1, bars + 1)), key=lambda length: abs(length - bars))
        assert (score.bar_count, score.is_monophonic) == (nearest, True)
        assert score.end_tick == score.bar_ticks[-1] + score.meters[-1].bar_ticks(score.ticks_per_beat)
        for suffix in (".wav", ".png", ".json"):
            assert path.with_suffix(suffix).stat().st_size > 100


def test_metrics_are_under_the_family_and_report_that_the_corpus_is_synthetic(clone: Path) -> None:
    metrics = json.loads((clone / "reports/evaluate/music_transformer.json").read_text())
    figures = metrics["music_transformer"]
    assert np.isfinite(figures["nats_per_note"])
    assert figures["perplexity"] > 1
    assert np.isfinite(metrics["ngram"]["nats_per_note"])
    assert "synthetic" in (clone / "reports/comparison.md").read_text().lower()
    latent = json.loads((clone / "reports/evaluate/music_vae.json").read_text())["music_vae"]
    assert 0 <= latent["sampled_accuracy"] <= 1
    assert np.isfinite(latent["kl"])
    header, *shown = check(run(clone, ["dvc", "metrics", "show"])).strip().splitlines()
    assert header.split() == ["Path", *FAMILIES, "musicgen"]
    assert [line.split()[0] for line in shown] == [f"reports/metrics/{metric}.json" for metric in METRICS]
    assert "-" not in shown[0].split(), "each family has a perplexity"


def test_every_experiment_in_the_latent_space_has_sounds_pictures_and_values(clone: Path) -> None:
    for name in ("map", "interpolation", "transfer", "arithmetic", "prior"):
        written = {path.suffix for path in (clone / "data/explored" / name).rglob("*")}
        assert written >= {".mid", ".wav", ".png", ".csv"}, name


def test_every_family_is_in_the_registry_as_challenger(clone: Path) -> None:
    code = (
        "import mlflow; client = mlflow.MlflowClient('sqlite:///mlflow.db');"
        "print(*sorted(m.name for m in client.search_registered_models() if 'challenger' in m.aliases));"
        "print(len(mlflow.search_runs(search_all_experiments=True)))"
    )
    printed = check(run(clone, [forked_python.python(), "-c", code])).splitlines()
    assert tuple(printed[-2].split()) == (*FAMILIES, "musicgen")
    assert int(printed[-1]) == len(FAMILIES) + 2, "a training run each, the musicgen's too, and one pipeline run"


def test_bad_params_stop_the_pipeline_with_one_line(clone: Path) -> None:
    params = clone / "params.yaml"
    good = params.read_text()
    params.write_text(good.replace("target_size:", "target_sise:"))
    done = run(clone, [sys.executable, "stages/augment.py"])
    params.write_text(good)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: params.yaml: augment.target_sise: expected one of")
    assert "Traceback" not in done.stderr


def corpus(clone: Path) -> set[str]:
    """The sources of the augmented solos; they are those that were split and no other is left ingested."""
    sources = set(pd.read_csv(clone / "data/augmented/manifest.csv")["solo"].str.partition("/")[0])
    assert set(pd.read_csv(clone / "data/split.csv")["solo"].str.partition("/")[0]) == sources
    assert {path.name for path in (clone / "data/ingested").iterdir()} == sources
    assert "up to date" in check(run(clone, ["dvc", "status"]))
    return sources


def test_the_corpus_is_the_named_sources_after_any_earlier_run_of_the_clone(tmp_path: Path) -> None:
    """Regression: a clone that had run the etudes continued to train on them, even if `sources` did not name them."""
    clone, variables = make_clone(tmp_path / "clone"), environment() | {"SHELL": forked_python.shell()}
    yaml = YAML()
    pipeline, params = (yaml.load(clone / name) for name in ("dvc.yaml", "params.yaml"))
    pipeline["stages"] = {
        name: pipeline["stages"][name] for name in ("compose", "ingest", "validate", "split", "augment")
    }
    del pipeline["plots"]
    params["compose"]["solos"], params["augment"]["target_size"] = 24, 60
    params["split"] |= {"validation": 0.3, "test": 0.3}
    for name, content in (("dvc.yaml", pipeline), ("params.yaml", params)):
        yaml.dump(content, clone / name)
    for seed, name in ((1, "mine"), (2, "his")):
        for etude in etudes(seed, 24):
            write_score(etude.score, tmp_path / name / f"Tune {chr(64 + etude.number)}.mid")
    mine, his = (f"{name}=../{name}" for name in ("mine", "his"))

    check(run(clone, ["dvc", "repro"], variables))
    assert corpus(clone) == {"etudes"}
    first = outputs(clone)
    for command in (["git", "add", "-A"], ["git", "commit", "-qm", "etudes"]):
        check(run(clone, command))
    yaml.dump(params | {"sources": {"mine": "../mine"}}, clone / "params.yaml")
    check(run(clone, ["dvc", "repro", "augment"], variables))
    assert corpus(clone) == {"mine"}
    check(run(clone, ["dvc", "exp", "run", "-S", f"+sources.{his}"], variables))
    assert corpus(clone) == {"mine", "his"}
    check(
        run(
            clone,
            ["dvc", "exp", "run", "-S", "~sources.mine", "-S", "~sources.his", "-S", f"+sources.our{mine}", "augment"],
            variables,
        )
    )
    assert corpus(clone) == {"ourmine"}
    check(run(clone, ["git", "checkout", "-q", "."]))
    check(run(clone, ["dvc", "repro"], variables))
    assert corpus(clone) == {"etudes"}
    assert outputs(clone) == first
    assert check(run(clone, ["git", "status", "--porcelain"])) == "", "dvc.lock is as it was"
