"""Speed of the metrics that MusPy defines the same way, compared with MusPy (in a venv that has it: pip install muspy).

The metrics are the entropy of pitches and the entropy of pitch classes over a whole solo. Both sides measure scores in
memory; the values differ by at most 1e-9, or the benchmark stops. The row of all metrics shows what one solo costs.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import muspy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import Row, main, measure

from yardbird.data.etudes.compose import etudes
from yardbird.metrics.pitch_metrics import pitch_class_entropy, pitch_entropy
from yardbird.metrics.solo_metrics import describe
from yardbird.music.midi import read_score, write_score
from yardbird.music.score import Score


def read_corpus(folder: Path) -> list[Path]:
    """The scores in the folder YARDBIRD_CORPUS, or etudes written to `folder`."""
    if named := os.environ.get("YARDBIRD_CORPUS"):
        return sorted(Path(named).rglob("*.mid"))[:100]
    for etude in etudes(0, 100):
        write_score(etude.score, folder / f"{etude.number:03}.mid")
    return sorted(folder.glob("*.mid"))


def ours(score: Score) -> tuple[float, float]:
    fresh = replace(score)  # a copy has no cached values
    return pitch_entropy(fresh) or 0.0, pitch_class_entropy(fresh, fresh.bar_count) or 0.0


def theirs(music: "muspy.Music") -> tuple[float, float]:
    return muspy.pitch_entropy(music), muspy.pitch_class_entropy(music)


def benchmark(rounds: int) -> list[Row]:
    with TemporaryDirectory() as folder:
        paths = read_corpus(Path(folder))
        scores = [read_score(path) for path in paths]
        music = [muspy.read_midi(path) for path in paths]
    for score, other in zip(scores, music, strict=True):
        assert all(abs(a - b) <= 1e-9 for a, b in zip(ours(score), theirs(other), strict=True))
    return measure(
        f"two entropies, {len(scores)} solos, {sum(len(score.notes) for score in scores)} notes",
        {
            "ours": lambda: [ours(score) for score in scores],
            "MusPy": lambda: [theirs(other) for other in music],
            "ours, all metrics of a solo": lambda: [describe(replace(score)) for score in scores],
        },
        rounds,
    )


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=9)
