"""Solos to measure: handmade, random, and real ones if available."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from yardbird.music import midi
from yardbird.music.chords import Chord
from yardbird.music.score import ChordChange, Notes, Score, make_notes

Line = Callable[..., Score]


def make_line(
    pitches: list[int],
    onsets: list[float] | None = None,
    *,
    chords: dict[float, str] | None = None,
    beats: float | None = None,
    length: float = 0.5,
    phrases: tuple[float, ...] = (),
    ticks_per_beat: int = 480,
) -> Score:
    """A line in 4/4 from pitches and onsets in beats (default: eighths), with chords by beat and length `beats`."""
    places = [index / 2 for index in range(len(pitches))] if onsets is None else onsets
    rows = [(round(place * ticks_per_beat), round(length * ticks_per_beat), pitch, 80)
            for place, pitch in zip(places, pitches, strict=True)]  # fmt: skip
    end = max([onset + duration for onset, duration, *_ in rows], default=0)
    return Score(
        ticks_per_beat,
        make_notes(rows),
        max(end, round((beats or 0) * ticks_per_beat)),
        chords=tuple(
            ChordChange(round(beat * ticks_per_beat), Chord.parse(symbol)) for beat, symbol in (chords or {}).items()
        ),
        phrases=tuple(round(beat * ticks_per_beat) for beat in phrases),
    )


@pytest.fixture
def line() -> Line:
    return make_line


def random_solos(count: int, *, seed: int, spread: int = 3) -> list[Score]:
    """Eighths of random pitches, up to `spread` semitones around middle C."""
    pitches = 60 + np.random.default_rng(seed).integers(-spread, spread + 1, (count, 64))
    return [Score(2, make_notes([(place, 1, int(p), 80) for place, p in enumerate(line)]), 64) for line in pitches]


@pytest.fixture
def random_score() -> Score:
    """Sixty-four bars on the 1/12-beat grid with rests, under ii–V–I in F, without special features."""
    random = np.random.default_rng(7)
    onsets = np.sort(random.choice(64 * 48, 500, replace=False)) / 12
    cycle = ["Gm7", "C7", "Fmaj7", "N.C."]
    chords = {4.0 * bar: cycle[bar % 4] for bar in range(64)}
    return make_line(random.integers(50, 80, 500).tolist(), onsets.tolist(), chords=chords, length=1 / 12, beats=256)


def read_real(path: Path) -> Score:
    """A file of the sample data, without the head if it begins with one."""
    raw = midi.read_raw(path)
    (part,) = raw.parts
    start = next((text.tick for text in raw.texts if text.text == "SOLO"), 0)
    notes: Notes = part.notes[part.notes["onset_tick"] >= start].copy()
    notes["onset_tick"] -= start
    changes = [ChordChange(text.tick - start, Chord.parse(text.text)) for text in raw.texts if text.kind == "marker"]
    sounding = sum(change.tick <= 0 for change in changes)  # the last of these is in force at the start of the solo
    chords = [ChordChange(0, change.chord) for change in changes[max(sounding - 1, 0) : sounding]] + changes[sounding:]
    return Score(
        raw.ticks_per_beat,
        notes,
        int((notes["onset_tick"] + notes["duration_tick"]).max()),
        meters=raw.meters[:1],
        chords=tuple(chords),
        phrases=tuple(text.tick for text in raw.texts if text.text.startswith("PHRASE")),
    )


@pytest.fixture(scope="session")
def real_solos(shared: Path) -> dict[str, list[Score]]:
    """Real solos by player and edition, e.g. `parker/wjazzd`."""
    solos: dict[str, list[Score]] = {}
    for path in sorted(shared.glob("*/*__*.mid")):
        solos.setdefault(f"{path.parent.name}/{path.name.partition('__')[0]}", []).append(read_real(path))
    return solos
