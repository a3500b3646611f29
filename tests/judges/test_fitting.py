import runpy
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from table_rows import filled

from yardbird.bootstrap_settings import Resampling
from yardbird.codecs.events import EventCodec
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.config import read_section
from yardbird.data.manifest import read_solos as read_ingested
from yardbird.data.splitting import SplitConfig, split_solos
from yardbird.errors import ConfigError
from yardbird.judges import fitting
from yardbird.judges.fitting import JudgeConfig, examine, fit_judges, read_excerpts, style_of
from yardbird.judges.style_judges import JUDGE_AUC, JUDGED_SIDES, JUDGED_STYLE, Judges, auc, read_judges
from yardbird.metrics.estimates import flat
from yardbird.metrics.set_rows import REAL
from yardbird.music.chords import Chord
from yardbird.music.score import ChordChange, Score, make_notes
from yardbird.tables.encoded_tables import EncodedRow, write_index

CONFIG = JudgeConfig(artist=None, order=3, excerpt_beats=16, bootstrap_samples=50)
STEPS = {"Ann": [-2, -1, 1, 2], "Bob": [-5, -4, 4, 5]}


def leap(artist: str, seed: int) -> Score:
    """Twelve bars of straight eighths on a grid of twelfths of a beat."""
    pitches = 56 + np.cumsum(np.random.default_rng(seed).choice(STEPS[artist], 96)) % 24
    changes = [Chord.parse(symbol) for symbol in ("Gm7", "C7", "Fmaj7", "D7")]
    chords = tuple(ChordChange(48 * bar, changes[bar % 4]) for bar in range(12))
    return Score(12, make_notes([(6 * at, 6, int(pitch), 80) for at, pitch in enumerate(pitches)]), 576, chords=chords)


def write_encoded(folder: Path, codec: EventCodec, solos: Sequence[tuple[str, str, str, Score]]) -> Path:
    """Write solos as event tokens: (split, artist, tune group, score)."""
    tokens = [codec.encode(score, artist) for _, artist, _, score in solos]
    ends = np.cumsum([len(row) for row in tokens]).tolist()
    rows = [
        filled(EncodedRow, copy=f"s{number}", solo=f"s{number}", split=split, artist=artist, tune_group=group,
               start=end - len(own), length=len(own))
        for number, ((split, artist, group, _), own, end) in enumerate(zip(solos, tokens, ends, strict=True))
    ]  # fmt: skip
    write_index(folder, rows)
    np.save(folder / "tokens.npy", np.concatenate(tokens))
    codec.save(folder / "codec.json")
    return folder


def write_corpus(
    folder: Path,
    codec: EventCodec,
    dealt: Sequence[tuple[str, str]],
    played: Callable[[str, Score], Score] = lambda _, score: score,
) -> Path:
    """Write a solo over its own tune for each (split, artist), transformed by `played`."""
    solos = [
        (split, artist, f"t{number}", played(artist, leap(artist, number)))
        for number, (split, artist) in enumerate(dealt)
    ]
    return write_encoded(folder, codec, solos)


BOTH = [(split, artist) for split in ("train", "validation", "test") for artist in ("Ann", "Bob") for _ in range(2)]


@pytest.fixture(scope="module")
def two_players(codec: EventCodec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("players"), codec, [("train", "Ann"), *BOTH])


def test_the_judges_are_for_the_artist_with_the_most_training_solos_and_separate_held_out_solos(
    two_players: Path,
) -> None:
    judges = fit_judges(two_players, CONFIG)
    assert isinstance(judges, Judges)
    assert judges.artist == "Ann"
    figures = flat(examine(judges, read_excerpts(two_players, "test", 16, "Ann"), Resampling(50, 0)))
    assert figures["ratio_auc"] == figures["ratio_auc_low"] == 1
    assert figures["traits_auc"] > 0.9
    assert fit_judges(two_players, replace(CONFIG, artist="Bob")).artist == "Bob"


