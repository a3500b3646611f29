"""Settings and tables that a slip or a hostile hand has changed are refused in one line."""

from copy import deepcopy
from pathlib import Path

import pytest
from tiny_transformer import write_encoded

from yardbird.config import read_params, section_problems
from yardbird.errors import ConfigError, InputError
from yardbird.models.music_transformer.transformer_family import MusicTransformerFamily
from yardbird.models.music_vae.vae_config import ModelConfig as VAEConfig
from yardbird.models.musicgen.scratch_model import ModelConfig as ScratchConfig
from yardbird.nn.transformer import TransformerConfig
from yardbird.tables.encoded_tables import read_index


@pytest.mark.parametrize(
    "text", ["seed: " + "[" * 5000, "seed: " + "[" * 5000 + "]" * 5000, "{a: " * 5000 + "}" * 5000]
)
def test_thousands_of_brackets_in_the_parameters_are_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(InputError, match=r"params\.yaml: expected valid YAML, found brackets or sections inside each"):
        read_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("section", "key", "kind"),
    [
        ("music_transformer.model", "num_layers", TransformerConfig),
        ("music_transformer.model", "d_model", TransformerConfig),
        ("music_vae.model", "encoder_layers", VAEConfig),
        ("music_vae.model", "decoder_size", VAEConfig),
        ("musicgen.model", "num_layers", ScratchConfig),
        ("musicgen.model", "text_layers", ScratchConfig),
    ],
)
def test_a_billion_layers_are_refused_before_the_memory_is_full(root: Path, section: str, key: str, kind: type) -> None:
    content = deepcopy(read_params(root / "params.yaml"))  # later tests get the same values
    family, part = section.split(".")
    content[family][part][key] = 1_000_000_000
    (problem,) = [one for one in section_problems(content, section, kind) if one.key == f"{section}.{key}"]
    assert problem.expected in {"1 to 256", "1 to 65536"}
    assert problem.found == "1000000000"


def test_a_billion_layers_in_the_settings_of_a_training_are_one_line(root: Path, tmp_path: Path, monkeypatch) -> None:
    text = (root / "params.yaml").read_text().replace("    num_layers: 3\n", "    num_layers: 1000000000\n", 1)
    (tmp_path / "params.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    write_encoded(test_bars=4)
    with pytest.raises(
        ConfigError, match=r"params\.yaml: music_transformer\.model\.num_layers: expected 1 to 256, found"
    ):
        MusicTransformerFamily.create(Path("data/encoded/events"), Path("params.yaml"))


def test_an_unknown_split_is_refused_and_not_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Solos of a split `trainn` were left out of training without a word."""
    monkeypatch.chdir(tmp_path)
    write_encoded(test_bars=4)
    index = Path("data/encoded/events/index.csv")
    index.write_text(index.read_text().replace(",train,target", ",trainn,target", 1))
    expected = "train or validation or test as split in line 2, found 'trainn'"
    with pytest.raises(InputError, match=f"index.csv: expected {expected}; run dvc repro"):
        read_index(Path("data/encoded/events"))
