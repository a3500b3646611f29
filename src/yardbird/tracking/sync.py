"""Rebuild MLflow runs from Git and DVC: trainings from their curves, the pipeline's run from its reports."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NOTE

from yardbird import files
from yardbird.config import PARAMS, flatten, read_params
from yardbird.deciding_metrics import HEADING
from yardbird.dvc_lock import LOCK, background_sources, output_hashes, pipeline_id, read_lock
from yardbird.report_tables import read_sections, table_lines
from yardbird.tables.curve_table import read_curve
from yardbird.tracking.runs import as_metrics, curve_id, log_curve, log_results, start_run, start_training
from yardbird.tracking.solo_pages import solo_page
from yardbird.tracking.store import connect, provenance
from yardbird.tracking.store_faults import FAILURES, TrackingError, first_line

_TRAINED = Path("reports/train")
_FIGURES = (
    "reports/metrics/*.json",
    "reports/*.json",
    *(f"reports/{stage}/*.json" for stage in ("encode", "train", "timing", "evaluate")),
)
_PLAYED = {"solos": Path("data/generated"), "explored": Path("data/explored")}
_SHOWN = (".md", ".csv", ".png", ".svg", ".html", ".json")


def sync(root: Path, workspace: Path = Path()) -> str:
    """Add missing runs to MLflow; existing runs do not change. Returns a one-line summary.

    Raises:
        TrackingError: the database cannot be reached.
    """
    client, experiment = connect(root)
    try:
        trainings, rebuilt = sync_trainings(client, experiment, workspace)
        _, fresh = sync_pipeline(client, experiment, workspace, trainings)
    except FAILURES as error:
        raise TrackingError(f"MLflow: {first_line(error)}") from None
    return (
        f"rebuilt {rebuilt} of {len(trainings)} training runs and {int(fresh)} pipeline runs; nothing else was missing"
    )


def sync_trainings(client: MlflowClient, experiment: str, workspace: Path) -> tuple[dict[str, str], int]:
    """The run of each family's tracked curve, found by the curve's content or rebuilt from it.

    Returns:
        Family → run id, and the number of rebuilt runs.
    """
    runs, rebuilt = {}, 0
    for curve in sorted((workspace / _TRAINED).glob("*_curve.csv")):
        family = curve.name.removesuffix("_curve.csv")
        found = client.search_runs([experiment], f"tags.family = '{family}' and tags.curve = '{curve_id(curve)}'")
        if found:
            runs[family] = found[0].info.run_id
        else:
            runs[family] = _rebuild(client, experiment, workspace, family, curve)
            rebuilt += 1
    return runs, rebuilt


def _rebuild(client: MlflowClient, experiment: str, workspace: Path, family: str, curve: Path) -> str:
    stages = read_lock(workspace / LOCK)
    entry = stages.get(f"train@{family}", {})
    params = entry.get("params", {}).get(PARAMS.name, {})
    deps = {f"md5 {dep['path']}": dep["md5"] for dep in entry.get("deps", []) if "md5" in dep}
    data = {dep["path"]: dep["md5"] for dep in entry.get("deps", []) if dep["path"].startswith("data/encoded/")}
    tags = {**provenance(f"train@{family}"), "family": family, "rebuilt": "from its curve"}
    tags |= {"data": next(iter(data.values()), ""), "background": background_sources(stages)}
    run_id = start_training(client, experiment, family, flatten(params), {**tags, **deps}, data)
    log_curve(client, run_id, read_curve(curve), set())
    summary = curve.with_name(f"{family}.json")
    log_results(client, run_id, curve, dict(_numbers(files.read_json(summary)[family])) if summary.exists() else {})
    client.set_terminated(run_id)
    return run_id


def sync_pipeline(
    client: MlflowClient, experiment: str, workspace: Path, trainings: Mapping[str, str]
) -> tuple[str, bool]:
    """Find or create the run of the pipeline's current state, identified by the content of dvc.lock.

    It has all parameters, all metrics of the reports, the comparison, all generated solos with sound and image, and in
    the tags `training.<family>` the runs of its models' trainings. A training is nested under the first state of the
    pipeline that used it, which is the one that ran it.

    Returns:
        Its id, and whether it is new.
    """
    lock = read_lock(workspace / LOCK)
    state = pipeline_id(lock)
    found = client.search_runs([experiment], f"tags.pipeline = '{state}'")
    if found:
        run_id = found[0].info.run_id
    else:
        tags = {**provenance("publish"), "pipeline": state, "background": background_sources(lock)}
        tags[MLFLOW_RUN_NOTE] = _description(workspace)
        params = flatten(read_params(workspace / PARAMS))
        data = {path: md5 for path, md5 in output_hashes(lock).items() if path.startswith("data/ingested/")}
        run_id = start_run(client, experiment, f"pipeline {state[:8]}", params, tags, data, "source")
        _log_reports(client, run_id, workspace)
        for name, folder in _PLAYED.items():
            _log_solos(client, run_id, workspace / folder, name)
        client.set_terminated(run_id)
    links = [RunTag(f"training.{family}", training) for family, training in trainings.items()]
    client.log_batch(run_id, tags=links)
    for training in trainings.values():
        parent = client.get_run(training).data.tags.get(MLFLOW_PARENT_RUN_ID)
        if not parent or not client.search_runs([experiment], f"attributes.run_id = '{parent}'"):
            client.set_tag(training, MLFLOW_PARENT_RUN_ID, run_id)
    return run_id, not found


def _description(workspace: Path) -> str:
    """The ten metrics that decide as a table in Markdown, and what the run contains."""
    text = (
        "One state of the pipeline (dvc.lock). The metrics `compare/…` are the ten that decide, by family; the others "
        "are named after their report in `reports/`. Artifacts: `reports/comparison.md` (all tables), `solos`, "
        "`explored`. The tags `training.…` name the runs of the trainings."
    )
    path = workspace / "reports/comparison_tables.json"
    sections = read_sections(path) if path.is_file() else []
    tables = [line for section in sections if section.heading == HEADING for line in table_lines(section.tables[0])]
    return "\n".join([*tables, "", text])


def _log_reports(client: MlflowClient, run_id: str, workspace: Path) -> None:
    figures: dict[str, float] = {}
    for pattern in _FIGURES:
        for path in sorted(workspace.glob(pattern)):
            if path.stem != "publish":  # written later
                figures |= _figures(path)
    metrics = as_metrics(figures, 0)
    for start in range(0, len(metrics), 1000):  # MLflow's limit per call
        client.log_batch(run_id, metrics=metrics[start : start + 1000])
    for path in sorted((workspace / "reports").rglob("*")):
        inside = path.relative_to(workspace / "reports")
        if path.suffix in _SHOWN and inside.parts[0] not in ("data_docs", "publish.json"):
            client.log_artifact(run_id, str(path), str(Path("reports") / inside.parent))


def _figures(path: Path) -> dict[str, float]:
    """The values of a report, named `<stage>/<family>.<metric>`, or `<report>/<metric>` for a report without folder.

    The ten metrics that decide are named `compare/<metric>.<family>`, so that MLflow, which sorts by name, lists them
    first. Every evaluation measures the same n-gram, floor and real solos, but cut to the length of the solos of
    the family. So these rows are named `evaluate/<family>/<row>.<metric>`.
    """
    stage, content = path.parent.name, files.read_json(path)
    if stage == "metrics":
        return {f"compare/{path.stem}.{name}": value for name, value in _numbers(content)}
    if stage == "evaluate":
        content = {row if row == path.stem else f"{path.stem}/{row}": own for row, own in content.items()}
    if stage == "reports":
        stage, content = path.stem, content.get(path.stem, content) if isinstance(content, Mapping) else content
    return {f"{stage}/{name}": value for name, value in _numbers(content)}


def _log_solos(client: MlflowClient, run_id: str, folder: Path, name: str) -> None:
    """Log a folder, and a page for every solo with sound and image."""
    with tempfile.TemporaryDirectory() as pages:
        for wave in sorted(folder.rglob("*.wav")):
            page = Path(pages) / wave.relative_to(folder).with_suffix(".html")
            picture = wave.with_suffix(".png")
            if picture.exists():
                files.write_text(page, solo_page(str(wave.relative_to(folder).with_suffix("")), wave, picture))
        client.log_artifacts(run_id, pages, name)
    if folder.is_dir():
        client.log_artifacts(run_id, str(folder), name)


def _numbers(content: Any, prefix: str = "") -> Iterator[tuple[str, float]]:
    """All numbers in nested mappings, named `a.b.c`."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from _numbers(value, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(content, int | float):
        yield prefix, float(content)
