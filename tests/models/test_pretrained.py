"""A trained model as a folder of the hub's layout, and back."""

from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard

from yardbird import files
from yardbird.checksums import SUMS
from yardbird.errors import InputError
from yardbird.models.family_names import TRAINED
from yardbird.models.music_transformer import MusicTransformerFamily
from yardbird.models.music_vae import MusicVAEFamily
from yardbird.models.pretrained import CARD, from_pretrained, save_pretrained
from yardbird.music.score import Score


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No network, and an empty cache of the hub."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_saved_music_transformer_opens_with_equal_logits(family: MusicTransformerFamily, tmp_path: Path) -> None:
    save_pretrained(family, tmp_path / "model")
    opened = from_pretrained(tmp_path / "model")
    tokens = torch.arange(40)[None]
    family.model.eval()
    with torch.inference_mode():
        torch.testing.assert_close(opened.model(tokens), family.model(tokens), rtol=0, atol=0)
    assert opened.codec.vocab_size == family.codec.vocab_size


def test_a_saved_music_vae_opens_with_equal_decodes(
    vae: MusicVAEFamily, melodies: dict[str, list[Score]], tmp_path: Path
) -> None:
    save_pretrained(vae, tmp_path / "model")
    opened = from_pretrained(str(tmp_path / "model"))
    vae.model.eval()
    solos = melodies["validation"]
    for before, after in zip(vae.encode(solos), opened.encode(solos), strict=True):
        np.testing.assert_array_equal(before.z, after.z)
    for before, after in zip(vae.reconstruct(solos), opened.reconstruct(solos), strict=True):
        np.testing.assert_array_equal(before.notes, after.notes)


def test_the_folder_has_no_pickle_and_keeps_the_origin_of_the_weights(
    family: MusicTransformerFamily, tmp_path: Path
) -> None:
    origin = {"family": "music_transformer", "seed": 7}
    save_pretrained(family, tmp_path, trained=origin)
    assert {path.name for path in tmp_path.iterdir()} == {
        CARD,
        "config.json",
        "codec.json",
        "model.safetensors",
        TRAINED,
        SUMS,
    }
    assert files.read_json(tmp_path / TRAINED) == origin


def test_a_card_is_written_once_and_replaced_only_by_a_given_one(
    family: MusicTransformerFamily, tmp_path: Path
) -> None:
    save_pretrained(family, tmp_path)
    card = ModelCard.load(tmp_path / CARD)
    assert card.data.library_name == "yardbird"
    assert "music-transformer" in card.data.tags
    assert "from_pretrained(" in card.text
    (tmp_path / CARD).write_text("my words")
    save_pretrained(family, tmp_path)
    assert (tmp_path / CARD).read_text() == "my words"
    save_pretrained(family, tmp_path, card="other words")
    assert (tmp_path / CARD).read_text() == "other words"


def test_a_name_on_the_hub_opens_from_the_cache_without_a_network(vae: MusicVAEFamily, offline: Path) -> None:
    repository, commit = offline / "models--someone--solos", "0" * 40
    save_pretrained(vae, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(commit)
    opened = from_pretrained("someone/solos")
    assert opened.config == vae.config


@pytest.mark.parametrize("name", ["no/such_model", "not a name"])
def test_an_unknown_name_is_one_line(name: str) -> None:
    with pytest.raises(InputError, match=f"^{name}: expected a folder, or a repository on the hub, found no such .*$"):
        from_pretrained(name)


def test_a_path_is_never_looked_up_on_the_hub() -> None:
    with pytest.raises(InputError, match=r"^no/such: expected the folder of .*, found no such folder; .*$"):
        from_pretrained(Path("no/such"))


def test_a_folder_without_a_model_is_one_line(family: MusicTransformerFamily, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a family, one of .*, found .*$"):
        from_pretrained(tmp_path)
    save_pretrained(family, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match=r"model.safetensors: expected the file of its checksum in SHA256SUMS, found "):
        from_pretrained(tmp_path)
    (tmp_path / SUMS).unlink()  # as in a folder of other origin
    with pytest.raises(InputError, match="expected a trained model, found files that do not fit together"):
        from_pretrained(tmp_path)
