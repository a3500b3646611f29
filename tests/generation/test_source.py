from pathlib import Path
from types import SimpleNamespace

import pytest
from drawing import draw_at_random, settings
from event_scores import CODEC
from fake_family import FakeTokens
from tiny_musicgen import tiny_musicgen
from tiny_vae import tiny_vae

from yardbird import files
from yardbird.errors import InputError
from yardbird.generation.orders import numbered
from yardbird.generation.solos import faults
from yardbird.generation.source import open_source, source_of
from yardbird.generation.streaming import stream
from yardbird.models.family import Family
from yardbird.models.music_transformer.transformer_family import ModelConfig, MusicTransformerFamily

SIZES = ModelConfig(
    d_model=16, num_heads=2, num_layers=1, d_ff=32, dropout=0.0, attention="relative", max_distance=None,
    context_length=64, tie_embeddings=True, windows_per_epoch=None, hold_chords=True,
    interval="both", degree="both", motion="both", pulse="both", gap="both", release="both",
    background_epochs=0, background_share=0.0, fill_share=0.25,
)  # fmt: skip


@pytest.mark.parametrize(
    ("family", "ignored"),
    [(MusicTransformerFamily(CODEC, SIZES), ()), (tiny_vae(), ("artist", "key", "int8"))],
    ids=lambda _: "",
)
def test_every_family_draws_from_its_folder(tmp_path: Path, family: Family, ignored: tuple[str, ...]) -> None:
    folder = tmp_path / family.name
    family.save(folder)
    opened = open_source(folder)
    config = settings(bars=3)
    solos = opened.draw(numbered("free", 2, config), config, 0)
    assert [faults(solo, config) for solo in solos] == [[], []]
    assert opened.ignored == ignored
    assert opened.provenance["family"] == family.name
    assert opened.provenance["sha256"] == files.sha256_folder(folder)
    assert opened.provenance.get("ignored", ()) == ignored


@pytest.mark.parametrize("int8", [False, True])
def test_the_setting_int8_reaches_the_model(int8: bool) -> None:
    family, config = FakeTokens(SimpleNamespace(generate=draw_at_random), CODEC), settings(bars=2, int8=int8)
    (order,) = orders = numbered("free", 1, config)
    source_of(family, {}).draw(orders, config, 0)
    assert family.int8 is int8
    family.int8 = not int8
    stream(family, order, config, 0, lambda score: None)
    assert family.int8 is int8


def test_for_a_sound_family_the_error_names_the_command_that_draws_it(tmp_path: Path) -> None:
    folder = tmp_path / "musicgen"
    tiny_musicgen().save(folder)
    with pytest.raises(InputError, match="musicgen: expected a model that writes notes, found a musicgen; sound is"):
        open_source(folder)
