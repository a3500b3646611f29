"""Stages run by hand before the stages they depend on."""

import runpy
import shutil
import sys
from pathlib import Path

import pytest

#: All stages that require the output of another stage, with their arguments; report omits what is missing.
STAGES = {
    "validate": [], "split": [], "augment": [], "encode": ["events"], "render": [], "encode_audio": [],
    "train": ["music_transformer"], "judge": [], "generate": ["music_vae"], "sing": [], "explore": [], "baseline": [],
    "evaluate": ["music_transformer"], "evaluate_audio": [], "compare": [], "publish": [],
}  # fmt: skip


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_run_too_early_gives_a_one_line_error(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Regression: some of them ended in a traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [f"{stage}.py", *STAGES[stage]])
    monkeypatch.setattr(sys, "path", [*sys.path])
    shutil.copy(root / "params.yaml", tmp_path)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(root / f"stages/{stage}.py"), run_name="__main__")
    text = str(ended.value.code)
    assert text.startswith("error: ")
    assert "expected" in text
    assert "\n" not in text


@pytest.mark.parametrize("given", [[], ["nobody"], ["music_vae", "events", "more"]], ids=["none", "unknown", "more"])
@pytest.mark.parametrize("stage", [name for name, arguments in STAGES.items() if arguments] + ["ingest"])
def test_a_stage_with_wrong_arguments_gives_a_one_line_error(
    root: Path, monkeypatch: pytest.MonkeyPatch, stage: str, given: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [f"{stage}.py", *given])
    monkeypatch.setattr(sys, "path", [*sys.path])
    found = " ".join(given) or "nothing"
    with pytest.raises(
        SystemExit, match=rf"^error: .*{stage}\.py: expected the name of a .*, found {found}; run dvc repro$"
    ):
        runpy.run_path(str(root / f"stages/{stage}.py"), run_name="__main__")
