"""Overrides change the lines of their values in params.yaml, and nothing else."""

import difflib
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from yardbird.cli.exp_command import preset_overrides
from yardbird.config import read_params
from yardbird.errors import ConfigError, InputError
from yardbird.runs.param_edits import with_overrides

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")


def changed_lines(overrides: list[str]) -> tuple[list[str], list[str]]:
    """The lines that are gone, and the new ones."""
    lines = list(difflib.ndiff(TEXT.splitlines(), with_overrides(TEXT, overrides).splitlines()))
    gone, new = ([line[2:].strip() for line in lines if line.startswith(sign)] for sign in ("- ", "+ "))
    return gone, new


def test_a_value_changes_in_its_line_which_keeps_its_comment() -> None:
    gone, new = changed_lines(["generate.temperature=0.8", "params.yaml:generate.top_k=5"])
    assert new == ["temperature: 0.8 # 0: greedy decoding", gone[1].replace("null", "5", 1)]
    assert [line.partition("#")[2] for line in gone] == [line.partition("#")[2] for line in new]


def test_another_source_replaces_the_lines_of_the_sources_only() -> None:
    gone, new = changed_lines(["~sources.etudes", "+sources.parker=data/raw/parker", "+roles.other=background"])
    assert gone == ["etudes: data/etudes", "roles: {}"]
    assert new == ["parker: data/raw/parker", "roles:", "other: background"]


def test_lists_texts_and_numbers_are_valid_in_their_line() -> None:
    lines = {
        "augment.semitones=[0, 7]": "semitones: [0, 7]",
        "generate.key=F minor": "key: F minor # ",
        "music_transformer.training.learning_rate=3e-5": "learning_rate: 3e-05 # at the peak",
        "sing.prompts=[a solo,'b: c']": 'prompts: [a solo, "b: c"] # ',
    }
    _, new = changed_lines(list(lines))
    assert len(new) == len(lines)
    for line in lines.values():
        assert len([own for own in new if own.startswith(line)]) == 1, line
    _, (new,) = changed_lines(["generate.key='5'"])
    assert new.startswith('key: "5" # ')


@pytest.mark.parametrize(
    "preset",
    [
        pytest.param(path.stem, marks=[] if path.stem == "smoke" else pytest.mark.slow)
        for path in sorted((ROOT / "presets").glob("*.yaml"))
    ],
)
def test_a_preset_gives_the_values_that_dvc_writes_and_keeps_every_comment(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC's own writer gives the same values, but changes the form of hundreds of lines."""
    monkeypatch.chdir(ROOT)
    overrides = list(preset_overrides(preset, read_params()))
    (tmp_path / "params.yaml").write_text(TEXT, encoding="utf-8")
    apply_overrides(tmp_path / "params.yaml", overrides)
    edited = with_overrides(TEXT, overrides)
    read = YAML(typ="safe", pure=True).load
    assert read(edited) == read(tmp_path / "params.yaml")
    assert edited.count("#") == TEXT.count("#")
    gone, new = changed_lines(overrides)
    assert len(gone) == len(new) <= len(overrides)


def test_no_override_changes_nothing() -> None:
    assert with_overrides(TEXT, []) == TEXT


def test_an_override_that_cannot_be_applied_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^-S: generate.bars=\[: expected an override, found [^\n]+$"):
        with_overrides(TEXT, ["generate.bars=["])


def test_a_section_without_keys_is_one_line() -> None:
    """Regression: a traceback, if the line of the section has a comment."""
    with pytest.raises(
        InputError, match=r"^-S ~compose.solos: expected a section with a key, found one without; leave"
    ):
        with_overrides(TEXT, ["~compose.solos"])
