"""Names of metrics in a musician's words. The symbol, which tables and docs/metrics.md use, is shown beside them."""

from collections.abc import Mapping

#: Metric → its name in words.
IN_WORDS: Mapping[str, str] = {
    "pitch_entropy": "variety of pitches",
    "h1": "variety of notes in a bar",
    "h4": "variety of notes in four bars",
    "rhythm_diversity": "variety of times between notes",
    "bar_pattern_diversity": "different rhythms of bars",
    "grooving_similarity": "similarity of the rhythms of bars",
    "swing_ratio": "swing",
    "chord_tone_rate": "chord tones",
    "harmony_margin": "fit to the changes",
    "changes_found": "changes heard in the line",
    "on_beat_chord_tone_rate": "chord tones on the beat",
    "off_beat_chord_tone_rate": "chord tones off the beat",
    "phrase_final_chord_tone_rate": "phrases ending on chord tones",
    "chord_progression_irregularity": "variety of chord progressions",
    "enclosure_rate": "enclosures",
    "chromatic_approach_rate": "chromatic approaches",
    "bebop_scale_run_rate": "bebop scale runs",
    "arpeggio_rate": "arpeggios",
    "phrase_length_median": "length of phrases",
    "phrase_length_p10": "length of short phrases",
    "phrase_length_p90": "length of long phrases",
    "notes_per_bar": "notes in a bar",
    "interval_0": "repeated notes",
    "interval_1": "half steps",
    "interval_2": "whole steps",
    "interval_3_4": "thirds",
    "interval_5_7": "fourths and fifths",
    "interval_8_12": "sixths to octaves",
    "interval_over_12": "leaps over an octave",
    "pitch_range": "range of pitches",
    "pitches_used": "different pitches",
    "pitch_classes_used": "different notes",
    "pitch_class_entropy": "variety of notes",
    "scale_consistency": "notes in one scale",
    "empty_beat_rate": "beats of rest",
    "empty_measure_rate": "bars of rest",
    "groove_consistency": "similarity of neighbouring bars",
}


def in_words(metric: str) -> str:
    """The name and below it the symbol, as plotly breaks lines: `"enclosures<br><i>enclosure rate</i>"`."""
    symbol = metric.replace("_", " ")
    return f"{IN_WORDS[metric]}<br><i>{symbol}</i>" if metric in IN_WORDS else symbol


def words_of_column(column: str) -> str:
    """The name in words of a column of a comparison table; empty if the column is no metric of a solo."""
    return IN_WORDS.get(column.replace(" ", "_"), "")
