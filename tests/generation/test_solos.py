import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing import CHARTS, DRAW_FUNCTIONS, draw_at_random, settings
from event_scores import CODEC

from yardbird import files
from yardbird.audio.wave import read_wave
from yardbird.codecs.events import Tokens
from yardbird.errors import InputError, YardbirdError
from yardbird.generation.leadsheet import LeadSheet, read_lead_sheet
from yardbird.generation.orders import Order, changes, length_bars, numbered, plan, read_prime, repeated
from yardbird.generation.solos import Solo, faults, write_measured, write_solo, write_solos
from yardbird.generation.source import Draw
from yardbird.generation.token_solos import draw as draw_tokens
from yardbird.music.chords import chord_symbol
from yardbird.music.key_chords import belongs
from yardbird.music.keyfinding import estimate_key
from yardbird.music.midi import read_score, write_score
from yardbird.music.pitch import Key
from yardbird.music.score import Meter, Score, Tempo, make_notes

SHEETS = {path.stem: read_lead_sheet(path) for path in sorted(CHARTS.glob("*.txt"))}
BLUES = SHEETS["blues_in_f"]


def tune(bars: int, meter: tuple[int, int] = (4, 4)) -> Score:
    """Even quarters over F7, at 210."""
    steps = 48 * meter[0] // meter[1]
    notes = make_notes([(12 * beat, 12, 60 + beat % 12, 87) for beat in range(bars * steps // 12)])
    changes = LeadSheet.parse("F7").chord_changes(12, 1)
    return Score(12, notes, bars * steps, tempos=(Tempo(0, 210.0),), meters=(Meter(0, *meter),), chords=changes)


@pytest.fixture(params=sorted(DRAW_FUNCTIONS))
def draw(request: pytest.FixtureRequest) -> Draw:
    return DRAW_FUNCTIONS[request.param]


@pytest.fixture
def prime_file(tmp_path: Path) -> Path:
    write_score(tune(6), tmp_path / "opening.mid")
    return tmp_path / "opening.mid"


def test_every_solo_is_legal_and_has_exactly_the_bars_and_chords_requested(draw: Draw) -> None:
    """Solos of 32 bars over each chart and without a chart."""
    config = settings(bars=32, solos_per_chart=2, free=2)
    solos = draw(plan(config), config, 0)
    assert len(solos) == 8
    for solo in solos:
        assert faults(solo, config) == []
        assert solo.score.bar_count == 32
        if solo.order.sheet:
            assert solo.score.chords == solo.order.sheet.chord_changes(12, 32)
            assert solo.score.key == solo.order.sheet.key
            assert solo.score.tempos == (Tempo(0, solo.order.sheet.qpm or 0),)


@pytest.mark.parametrize(
    ("bars", "chorus", "whole"),
    [(32, 12, 36), (32, 32, 32), (32, 8, 32), (32, 64, 64), (8, 12, 12), (8, 32, 32), (30, 12, 36), (29, 12, 24)],
)
def test_a_solo_over_a_chart_has_the_whole_choruses_nearest_to_the_bars_requested(
    bars: int, chorus: int, whole: int
) -> None:
    """Regression: 32 bars over a blues stopped in bar 8 of its third chorus."""
    sheet = LeadSheet.parse(" | ".join(["F7"] * chorus))
    config = settings(bars=bars, whole_choruses=True)
    lengths = [count * chorus for count in range(1, 50)]
    assert length_bars(config, sheet) == whole
    assert abs(whole - bars) == min(abs(length - bars) for length in lengths)
    assert length_bars(config, None) == length_bars(settings(bars=bars), sheet) == bars


def test_solos_of_one_batch_can_differ_in_length(draw: Draw) -> None:
    config = settings(bars=8, whole_choruses=True)
    solos = draw(plan(config), config, 0)
    assert {solo.order.name.partition("/")[0]: solo.score.bar_count for solo in solos} == {
        "free": 8, "blues_in_f": 12, "rhythm_changes_in_bb": 32, "two_fives_in_eb": 32,
    }  # fmt: skip
    assert [faults(solo, config) for solo in solos] == [[]] * 4


def test_a_primed_solo_over_a_chart_has_whole_choruses_including_its_prime(draw: Draw, prime_file: Path) -> None:
    config = settings(bars=8, whole_choruses=True)
    (solo,) = draw(numbered("both", 1, config, BLUES, read_prime(prime_file, 2)), config, 0)
    assert (solo.score.bar_count, solo.primed_bars) == (12, 2)


def test_a_free_solo_has_chords_of_one_key_that_depends_on_the_seed() -> None:
    """Regression: a solo in C minor had the chords Em6, Dbmaj7, B and A."""
    config = settings(bars=16)
    solos = DRAW_FUNCTIONS["tokens"](numbered("free", 6, config), config, 0)
    for solo in solos:
        assert solo.score.key is not None
        chords = [change.chord for change in solo.score.chords if change.chord]
        assert chords[0].root == solo.score.key.tonic
        assert all(belongs(chord, solo.score.key) for chord in chords)
    assert len({solo.score.key for solo in solos}) > 2
    again = DRAW_FUNCTIONS["tokens"](numbered("free", 6, config), config, 0)
    assert [solo.score.key for solo in again] == [solo.score.key for solo in solos]


def test_a_free_solo_is_in_the_key_requested_else_in_that_of_its_prime(prime_file: Path) -> None:
    requested, primed = Key.parse("Ab minor"), Key.parse("D minor")
    prime = read_prime(prime_file, 2)
    prime = replace(prime, score=replace(prime.score, key=primed))
    orders = [Order("free", 8), Order("primed", 8, prime=prime), Order("blues", 8, BLUES)]
    keys = [solo.score.key for solo in DRAW_FUNCTIONS["tokens"](orders, settings(key="Ab minor"), 0)]
    assert keys == [requested, requested, BLUES.key]
    assert DRAW_FUNCTIONS["tokens"](orders, settings(), 0)[1].score.key == primed
    scale = make_notes([(12 * beat, 12, pitch, 90) for beat, pitch in enumerate([62, 64, 66, 67, 69, 71, 73, 74])])
    unnamed = replace(prime, score=replace(prime.score, notes=scale, key=None))
    (solo,) = DRAW_FUNCTIONS["tokens"]([Order("primed", 8, prime=unnamed)], settings(), 0)
    assert solo.score.key == estimate_key(scale) == Key.parse("D major")


def test_the_changes_of_a_free_solo_repeat_after_a_chorus(prime_file: Path) -> None:
    config = settings(bars=12, free_chorus=4)
    free, primed = DRAW_FUNCTIONS["tokens"](
        [Order("free", 12), Order("p", 12, prime=read_prime(prime_file, 1))], config, 3
    )
    first = [(change.tick, change.chord) for change in free.score.chords if change.tick < 4 * 48]
    third = [(change.tick - 8 * 48, change.chord) for change in free.score.chords if change.tick >= 8 * 48]
    assert third == first[len(first) - len(third) :]
    assert len(first) - len(third) in (0, 1)  # a first chord that sounds already does not change
    sounding = [(change.tick % (4 * 48), change.chord) for change in primed.score.chords]
    assert len(set(sounding)) > len(sounding) / 3 + 1  # through-composed


@pytest.mark.slow
def test_two_hundred_solos_over_the_three_charts_are_legal(draw: Draw) -> None:
    config = settings(bars=32, solos_per_chart=67, free=0)
    solos = draw(plan(config)[:200], config, 1)
    assert len(solos) == 200
    assert [faults(solo, config) for solo in solos] == [[]] * 200


def test_an_illegal_solo_is_never_returned() -> None:
    """Regression: the module documented checks but made none."""

    def cheat(*_: object) -> list[Tokens]:
        return [CODEC.encode(tune(3), None)]

    with pytest.raises(AssertionError, match="free/solo_000: 3 bars"):
        draw_tokens(cheat, CODEC, [Order("free/solo_000", 4)], settings(), seed=0)


def test_faults_of_an_illegal_solo_are_found(draw: Draw) -> None:
    config = settings(bars=4)
    (solo,) = draw(numbered("blues", 1, config, BLUES), config, 1)

    def broken(score: Score) -> list[str]:
        return faults(Solo(solo.order, 0, score), config)

    def with_notes(rows: list[tuple[int, int, int, int]]) -> Score:
        return replace(solo.score, notes=make_notes(rows))

    assert broken(replace(solo.score, end_tick=5 * 48)) == ["5 bars"]
    assert broken(replace(solo.score, notes=make_notes([]), end_tick=4 * 48 - 1)) == ["4 bars"]
    assert broken(with_notes([(0, 24, 60, 90), (12, 12, 62, 90)])) == ["not monophonic"]
    assert broken(with_notes([(0, 12, 99, 90)])) == ["pitches 99 to 99"]
    assert broken(with_notes([(180, 24, 60, 90)])) == ["a last note that does not end"]
    assert broken(replace(solo.score, chords=solo.score.chords[1:])) == ["other chords than the chart's"]


def test_a_primed_solo_begins_with_its_prime_and_counts_it(draw: Draw, prime_file: Path) -> None:
    prime = read_prime(prime_file, 2)
    config = settings(bars=8)
    (solo,) = draw(numbered("primed", 1, config, prime=prime), config, 0)
    opening = solo.score.notes[solo.score.onsets < 96]
    expected = CODEC.grid(tune(6)).score.notes[:8]
    assert np.array_equal(opening, expected)
    assert solo.score.bar_count == 8
    assert solo.primed_bars == 2
    assert faults(solo, config) == []


def test_a_primed_solo_continues_over_the_chart(draw: Draw, prime_file: Path) -> None:
    config = settings(bars=8)
    order = Order("both/solo_000", 8, BLUES, read_prime(prime_file, 2))
    (solo,) = draw([order], config, 0)
    expected = BLUES.chord_changes(12, 8)
    assert [c for c in solo.score.chords if c.tick >= 96] == [c for c in expected if c.tick >= 96]
    assert faults(solo, config) == []


def test_a_chart_chord_that_began_during_the_prime_sounds_after_it(draw: Draw, prime_file: Path) -> None:
    """Regression: the prime's last chord lasted until the chart's next change."""
    sheet = LeadSheet.parse("Bb7 | % | % | % | C7")
    config = settings(bars=8)
    (solo,) = draw([Order("both/solo_000", 8, sheet, read_prime(prime_file, 2))], config, 0)
    sounding = [(change.tick, chord_symbol(change.chord)) for change in solo.score.chords]
    assert sounding == [(0, "F7"), (96, "Bb7"), (192, "C7"), (240, "Bb7")]


@pytest.mark.parametrize("meter", ["3/4", "5/4", "6/8", "2/2"])
def test_a_solo_is_in_the_meter_of_its_chart(draw: Draw, meter: str) -> None:
    sheet = LeadSheet.parse(f"meter: {meter}\nF7 | Bb7")
    (solo,) = draw([Order("chart", 5, sheet)], settings(), 0)
    assert solo.score.meters == (sheet.meter,)
    assert solo.score.bar_count == 5


def test_a_pickup_is_added_to_the_bars_of_the_prime(draw: Draw, tmp_path: Path) -> None:
    notes = make_notes([(12 * beat, 12, 65, 90) for beat in range(25)])
    meters = (Meter(0, 1, 4), Meter(12, 4, 4))
    write_score(Score(12, notes, 12 + 6 * 48, meters=meters), tmp_path / "pickup.mid")
    prime = read_prime(tmp_path / "pickup.mid", 2)
    assert prime.bars == 3
    (solo,) = draw([Order("primed", 5, prime=prime)], settings(), 0)
    assert solo.score.meters == meters
    assert solo.score.bar_count == 5


def test_a_pickup_over_a_chart_is_refused_by_name(draw: Draw, tmp_path: Path) -> None:
    """Regression: it failed as "bar 1: expected the meter of the given chords, found TimeSig_1/4"."""
    notes = make_notes([(12 * beat, 12, 65, 90) for beat in range(25)])
    score = Score(12, notes, 12 + 6 * 48, meters=(Meter(0, 1, 4), Meter(12, 4, 4)))
    write_score(score, tmp_path / "pickup.mid")
    order = Order("both/solo_000", 8, BLUES, read_prime(tmp_path / "pickup.mid", 2))
    with pytest.raises(InputError, match=r"pickup\.mid: expected a prime of whole bars .*, found a pickup"):
        draw([order], settings(), 0)


def test_the_chart_and_the_prime_of_one_file_start_at_the_same_bar(tmp_path: Path) -> None:
    """Regression: the chart's bar 1 was the file's, the prime's the first with a note."""
    notes = make_notes([(12 * beat, 12, 60 + beat % 12, 87) for beat in range(8, 24)])  # after two empty bars
    chords = LeadSheet.parse("F7 | F7 | Bb7 | C7 | Dm7 | Gm7").chord_changes(12, 6)
    path = tmp_path / "late.mid"
    write_score(Score(12, notes, 6 * 48, chords=chords), path)
    (order,) = plan(settings(charts=str(tmp_path), free=0))
    assert order.sheet is not None
    assert order.sheet.bars == LeadSheet.parse("Bb7 | C7 | Dm7 | Gm7").bars
    assert changes(path, order.prime) == order.sheet
    assert changes(path, None).bars[:2] == LeadSheet.parse("F7 | F7").bars


def test_a_prime_in_another_meter_than_its_chart_is_refused(draw: Draw, tmp_path: Path) -> None:
    write_score(tune(6, (3, 4)), tmp_path / "waltz.mid")
    order = Order("both/solo_000", 8, BLUES, read_prime(tmp_path / "waltz.mid", 2))
    with pytest.raises(InputError, match="meter"):
        draw([order], settings(), 0)


def test_a_file_shorter_than_the_prime_requested_is_refused(prime_file: Path) -> None:
    with pytest.raises(InputError, match="at least 7 bars, found 6"):
        read_prime(prime_file, 7)


def test_a_prime_that_leaves_nothing_to_draw_is_refused(draw: Draw, prime_file: Path) -> None:
    order = Order("primed/solo_000", 4, prime=read_prime(prime_file, 4))
    with pytest.raises(InputError, match="less than 4 bars, found 4"):
        draw([order], settings(bars=4), 0)


def test_an_artist_outside_the_training_data_is_refused() -> None:
    with pytest.raises(InputError, match="one of the artists unknown, Ada Line, Bo Dense"):
        DRAW_FUNCTIONS["tokens"](numbered("free", 1, settings()), settings(artist="coltrane"), 0)

    def listen(primes: Sequence[Tokens], *rest: Any) -> list[Tokens]:
        rows = draw_at_random(primes, *rest)
        artists.extend(int(row[1]) for row in rows)
        return rows

    artists: list[int] = []
    draw_tokens(listen, CODEC, numbered("free", 1, settings()), settings(artist="Ada Line"), seed=0)
    assert artists == [CODEC.artist_id("Ada Line")]


def test_the_orders_are_free_solos_and_solos_over_every_chart_and_midi_file_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("F7")
    write_score(tune(6), tmp_path / "a.mid")
    (tmp_path / "readme.md").write_text("no chart")
    orders = plan(settings(charts=str(tmp_path), free=1, solos_per_chart=2))
    assert [order.name for order in orders] == [
        "free/solo_000", "a/solo_000", "a/solo_001", "b/solo_000", "b/solo_001",
    ]  # fmt: skip
    assert [order.prime.bars if order.prime else 0 for order in orders] == [0, 2, 2, 0, 0]
    assert plan(settings(charts=str(tmp_path), prime_bars=0))[1].prime is None


def test_each_tune_of_a_book_and_a_chordpro_file_are_charts(tmp_path: Path) -> None:
    """Regression: only .txt and MIDI files of a folder of charts were read, other files were ignored without notice."""
    tune = 'X:{}\nM:4/4\nL:1/8\nK:F\n"F7"FGAB cdef|"Bb7"fedc BAGF|\n'
    (tmp_path / "book.abc").write_text(tune.format(1) + "\n" + tune.format(2), encoding="utf-8")
    (tmp_path / "slow.cho").write_text("{title: Slow}\n[F7]Slow boat [Bb7]home\n", encoding="utf-8")
    orders = plan(settings(charts=str(tmp_path), free=0, solos_per_chart=1, prime_bars=1))
    assert [order.name for order in orders] == ["book_1/solo_000", "book_2/solo_000", "slow/solo_000"]
    assert [len(order.sheet.bars) for order in orders if order.sheet] == [2, 2, 2]
    assert [order.prime is not None for order in orders] == [True, True, False]


def test_solos_after_two_tunes_of_one_file_name_the_tune_and_the_hash_of_the_file(tmp_path: Path) -> None:
    tune = "X:{}\nM:4/4\nL:1/8\nK:F\nFGAB cdef|fedc BAGF|\n"
    (tmp_path / "book.abc").write_text(tune.format(1) + "\n" + tune.format(2), encoding="utf-8")
    prime = read_prime(tmp_path / "book.abc#2", 1)
    drawn = Solo(Order("after_book_2", 2, prime=prime), 0, prime.score)
    write_solo(drawn, tmp_path / "solo", settings(), 0, {}, {})
    facts = json.loads((tmp_path / "solo.json").read_text(encoding="utf-8"))["prime"]
    assert (facts["file"], facts["sha256"]) == ("book.abc#2", files.sha256(tmp_path / "book.abc"))


@pytest.mark.parametrize(("chart", "message"), [("free.txt", "two of 'free'"), ("A.txt", "two of 'a'")])
def test_two_solos_with_the_same_name_are_refused(tmp_path: Path, chart: str, message: str) -> None:
    """Regression: the second overwrote the first without notice."""
    (tmp_path / chart).write_text("F7")
    write_score(tune(6), tmp_path / "a.mid")
    with pytest.raises(InputError, match=f"a different name for each chart, found {message}"):
        plan(settings(charts=str(tmp_path)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bars": 0}, "bars: expected 1 to 1024, found 0"),
        ({"free": -1}, "free: expected 0 or more"),
        ({"temperature": -0.1}, "temperature: expected 0 or more"),
        ({"top_k": 0}, "top_k: expected 1 to 1000000"),
        ({"top_p": 0.0}, "top_p: expected above 0"),
        ({"min_p": 1.5}, "min_p: expected above 0"),
        ({"lowest_pitch": 90}, "below the highest_pitch 81, found 90"),
        ({"qpm": 5.0}, "qpm: expected 20 to 500"),
        ({"free_chorus": 0}, "free_chorus: expected 1 or more, found 0"),
        ({"key": "H major"}, "key: expected a key such as Bb major or D minor, found 'H major'"),
    ],
)
def test_impossible_settings_give_a_one_line_error(changes: dict[str, float], message: str) -> None:
    with pytest.raises(YardbirdError) as error:
        settings(**changes)
    assert message in str(error.value)


def test_nothing_to_draw_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither"):
        plan(settings(charts=str(tmp_path), free=0))
    with pytest.raises(InputError, match="no folder"):
        plan(settings(charts=str(tmp_path / "absent")))


def test_a_dot_is_part_of_the_name_of_a_solo(tmp_path: Path) -> None:
    """Regression: "St. Thomas_seed0_000" and "…_001" were both written as St.mid."""
    config = settings(bars=1)
    (solo,) = DRAW_FUNCTIONS["tokens"](numbered("free", 1, config), config, 0)
    write_solo(solo, tmp_path / "St. Thomas_000", config, 0, {}, {})
    assert {path.name for path in tmp_path.iterdir()} == {
        f"St. Thomas_000.{end}" for end in ("mid", "wav", "png", "json")
    }


def test_further_solos_to_evaluate_follow_the_generated_ones_and_repeat_their_orders_in_turn() -> None:
    orders = plan(settings(free=1, solos_per_chart=2))
    more = repeated(orders, 2 * len(orders) + 2)
    assert more[: len(orders)] == orders
    assert [order.sheet for order in more[len(orders) : -2]] == [order.sheet for order in orders]
    assert more[-2:] == [replace(orders[0], name="free/solo_002"), replace(orders[1], name=f"{_chart(orders[1])}_004")]
    assert len({order.name for order in more}) == len(more)
    assert repeated(orders, 1) == orders


def _chart(order: Order) -> str:
    return order.name.removesuffix("_000")


@pytest.mark.parametrize("drawer", sorted(DRAW_FUNCTIONS))
def test_the_generated_solos_do_not_depend_on_the_number_evaluated(drawer: str, tmp_path: Path) -> None:
    config = settings(bars=2)
    orders = plan(config)
    few, many = (DRAW_FUNCTIONS[drawer](repeated(orders, count), config, 3) for count in (1, 9))
    assert [solo.order for solo in many[: len(few)]] == [solo.order for solo in few]
    for one, other in zip(few, many, strict=False):
        assert np.array_equal(one.score.notes, other.score.notes)
    write_measured(many, tmp_path / "measured", 3)
    with (tmp_path / "measured/manifest.csv").open() as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    assert paths == [f"{solo.order.name}.mid" for solo in many]
    found = [path for path in (tmp_path / "measured").rglob("*") if path.is_file()]
    assert len(found) == 9 + 1
    assert read_score(tmp_path / "measured" / paths[-1]).chords == many[-1].score.chords


def test_the_band_and_the_count_in_are_in_the_wav_only(tmp_path: Path) -> None:
    (solo,) = DRAW_FUNCTIONS["tokens"]([Order("blues", 4, BLUES)], settings(), 0)
    for name, config in (
        ("alone", settings()),
        ("counted", settings(count_in=True)),
        ("band", settings(comping=True, drums=True, count_in=True)),
    ):
        write_solo(solo, tmp_path / name, config, 0, {}, {})
    midi, sound = ({path.stem: path for path in tmp_path.glob(f"*.{end}")} for end in ("mid", "wav"))
    assert len({path.read_bytes() for path in midi.values()}) == 1
    assert len({path.read_bytes() for path in sound.values()}) == 3
    count_ins = {name: files.read_json(tmp_path / f"{name}.json")["count_in_seconds"] for name in sound}
    assert count_ins == {"alone": 0, "counted": 1.2, "band": 1.2}  # a bar at 200
    seconds = {name: read_wave(path).seconds for name, path in sound.items()}
    assert seconds["counted"] - seconds["alone"] == pytest.approx(1.2, abs=1e-4)


def test_each_solo_is_written_as_midi_sound_picture_and_provenance(tmp_path: Path, prime_file: Path) -> None:
    config = settings(bars=4)
    orders = [*numbered("free", 1, config), Order("blues/solo_000", 4, BLUES, read_prime(prime_file, 2))]
    solos = DRAW_FUNCTIONS["tokens"](orders, config, 3)
    model = {"family": "chance", "sha256": "0"}
    for out in ("first", "second"):
        write_solos(solos, tmp_path / out, config, 3, model, {})
    written = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file())
    stems = ["blues/solo_000", "free/solo_000"]
    ends = [".json", ".mid", ".png", ".wav"]
    assert [str(path) for path in written] == [f"{stem}{end}" for stem in stems for end in ends] + ["manifest.csv"]
    for path in written:
        assert (tmp_path / "first" / path).read_bytes() == (tmp_path / "second" / path).read_bytes(), path
    assert read_score(tmp_path / "first/blues/solo_000.mid").chords == solos[1].score.chords
    provenance = files.read_json(tmp_path / "first/blues/solo_000.json")
    assert (provenance["seed"], provenance["index"], provenance["model"], provenance["bars"]) == (3, 1, model, 4)
    assert provenance["prime"] == {"file": "opening.mid", "sha256": files.sha256(prime_file), "bars": 2}
    assert LeadSheet.parse(provenance["chart"]) == BLUES
    assert provenance["settings"]["temperature"] == 1.0
    with (tmp_path / "first/manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["solo"], row["chart"]) for row in rows] == [("free/solo_000", ""), ("blues/solo_000", "Blues in F")]
