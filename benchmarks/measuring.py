"""Speed of the metrics that MusPy defines the same way, compared with MusPy.

Nine metrics of pitches, beats and measures, and two entropies of them alone, for which ours computes all six metrics of
pitches. Both sides measure scores in memory; the values differ by at most 1e-9, or the benchmark stops. The row of all
metrics shows what the project's own metrics of one solo cost.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from encoding import read_corpus
from timing import Row, Variant, installed, main, measure, requiring

from yardbird.metrics.common_metrics import common_metrics, metrics_of_pitches
from yardbird.metrics.solo_metrics import describe
from yardbird.music.midi import read_score


def theirs(music: Any, measure: int) -> tuple[float, ...]:
    """The metrics of `common_metrics`, in its order; `measure` is the length of a measure in ticks."""
    import muspy  # optional

    return (
        muspy.pitch_range(music),
        muspy.n_pitches_used(music),
        muspy.n_pitch_classes_used(music),
        muspy.pitch_entropy(music),
        muspy.pitch_class_entropy(music),
        muspy.scale_consistency(music),
        muspy.empty_beat_rate(music),
        muspy.empty_measure_rate(music, measure),
        muspy.groove_consistency(music, measure),
    )


def their_entropies(music: Any) -> tuple[float, float]:
    import muspy  # optional

    return muspy.pitch_entropy(music), muspy.pitch_class_entropy(music)


def read_with_muspy(path: Path) -> Any:
    import muspy  # optional

    return muspy.read_midi(path)


def benchmark(rounds: int) -> Iterator[list[Row]]:
    with TemporaryDirectory() as folder:
        paths = read_corpus(Path(folder))
        scores = [read_score(path) for path in paths]
        kept = [place for place, score in enumerate(scores) if len(score.meters) == 1]  # MusPy's measures are equal
        paths, scores = [paths[place] for place in kept], [scores[place] for place in kept]
        music = [read_with_muspy(path) for path in paths] if installed("muspy") else []
    measures = [score.meters[0].bar_ticks(score.ticks_per_beat) for score in scores]
    if music:
        expected = np.array([theirs(*pair) for pair in zip(music, measures, strict=True)])
        np.testing.assert_allclose(np.stack([*common_metrics(scores).values()], axis=1), expected, rtol=0, atol=1e-9)
    size = f"{len(scores)} solos, {sum(len(score.notes) for score in scores)} notes"
    entropies: dict[str, Variant] = {
        "ours": lambda: metrics_of_pitches(scores),  # uses no value that a score caches
        "MusPy": requiring("muspy", lambda: [their_entropies(other) for other in music]),
    }
    yield measure(f"two entropies, {size}", entropies, rounds)
    nine: dict[str, Variant] = {
        "ours": lambda: common_metrics(scores),
        "MusPy": requiring("muspy", lambda: [theirs(*pair) for pair in zip(music, measures, strict=True)]),
    }
    yield measure(f"nine metrics, {size}", nine, rounds)
    copies: dict[str, Variant] = {"ours": lambda: [describe(replace(score)) for score in scores]}  # nothing cached
    yield measure(f"all metrics, {size}", copies, rounds)


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=9)
