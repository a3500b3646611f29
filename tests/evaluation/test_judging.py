from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yardbird.codecs.events import EventCodec
from yardbird.data.manifest import read_solos as read_ingested
from yardbird.data.splits import SplitConfig, split_solos
from yardbird.errors import ConfigError
from yardbird.evaluation import judging
from yardbird.evaluation.judging import JudgeConfig, examine, fit_judges, hear, style_rows
from yardbird.files import write_csv
from yardbird.metrics.judges import JUDGE_AUC, JUDGED_SIDES, JUDGED_STYLE, Judges, RatioJudge, TraitJudge
from yardbird.metrics.rows import REAL
from yardbird.music.excerpts import excerpts, in_full_bars
from yardbird.music.score import Score, make_notes

CONFIG = JudgeConfig(artist=None, order=3, excerpt_beats=16, bootstrap_samples=50)
STEPS = {"Ann": [-2, -1, 1, 2], "Bob": [-5, -4, 4, 5]}


def leap(artist: str, seed: int) -> Score:
    pitches = 56 + np.cumsum(np.random.default_rng(seed).choice(STEPS[artist], 96)) % 24
    return Score(12, make_notes([(6 * at, 6, int(pitch), 80) for at, pitch in enumerate(pitches)]), 576)


def write_corpus(folder: Path, codec: EventCodec, dealt: Sequence[tuple[str, str]]) -> Path:
    """A corpus as event tokens: a solo of its own tune for each (split, artist)."""
    rows, tokens, start = [], [], 0
    for number, (split, artist) in enumerate(dealt):
        tokens.append(codec.encode(leap(artist, number), artist))
        rows.append({"solo": f"s{number}", "split": split, "artist": artist, "tune_group": f"t{number}",
                     "semitones": 0, "tempo_factor": 1.0, "start": start, "length": len(tokens[-1])})  # fmt: skip
        start += len(tokens[-1])
    write_csv(folder / "index.csv", list(rows[0]), rows)
    np.save(folder / "tokens.npy", np.concatenate(tokens))
    codec.save(folder / "codec.json")
    return folder


BOTH = [(split, artist) for split in ("train", "validation", "test") for artist in ("Ann", "Bob") for _ in range(2)]


@pytest.fixture(scope="module")
def two_players(codec: EventCodec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("players"), codec, [("train", "Ann"), *BOTH])


def test_the_judges_are_of_the_artist_with_the_most_training_solos_and_tell_held_out_solos_apart(
    two_players: Path,
) -> None:
    judges = fit_judges(two_players, CONFIG)
    assert isinstance(judges, Judges)
    assert judges.artist == "Ann"
    figures = examine(judges, hear(two_players, "test", 16, "Ann"), 50, seed=0)
    assert figures["ratio_auc"] == figures["ratio_auc_low"] == 1
    assert figures["traits_auc"] > 0.9
    assert fit_judges(two_players, replace(CONFIG, artist="Bob")).artist == "Bob"


def test_the_test_split_is_not_read_to_make_a_judge(
    two_players: Path, codec: EventCodec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = set()
    read = judging.read_solos
    monkeypatch.setattr(judging, "read_solos", lambda folder, split: (asked.add(split), read(folder, split))[1])
    judges = fit_judges(two_players, CONFIG)
    assert asked == {"train", "validation"}
    without = write_corpus(tmp_path, codec, [("train", "Ann"), *(row for row in BOTH if row[0] != "test")])
    assert fit_judges(without, CONFIG) == judges


def test_every_set_is_judged_and_real_solos_have_both_sides_and_the_areas(two_players: Path) -> None:
    judges = fit_judges(two_players, CONFIG)
    sets = {"walker": [leap("Ann", 50)], "leaper": [leap("Bob", 51)], "silent": [], REAL: [leap("Ann", 52)]}
    rows = {(row.row, row.metric): row for row in style_rows(judges, sets, two_players, CONFIG, 0)}
    assert rows["walker", JUDGED_STYLE].mean > 0.5 > rows["leaper", JUDGED_STYLE].mean
    assert (rows["silent", JUDGED_STYLE].mean, rows["silent", JUDGED_STYLE].n) == (None, 0)
    assert rows[REAL, JUDGED_SIDES[True]].mean > rows[REAL, JUDGED_SIDES[False]].mean
    assert {metric for row, metric in rows if row == REAL} >= {JUDGED_STYLE, *JUDGED_SIDES.values(), *JUDGE_AUC}


@pytest.mark.parametrize(
    ("dealt", "reason"),
    [
        ([row for row in BOTH if row[1] == "Ann"], "the training solos are not both Ann's and others'"),
        ([row for row in BOTH if row != ("validation", "Bob")], "the validation solos are not both Ann's and others'"),
    ],
)
def test_where_a_split_is_one_artist_s_there_is_no_judge_and_no_figure(
    dealt: list[tuple[str, str]], reason: str, codec: EventCodec, tmp_path: Path
) -> None:
    judges = fit_judges(write_corpus(tmp_path, codec, dealt), CONFIG)
    assert judges == reason
    assert style_rows(judges, {REAL: [leap("Ann", 1)]}, tmp_path, CONFIG, 0) == []


@pytest.mark.parametrize("key", ["order", "excerpt_beats", "bootstrap_samples"])
def test_a_setting_that_makes_no_sense_is_told(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"params\.yaml: judge\.{key}: expected 1 or more, found 0"):
        replace(CONFIG, **{key: 0})


def test_real_solos_are_told_apart_by_both_judges_on_tunes_that_they_have_not_heard(
    ingested: Path, real_solos: dict[str, Score]
) -> None:
    """Charlie Parker or John Coltrane, by the project's own split."""
    rows = read_ingested(ingested)
    splits = split_solos(rows, ingested, SplitConfig(validation=0.15, test=0.15, salt=1, linked_share=0.13)).splits

    def heard(split: str) -> tuple[list[Score], list[bool]]:
        pieces = [
            (piece, row.artist == "Charlie Parker")
            for row in rows
            if splits[row.solo] == split
            for piece in excerpts(in_full_bars(real_solos[row.solo]), 128)
        ]
        return [piece for piece, _ in pieces], [own for _, own in pieces]

    training, held_out = heard("train"), heard("test")
    pieces = [judging.Heard(piece, own, str(at)) for at, (piece, own) in enumerate(zip(*held_out, strict=True))]
    judges = Judges("Charlie Parker", RatioJudge.fit(*training, 3), TraitJudge.fit(*training))
    figures = examine(judges, pieces, 10, seed=0)
    assert figures["ratio_auc"] > 0.85
    assert figures["traits_auc"] > 0.8
