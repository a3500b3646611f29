"""What the publish stage does: one run for the pipeline's state, each trained family in the registry, verdicts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.errors import InputError
from yardbird.models.base import TRAINED
from yardbird.tracking.card import Corpus, model_card, read_corpus
from yardbird.tracking.gate import Standing
from yardbird.tracking.registry import Server, describe, publish_model
from yardbird.tracking.store import FAILURES, TrackingError, connect, first_line
from yardbird.tracking.sync import sync_pipeline, sync_trainings


@dataclass(frozen=True)
class PublishConfig:
    """Section `publish` of params.yaml."""

    measure: str  # in reports/evaluate/<family>.json, held out, lower is better: what the gate compares
    baseline: str  # the row that a champion must beat


def publish(root: Path, config: PublishConfig, server: Server) -> dict[str, dict[str, Any]]:
    """Publish the workspace in the current folder.

    Args:
        root: where MLflow's database lies.
        server: how the registered models answer.

    Returns:
        Family → is it champion, and why, with the figures: nothing that differs between two runs on the same state.

    Raises:
        TrackingError: MLflow is out of reach.
        InputError: no family has been trained.
    """
    families = sorted(path.parent.name for path in Path("models").glob(f"*/{TRAINED}"))
    if not families:
        raise InputError("models", expected="trained families", found="none", remedy="run the train stage")
    corpus = read_corpus(Path("data/encoded/events"))
    client, experiment = connect(root)
    try:
        trainings, _ = sync_trainings(client, experiment, Path())
        run_id, _ = sync_pipeline(client, experiment, Path(), trainings)
        return {name: _publish_family(root, name, corpus, config, run_id, server) for name in families}
    except FAILURES as error:
        raise TrackingError(f"MLflow: {first_line(error)}") from None


def _publish_family(
    root: Path, name: str, corpus: Corpus, config: PublishConfig, run_id: str, server: Server
) -> dict[str, Any]:
    figures = _read(Path("reports/evaluate") / f"{name}.json")
    training = _read(Path("reports/train") / f"{name}.json").get(name, {})
    nats, baseline = (figures.get(row, {}).get(config.measure) for row in (name, config.baseline))
    standing = Standing(nats, baseline, corpus.held_out, corpus.synthetic)
    tags = {"family": name, "held_out": corpus.held_out, "synthetic": str(corpus.synthetic).lower()}
    folder = Path("models") / name
    version, verdict = publish_model(root, name, folder, standing, run_id=run_id, server=server, tags=tags)
    describe(root, version, model_card(name, corpus, training, figures, verdict.reason))
    return {"champion": int(verdict.promoted), "verdict": verdict.reason}


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = files.read_json(path) if path.exists() else {}
    return content
