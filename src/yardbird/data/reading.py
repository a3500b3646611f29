"""A foreign file's events made sense of: raw MIDI in, a score out, and flags for everything that had to be decided."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from yardbird.config import PARAMS
from yardbird.data.bar_lines import bar_lines, divide_bars, refuse_medley, tempo_map
from yardbird.data.solo_line import Line, choose_part, melodic_line
from yardbird.errors import ConfigError, InputError
from yardbird.music.chords import Chord
from yardbird.music.keyfinding import estimate_key
from yardbird.music.midi import RawMidi, RawText, read_raw
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Meter, Score, Section, Tempo

_PHRASE = re.compile(r"PHRASE\b.*", re.I)
_SECTION = re.compile(
    r"(?:SECTION )?((?:HEAD|SOLO|FORM|CHORUS|INTRO|VERSE|BRIDGE|CODA|OUTRO|ENDING)\b.*)|SECTION (.+)", re.I
)
_END = "END"  # our own files say where the last bar ends, which may be a bar without notes

Event = TypeVar("Event", bound=Tempo | Meter | ChordChange | Section)


@dataclass(frozen=True)
class IngestConfig:
    """Section `ingest` of params.yaml."""

    min_notes: int  # a file with fewer notes in its solo line is rejected
    min_bars: int
    max_bars: int  # a longer file is a medley or broken
    chord_share: float  # texts or lyrics count as chords where at least this share of them parses
    qpm_range: tuple[float, ...]  # mean tempo of a solo; a file outside is rejected
    longest_bar_beats: int  # in quarter notes; longer bars are divided

    def __post_init__(self) -> None:
        for key, low in (("min_notes", 1), ("min_bars", 1), ("max_bars", self.min_bars)):
            if getattr(self, key) < low:
                raise ConfigError(PARAMS, f"ingest.{key}", expected=f"{low} or more", found=str(getattr(self, key)))
        if not 0 < self.chord_share <= 1:
            expected, found = "above 0, at most 1", str(self.chord_share)
            raise ConfigError(PARAMS, "ingest.chord_share", expected=expected, found=found)
        if len(self.qpm_range) != 2 or not 0 < self.qpm_range[0] < self.qpm_range[1]:
            found = str(list(self.qpm_range))
            raise ConfigError(PARAMS, "ingest.qpm_range", expected="lowest, highest", found=found)
        if self.longest_bar_beats < 1:
            found = str(self.longest_bar_beats)
            raise ConfigError(PARAMS, "ingest.longest_bar_beats", expected="1 or more", found=found)


#: What section `ingest` asks of a training file does not bind a prime, or a solo to be encoded.
ANY_SOLO = IngestConfig(
    min_notes=1, min_bars=1, max_bars=5000, chord_share=0.8, qpm_range=(1, 10_000), longest_bar_beats=8
)


@dataclass(frozen=True)
class Reading:
    """A score and what it took to read it."""

    score: Score
    line: Line
    flags: tuple[str, ...]


def load_midi(path: str | Path) -> Score:
    """The solo in a MIDI file of whatever maker, read as the ingest stage reads it, however short it is.

    Raises:
        InputError: the file cannot be read, or there is no solo in it.
    """
    return read_solo(read_raw(Path(path)), Path(path), None, ANY_SOLO).score


def read_untouched(path: Path) -> tuple[Score, Score]:
    """The solo in a MIDI file with every bar and every tick of the file; and the same, reduced to a line.

    The first has the notes of the solo's track as they are written, also where they overlap. Both end with a whole bar,
    and have no key where the file has none.

    Raises:
        InputError: the file cannot be read, or there is no solo in it.
    """
    raw = read_raw(path)
    line = read_solo(raw, path, None, ANY_SOLO, keep_empty_bars=True).score
    part = choose_part(raw.parts, ANY_SOLO.min_notes)
    assert part is not None, "there is a line"
    notes = part.notes.copy()
    notes["duration_tick"] = np.maximum(notes["duration_tick"], 1)
    line = replace(line, key=raw.keys[0] if raw.keys else None)  # an estimated one would be written as a signature
    line = replace(line, end_tick=max(line.end_tick, int((notes["onset_tick"] + notes["duration_tick"]).max())))
    line = replace(line, end_tick=int(line.bar_ticks[-1]) + line.meters[-1].bar_ticks(line.ticks_per_beat))
    return replace(line, notes=notes), line


def read_solo(
    raw: RawMidi, name: Path, key: Key | None, config: IngestConfig, *, keep_empty_bars: bool = False
) -> Reading:
    """Interpret a raw file; `key` is the manifest's, if it gives one.

    The score starts with the bar of the first note and ends with the bar in which the last note ends: empty bars around
    it are dropped, and chords, tempos, meters and sections move along, so the solo keeps its place in the form.

    Args:
        keep_empty_bars: all bars of the file stay, from tick 0 on.

    Raises:
        InputError: there is no solo in the file, or one too short or too long.
    """
    part = choose_part(raw.parts, config.min_notes)
    if part is None:
        found = "drums only" if raw.parts else "no notes"
        raise InputError(name, expected="a melody", found=found, remedy="export the track of the soloist")
    line = melodic_line(part.notes, raw.ticks_per_beat)
    if len(line.notes) < config.min_notes:
        expected = f"at least {config.min_notes} notes"
        raise InputError(name, expected=expected, found=f"{len(line.notes)}", remedy="lower ingest.min_notes to use it")
    last_note = line.notes[-1]
    ends = [text.tick for text in raw.texts if text.kind == "marker" and text.text == _END]
    end = max([int(last_note["onset_tick"] + last_note["duration_tick"]), *ends])
    tempos, tempo_flags = tempo_map(raw.tempos, int(line.notes["onset_tick"][0]), config.qpm_range)
    meters, meter_flags = bar_lines(raw.meters, raw.ticks_per_beat, end)
    refuse_medley(meters, raw.ticks_per_beat, end, name, config.max_bars)
    meters, divided_flags = divide_bars(meters, raw.ticks_per_beat, end, config.longest_bar_beats)
    chords, marks, chord_flags = chords_of(raw.texts, config.chord_share)
    score = Score(
        raw.ticks_per_beat,
        line.notes,
        end,
        tempos,
        meters,
        chords,
        tuple(sorted({text.tick for text in raw.texts if _PHRASE.fullmatch(text.text)})),
        tuple(sorted({*marks, *_sections(raw.texts)}, key=lambda section: section.tick)),
        program=part.program,
    )
    score, leading_bars = (score, 0) if keep_empty_bars else _cut_empty_bars(score)
    if score.bar_count < config.min_bars:
        expected = f"at least {config.min_bars} bars"
        raise InputError(name, expected=expected, found=f"{score.bar_count}", remedy="lower ingest.min_bars to use it")
    slowest, fastest = config.qpm_range
    if not slowest <= score.mean_qpm <= fastest:
        expected, found = f"a mean tempo of {slowest:g} … {fastest:g} qpm", f"{score.mean_qpm:.4g}"
        remedy = "correct the file's tempo, or widen ingest.qpm_range and validate.qpm_range"
        raise InputError(name, expected=expected, found=found, remedy=remedy)
    key, key_flags = _key(key, raw, score)
    flags = [*raw.flags, *tempo_flags, *meter_flags, *divided_flags, *chord_flags, *key_flags]
    flags += ["polyphonic"] if line.reduced_notes else []
    flags += [f"leading_bars_dropped:{leading_bars}"] if leading_bars else []
    flags += [f"zero_length_notes:{line.zero_length_notes}"] if line.zero_length_notes else []
    return Reading(replace(score, key=key), line, tuple(flags))


def chords_of(texts: Sequence[RawText], share: float) -> tuple[tuple[ChordChange, ...], list[Section], list[str]]:
    """Chord changes out of markers, else out of text, lyrics or cues where enough of them are chord symbols.

    Returns the changes, the sections that rehearsal letters mark, and flags for what had to be decided.

    "A" and "B" alone are rehearsal letters in markers and syllables in lyrics: a kind that holds bare first letters of
    the alphabet only gives sections (markers) or nothing.
    """
    for kind in ("marker", "text", "lyrics", "cue_marker"):
        candidates = [text for text in texts if text.kind == kind and text.text and not _is_mark(text.text)]
        changes = [change for text in candidates if (change := _change(text))]
        letters = {text.text for text in candidates}
        if letters <= set("ABCD") and "A" in letters and len(letters) < 4:
            if kind == "marker":
                return (), [Section(text.tick, text.text) for text in candidates], ["no_chords"]
            continue
        needed = 0.5 if kind == "marker" else share
        if changes and len(changes) >= needed * len(candidates):
            flags = [] if kind == "marker" else [f"chords_from_{kind}"]
            unread = len(candidates) - len(changes)
            return _changes(changes), [], [*flags, f"unread_chords:{unread}"] if unread else flags
    return (), [], ["no_chords"]


def _changes(chords: list[ChordChange]) -> tuple[ChordChange, ...]:
    """Of several at a tick the last; a repeated chord is no change."""
    at = list({change.tick: change for change in chords}.values())
    return tuple(change for i, change in enumerate(at) if i == 0 or change.chord != at[i - 1].chord)


def _change(text: RawText) -> ChordChange | None:
    try:
        return ChordChange(text.tick, Chord.parse(text.text))
    except ValueError:
        return None


def _is_mark(text: str) -> bool:
    return text == _END or bool(_PHRASE.fullmatch(text) or _SECTION.fullmatch(text))


def _sections(texts: Sequence[RawText]) -> set[Section]:
    matches = ((text.tick, _SECTION.fullmatch(text.text)) for text in texts if text.kind != "lyrics")
    return {Section(tick, match[1] or match[2]) for tick, match in matches if match}


def _key(given: Key | None, raw: RawMidi, score: Score) -> tuple[Key | None, list[str]]:
    """The manifest's, else the file's signature, but not the C major that exporters write unasked, else estimated."""
    if given:
        return given, []
    if raw.keys and raw.keys[0] != Key(0, "major"):
        return raw.keys[0], ["key_from_signature"]
    return estimate_key(score.notes), ["key_estimated"]


def _cut_empty_bars(score: Score) -> tuple[Score, int]:
    """Without the whole bars before the first note and after the end; also says how many went before."""
    bars = score.bar_ticks.tolist()
    leading = bisect_right(bars, int(score.onsets[0])) - 1
    start = bars[leading]
    last_bar = bars[bisect_left(bars, score.end_tick) - 1]
    meter = [meter for meter in score.meters if meter.tick <= last_bar][-1]
    end = last_bar + meter.bar_ticks(score.ticks_per_beat)
    notes = score.notes.copy()
    notes["onset_tick"] -= start
    cut = replace(
        score,
        notes=notes,
        end_tick=end - start,
        tempos=_between(score.tempos, start, end),
        meters=_between(score.meters, start, end),
        chords=_between(score.chords, start, end),
        phrases=tuple(tick - start for tick in score.phrases if start <= tick < end),
        sections=_between(score.sections, start, end),
    )
    return cut, leading


def _between(events: tuple[Event, ...], start: int, end: int) -> tuple[Event, ...]:
    """The events from `start` on, counted from there, beginning with what is in force there."""
    before: list[Event] = [event for event in events if event.tick <= start][-1:]
    after: list[Event] = [event for event in events if start < event.tick < end]
    return tuple(replace(event, tick=max(0, event.tick - start)) for event in [*before, *after])
