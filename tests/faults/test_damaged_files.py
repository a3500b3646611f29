"""Damaged checkpoints, models and encoded corpora: each damage is found and named in one line, or changes nothing."""

import hashlib
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from event_scores import CODEC
from fake_family import FakeFamily
from mutations import damaged, mutated
from ranks_here import CONFIG
from tiny_musicgen import tiny_musicgen
from tiny_transformer import SIZES, write_encoded
from tiny_vae import tiny_vae

from yardbird import files
from yardbird.checksums import SUMS, check_sums, write_sums
from yardbird.errors import InputError
from yardbird.models.family import Family
from yardbird.models.music_transformer.transformer_family import MusicTransformerFamily
from yardbird.models.pretrained import save_pretrained
from yardbird.models.trained_folder import open_family
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.fit import fit

STATE = {"curve": [{"epoch": 1, "loss": 0.5}], "weights": {"w": torch.arange(3000.0)}, "step": 7}


def test_each_of_300_damages_of_the_last_checkpoint_is_found_and_the_one_before_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CheckpointFolder(tmp_path, "fake", "key") as folder:
        folder.write(STATE)
        folder.write({**STATE, "step": 8})
        last = max(folder.path.glob("*.pt"))
        whole = last.read_bytes()
        for seed in range(300):
            last.write_bytes(damaged(whole, seed))
            state = folder.read()
            assert state is not None
            assert state["step"] == 7, seed
            assert capsys.readouterr().err.startswith(f"warning: {last}: a damaged file (its checksum is another); ")


def test_a_training_whose_last_checkpoint_is_damaged_gives_the_same_weights(tmp_path: Path) -> None:
    """Once a half-written or flipped checkpoint was a traceback, and once it was trained on unnoticed."""

    def trained(folder: Path) -> FakeFamily:
        torch.manual_seed(0)
        family = FakeFamily()
        with CheckpointFolder(folder, "fake", "key") as checkpoint:
            fit(family, folder, CONFIG, seed=1, checkpoint=checkpoint)
        return family

    whole = trained(tmp_path).model.state_dict()
    last = max(tmp_path.glob(".checkpoints/fake/key/*.pt"))
    last.write_bytes(damaged(last.read_bytes(), 1))
    again = trained(tmp_path).model.state_dict()  # repeats the third epoch
    assert all(torch.equal(weight, whole[name]) for name, weight in again.items())


def families() -> dict[str, Family]:
    torch.manual_seed(0)
    return {
        "music_transformer": MusicTransformerFamily(CODEC, SIZES), "music_vae": tiny_vae(), "musicgen": tiny_musicgen(),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "damages"),
    [
        ("music_transformer", 300),
        pytest.param("music_vae", 150, marks=pytest.mark.slow),
        pytest.param("musicgen", 150, marks=pytest.mark.slow),
    ],
)
def test_each_damage_of_a_model_is_found_or_changes_nothing(tmp_path: Path, name: str, damages: int) -> None:
    """A third of the damages hit the weights, the others any file; only in SHA256SUMS may one be harmless."""
    folder = tmp_path / name
    save_pretrained(families()[name], folder)
    expected = open_family(folder)[0].model.state_dict()
    paths = sorted(path for path in folder.iterdir() if path.name != "README.md")
    assert folder / SUMS in paths
    harmless = 0
    for seed in range(damages):
        path = folder / "model.safetensors" if seed % 3 == 0 else paths[seed % len(paths)]
        whole = path.read_bytes()
        path.write_bytes(damaged(whole, seed))
        try:
            family, refused = open_family(folder)[0], ""
        except InputError as error:
            family, refused = None, str(error)
        path.write_bytes(whole)
        if family is None:
            assert str(folder) in refused, seed
            assert "\n" not in refused, seed
            continue
        harmless += 1
        assert path.name == SUMS, seed
        assert all(torch.equal(weight, expected[key]) for key, weight in family.model.state_dict().items())
    open_family(folder)
    assert harmless < damages / 10


