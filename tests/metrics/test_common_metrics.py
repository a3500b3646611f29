import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from lines import random_solos

from yardbird.metrics import common_metrics as common
from yardbird.metrics.common_metrics import common_metrics, common_of, common_values
from yardbird.metrics.pitch_metrics import pitch_entropy
from yardbird.metrics.solo_metrics import describe
from yardbird.music.midi import write_score
from yardbird.music.score import Meter, Score, make_notes

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10))


def awkward_solos() -> list[Score]:
    """Solos with rests, silent measures, chords of notes, repeated onsets, other resolutions and other meters."""
    random = np.random.default_rng(0)
    solos = [*random_solos(6, seed=3)]
    for number in range(30):
        beat = int(random.choice([4, 12, 480]))
        count = int(random.integers(1, 40))
        onsets = np.sort(random.integers(0, int(random.choice([1, 8, 60])) * beat, count))
        rows = [(int(onset), int(random.integers(1, 3 * beat)), int(random.integers(0, 128)), 80) for onset in onsets]
        meter = Meter(0, *[(4, 4), (3, 4), (6, 8), (5, 4)][number % 4])
        notes = make_notes(rows)
        solos.append(Score(beat, notes, int((notes["onset_tick"] + notes["duration_tick"]).max()), meters=(meter,)))
    return solos


def slowly(score: Score) -> dict[str, float]:
    """The definitions, note by note and tick by tick."""
    pitches = score.pitches.tolist()
    shares = [pitches.count(pitch) / len(pitches) for pitch in set(pitches)]
    classes = [pitch % 12 for pitch in pitches]
    class_shares = [classes.count(one) / len(classes) for one in set(classes)]
    in_scales = [
        sum((one - tonic) % 12 in scale for one in classes) / len(classes) for scale in SCALES for tonic in range(12)
    ]
    measure = score.meters[0].bar_ticks(score.ticks_per_beat)
    last = int(score.offsets.max())

    def empty_rate(length: int) -> float:
        sounding = {
            span
            for onset, offset in zip(score.onsets.tolist(), score.offsets.tolist(), strict=True)
            for span in range(onset // length, offset // length + 1)
        }
        return 1 - len(sounding) / (last // length + 1)

    rhythms = np.zeros((last // measure + 1, measure), dtype=bool)
    for onset in score.onsets.tolist():
        rhythms[divmod(onset, measure)] = True
    changed = [np.mean(one != other) for one, other in pairwise(rhythms)]
    return {
        "pitch_range": max(pitches) - min(pitches),
        "pitches_used": len(shares),
        "pitch_classes_used": len(class_shares),
        "pitch_entropy": -sum(share * math.log2(share) for share in shares),
        "pitch_class_entropy": -sum(share * math.log2(share) for share in class_shares),
        "scale_consistency": max(in_scales),
        "empty_beat_rate": empty_rate(score.ticks_per_beat),
        "empty_measure_rate": empty_rate(measure),
        "groove_consistency": 1 - np.mean(changed) if changed else math.nan,
    }


def assert_same(columns: dict[str, np.ndarray], solos: list[dict[str, float]]) -> None:
    assert list(columns) == list(solos[0])
    for name, values in columns.items():
        np.testing.assert_allclose(values, [solo[name] for solo in solos], rtol=0, atol=1e-9, err_msg=name)


def test_many_solos_have_the_values_of_each_solo_alone(monkeypatch):
    monkeypatch.setattr(common, "_TOGETHER", 10)
    solos = awkward_solos()
    assert_same(common_metrics(solos), [slowly(score) for score in solos])


def test_muspy_gives_the_same_values(tmp_path):
    muspy = pytest.importorskip("muspy", reason="requires MusPy, of the extra bench")
    theirs = []
    solos = [replace(score, notes=score.notes.copy()) for score in random_solos(4, seed=0)]
    for number, score in enumerate(solos):
        write_score(score, tmp_path / f"{number}.mid")
        music = muspy.read_midi(tmp_path / f"{number}.mid")
        measure = score.meters[0].bar_ticks(score.ticks_per_beat)
        theirs.append(
            {
                "pitch_range": muspy.pitch_range(music),
                "pitches_used": muspy.n_pitches_used(music),
                "pitch_classes_used": muspy.n_pitch_classes_used(music),
                "pitch_entropy": muspy.pitch_entropy(music),
                "pitch_class_entropy": muspy.pitch_class_entropy(music),
                "scale_consistency": muspy.scale_consistency(music),
                "empty_beat_rate": muspy.empty_beat_rate(music),
                "empty_measure_rate": muspy.empty_measure_rate(music, measure),
                "groove_consistency": muspy.groove_consistency(music, measure),
            }
        )
    assert_same(common_metrics(solos), theirs)


def test_a_solo_without_notes_has_no_value_and_changes_no_other(line):
    solos = [line([60, 62, 65]), line([]), line([60, 61])]
    values = common_values(solos)
    assert set(values[1].values()) == {None}
    assert [values[0], values[2]] == [common_values([solos[0]])[0], common_values([solos[2]])[0]]


def test_several_meters_leave_out_the_metrics_of_measures(line):
    score = line([60, 62, 64, 65] * 8)
    values = common_values([replace(score, meters=(Meter(0, 1, 4), Meter(score.ticks_per_beat, 4, 4)))])[0]
    assert {name for name, value in values.items() if value is None} == {"empty_measure_rate", "groove_consistency"}


def test_the_entropy_of_pitches_is_that_of_the_projects_own_metrics():
    solos = random_solos(5, seed=1)
    assert common_metrics(solos)["pitch_entropy"].tolist() == [pitch_entropy(score) for score in solos]
    assert not common_values(solos)[0].keys() & describe(solos[0]).keys()


def test_sets_have_means_without_distance(line):
    means = common_of({"real": [line([60, 72]), line([60, 64]), line([])], "none": []})
    assert means["none"] == {}
    own = means["real"]["pitch_range"]
    assert (own.value, own.n, own.distance) == (8, 2, None)