def test_the_test_split_is_not_read_to_fit_a_judge(
    two_players: Path, codec: EventCodec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = set()
    read = fitting.read_solos
    monkeypatch.setattr(
        fitting, "read_solos", lambda folder, split, **how: (splits.add(split), read(folder, split, **how))[1]
    )
    judges = fit_judges(two_players, CONFIG)
    assert splits == {"train", "validation"}
    without = write_corpus(tmp_path, codec, [("train", "Ann"), *(row for row in BOTH if row[0] != "test")])
    assert fit_judges(without, CONFIG) == judges


def swung(score: Score) -> Score:
    """Each off-beat eighth two twelfths later: triplets."""
    return moved(score, 6, 2)


def laid_back(score: Score) -> Score:
    """Each note on the beat a twelfth late."""
    return moved(score, 0, 1)


def moved(score: Score, place: int, ticks: int) -> Score:
    """Delay the onsets at one position of the beat; offsets stay."""
    notes = score.notes.copy()
    later = ticks * (score.onsets % 12 == place)
    notes["onset_tick"] += later
    notes["duration_tick"] -= later
    return replace(score, notes=notes)


def by_hand(score: Score) -> Score:
    """As in a performance: each onset up to a thirtieth of a beat off the grid."""
    notes = score.notes.copy()
    jitter = np.random.default_rng(0).integers(-16, 17, len(notes))
    notes["onset_tick"] = np.maximum(40 * notes["onset_tick"] + jitter, 0)
    notes["duration_tick"] = 200
    chords = tuple(change._replace(tick=40 * change.tick) for change in score.chords)
    return replace(score, ticks_per_beat=480, notes=notes, end_tick=40 * score.end_tick, chords=chords)


def test_timing_does_not_move_a_verdict(codec: EventCodec, tmp_path: Path) -> None:
    """Ann's solos are performances, Bob's are scores, as for Coltrane and Parker; the judge of traits relied on it."""
    editions = write_corpus(
        tmp_path / "editions", codec, BOTH, lambda artist, score: laid_back(swung(score)) if artist == "Ann" else score
    )
    judges = fit_judges(editions, CONFIG)
    assert isinstance(judges, Judges)
    verdicts = []
    for number, played in enumerate([lambda score: score, swung, laid_back, by_hand, lambda s: laid_back(swung(s))]):
        corpus = write_corpus(tmp_path / f"{number}", codec, BOTH, lambda _, score, played=played: played(score))
        pieces = read_excerpts(corpus, "test", 16, "Ann")
        verdicts.append([(judges.ratio.ratio(piece.score), judges.traits.probability(piece.score)) for piece in pieces])
    assert len(verdicts[0]) == 12
    assert all(other == verdicts[0] for other in verdicts[1:])


def test_every_set_is_judged_and_the_real_row_has_both_sides_and_the_aucs(two_players: Path) -> None:
    judges = fit_judges(two_players, CONFIG)
    sets = {"walker": [leap("Ann", 50)], "leaper": [leap("Bob", 51)], "silent": [], REAL: [leap("Ann", 52)]}
    rows = style_of(judges, sets, two_players, CONFIG, 0)
    assert rows["walker"][JUDGED_STYLE].value > 0.5 > rows["leaper"][JUDGED_STYLE].value
    assert np.isnan(rows["silent"][JUDGED_STYLE].value)
    assert rows["silent"][JUDGED_STYLE].n == 0
    assert rows[REAL][JUDGED_SIDES[True]].value > rows[REAL][JUDGED_SIDES[False]].value
    assert rows[REAL].keys() >= {JUDGED_STYLE, *JUDGED_SIDES.values(), *JUDGE_AUC}


@pytest.mark.parametrize(
    ("dealt", "reason"),
    [
        ([row for row in BOTH if row[1] == "Ann"], "the training solos are not by both Ann and others"),
        ([row for row in BOTH if row != ("validation", "Bob")], "the validation solos are not by both Ann and others"),
    ],
)
def test_with_one_artist_in_a_split_there_is_no_judge_and_no_metric(
    dealt: list[tuple[str, str]], reason: str, codec: EventCodec, tmp_path: Path
) -> None:
    judges = fit_judges(write_corpus(tmp_path, codec, dealt), CONFIG)
    assert judges == reason
    assert style_of(judges, {REAL: [leap("Ann", 1)]}, tmp_path, CONFIG, 0) == {}


@pytest.fixture
def stage(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], object]:
    """The judge stage in an empty folder, with `best_of` candidates."""

    def run(best_of: int) -> object:
        text = (root / "params.yaml").read_text()
        assert "  best_of: 4 " in text
        (tmp_path / "params.yaml").write_text(text.replace("  best_of: 4 ", f"  best_of: {best_of} "))
        monkeypatch.chdir(tmp_path)
        return runpy.run_path(str(root / "stages/judge.py"), run_name="__main__")

    return run


