"""Interpretation of the events of a foreign file: raw MIDI → a score, with a flag for each decision."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np

from yardbird.config import ASCENDING, PositiveFloat, PositiveInt, PositiveShare, Settings, Share
from yardbird.data.bar_lines import bar_lines, divide_bars, refuse_medley, tempo_map
from yardbird.data.chord_notes import chords_from_notes
from yardbird.data.chord_texts import END, PHRASE, SECTION, chords_of
from yardbird.data.parts import Choice, choose_solo
from yardbird.data.readers import read_file
from yardbird.data.solo_line import Line, melodic_line
from yardbird.errors import InputError
from yardbird.music.beat_grid import NO_GRID, beat_relation
from yardbird.music.keyfinding import estimate_key
from yardbird.music.midi import RawMidi, RawText
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Meter, Score, Section, Tempo
from yardbird.music.written_pitch import written_interval

Event = TypeVar("Event", Tempo, Meter, ChordChange, Section)


@dataclass(frozen=True)
class IngestConfig(Settings, section="ingest"):
    """Section `ingest` of params.yaml."""

    min_notes: PositiveInt  # a file with fewer notes in its solo line is rejected
    min_bars: PositiveInt
    max_bars: PositiveInt  # a longer file is a medley or broken
    chord_share: PositiveShare  # texts or lyrics count as chords if at least this share of them parses
    max_left_out: Share  # a file with a larger share of a part's notes outside the line (chords, two hands) is rejected
    no_beat_grid: Literal["reject", "use"]  # of a performance without beats
    written_pitch: Literal["flag", "correct"]  # of a part written above its chords, as horn parts are
    qpm_range: Annotated[tuple[PositiveFloat, ...], ASCENDING]  # mean tempo of a solo; a file outside is rejected
    longest_bar_beats: PositiveInt  # in quarter notes; longer bars are divided

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.max_bars >= self.min_bars, "max_bars", f"{self.min_bars} or more")


MOST_NOTES = 20_000  # of a part; the longest solo of the Weimar Jazz Database has 3,000

#: Settings for a prime or a solo to encode, which need not meet the requirements for training files.
ANY_SOLO = IngestConfig(
    min_notes=1,
    min_bars=1,
    max_bars=1024,
    chord_share=0.8,
    max_left_out=1.0,
    no_beat_grid="use",
    written_pitch="flag",
    qpm_range=(1, 10_000),
    longest_bar_beats=8,
)


@dataclass(frozen=True)
class Reading:
    """A score, and the decisions that were made to read it."""

    score: Score
    line: Line
    choice: Choice
    flags: tuple[str, ...]


def load_midi(path: str | Path, part: str = "") -> Score:
    """Read the solo of a file like the ingest stage does, but of any length.

    The file is MIDI of any program, MusicXML, ABC or kern; `tunes.abc#3` or `wjazzd.db#218` is one solo of several.

    Args:
        part: the part to read instead of the most likely one: its name, track, or track/channel, counted from 1.

    Raises:
        InputError: the file cannot be read, or it has no solo or no such part.
    """
    return read_solo(read_file(Path(path)), Path(path), None, ANY_SOLO, part=part).score


def read_untouched(path: Path, part: str = "") -> tuple[Score, Score]:
    """Read the solo of a file with all bars and ticks of the file: (the part as written, its melodic line).

    The first score has the notes of the part as written, including overlaps. Both scores end with a complete bar, and
    have no key if the file has none.

    Raises:
        InputError: the file cannot be read, or it has no solo.
    """
    raw = read_file(path)
    reading = read_solo(raw, path, None, ANY_SOLO, part=part, keep_empty_bars=True)
    line = reading.score
    notes = reading.choice.part.notes.copy()
    notes["duration_tick"] = np.maximum(notes["duration_tick"], 1)
    line = replace(line, key=raw.keys[0] if raw.keys else None)  # without an estimated one
    line = replace(line, end_tick=max(line.end_tick, int((notes["onset_tick"] + notes["duration_tick"]).max())))
    line = replace(line, end_tick=int(line.bar_ticks[-1]) + line.meters[-1].bar_ticks(line.ticks_per_beat))
    return replace(line, notes=notes), line


def read_solo(
    raw: RawMidi,
    name: Path,
    key: Key | None,
    config: IngestConfig,
    *,
    part: str = "",
    transpose: int | None = None,
    keep_empty_bars: bool = False,
) -> Reading:
    """Interpret a raw file; `key` is that of the manifest, if any.

    The score starts with the bar of the first note and ends with the bar in which the last note ends. Empty bars around
    it are dropped, and chords, tempos, meters and sections move with the notes.

    Args:
        part: the part chosen by the user, by name, track or track/channel; empty for the most likely one.
        transpose: semitones from the notes to sounding pitch; None follows `config.written_pitch`.
        keep_empty_bars: keep all bars of the file, from tick 0 on.

    Raises:
        InputError: the file has no such part or no solo, or the solo does not meet the requirements of `config`.
    """
    choice = choose_solo(raw, name, config.min_notes, part)
    if len(choice.part.notes) > MOST_NOTES:
        expected, found = f"at most {MOST_NOTES:,} notes in {choice.part.label}", f"{len(choice.part.notes):,}"
        raise InputError(name, expected=expected, found=found, remedy="cut it into solos")
    line = melodic_line(choice.part.notes, raw.ticks_per_beat)
    if len(line.notes) < config.min_notes:
        expected = f"at least {config.min_notes} notes"
        raise InputError(name, expected=expected, found=f"{len(line.notes)}", remedy="lower ingest.min_notes to use it")
    if line.left_out > config.max_left_out:
        found = f"{line.reduced_notes} of {len(choice.part.notes)} notes of {choice.part.label} outside its line"
        expected = f"one note at a time, with at most {config.max_left_out:.0%} of the part's notes outside this line"
        raise InputError(
            name, expected=expected, found=found, remedy=f"raise ingest.max_left_out to use it, or {choice.remedy}"
        )
    last_note = line.notes[-1]
    ends = [text.tick for text in raw.texts if text.kind == "marker" and text.text == END]
    end = max([int(last_note["onset_tick"] + last_note["duration_tick"]), *ends])
    tempos, tempo_flags = tempo_map(raw.tempos, int(line.notes["onset_tick"][0]), config.qpm_range)
    meters, meter_flags = bar_lines(raw.meters, raw.ticks_per_beat, end)
    refuse_medley(meters, raw.ticks_per_beat, end, name, config.max_bars)
    meters, divided_flags = divide_bars(meters, raw.ticks_per_beat, end, config.longest_bar_beats)
    bars = Score(raw.ticks_per_beat, line.notes, end, meters=meters).bar_ticks.tolist()
    written = chords_of(raw.texts, config.chord_share, bars)
    chords, chord_flags = written.changes, written.flags
    beside = [member for other in choice.left for member in other.members]
    if not chords and (played := chords_from_notes(beside, raw.ticks_per_beat)):
        chords = played
        chord_flags = (*(flag for flag in chord_flags if flag != "no_chords"), "chords_from_notes")
    score = Score(
        raw.ticks_per_beat,
        line.notes,
        end,
        tempos,
        meters,
        chords,
        tuple(sorted({text.tick for text in raw.texts if PHRASE.fullmatch(text.text)})),
        tuple(sorted({*written.sections, *_sections(raw.texts)}, key=lambda section: section.tick)),
        program=choice.part.program,
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
    grid_flags = _beat_grid(score, name, config)
    score, pitch_flags = _sounding(score, name, transpose, config)
    key, key_flags = _key(key, raw, score)
    flags = [*raw.flags, *choice.flags, *tempo_flags, *meter_flags, *divided_flags, *grid_flags]
    flags += [*chord_flags, *pitch_flags, *key_flags, *line.flags]
    flags += [f"leading_bars_dropped:{leading_bars}"] if leading_bars else []
    return Reading(replace(score, key=key), line, choice, tuple(flags))


def _beat_grid(score: Score, name: Path, config: IngestConfig) -> list[str]:
    """A flag for onsets that are unrelated to the beats of the file."""
    relation = beat_relation(score)
    if relation is None or relation >= NO_GRID:
        return []
    if config.no_beat_grid == "reject":
        found = f"notes that fall anywhere in the beats (relation {relation:.1f}, below {NO_GRID})"
        remedy = "record it to the click or set its tempo map; or set ingest.no_beat_grid to use"
        raise InputError(name, expected="notes played to the beats of the file", found=found, remedy=remedy)
    return ["no_beat_grid"]


def _sounding(score: Score, name: Path, transpose: int | None, config: IngestConfig) -> tuple[Score, list[str]]:
    """The notes at sounding pitch, if the user requests it; flags for the detected interval and the correction."""
    if transpose is not None:
        flags = [f"transposed:{transpose:+d}"] if transpose else []
    else:
        interval = written_interval(score)
        flags = [f"written_pitch:{interval:+d}"] if interval else []
        transpose = -interval if interval and config.written_pitch == "correct" else 0
        flags += [f"transposed:{transpose:+d}"] if transpose else []
    notes = score.notes.copy()
    notes["pitch"] += transpose
    if notes["pitch"].min() < 0 or notes["pitch"].max() > 127:
        found = f"notes that {transpose:+d} semitones move out of it"
        raise InputError(name, expected="pitches from 0 to 127", found=found, remedy="correct the column `transpose`")
    return replace(score, notes=notes), flags


def _sections(texts: Sequence[RawText]) -> set[Section]:
    matches = ((text.tick, SECTION.fullmatch(text.text)) for text in texts if text.kind != "lyrics")
    return {Section(tick, match[1] or match[2]) for tick, match in matches if match}


def _key(given: Key | None, raw: RawMidi, score: Score) -> tuple[Key | None, list[str]]:
    """The key of the manifest, or of the file's signature unless it is C major, or an estimate.

    Exporters write C major as a default. The estimate uses notes and chords; one pitch without chords has no key.
    """
    if given:
        return given, []
    if raw.keys and raw.keys[0] != Key(0, "major"):
        return raw.keys[0], ["key_from_signature"]
    key = estimate_key(score.notes, score.chords, score.end_tick)
    return key, ["key_estimated" if key else "no_key"]


def _cut_empty_bars(score: Score) -> tuple[Score, int]:
    """Remove the bars before the first note and after the end; also return how many were before the first note."""
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
    """The events in [start, end), with ticks relative to `start`, beginning with the one in force at `start`."""
    before: list[Event] = [event for event in events if event.tick <= start][-1:]
    after: list[Event] = [event for event in events if start < event.tick < end]
    return tuple(event._replace(tick=max(0, event.tick - start)) for event in before + after)
