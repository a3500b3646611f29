"""Any choice among the tokens that the grammar allows gives the requested solo."""

from typing import Any

import numpy as np
import pytest
from event_scores import CHOOSERS, CODEC, chords_or_none, grid_scores, walk
from hypothesis import given
from hypothesis import strategies as st

from yardbird.codecs.grammar import EventGrammar
from yardbird.errors import InputError
from yardbird.music.chords import Chord, chord_symbol
from yardbird.music.key_chords import belongs
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Score


@st.composite
def grammar_arguments(draw: st.DrawFn) -> dict[str, Any]:
    """Any arguments of a grammar."""
    bars = draw(st.integers(1, 4))
    meter = draw(st.none() | st.sampled_from(CODEC.meters))
    lowest = draw(st.integers(0, 127))
    chords = chorus = None
    if meter is not None:
        chorus = draw(st.none() | st.integers(1, 4))
        ticks = st.sets(st.integers(0, bars * 48 * meter[0] // meter[1] - 1), max_size=5)
        changes = ticks.flatmap(
            lambda chosen: st.tuples(
                *(st.builds(ChordChange, st.just(tick), chords_or_none()) for tick in sorted(chosen))
            )
        )
        chords = draw(st.none() | changes)
    return {
        "bars": bars,
        "pitch_range": (lowest, draw(st.integers(lowest, 127))),
        "chords": chords,
        "key": draw(st.none() | st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"]))),
        "chorus_bars": chorus,
        "meter": meter,
        "qpm": draw(st.none() | st.floats(30, 400)),
        "artist": draw(st.none() | st.sampled_from(CODEC.artists)),
        "at_rest": draw(st.booleans()),
        "meter_changes": draw(st.booleans()) if not (chords or chorus) else False,
        "tempo_changes": draw(st.booleans()),
    }


def check_solo(score: Score, arguments: dict[str, Any]) -> None:
    assert score.bar_count == arguments["bars"]
    assert score.is_monophonic
    assert score.offsets.max(initial=0) <= score.end_tick
    assert score.durations.min(initial=1) >= 1
    lowest, highest = arguments["pitch_range"]
    assert np.all((score.pitches >= lowest) & (score.pitches <= highest))
    if arguments["chords"] is not None:
        assert score.chords == tuple(arguments["chords"])
    elif arguments["key"] is not None:
        drawn = [change.chord for change in score.chords if change.chord]
        assert all(belongs(chord, arguments["key"]) for chord in drawn)
        assert all(chord.root == arguments["key"].tonic for chord in drawn[:1])
    if arguments["meter"] is not None:
        assert (score.meters[0].numerator, score.meters[0].denominator) == arguments["meter"]
    if arguments["at_rest"]:
        assert score.onsets.max(initial=-20) <= score.end_tick - 18  # one and a half beats of twelve steps
    assert arguments["meter_changes"] or len(score.meters) == 1
    assert arguments["tempo_changes"] or len(score.tempos) == 1
    if arguments["qpm"] is not None:
        assert score.tempos[0].qpm == CODEC.tempos[np.argmin(np.abs(np.log(CODEC.tempos / arguments["qpm"])))]


@given(arguments=grammar_arguments(), chooser=st.sampled_from(sorted(CHOOSERS)), seed=st.integers(0, 2**32))
def test_every_walk_ends_in_the_requested_solo(arguments: dict[str, Any], chooser: str, seed: int) -> None:
    tokens = walk(EventGrammar(CODEC, **arguments), CHOOSERS[chooser], seed)
    score = CODEC.decode(tokens)
    check_solo(score, arguments)
    artist = CODEC.artists[CODEC.value_of[tokens[1]]]
    assert arguments["artist"] in (None, artist)
    np.testing.assert_array_equal(CODEC.encode(score, artist), tokens)


@given(arguments=grammar_arguments(), seed=st.integers(0, 2**32))
def test_a_mask_of_the_table_allows_the_tokens_of_its_spans(arguments: dict[str, Any], seed: int) -> None:
    """All solos share the table, so no caller may change a mask."""
    random, grammar = np.random.default_rng(seed), EventGrammar(CODEC, **arguments)
    while not grammar.finished:
        mask, expected = grammar.allowed(), {token for span in grammar.spans() for token in range(*span)}
        assert set(np.flatnonzero(mask).tolist()) == expected
        with pytest.raises(ValueError, match="read-only"):
            mask[0] = True
        grammar.advance(int(random.choice(sorted(expected))))


@given(score=grid_scores(one_meter=True), data=st.data(), seed=st.integers(0, 2**32))
def test_every_prefix_of_a_stream_is_a_prime_that_can_be_continued(
    score: Score, data: st.DataObject, seed: int
) -> None:
    bars = score.bar_count + data.draw(st.integers(0, 3))
    stream = CODEC.encode_grid(score, "Ada Line", total_bars=bars)
    prime = stream[: data.draw(st.integers(0, len(stream) - 1))]
    arguments = {
        "bars": bars,
        "pitch_range": (50, 80),
        "meter_changes": False,
        "tempo_changes": data.draw(st.booleans()),
    }
    chooser = data.draw(st.sampled_from(sorted(CHOOSERS)))
    tokens = walk(EventGrammar(CODEC, **arguments), CHOOSERS[chooser], seed, prime.tolist())
    np.testing.assert_array_equal(tokens[: len(prime)], prime)
    continued = CODEC.decode(tokens)
    assert continued.bar_count == arguments["bars"]
    assert continued.is_monophonic


@given(score=grid_scores())
def test_the_grammar_allows_every_encoded_score(score: Score) -> None:
    grammar = EventGrammar(CODEC, bars=score.bar_count, pitch_range=(0, 127), meter_changes=True, tempo_changes=True)
    shortest = CODEC.meter_steps.min()
    bars = np.append(score.bar_ticks, score.end_tick)
    latest = bars[score.bar_of(score.onsets) + 1] + (score.bar_count - 1 - score.bar_of(score.onsets)) * shortest
    if np.any(score.offsets > latest):
        return  # the note would be too long if all later bars had the shortest meter
    for token in CODEC.encode_grid(score, None).tolist():
        assert grammar.allowed()[token], CODEC.vocabulary[token]
        grammar.advance(token)
    assert grammar.finished


def test_the_grammar_allows_every_real_solo(real_solos: dict[str, Score]) -> None:
    for score in real_solos.values():
        grid = CODEC.grid(score).score
        meter = (grid.meters[0].numerator, grid.meters[0].denominator)
        grammar = EventGrammar(
            CODEC, bars=grid.bar_count, pitch_range=(36, 96), chords=grid.chords, meter=meter, tempo_changes=True
        )
        for token in CODEC.encode_grid(grid, None).tolist():
            assert grammar.allowed()[token], CODEC.vocabulary[token]
            grammar.advance(token)
        assert grammar.finished


def test_given_chords_are_at_their_steps_after_a_prime_with_other_chords(make_score: Any) -> None:
    prime = CODEC.prime(make_score([(0, 1, 60), (5, 3, 62)], [(0, "F7"), (4, "Bb7")], beats=16), 2, None, 4)
    assert np.sum(prime == CODEC.ids("Bar").start) == 2
    changes = [ChordChange(0, Chord.parse("C7")), ChordChange(96, Chord.parse("Dm7/G")), ChordChange(150, None)]
    grammar = EventGrammar(CODEC, bars=4, pitch_range=(60, 72), chords=changes, meter=(4, 4))
    score = CODEC.decode(walk(grammar, CHOOSERS["any"], prime=prime.tolist()))
    assert score.chords == (
        ChordChange(0, Chord.parse("F7")),
        ChordChange(48, Chord.parse("Bb7")),
        *changes[1:],
    )
    assert score.notes[:2].tolist() == [(0, 12, 60, 87), (60, 36, 62, 87)]


@given(bars=st.integers(1, 7), chorus=st.integers(1, 3), seed=st.integers(0, 2**32))
def test_all_choruses_have_the_changes_of_the_first(bars: int, chorus: int, seed: int) -> None:
    grammar = EventGrammar(CODEC, bars=bars, pitch_range=(60, 72), chorus_bars=chorus, meter=(4, 4))
    score = CODEC.decode(walk(grammar, CHOOSERS["any kind"], seed))
    steps = np.arange(score.end_tick)
    symbols = np.array(["", *(chord_symbol(change.chord) for change in score.chords)])
    sounding = symbols[score.chord_index_of(steps) + 1]
    first = int(score.chords[0].tick) if score.chords else score.end_tick  # until then, the last chord continues
    later = steps[(steps >= 48 * chorus) & (steps % (48 * chorus) >= first)]
    assert np.array_equal(sounding[later], sounding[later % (48 * chorus)])
    assert len(score.chords) == 0 or score.chords[0].tick < 48 * chorus


def test_in_a_key_the_chords_of_a_prime_are_kept_and_later_chords_are_in_the_key(make_score: Any) -> None:
    """The prime's B and A are outside C minor. Later chords are in C minor, and the first need not be a tonic chord."""
    prime = CODEC.prime(make_score([(0, 1, 60), (5, 3, 62)], [(0, "B"), (4, "A")], beats=16), 2, None, 6)
    key, roots = Key.parse("C minor"), set()
    for seed in range(20):
        grammar = EventGrammar(CODEC, bars=6, pitch_range=(60, 72), key=key, meter=(4, 4))
        score = CODEC.decode(walk(grammar, CHOOSERS["any kind"], seed, prime.tolist()))
        drawn = [change.chord for change in score.chords if change.tick >= 96 and change.chord]
        assert [chord_symbol(change.chord) for change in score.chords[:2]] == ["B", "A"]
        assert all(belongs(chord, key) for chord in drawn)
        roots |= {chord.root for chord in drawn[:1]}
    assert len(roots) > 3


def test_a_prime_longer_than_the_solo_is_refused(make_score: Any) -> None:
    prime = CODEC.prime(make_score([(0, 1, 60), (13, 1, 62)]), 4, None, 3)
    grammar = EventGrammar(CODEC, bars=3, pitch_range=(60, 72))
    with pytest.raises(InputError, match="bar 3: expected at most 3 bars, found Bar_None"):
        walk(grammar, CHOOSERS["any"], prime=prime.tolist())


@pytest.mark.parametrize(("counted_to", "found"), [(5, "Bar_None"), (9, "Bar_None"), (3, "Left_3")])
def test_a_prime_that_counts_down_to_another_end_is_refused(make_score: Any, counted_to: int, found: str) -> None:
    prime = CODEC.prime(make_score([(5, 1, 60), (13, 1, 62)]), 2, None, counted_to)
    grammar = EventGrammar(CODEC, bars=4, pitch_range=(60, 72))
    with pytest.raises(InputError, match=f"bar 1: expected the countdown to the end of 4 bars, found {found}"):
        walk(grammar, CHOOSERS["any"], prime=prime.tolist())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"bars": 0}, "bars: expected at least 1, found 0"),
        ({"pitch_range": (70, 60)}, "pitch range: expected lowest to highest"),
        ({"artist": "Nobody"}, "artist: expected one of unknown, Ada Line, Bo Dense, found Nobody"),
        ({"meter": (17, 4)}, "meter 17/4: expected a bar of at most 8 beats"),
        ({"chords": [ChordChange(96, None)], "meter": (4, 4)}, "chords: expected changes within 2 bars"),
        ({"chords": [ChordChange(9, None), ChordChange(9, None)], "meter": (4, 4)}, "chords: expected ascending"),
    ],
)
def test_contradictory_arguments_are_refused_in_one_line(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        EventGrammar(CODEC, **{"bars": 2, "pitch_range": (50, 80), **arguments})


@pytest.mark.parametrize(("position", "shortest"), [(30, 6), (29, 1), (26, 1), (0, 1)])
def test_the_last_note_of_a_solo_at_rest_has_at_least_half_a_beat(position: int, shortest: int) -> None:
    """One solo in twelve ended on the first notes of a triplet turn. No note starts after step 30 of 48."""
    grammar = EventGrammar(CODEC, bars=1, pitch_range=(60, 72), chords=(), meter=(4, 4), qpm=120, at_rest=True)
    stream = (
        f"BOS_None Artist_unknown Bar_None TimeSig_4/4 Tempo_122.84 Left_1 Position_{position} Pitch_60 Velocity_87"
    )
    for word in stream.split():
        grammar.advance(CODEC.vocabulary.index(word))
    durations = CODEC.value_of[np.flatnonzero(grammar.allowed())].tolist()
    room = 30 - position
    assert durations == [*range(1, room + 1), *range(max(6, room + 1), 48 - position + 1)]
    assert durations[0] == shortest


def test_the_unknown_artist_can_be_excluded() -> None:
    """Background players share `Artist_unknown`: a model trained on them would imitate them."""
    grammar = EventGrammar(CODEC, bars=1, pitch_range=(49, 81), unknown_artist=False)
    grammar.advance(CODEC.bos_id)
    assert [CODEC.artists[CODEC.value_of[token]] for token in np.flatnonzero(grammar.allowed())] == [
        "Ada Line",
        "Bo Dense",
    ]
