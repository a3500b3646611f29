"""The functions behind the tabs, with tiny models: what is drawn, what is refused, what is kept, and what is shown."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from tiny_corpus import walk
from tiny_studio import PLAYERS

from yardbird import files
from yardbird.errors import InputError
from yardbird.music.midi import read_score, write_score
from yardbird.music.score import Score, Tempo, make_notes
from yardbird.report.coloured_sheet import concert_sheet, draw_coloured
from yardbird.studio import between_desk, measure_desk, move_desk, sing_desk, solo_desk, studio_views
from yardbird.studio.model_shelf import ModelShelf, described
from yardbird.studio.reference_solos import ReferenceSolos
from yardbird.studio.solo_desk import Take, Wish
from yardbird.studio.studio_session import Chosen, Session
from yardbird.time_budget import time_budget

BLUES = "title: A <b>blues</b>\nqpm: 180\n\nF7 | Bb7 | F7 | Cm7 F7\n"
HOSTILE = "../../<img src=x onerror=alert(1)>.mid"


@pytest.fixture(scope="module")
def take(shelf: ModelShelf, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Take:
    """A solo of 8 bars."""
    session = Session.start(tmp_path_factory.mktemp("out"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        return solo_desk.play(shelf, session, Wish("music_transformer", BLUES, choruses=2, seed=7, count_in=False))


def chosen(session: Session, score: Score, name: str = "solo.mid") -> Chosen:
    session.folder.mkdir(parents=True, exist_ok=True)
    write_score(score, session.folder / name)
    return Chosen(session.folder / name, name)


def test_a_solo_has_its_choruses_and_the_seed_repeats_it(shelf: ModelShelf, session: Session, take: Take) -> None:
    assert take.solo.score.bar_count == 8
    assert take.solo.score.mean_qpm == pytest.approx(180)
    same, other = (solo_desk.play(shelf, session, take.wish) for _ in range(2))
    assert same.solo.score.notes.tobytes() == take.solo.score.notes.tobytes()
    assert same.name != other.name


def test_a_tempo_of_the_wish_comes_before_the_chart(shelf: ModelShelf, session: Session, take: Take) -> None:
    faster = solo_desk.play(shelf, session, replace(take.wish, qpm=240))
    assert faster.solo.score.mean_qpm == pytest.approx(240)


def test_another_take_has_the_same_order_and_other_notes(shelf: ModelShelf, session: Session, take: Take) -> None:
    other = solo_desk.again(shelf, session, take)
    assert other.solo.order.sheet == take.solo.order.sheet
    assert other.solo.score.notes.tobytes() != take.solo.score.notes.tobytes()


@pytest.mark.parametrize("model", ["music_transformer", "music_vae"])
def test_a_continued_solo_keeps_its_notes_and_has_one_more_chorus(
    shelf: ModelShelf, session: Session, model: str
) -> None:
    first = solo_desk.play(shelf, session, Wish(model, BLUES, choruses=2))
    longer = solo_desk.continue_(shelf, session, first)
    score, start = longer.solo.score, longer.start_tick
    assert (score.bar_count, start) == (12, 8 * 48)
    old = first.solo.score.notes[["onset_tick", "pitch"]]
    assert np.array_equal(score.notes[: len(old)][["onset_tick", "pitch"]], old)
    assert model == "music_vae" or (score.onsets >= start).any()  # the tiny MusicVAE rests
    assert solo_desk.again(shelf, session, longer).solo.primed_bars == 8


def test_filled_bars_are_new_and_the_others_stay(shelf: ModelShelf, session: Session, take: Take) -> None:
    filled = solo_desk.fill_bars(shelf, session, take, "3-4")
    before, after = (one.solo.score for one in (take, filled))
    ticks = after.ticks_per_beat // before.ticks_per_beat
    outside = [(bars := score.bar_of(score.onsets)) < 2 for score in (before, after)]
    assert np.array_equal(before.onsets[outside[0]] * ticks, after.onsets[outside[1]])
    assert bars is not None
    assert filled.made == "bars 3-4 filled"
    assert solo_desk.again(shelf, session, filled).made == "bars 3-4 filled"
    assert solo_desk.continue_(shelf, session, filled).solo.score.bar_count == 12


def test_a_musicvae_has_its_bars_filled_by_the_music_transformer(shelf: ModelShelf, session: Session) -> None:
    drawn = solo_desk.play(shelf, session, Wish("music_vae", BLUES))
    silent = replace(drawn.solo.score, notes=make_notes([]))
    with pytest.raises(InputError, match="found no notes"):
        solo_desk.fill_bars(shelf, session, replace(drawn, solo=replace(drawn.solo, score=silent)), "2")
    drawn = replace(drawn, solo=replace(drawn.solo, score=walk(1, 8)))
    assert solo_desk.fill_bars(shelf, session, drawn, "2").provenance["family"] == "music_transformer"


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        (Wish("music_transformer", "F7 | Hb7"), "chart.*Hb7"),
        (Wish("music_transformer", BLUES, choruses=500), "bars: expected at most 256, found 2000"),
        (Wish("music_transformer", "F7 | " * 20_000), "chart: expected at most 20,000 letters"),
        (Wish("music_transformer", BLUES, temperature=-1), "temperature: expected 0 or more"),
        (Wish("music_transformer", BLUES, artist="Nobody"), "Nobody: expected one of the artists"),
        (Wish("../models", BLUES), "model: expected a trained model"),
        (Wish("musicgen", BLUES), "expected a model that writes notes, found a musicgen"),
    ],
)
def test_an_impossible_wish_is_one_line(shelf: ModelShelf, session: Session, wish: Wish, found: str) -> None:
    with pytest.raises(InputError, match=found):
        solo_desk.play(shelf, session, wish)


@pytest.mark.parametrize(
    "work",
    [
        lambda shelf, session, _: solo_desk.play(shelf, session, Wish("music_transformer", BLUES)),
        lambda shelf, session, _: solo_desk.play(shelf, session, Wish("music_vae", BLUES)),
        lambda shelf, session, take: solo_desk.fill_bars(shelf, session, take, "3-4"),
        lambda shelf, session, _: between_desk.between(
            shelf, session, "music_vae", chosen(session, walk(1, 8)), chosen(session, walk(2, 8)), 4, "linear"
        ),
        lambda shelf, session, _: move_desk.move(
            shelf, session, "music_vae", chosen(session, walk(1, 8)), 4, None, 0.0, {"density": 1.0}
        ),
        lambda shelf, session, _: sing_desk.sing_prompt(
            shelf, session, "musicgen", "Be-bop", 1.0, 1.0, 1.0, None, 1.0, False
        ),
        lambda shelf, session, _: measure_desk.measure([chosen(session, walk(1, 8))]),
    ],
    ids=["play", "play MusicVAE", "fill", "between", "move", "sing", "measure"],
)
def test_work_that_takes_too_long_stops_in_one_line(
    shelf: ModelShelf, session: Session, take: Take, work: Callable[..., object]
) -> None:
    """Regression: the others waited for it, however long it took."""
    with time_budget(-1.0, "request less"), pytest.raises(InputError, match=r"^request: expected at most -1 s of work"):
        work(shelf, session, take)


@pytest.mark.parametrize("bars", ["", "9", "4-2", "a", "1-99999999999"])
def test_bars_outside_the_solo_are_refused(shelf: ModelShelf, session: Session, take: Take, bars: str) -> None:
    with pytest.raises(InputError, match="bars to fill: expected bars such as 9-12, or 9-12,21-24, within 1-8, found"):
        solo_desk.fill_bars(shelf, session, take, bars)


def test_a_kept_solo_is_in_the_session_with_its_origin(session: Session, take: Take) -> None:
    solo_desk.keep(session, take)
    stem = take.name
    ends = ("mid", "wav", "png", "musicxml", "svg", "json")
    assert {path.name for path in session.folder.iterdir()} == {f"{stem}.{end}" for end in ends}
    told = files.read_json(session.folder / f"{stem}.json")
    assert told["seed"] == 7
    assert told["settings"]["temperature"] == 1.0
    assert "F7 | Bb7" in told["chart"]
    assert len(told["model"]["sha256"]) == 64
    assert set(told["studio"]) == {"made", "asked", "commit"}
    assert read_score(session.folder / f"{stem}.mid").bar_count == 8
    solo_desk.keep(session, take)
    assert session.kept == [stem]


def test_a_shown_solo_escapes_its_title_and_names_its_source(take: Take, references: ReferenceSolos) -> None:
    page = studio_views.take_html(take, references)
    assert "A &lt;b&gt;blues&lt;/b&gt;" in page
    assert "<b>" not in page
    for part in (
        "data:audio/mpeg;base64,",
        'class="roll"',
        "Notation",
        "What it quotes",
        "chord tones",
        "data:audio/midi",
    ):
        assert part in page


def test_a_training_solo_quotes_itself_by_name(references: ReferenceSolos) -> None:
    quotation = references.quotation(walk(1, 16))
    assert "Tune one bar 1, same pitch" in quotation.words
    assert quotation.original is None or not quotation.original.met


def test_a_real_solo_lies_in_the_range_of_real_solos(references: ReferenceSolos) -> None:
    rows = {row.name: row for row in references.rows(walk(4, 16))}
    assert rows["notes a bar"].inside is not None
    assert {sign.name for sign in references.signs(walk(4, 16))} == {"phrases", "changes", "bebop figures"}


def test_without_a_corpus_the_page_says_what_to_run(take: Take, tmp_path: Path) -> None:
    assert "run `yardbird run`" in studio_views.take_html(take, ReferenceSolos(tmp_path))


def test_without_models_the_error_says_what_to_run(tmp_path: Path, session: Session) -> None:
    empty = ModelShelf(tmp_path)
    assert empty.note_models() == []
    with pytest.raises(InputError, match="model: expected a trained model, found none; run `make demo`"):
        solo_desk.play(empty, session, Wish(None, BLUES))


def test_registered_models_follow_those_in_folders(project: Path) -> None:
    shelf = ModelShelf(project / "models", ["music_transformer@champion", "somebody@champion"])
    assert shelf.note_models() == ["music_transformer", "music_vae", "music_transformer@champion"]
    assert described("music_transformer@champion") == "Music Transformer (champion)"


def test_a_model_that_was_trained_again_is_opened_again(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "models", tmp_path / "models")
    shelf = ModelShelf(tmp_path / "models")
    first = shelf.open("music_vae")
    assert shelf.open("music_vae") is first
    files.write_json(tmp_path / "models/music_vae/trained.json", {"family": "music_vae", "seed": 1})
    assert shelf.open("music_vae") is not first


def test_an_upload_stays_in_the_session_whatever_its_name(session: Session, tmp_path: Path) -> None:
    upload = tmp_path / HOSTILE.replace("/", "")
    write_score(walk(1, 4), upload)
    taken = session.take_in(upload)
    assert taken.path.resolve().is_relative_to(session.folder.resolve())
    assert taken.path.name.replace("_", "").removesuffix(".mid").isalnum()
    assert taken.read().bar_count == 4


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("empty.mid", b"", "expected 1 to 1,000,000 bytes, found 0"),
        ("big.mid", b"x" * 1_000_001, "found 1,000,001"),
        ("solo.exe", b"MThd", "expected MIDI, MusicXML, ABC or kern, found .exe"),
        ("solo.db", b"SQLite", "found .db"),
        ("solo", b"MThd", "found no suffix"),
    ],
)
def test_an_unusable_upload_is_refused(session: Session, tmp_path: Path, name: str, content: bytes, found: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=found):
        session.take_in(tmp_path / name)
    assert not session.folder.exists()


def test_an_error_names_the_file_as_on_the_page(session: Session, tmp_path: Path) -> None:
    (tmp_path / "My Tune.mid").write_bytes(b"MThd nonsense")
    taken = session.take_in(tmp_path / "My Tune.mid")
    with pytest.raises(InputError, match=r"^My Tune\.mid: ") as refused:
        taken.read()
    assert str(session.folder) not in str(refused.value)


def test_a_solo_of_a_thousand_bars_is_refused(session: Session) -> None:
    with pytest.raises(InputError, match="expected at most 256 bars"):
        chosen(session, walk(1, 300)).read()
    with pytest.raises(InputError, match="expected at most 20 minutes, found 27"):
        chosen(session, replace(walk(1, 100), tempos=(Tempo(0, 15.0),))).read()


def test_two_sessions_have_different_folders(tmp_path: Path) -> None:
    assert len({Session.start(tmp_path).folder for _ in range(20)}) == 20


def test_nine_steps_lead_from_one_solo_to_the_other(shelf: ModelShelf, session: Session) -> None:
    ends = [chosen(session, walk(number, 8), f"{number} <b>.mid") for number in (1, 2)]
    found = between_desk.between(shelf, session, "music_vae", ends[0], ends[1], 4, "linear")
    assert len(found.scores) == len(found.rows) == 9
    assert {score.bar_count for score in found.scores} == {4}
    page = studio_views.between_html(found)
    assert page.count("data:audio/mpeg") == 9
    assert "<b>" not in page
    between_desk.keep(session, found)
    assert (session.folder / found.name / "step_09.wav").is_file()
    assert files.read_json(session.folder / f"{found.name}.json")["steps"] == 9


def test_a_moved_solo_is_compared_with_its_reconstruction(
    shelf: ModelShelf, session: Session, references: ReferenceSolos
) -> None:
    solo = chosen(session, walk(1, 8))
    moved = move_desk.move(shelf, session, "music_vae", solo, 4, PLAYERS[0], 3.0, {"density": 2.0, "rests": 0.0})
    assert moved.asked == {"to": PLAYERS[0], "strength": 3.0, "add": {"density": 2.0}, "bars": 4}
    assert "What changed" in studio_views.moved_html(moved, references)
    move_desk.keep(session, moved)
    assert files.read_json(session.folder / f"{moved.name}.json")["studio"]["made"] == "moved"
    still = move_desk.move(shelf, session, "music_vae", solo, 4, None, 3.0, {})
    assert still.unchanged
    assert "No note changed" in studio_views.moved_html(still, references)


def test_every_move_tells_how_well_it_was_measured_to_work() -> None:
    attributes = {one.name: one for one in move_desk.honesty_of_attributes()}
    assert (attributes["density"].works, attributes["register"].works) == (True, False)
    assert "changes density by +0.80" in attributes["density"].words
    artists = {one.name: one for one in move_desk.honesty_of_transfer()}
    assert (artists["Bob"].works, artists[PLAYERS[0]].works) == (True, False)
    assert "AUC 0.76" in artists["Bob"].words
    assert "90% at strength 4, and 30% after a random move" in artists["Bob"].words
    page = studio_views.honesty_html({"attributes": [*attributes.values()], "transfer": [*artists.values()]})
    assert "Ann &lt;b&gt;" in page
    assert "<b>" not in page


def test_without_the_stage_explore_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert move_desk.honesty_of_attributes() == move_desk.honesty_of_transfer() == move_desk.artists() == []
    assert "run <code>yardbird run" in studio_views.honesty_html({"attributes": [], "transfer": []})


def test_a_sound_continues_a_melody(shelf: ModelShelf, session: Session) -> None:
    sung = sing_desk.sing_prompt(
        shelf, session, "musicgen", "<b>Be-bop</b> jazz solo", 1.2, 1.0, 1.0, chosen(session, walk(1, 4)), 1.0, False
    )
    assert sung.sound.waveform.seconds == pytest.approx(1.2, abs=0.1)
    assert sung.sound.primed_seconds == pytest.approx(1.0, abs=0.1)
    page = studio_views.sung_html(sung)
    assert "&lt;b&gt;Be-bop" in page
    assert "<b>" not in page
    sing_desk.keep(session, sung)
    assert (session.folder / f"{sung.sound.name}.wav").is_file()


@pytest.mark.parametrize(
    ("prompt", "seconds", "found"),
    [(" ", 1.0, "prompt: expected words"), ("x" * 501, 1.0, "found 501"), ("Be-bop", 600.0, "at most 30"),
     ("Be-bop", -1.0, "seconds: expected")],
)  # fmt: skip
def test_an_impossible_sound_is_refused(
    shelf: ModelShelf, session: Session, prompt: str, seconds: float, found: str
) -> None:
    with pytest.raises(InputError, match=found):
        sing_desk.sing_prompt(shelf, session, "musicgen", prompt, seconds, 1.0, 1.0, None, 1.0, False)


@pytest.mark.parametrize("seconds", [0.6, 30.0])
def test_a_sound_follows_a_melody_to_its_end_or_until_the_requested_seconds(
    shelf: ModelShelf, session: Session, seconds: float
) -> None:
    melody = chosen(session, walk(1, 1))
    sung = sing_desk.sing_prompt(shelf, session, "musicgen", "Be-bop jazz solo", seconds, 1.0, 1.0, melody, 1.0, True)
    assert sung.melody is not None
    assert sung.melody.codes is None
    assert sung.sound.waveform.seconds == pytest.approx(min(seconds, sung.melody.score.seconds), abs=0.1)
    assert (sung.settings.follow, sung.sound.primed_seconds) == (True, 0.0)


def test_without_a_melody_there_is_nothing_to_follow(shelf: ModelShelf, session: Session) -> None:
    with pytest.raises(InputError, match="melody: expected a melody to follow, found none; choose one"):
        sing_desk.sing_prompt(shelf, session, "musicgen", "Be-bop", 1.0, 1.0, 1.0, None, 1.0, True)


def test_measured_files_have_metrics_or_a_reason(session: Session, references: ReferenceSolos) -> None:
    good = chosen(session, walk(1, 16), "good.mid")
    (session.folder / "bad.mid").write_bytes(b"MThd nonsense")
    found = measure_desk.measure([good, Chosen(session.folder / "bad.mid", "bad <b>.mid")])
    assert [one.score is not None for one in found] == [True, False]
    assert found[0].used
    assert found[1].fault.startswith("bad <b>.mid: ")
    page = studio_views.measured_html(found, references)
    assert "Tune one bar 1" in page
    assert "pitch entropy" in page
    assert "bad &lt;b&gt;.mid" in page
    assert "<b>" not in page
    assert str(session.folder) not in page


def test_too_many_files_or_none_are_refused(session: Session) -> None:
    for files_ in ([], [chosen(session, walk(1, 4))] * 21):
        with pytest.raises(InputError, match="expected 1 to 20 files"):
            measure_desk.measure(files_)


def test_notation_is_drawn_in_any_thread() -> None:
    """Verovio finds its fonts by itself in the main thread only; the studio draws in others."""
    drawn: list[str] = []
    thread = Thread(target=lambda: drawn.append(draw_coloured(concert_sheet(walk(1, 4), "walk"))))
    thread.start()
    thread.join()
    assert drawn == [draw_coloured(concert_sheet(walk(1, 4), "walk"))]