def test_the_stage_reports_that_no_judge_can_be_fitted(
    stage: Callable[[int], object],
    two_players: Path,
    codec: EventCodec,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A corpus of one artist must not fail, here or, after training, in generate."""
    write_corpus(tmp_path / "data/encoded/events", codec, [row for row in BOTH if row[1] == "Ann"])
    stage(4)
    assert "no judge of style: the training solos are not by both Ann and others" in capsys.readouterr().out
    assert read_judges(tmp_path / "data/judges") == "the training solos are not by both Ann and others"
    shutil.rmtree(tmp_path / "data/encoded/events")
    shutil.copytree(two_players, tmp_path / "data/encoded/events")
    stage(4)
    assert isinstance(read_judges(tmp_path / "data/judges"), Judges)


def test_a_side_of_one_tune_has_an_auc_without_interval(two_players: Path) -> None:
    judges = fit_judges(two_players, CONFIG)
    assert isinstance(judges, Judges)
    pieces = [
        replace(piece, tune_group="one") if piece.own else piece
        for piece in read_excerpts(two_players, "test", 16, "Ann")
    ]
    figures = flat(examine(judges, pieces, Resampling(50, 0)))
    assert set(figures) == {"excerpts", "ratio_auc", "traits_auc"}


@pytest.mark.parametrize("key", ["order", "excerpt_beats", "bootstrap_samples"])
def test_an_impossible_setting_gives_a_one_line_error(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"params\.yaml: judge\.{key}: expected 1 or more, found 0"):
        replace(CONFIG, **{key: 0})


PARKER = "Charlie Parker"


@pytest.fixture(scope="module")
def real_codec(root: Path) -> EventCodec:
    return EventCodec.create(
        read_section("encode.events", EncodeConfig, root / "params.yaml"), [PARKER, "John Coltrane"]
    )


def encode_real(
    folder: Path, codec: EventCodec, ingested: Path, real_solos: dict[str, Score], config: SplitConfig
) -> tuple[Path, Path]:
    """The real solos as event tokens for a split, and Parker's test solos again by edition: `timed` or `score`."""
    rows = read_ingested(ingested, ["parker", "coltrane"])
    splits = split_solos(rows, ingested, config).splits
    solos = [(splits[row.solo], row.artist, row.tune_group, real_solos[row.solo]) for row in rows]
    editions = [
        ("test", "timed" if "wjazzd" in row.solo else "score", row.tune_group, real_solos[row.solo])
        for row in rows
        if splits[row.solo] == "test" and row.artist == PARKER
    ]
    return write_encoded(folder / "all", codec, solos), write_encoded(folder / "editions", codec, editions)


@pytest.mark.slow
def test_both_judges_separate_real_solos_over_held_out_tunes(
    ingested: Path, real_solos: dict[str, Score], real_codec: EventCodec, root: Path, tmp_path: Path
) -> None:
    """Charlie Parker or John Coltrane, with the project's split and settings."""
    config = read_section("judge", JudgeConfig, root / "params.yaml")
    split = read_section("split", SplitConfig, root / "params.yaml")
    encoded, _ = encode_real(tmp_path, real_codec, ingested, real_solos, split)
    judges = fit_judges(encoded, config)
    assert isinstance(judges, Judges)
    assert judges.artist == PARKER
    figures = flat(examine(judges, read_excerpts(encoded, "test", config.excerpt_beats, PARKER), Resampling(10, 0)))
    assert figures["excerpts"] > 60
    assert figures["ratio_auc"] > 0.9
    assert figures["traits_auc"] > 0.75


def test_the_judge_of_traits_separates_parker_from_coltrane_and_not_scores_from_performances(
    ingested: Path, real_solos: dict[str, Score], real_codec: EventCodec, root: Path, tmp_path: Path
) -> None:
    """With rhythm and phrases among its traits it separated Parker's scores from his performances (AUC 0.98 here).

    All of Coltrane's solos are timed, and most of Parker's are not. Salt 4 puts most timed Parker solos into the test
    split.
    """
    config = read_section("judge", JudgeConfig, root / "params.yaml")
    split = replace(read_section("split", SplitConfig, root / "params.yaml"), salt=4)
    encoded, editions = encode_real(tmp_path, real_codec, ingested, real_solos, split)
    judges = fit_judges(encoded, config)
    assert isinstance(judges, Judges)
    coltrane = [piece.score for piece in read_excerpts(encoded, "test", config.excerpt_beats, PARKER) if not piece.own]
    pieces = read_excerpts(editions, "test", config.excerpt_beats, "timed")
    timed, scores = ([piece.score for piece in pieces if piece.own == side] for side in (True, False))

    def area(own: list[Score], others: list[Score]) -> float | None:
        verdicts = [judges.traits.probability(piece) for piece in [*own, *others]]
        return auc(verdicts, [True] * len(own) + [False] * len(others))

    assert area(timed, coltrane) > 0.8
    assert abs(area(scores, timed) - 0.5) < 0.15


def test_background_players_count_as_others(two_players: Path, tmp_path: Path) -> None:
    """Ann has the most training solos, but they are background: the player is Bob, of the target."""
    folder = tmp_path / "events"
    shutil.copytree(two_players, folder)
    header, *rows = (folder / "index.csv").read_text().splitlines()
    changed = [row.replace(",target,Ann,", ",background,Ann,") if ",train," in row else row for row in rows]
    (folder / "index.csv").write_text("\n".join([header, *changed]) + "\n")
    judges = fit_judges(folder, CONFIG)
    assert not isinstance(judges, str)
    assert judges == fit_judges(two_players, replace(CONFIG, artist="Bob"))
    assert judges.artist == "Bob"
