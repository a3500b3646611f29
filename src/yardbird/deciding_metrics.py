"""The ten metrics that decide: their names, and how a table shows them. docs/metrics.md defines them by family."""

from collections.abc import Callable, Mapping
from pathlib import Path

#: The first section of the comparison, and the folder of the metric files: `<metric>.json`, family → value.
HEADING = "The ten metrics that decide"
FOLDER = Path("reports/metrics")


def _two_digits(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %".replace("-", "−")


def _yes(value: float) -> str:
    return "yes" if value else "no"


#: Metric → its text in a table. The last four are the verdicts.
METRICS: Mapping[str, Callable[[float], str]] = {
    "perplexity": _two_digits,
    "note_accuracy": _percent,
    "pitch_entropy": _two_digits,
    "rhythm_diversity": _two_digits,
    "nats_saved": _percent,
    "distance_to_real": _two_digits,
    "original": _yes,
    "coherent_phrases": _yes,
    "coherent_changes": _yes,
    "coherent_traits": _yes,
}
