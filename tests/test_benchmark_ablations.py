"""The benchmark of the parts of the Music Transformer: its variants and its rows."""

import dataclasses
import math
from pathlib import Path

import ablations
import pytest
import torch
from event_scores import CODEC
from tiny_transformer import SIZES, write_encoded

from yardbird.codecs.encoded_solos import read_solos
from yardbird.models.music_transformer.transformer_family import MusicTransformerFamily


def test_every_variant_but_the_first_is_another_model() -> None:
    variants = [dataclasses.replace(SIZES, **changes) for changes in ablations.VARIANTS.values()]
    assert variants[0] == SIZES
    assert len(set(variants)) == len(variants)


@pytest.mark.parametrize(("share", "fills"), [(0.25, True), (0.0, False)])
def test_a_row_has_a_value_in_each_column_unless_the_model_cannot_fill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, fills: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    write_encoded(test_bars=3)
    torch.manual_seed(0)
    family = MusicTransformerFamily(CODEC, dataclasses.replace(SIZES, fill_share=share))
    values = dict(
        zip(
            ablations.COLUMNS[2:],
            ablations.measure(family, read_solos(Path("data/encoded/events"), "validation"), 0),
            strict=True,
        )
    )
    assert 0 < values["pitch nats"] < values["nats a note"]
    assert math.isnan(values["filled"]) == math.isnan(values["continued"]) == (not fills)
