"""Evaluates a family of notes on held-out solos and by its generated solos. For sound, see `evaluate_audio`.

Generated solos are compared with real ones, their floor and those of the n-gram, all of one length.
"""

from pathlib import Path

from yardbird.baselines.ngram_solos import NGRAM, EvaluateConfig, read_baseline
from yardbird.codecs.events import EventCodec
from yardbird.evaluation.evaluate import endings_of, read_generated, real_excerpts, score_held_out
from yardbird.evaluation.originality import Compared, measure_originality, originality_of, training_index
from yardbird.judges.fitting import JudgeConfig, style_of
from yardbird.judges.style_judges import read_judges
from yardbird.metrics.coherence import coherence_of
from yardbird.metrics.common_metrics import common_of
from yardbird.metrics.diversity import diversity_of
from yardbird.metrics.estimates import Results, merged
from yardbird.metrics.set_rows import FLOOR, REAL, compare_sets
from yardbird.metrics.sets import SetRow, set_headlines, set_rows
from yardbird.models.family import Family
from yardbird.music.excerpts import length_beats
from yardbird.seeds import streams


def evaluate_notes(
    name: str, family: Family, data: Path, config: EvaluateConfig, judge: JudgeConfig, artist: str | None, seed: int
) -> tuple[Results, list[SetRow], list[Compared]]:
    """All metrics by row, the comparison of sets by feature, and the overlap of each solo with training solos.

    Args:
        data: the folder with augmented, baseline, encoded, judges and measured.
        artist: the generated solos are compared with real solos of this artist, if there are any.
    """
    events = data / "encoded/events"
    codec = EventCodec.load(events / "codec.json")
    held_out = score_held_out(name, family, read_baseline(data / "baseline"), data, config, seed)
    generated = read_generated(data / "measured" / name)
    beats = length_beats(generated)
    sets = {
        name: generated,
        NGRAM: read_generated(data / "baseline/measured"),
        FLOOR: real_excerpts(events, codec, "train", beats, artist),
        REAL: real_excerpts(events, codec, "test", beats, artist),
    }
    index = training_index(data)
    compared = measure_originality(name, data, index)
    apart = set_rows(sets, streams(seed))
    results = merged(
        held_out,
        compare_sets(sets, len(generated), streams(seed)),
        endings_of(sets, events, codec, artist),
        style_of(read_judges(data / "judges"), sets, events, judge, seed),
        coherence_of(sets),
        common_of(sets),
        diversity_of(sets, streams(seed)),
        set_headlines(apart),
        originality_of(name, compared, index, streams(seed)),
    )
    return results, apart, compared
