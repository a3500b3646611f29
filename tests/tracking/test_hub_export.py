"""`yardbird export`, with a tiny Music Transformer and handmade reports."""

import subprocess
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from in_process import yardbird
from tiny_transformer import NAME, write_encoded, write_evaluation, write_model, write_training

from yardbird import files
from yardbird.models.family_names import TRAINED
from yardbird.models.music_transformer import MusicTransformerFamily
from yardbird.models.pretrained import from_pretrained

OUT = Path("out/hub") / NAME
PARAMS = "seed: 7\npublish: {music_transformer: {measure: nats_per_note, baseline: ngram, requires: []}}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the pipeline leaves."""
    monkeypatch.chdir(tmp_path)
    write_model(0)
    write_evaluation(2.0)
    write_encoded(4)
    write_training()
    files.write_json(Path("reports/metrics/perplexity.json"), {NAME: 9.5, "music_vae": 2.0})
    files.write_json(Path("reports/metrics/note_accuracy.json"), {NAME: 0.25})
    files.write_json(Path("reports/publish.json"), {NAME: {"champion": 1, "verdict": "Beats the n-gram."}})
    Path("params.yaml").write_text(PARAMS)


def export(*options: str) -> subprocess.CompletedProcess[str]:
    return yardbird(Path.cwd(), "export", NAME, *options)


def test_an_export_opens_in_python_and_its_card_has_the_results(project: None) -> None:
    done = export()
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{OUT}: README.md, SHA256SUMS, codec.json, config.json, model.safetensors, trained.json\n"
    assert isinstance(from_pretrained(OUT), MusicTransformerFamily)
    assert (OUT / TRAINED).read_bytes() == (Path("models") / NAME / TRAINED).read_bytes()
    card = ModelCard.load(OUT / "README.md")
    assert card.data.license == "other"  # Ada Line is not synthetic
    results = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert results == {"nats_per_note": 2.0, "perplexity": 9.5, "note_accuracy": 0.25}
    assert {result.dataset_name for result in card.data.eval_results} == {"held-out tunes of Ada Line"}
    assert "Beats the n-gram." in card.text
    assert "| best epoch | 2 |" in card.text
    assert "from_pretrained(" in card.text


def test_an_earlier_export_is_replaced_only_by_force_and_kept_if_results_are_missing(project: None) -> None:
    OUT.mkdir(parents=True)
    (OUT / "mine.txt").touch()
    taken = export("--out", str(OUT))
    assert (taken.returncode, taken.stdout) == (1, "")
    assert taken.stderr.startswith(f"error: {OUT}: expected no earlier result, found one; add --force to replace it")
    assert export().stdout.startswith(f"{OUT}_take2: README.md")
    Path("reports/publish.json").unlink()
    missing = export("--force")
    assert missing.returncode == 1
    assert missing.stderr.startswith("error: reports/publish.json: expected results of the pipeline, found no such")
    assert [path.name for path in OUT.iterdir()] == ["mine.txt"]
