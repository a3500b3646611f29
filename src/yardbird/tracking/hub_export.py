"""Export of a trained model of notes to a folder in the layout of the Hugging Face hub, with a complete model card."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult

from yardbird import files
from yardbird.deciding_metrics import FOLDER
from yardbird.models.family import Family
from yardbird.models.pretrained import USAGE, card_data, save_pretrained
from yardbird.tracking.endpoint import Endpoint
from yardbird.tracking.gate import Gate
from yardbird.tracking.model_card import Corpus, model_card, read_corpus

#: The deciding metrics on held-out tunes, which are in the front matter besides the measure of the gate.
_SHOWN = ("perplexity", "note_accuracy")


def export(family: Family, trained: Mapping[str, Any], endpoint: Endpoint, gate: Gate, folder: Path) -> None:
    """Write the folder, which replaces an existing one. The workspace is the current folder.

    Args:
        trained: the origin of the weights, for `trained.json`.

    Raises:
        FileNotFoundError: the encode, train, evaluate, compare or publish stage has not run.
    """
    corpus = read_corpus(Path("data/encoded") / family.codec_name)
    training = _rows("train", family.name)[family.name]
    figures = _rows("evaluate", family.name)
    verdict = files.read_json(Path("reports/publish.json"))[family.name]["verdict"]
    body = model_card(replace(endpoint, use=USAGE), corpus, training, figures, gate, verdict)
    results = {gate.measure: figures[family.name].get(gate.measure)}
    results |= {name: files.read_json(FOLDER / f"{name}.json").get(family.name) for name in _SHOWN}
    results = {name: value for name, value in results.items() if value is not None}
    with files.replacing_folder(folder) as draft:
        card = f"---\n{_front_matter(family.name, corpus, results)}\n---\n{body}"
        save_pretrained(family, draft, trained=trained, card=card)


def _rows(kind: str, family: str) -> dict[str, Any]:
    content: dict[str, Any] = files.read_json(Path("reports") / kind / f"{family}.json")
    return content


def _front_matter(family: str, corpus: Corpus, results: Mapping[str, float]) -> str:
    """Licence, tags and results in YAML. Weights trained on a user's files have the licence of these files."""
    licence = {"license": "mit"} if corpus.synthetic else {"license": "other", "license_name": "of-the-training-data"}
    data = "the built-in synthetic etudes" if corpus.synthetic else ", ".join(corpus.artists)
    measured = [
        EvalResult(
            task_type="symbolic-music-generation",
            dataset_type=re.sub(r"\W+", "-", data).strip("-").lower(),
            dataset_name=f"held-out tunes of {data}",
            dataset_split="test",
            metric_type=name,
            metric_name=name.replace("_", " "),
            metric_value=value,
        )
        for name, value in results.items()
    ]
    return card_data(family, model_name=f"yardbird {family}", eval_results=measured, **licence).to_yaml()
