"""All metrics of a solo in a fixed order."""

from collections.abc import Callable, Sequence

from yardbird.execution import over_processes
from yardbird.metrics import bebop, harmony, phrase, pitch_metrics, rhythm
from yardbird.music import swing
from yardbird.music.score import Score

#: The metrics of one solo by name.
Values = dict[str, float | None]

_SOLOS_PER_WORKER = 1000  # to measure them takes longer than to start a worker

#: A metric whose standard deviation over solos is smaller is constant: rounding gives 3e-16 for 1.4, 1.4, 1.4.
LEAST_SPREAD = 1e-9
#: Name → metric; the interval profile follows the entropies.
METRICS: dict[str, Callable[[Score], float | None]] = {
    "pitch_entropy": pitch_metrics.pitch_entropy,
    "h1": lambda score: pitch_metrics.pitch_class_entropy(score, 1),
    "h4": lambda score: pitch_metrics.pitch_class_entropy(score, 4),
    "rhythm_diversity": rhythm.rhythm_diversity,
    "bar_pattern_diversity": rhythm.bar_pattern_diversity,
    "grooving_similarity": rhythm.grooving_similarity,
    "swing_ratio": swing.swing_ratio,
    "chord_tone_rate": harmony.chord_tone_rate,
    "harmony_margin": harmony.harmony_margin,
    "changes_found": harmony.changes_found,
    "on_beat_chord_tone_rate": harmony.on_beat_chord_tone_rate,
    "off_beat_chord_tone_rate": harmony.off_beat_chord_tone_rate,
    "phrase_final_chord_tone_rate": harmony.phrase_final_chord_tone_rate,
    "chord_progression_irregularity": harmony.chord_progression_irregularity,
    "enclosure_rate": bebop.enclosure_rate,
    "chromatic_approach_rate": bebop.chromatic_approach_rate,
    "bebop_scale_run_rate": bebop.bebop_scale_run_rate,
    "arpeggio_rate": bebop.arpeggio_rate,
    "phrase_length_median": lambda score: phrase.phrase_length_quantile(score, 0.5),
    "phrase_length_p10": lambda score: phrase.phrase_length_quantile(score, 0.1),
    "phrase_length_p90": lambda score: phrase.phrase_length_quantile(score, 0.9),
    "notes_per_bar": phrase.notes_per_bar,
}


def describe(score: Score) -> Values:
    """Every metric of one score by name, then the interval profile as `interval_0` … `interval_over_12`."""
    values = {name: metric(score) for name, metric in METRICS.items()}
    profile = pitch_metrics.interval_profile(score) or dict.fromkeys(pitch_metrics.INTERVAL_CLASSES)
    return values | {f"interval_{name}": share for name, share in profile.items()}


def describe_all(scores: Sequence[Score]) -> list[Values]:
    """`describe` for each score, in several processes if there are many."""
    return list(over_processes(describe, scores, doing="metrics", unit="solo", items_per_worker=_SOLOS_PER_WORKER))
