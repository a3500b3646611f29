"""Speed of the metrics that MusPy defines the same way, compared with MusPy.

The metrics are the entropy of pitches and the entropy of pitch classes over a whole solo. Both sides measure scores in
memory; the values differ by at most 1e-9, or the benchmark stops. The row of all metrics shows what one solo costs.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from encoding import read_corpus
from timing import Row, Variant, installed, main, measure, requiring

from yardbird.metrics.pitch_metrics import pitch_class_entropy, pitch_entropy
from yardbird.metrics.solo_metrics import describe
from yardbird.music.midi import read_score
from yardbird.music.score import Score


def ours(score: Score) -> tuple[float, float]:
    fresh = replace(score)  # a copy has no cached values
    return pitch_entropy(fresh) or 0.0, pitch_class_entropy(fresh, fresh.bar_count) or 0.0


def theirs(music: Any) -> tuple[float, float]:
    import muspy  # optional

    return muspy.pitch_entropy(music), muspy.pitch_class_entropy(music)


def read_with_muspy(path: Path) -> Any:
    import muspy  # optional

    return muspy.read_midi(path)


def benchmark(rounds: int) -> Iterator[list[Row]]:
    with TemporaryDirectory() as folder:
        paths = read_corpus(Path(folder))
        scores = [read_score(path) for path in paths]
        music = [read_with_muspy(path) for path in paths] if installed("muspy") else []
    for score, other in zip(scores, music, strict=bool(music)):
        assert all(abs(a - b) <= 1e-9 for a, b in zip(ours(score), theirs(other), strict=True))
    size = f"{len(scores)} solos, {sum(len(score.notes) for score in scores)} notes"
    variants: dict[str, Variant] = {
        "ours": lambda: [ours(score) for score in scores],
        "MusPy": requiring("muspy", lambda: [theirs(other) for other in music]),
    }
    yield measure(f"two entropies, {size}", variants, rounds)
    yield measure(f"all metrics, {size}", {"ours": lambda: [describe(replace(score)) for score in scores]}, rounds)


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=9)
