"""Roles of sources: background is trained on, except for held-out tunes of the target, and not evaluated."""

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from solo_rows import row, solo, write_ingested

from yardbird.config import read_params, read_section
from yardbird.data.augmentation import AugmentConfig, augment
from yardbird.data.manifest import SoloRow
from yardbird.data.rendering import rendered
from yardbird.data.roles import read_background
from yardbird.data.source_sounds import AudioConfig
from yardbird.data.splitting import SplitConfig, split_solos
from yardbird.errors import ConfigError

SOURCES = "sources: {parker: a, others: b}\n"
SPLIT = SplitConfig(validation=0.2, test=0.2, salt=0, linked_share=0.13)
BACKGROUND = frozenset({"others"})


def params(folder: Path, text: str) -> Path:
    path = folder / "params.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("roles", "background"),
    [("{}", frozenset()), ("{others: background}", BACKGROUND), ("{parker: target, others: background}", BACKGROUND)],
)
def test_a_source_is_target_unless_it_is_declared_background(
    tmp_path: Path, roles: str, background: frozenset[str]
) -> None:
    assert read_background(params(tmp_path, f"{SOURCES}roles: {roles}\n")) == background


@pytest.mark.parametrize(
    ("roles", "error"),
    [
        ("{others: bakground}", "roles.others: expected 'target' or 'background', found 'bakground'"),
        ("{other: background}", "roles.other: expected one of the sources parker, others, found no source"),
        ("{parker: background, others: background}", "roles: expected a source that is target, found background alone"),
        ("others", "roles: expected a mapping, found 'others'"),
    ],
)
def test_a_wrong_role_gives_a_one_line_error(tmp_path: Path, roles: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_background(params(tmp_path, f"{SOURCES}roles: {roles}\n"))
    assert f"params.yaml: {error}" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_role_set_on_the_command_line_of_dvc_is_read(tmp_path: Path, root: Path) -> None:
    """DVC tracks an empty section, and its override can add to it."""
    params(tmp_path, (root / "params.yaml").read_text())
    overrides = ["+sources.otherjazz=data/raw/otherjazz", "+roles.otherjazz=background"]
    code = f"from dvc.utils.hydra import apply_overrides; apply_overrides('params.yaml', {overrides})"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert read_background(tmp_path / "params.yaml") == {"otherjazz"}


@pytest.mark.parametrize("preset", [None, "smoke", "solos", "paper"])
@pytest.mark.parametrize("family", ["music_transformer", "music_vae"])
def test_the_default_settings_leave_epochs_for_adaptation(root: Path, preset: str | None, family: str) -> None:
    settings = read_params(root / "params.yaml")[family]
    changes = read_params(root / f"presets/{preset}.yaml").get(family, {}) if preset else {}
    model, training = ({**settings[part], **changes.get(part, {})} for part in ("model", "training"))
    mixed = model["background_epochs"]
    assert mixed is None or 0 < mixed < training["max_epochs"]


@pytest.fixture
def corpus(tmp_path: Path) -> list[SoloRow]:
    """40 tunes of the target; background has a take of each, 20 tunes of its own, and one that quotes a held-out tune.

    The take shares the name of the tune, not its notes; the quotation shares the notes, not the name.
    """
    target = [row(f"parker/tune{i:02}", f"tune{i:02}", artist="Parker") for i in range(40)]
    takes = [row(f"others/take{i:02}", f"tune{i:02}", artist="Rollins") for i in range(40)]
    alone = [row(f"others/own{i:02}", f"own{i:02}", artist="Stitt") for i in range(20)]
    rows = [*target, *takes, *alone]
    scores = {entry.solo: solo(number, notes=60) for number, entry in enumerate(rows)}
    splits = split_solos(target, written(tmp_path, scores, target), SPLIT).splits
    held_out = next(name for name, split in sorted(splits.items()) if split == "test")
    stranger = solo(999, notes=60)
    quoted = scores[held_out].transposed(3).notes[:40]
    scores["others/quoting"] = replace(stranger, notes=np.concatenate([quoted, stranger.notes[40:]]))
    rows.append(row("others/quoting", "quoting", artist="Stitt"))
    written(tmp_path, scores, rows)
    return rows


def written(folder: Path, scores: dict, rows: list[SoloRow]) -> Path:
    write_ingested(folder / "ingested", {entry.solo: scores[entry.solo] for entry in rows}, rows)
    return folder / "ingested"


def test_background_follows_the_held_out_tunes_and_changes_no_split_of_the_target(
    tmp_path: Path, corpus: list[SoloRow]
) -> None:
    target = [entry for entry in corpus if entry.source == "parker"]
    before = split_solos(target, tmp_path / "ingested", SPLIT).splits
    splits = split_solos(corpus, tmp_path / "ingested", SPLIT, BACKGROUND).splits
    assert {name: splits[name] for name in before} == before
    assert set(before.values()) == {"train", "validation", "test"}
    for number in range(40):
        assert splits[f"others/take{number:02}"] == splits[f"parker/tune{number:02}"]
    assert {splits[f"others/own{number:02}"] for number in range(20)} == {"train"}, "no held-out tune is related"
    assert splits["others/quoting"] == "test"


def test_no_warning_names_players_of_the_background(tmp_path: Path, corpus: list[SoloRow]) -> None:
    assert split_solos(corpus, tmp_path / "ingested", SPLIT, BACKGROUND).warnings == ()


def augmented(tmp_path: Path, root: Path, corpus: list[SoloRow], target_size: int = 120) -> list[dict[str, str]]:
    ingested = tmp_path / "ingested"
    splits = split_solos(corpus, ingested, SPLIT, BACKGROUND).splits
    config = replace(read_section("augment", AugmentConfig, root / "params.yaml"), target_size=target_size)
    background = {entry.solo for entry in corpus if entry.source in BACKGROUND}
    augment(corpus, ingested, splits, tmp_path / "augmented", config, 0, background)
    with (tmp_path / "augmented/manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_background_take_of_a_held_out_tune_is_not_in_the_corpus(
    tmp_path: Path, root: Path, corpus: list[SoloRow]
) -> None:
    rows = augmented(tmp_path, root, corpus)
    held_out = {entry["tune_group"] for entry in rows if entry["split"] != "train"}
    assert held_out
    assert {entry["split"] for entry in rows if entry["role"] == "background"} == {"train"}
    assert {entry["tune_group"] for entry in rows if entry["role"] == "background"}.isdisjoint(held_out)
    assert "others/quoting" not in {entry["solo"] for entry in rows}
    files = {path.relative_to(tmp_path / "augmented").as_posix() for path in (tmp_path / "augmented").rglob("*.mid")}
    assert files == {entry["path"] for entry in rows}


def test_background_does_not_count_towards_the_target_size(tmp_path: Path, root: Path, corpus: list[SoloRow]) -> None:
    rows = augmented(tmp_path, root, corpus)
    copies = [entry for entry in rows if entry["role"] == "target"]
    assert len(copies) == 120
    alone = augmented(tmp_path, root, [entry for entry in corpus if entry.source == "parker"])
    assert copies == alone, "the target's copies are the same with and without background"
    background = [entry for entry in rows if entry["role"] == "background"]
    solos = {entry["solo"] for entry in background}
    assert len(background) == 3 * len(solos)


def test_background_is_not_rendered(tmp_path: Path, root: Path, corpus: list[SoloRow]) -> None:
    augmented(tmp_path, root, corpus)
    config = read_section("audio", AudioConfig, root / "params.yaml")
    sounds = rendered(tmp_path / "augmented", {}, config, 0)
    assert {sound.solo.partition("/")[0] for sound in sounds} == {"parker"}