def test_each_of_300_damages_of_an_encoded_corpus_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_encoded(test_bars=4)
    encoded = Path("data/encoded/events")
    write_sums(encoded)
    check_sums(encoded)
    paths = [path for path in sorted(encoded.iterdir()) if path.name != SUMS]
    for seed in range(300):
        path = paths[seed % len(paths)]
        whole = path.read_bytes()
        path.write_bytes(damaged(whole, seed))
        expected = f"{path}: expected the file of its checksum in SHA256SUMS, found other bytes: .*; .*"
        with pytest.raises(InputError, match=f"^{expected}$"):
            check_sums(encoded)
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("name", "damages"),
    [
        ("music_transformer", 40),
        *(pytest.param(name, 150, marks=pytest.mark.slow) for name in ("music_transformer", "music_vae", "musicgen")),
    ],
)
def test_a_mutated_model_without_checksums_is_opened_or_refused_in_one_line(
    tmp_path: Path, name: str, damages: int
) -> None:
    """Regression: a config.json of a list, or a codec.json of a number, was a traceback."""
    folder = tmp_path / name
    save_pretrained(families()[name], folder)
    (folder / SUMS).unlink()
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".json", ".safetensors"))
    tokens = (b"null", b"[]", b"{}", b"1e999", b"-1", b"true", b'"', b"[" * 3000, b'{"a":' * 3000)
    for seed in range(damages):
        path = paths[seed % len(paths)]
        whole = path.read_bytes()
        path.write_bytes(mutated([whole], random.Random(seed), tokens))
        try:
            open_family(folder)
        except InputError as error:
            assert str(folder) in str(error), seed  # noqa: PT017  # both outcomes are right
            assert "\n" not in str(error), seed  # noqa: PT017
        path.write_bytes(whole)
    open_family(folder)


def test_a_mutated_checkpoint_of_another_origin_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    """Its name has the checksum of the mutated file."""
    with CheckpointFolder(tmp_path, "fake", "key") as folder:
        folder.write(STATE)
        (last,) = folder.path.glob("*.pt")
        whole = last.read_bytes()
        last.unlink()
        for seed in range(100):
            content = mutated([whole], random.Random(seed))
            path = folder.path / f"000001-{hashlib.sha256(content).hexdigest()}.pt"
            path.write_bytes(content)
            try:
                folder.read()
            except InputError as error:
                assert str(path) in str(error)  # noqa: PT017  # both outcomes are right
                assert "\n" not in str(error)  # noqa: PT017
            path.unlink(missing_ok=True)


def test_a_damaged_or_missing_adapter_in_the_folder_of_a_model_is_found(tmp_path: Path) -> None:
    adapter = tmp_path / "adapters/adapter_model.safetensors"
    files.write_bytes(adapter, b"whole")
    write_sums(tmp_path)
    check_sums(tmp_path)
    adapter.write_bytes(b"wh0le")
    with pytest.raises(InputError, match=r"adapters/adapter_model\.safetensors: expected the file of its checksum"):
        check_sums(tmp_path)
    adapter.unlink()
    with pytest.raises(InputError, match=r"adapters/adapter_model\.safetensors: expected"):
        check_sums(tmp_path)


def test_a_mutated_array_of_a_corpus_without_checksums_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "tokens.npy"
    np.save(path, np.arange(100, dtype=np.uint16))
    whole = path.read_bytes()
    outcomes = set()
    for seed in range(200):
        path.write_bytes(
            mutated([whole, whole[:128]], random.Random(seed), (b"'shape': (9999999999999,)", b"|O", b"L"))
        )
        try:
            files.read_array(path)
            outcomes.add("read")
        except InputError as error:
            assert str(error).startswith(f"{path}: expected a NumPy array, found a damaged file (")  # noqa: PT017
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_damaged_checksums_and_missing_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"a")
    write_sums(tmp_path)
    sums = (tmp_path / SUMS).read_bytes()
    for content, found in ((b"\xff\x00", "other bytes"), (b"", "none"), (b"abc a.npy\n", "'abc a.npy'")):
        (tmp_path / SUMS).write_bytes(content)
        with pytest.raises(InputError, match=f"{SUMS}: expected checksums, found {found}; delete"):
            check_sums(tmp_path)
    (tmp_path / SUMS).write_bytes(sums)
    (tmp_path / "a.npy").unlink()
    with pytest.raises(InputError, match=r"a\.npy: expected the file of its checksum .*, found no such file"):
        check_sums(tmp_path)


def test_a_folder_without_checksums_is_not_checked_and_a_card_may_be_edited(tmp_path: Path) -> None:
    check_sums(tmp_path)
    (tmp_path / "README.md").write_text("card")
    (tmp_path / "a.npy").write_bytes(b"a")
    write_sums(tmp_path)
    (tmp_path / "README.md").write_text("another card")
    check_sums(tmp_path)


def test_sha256sum_reads_the_checksums(tmp_path: Path) -> None:
    if not (command := shutil.which("sha256sum")):
        pytest.skip("there is no sha256sum")
    np.save(tmp_path / "a.npy", np.arange(3))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/b.json").write_text("{}")
    write_sums(tmp_path)
    subprocess.run([command, "--check", "--quiet", SUMS], cwd=tmp_path, check=True)
