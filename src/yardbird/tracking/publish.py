"""Publish a workspace: record the pipeline's state as an MLflow run, and register and judge each trained family."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.config import PARAMS
from yardbird.errors import ConfigError, InputError
from yardbird.models.family import load_family
from yardbird.models.family_names import TRAINED
from yardbird.tracking.endpoint import Server
from yardbird.tracking.gate import Gate, Standing
from yardbird.tracking.model_card import model_card, read_corpus
from yardbird.tracking.registry import describe, publish_model
from yardbird.tracking.sample_pages import Show, show_samples
from yardbird.tracking.store import connect
from yardbird.tracking.store_faults import FAILURES, TrackingError, first_line
from yardbird.tracking.sync import sync_pipeline, sync_trainings


def publish(
    root: Path, gates: Mapping[str, Gate], servers: Mapping[str, Server], show: Show
) -> dict[str, dict[str, Any]]:
    """Publish the workspace in the current folder.

    Args:
        root: the folder of MLflow's database.
        gates: section `publish`, the gate of each family.
        servers: how the registered model of each family is served.
        show: renders and draws the samples of trainings.

    Returns:
        Family → whether it is champion, and the reason. The result is the same for two runs on the same state.

    Raises:
        TrackingError: MLflow cannot be reached.
        InputError: no family has been trained.
        ConfigError: a trained family has no gate.
    """
    families = sorted(path.parent.name for path in Path("models").glob(f"*/{TRAINED}"))
    if not families:
        raise InputError("models", expected="trained families", found="none", remedy="run the train stage")
    for name in families:
        if name not in gates:
            raise ConfigError(PARAMS, f"publish.{name}", expected="measure and baseline of its gate", found="nothing")
    client, experiment = connect(root)
    try:
        trainings, _ = sync_trainings(client, experiment, Path())
        for training in trainings.values():
            show_samples(client, training, root, show)
        run_id, _ = sync_pipeline(client, experiment, Path(), trainings)
        return {name: _publish_family(root, gates[name], run_id, servers[name]) for name in families}
    except FAILURES as error:
        raise TrackingError(f"MLflow: {first_line(error)}") from None


def _publish_family(root: Path, gate: Gate, run_id: str, server: Server) -> dict[str, Any]:
    name = server.endpoint.family
    corpus = read_corpus(Path("data/encoded") / load_family(name).codec_name)
    figures = _read(Path("reports/evaluate") / f"{name}.json")
    training = _read(Path("reports/train") / f"{name}.json").get(name, {})
    value, baseline = (figures.get(row, {}).get(gate.measure) for row in (name, gate.baseline))
    collapsed = bool(figures.get(name, {}).get("collapsed", False))
    faults = gate.faults(figures, name)
    standing = Standing(gate, value, baseline, corpus.held_out, corpus.synthetic, collapsed, faults)
    tags = {"family": name, "held_out": corpus.held_out, "synthetic": str(corpus.synthetic).lower()}
    version, verdict = publish_model(root, Path("models") / name, standing, run_id=run_id, server=server, tags=tags)
    describe(root, version, model_card(server.endpoint, corpus, training, figures, gate, verdict.reason))
    return {"champion": int(verdict.promoted), "verdict": verdict.reason}


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = files.read_json(path) if path.exists() else {}
    return content
