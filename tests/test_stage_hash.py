"""Stages are read from dvc.yaml like DVC does, and their hash identifies the checkpoint to resume."""

from pathlib import Path

import pytest

from yardbird.config import flatten, read_params
from yardbird.errors import ConfigError, InputError
from yardbird.pipeline import read_stages, stage_hash
from yardbird.sound_codec.codec_training import FREE_KEYS
from yardbird.training.training_config import FREE_SETTINGS

PIPELINE = """
vars:
  - families: {small: {codec: events, extra: code/one.py}, large: {codec: melody, extra: code/two}}
stages:
  train:
    foreach: ${families}
    do:
      cmd: python train.py ${key}
      params: [seed, "${key}", shared.rate]
      deps: [code, "data/${item.codec}", "${item.extra}"]
  score:
    foreach: [small, large]
    do:
      cmd: python score.py ${item}
      deps: ["${audio.source}"]
  report:
    cmd: python report.py
"""
PARAMS = """
seed: 1
small: {size: 3}
large: {size: 4}
shared: {rate: 1e-3, other: 2}
audio: {source: data/recordings}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "dvc.yaml": PIPELINE, "params.yaml": PARAMS, "code/one.py": "1", "code/two/three.py": "3", "data/events/x": "x",
        "data/melody/y": "y", "elsewhere/z.py": "z",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_foreach_and_variables_are_replaced(project: Path) -> None:
    stages = read_stages(project)
    assert read_stages(project) == stages, "the parsed file is kept, and not changed"
    assert list(stages) == ["train@small", "train@large", "score@small", "score@large", "report"]
    large = stages["train@large"]
    assert (large.key, large.cmd, large.params) == ("large", "python train.py large", ("seed", "large", "shared.rate"))
    assert large.deps == ("code", "data/melody", "code/two")
    assert (stages["score@small"].cmd, stages["score@small"].deps) == ("python score.py small", ("data/recordings",))
    assert (stages["report"].key, stages["report"].deps) == (None, ())


def test_the_stages_equal_those_that_dvc_reads(root: Path) -> None:
    from dvc.repo import Repo

    theirs = {
        stage.addressing: (stage.cmd, {dep.def_path for dep in stage.deps} - {"params.yaml"})
        for stage in Repo(str(root)).index.stages
    }
    assert {name: (stage.cmd, set(stage.deps)) for name, stage in read_stages(root).items()} == theirs


@pytest.mark.parametrize(
    ("file", "text", "changes"),
    [
        ("code/one.py", "2", True),
        ("code/two/three.py", "4", True),
        ("code/two/new.py", "", True),
        ("data/events/x", "y", True),
        ("params.yaml", PARAMS.replace("seed: 1", "seed: 2"), True),
        ("params.yaml", PARAMS.replace("size: 3", "size: 5"), True),
        ("params.yaml", PARAMS.replace("1e-3", "2e-3"), True),
        ("params.yaml", PARAMS.replace("size: 4", "size: 5"), False),
        ("params.yaml", PARAMS.replace("other: 2", "other: 3"), False),
        ("data/melody/y", "z", False),
        ("elsewhere/z.py", "y", False),
        ("code/__pycache__/one.cpython-311.pyc", "compiled", False),
        ("dvc.yaml", PIPELINE.replace('code, "data/${item.codec}"', '"data/${item.codec}", code'), False),
        ("dvc.yaml", PIPELINE.replace('seed, "${key}"', '"${key}", seed'), False),
        ("dvc.yaml", PIPELINE.replace("shared.rate", "shared.other"), True),
    ],
)
def test_only_what_a_stage_declares_changes_its_hash(project: Path, file: str, text: str, changes: bool) -> None:
    before = stage_hash("train@small", project)
    assert before == stage_hash("train@small", project)
    (project / file).parent.mkdir(exist_ok=True)
    assert not (project / file).exists() or (project / file).read_text() != text
    (project / file).write_text(text)
    assert (stage_hash("train@small", project) != before) == changes


def test_settings_that_a_training_can_resume_with_do_not_change_its_hash(project: Path, root: Path) -> None:
    """A training with another number of threads started from the beginning."""
    params = flatten(read_params(root / "params.yaml"))
    assert {*FREE_KEYS, *(f"music_vae.training.{key}" for key in FREE_SETTINGS)} <= params.keys()
    (project / "params.yaml").write_text(PARAMS.replace("{size: 3}", "{size: 3, training: {threads: 1, rate: 2}}"))
    free = ["small.training.threads"]
    before = stage_hash("train@small", project, free=free)
    (project / "params.yaml").write_text(PARAMS.replace("{size: 3}", "{size: 3, training: {threads: 8, rate: 2}}"))
    assert stage_hash("train@small", project, free=free) == before
    (project / "params.yaml").write_text(PARAMS.replace("{size: 3}", "{size: 3, training: {threads: 8, rate: 3}}"))
    assert stage_hash("train@small", project, free=free) != before


def test_a_missing_dependency_gives_a_one_line_error(project: Path) -> None:
    (project / "data/events/x").unlink()
    (project / "data/events").rmdir()
    with pytest.raises(InputError, match=r"^data/events: expected a dependency of stage train@small, found no"):
        stage_hash("train@small", project)


def test_an_unknown_stage_and_a_missing_parameter_give_a_one_line_error(project: Path) -> None:
    with pytest.raises(InputError, match=r"^dvc\.yaml: expected a stage train@huge, found only train@small, "):
        stage_hash("train@huge", project)
    for line, key in (
        ("shared: {rate: 1e-3, other: 2}\n", "shared.rate"),
        ("audio: {source: data/recordings}\n", "audio"),
    ):
        (project / "params.yaml").write_text(PARAMS.replace(line, ""))
        with pytest.raises(ConfigError, match=rf"^params\.yaml: {key}.*: expected a value, to which dvc\.yaml refers"):
            stage_hash("train@small", project)
