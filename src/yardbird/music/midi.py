"""Reading and writing of MIDI files; the only module that imports a MIDI library.

There are two readers. `read_raw` returns everything that ingestion can use of a foreign file, and names the broken
events that it leaves out. `read_score` returns exactly what `write_score` wrote, a hundred times faster (symusic).
The project's own MIDI files store chords, phrases and sections as markers, so that any sequencer can open them.
"""

from bisect import bisect_right
from collections import Counter, deque
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path

import numpy as np
import symusic
from numpy.typing import NDArray
from symusic import core

from yardbird import files
from yardbird.errors import InputError
from yardbird.music.chords import Chord, chord_symbol
from yardbird.music.midi_events import META, MidiEvents, read_events
from yardbird.music.pitch import Key
from yardbird.music.score import DRUM_KIT, NOTE_DTYPE, Meter, Notes, Score, Section, Tempo, chord_changes, make_notes
from yardbird.music.text_encoding import decode_texts

SUFFIXES = (".mid", ".midi", ".kar", ".rmi", ".rmid", ".smf")
_PHRASE, _END, _SECTION = "PHRASE", "END", "SECTION "


@dataclass(frozen=True)
class RawPart:
    """The notes of one track and channel of a foreign file."""

    track: int
    channel: int
    name: str
    program: int
    notes: Notes

    @property
    def is_drums(self) -> bool:
        return self.channel == 9


@dataclass(frozen=True)
class RawText:
    """A text-like event; `kind` is marker, text, lyrics or cue_marker."""

    tick: int
    kind: str
    text: str


@dataclass(frozen=True)
class RawMidi:
    """Everything that ingestion can use of a foreign file; ticks are absolute, events sorted by tick."""

    ticks_per_beat: int
    parts: tuple[RawPart, ...]
    tempos: tuple[Tempo, ...]
    meters: tuple[Meter, ...]
    keys: tuple[Key, ...]
    texts: tuple[RawText, ...]
    unended_notes: int
    flags: tuple[str, ...] = ()  # broken events, repaired or left out


#: The meta events that ingestion uses.
_TRACK_NAME, _TEMPO, _METER, _KEY = 0x03, 0x51, 0x58, 0x59
_TEXT_KINDS = {0x01: "text", 0x05: "lyrics", 0x06: "marker", 0x07: "cue_marker"}


def read_raw(path: Path) -> RawMidi:
    """Read a standard MIDI file of type 0 or 1, also inside RIFF or MacBinary, as tolerantly as players do.

    Raises:
        InputError: the file cannot be read, is of another kind, empty, truncated, corrupt, or without beats (SMPTE
            time, type 2).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise InputError(
            path, expected="a MIDI file", found=found, remedy="correct the path or its permissions"
        ) from None
    return _collect(read_events(content, path))


def _collect(midi: MidiEvents) -> RawMidi:
    parts: list[RawPart] = []
    tempos: list[Tempo] = []
    meters: list[Meter] = []
    keys: list[tuple[int, Key]] = []
    texts: list[tuple[int, str, bytes]] = []
    names: list[bytes] = []  # of each track
    file_programs: dict[int, int] = {}  # by channel: some exporters set the programs in another track
    master_programs: list[int] = []  # of each track: MPE sets the program on a channel without notes
    faults: Counter[str] = Counter()
    unended = 0
    for number, track in enumerate(midi.tracks):
        tick = 0
        names.append(b"")
        rows: dict[int, list[tuple[int, int, int, int]]] = {}
        programs: dict[int, int] = {}
        sounding: dict[tuple[int, int], deque[tuple[int, int]]] = {}
        for tick, status, meta, data in track:
            kind, channel = status & 0xF0, status & 0x0F
            if kind == 0x90 and data[1]:
                sounding.setdefault((channel, data[0]), deque()).append((tick, data[1]))
            elif kind in (0x80, 0x90):
                if started := sounding.get((channel, data[0])):
                    onset, velocity = started.popleft()
                    rows.setdefault(channel, []).append((onset, tick - onset, data[0], velocity))
            elif kind == 0xC0:
                programs.setdefault(channel, data[0])
                file_programs.setdefault(channel, data[0])
            elif status != META:
                continue
            elif meta == _TRACK_NAME:
                names[-1] = names[-1] or data
            elif meta in _TEXT_KINDS:
                texts.append((tick, _TEXT_KINDS[meta], data))
            elif meta == _TEMPO:
                tempo = int.from_bytes(data[:3], "big")
                if len(data) < 3 or not tempo:
                    faults["broken_event:tempo"] += 1
                else:
                    tempos.append(Tempo(tick, 60e6 / tempo))
            elif meta == _METER:
                if len(data) < 2:
                    faults["broken_event:meter"] += 1
                else:
                    meters.append(Meter(tick, data[0], 2 ** data[1]))
            elif meta == _KEY:
                fifths = int.from_bytes(data[:1], "big", signed=True)
                if len(data) < 2 or abs(fifths) > 7 or data[1] > 1:
                    faults["broken_event:key_signature"] += 1
                else:
                    keys.append((tick, Key.from_fifths(fifths, "minor" if data[1] else "major")))
        hanging = [(channel, pitch, *start) for (channel, pitch), starts in sounding.items() for start in starts]
        unended += len(hanging)
        onsets = {channel: [row[0] for row in channel_rows] for channel, channel_rows in rows.items()}
        for channel, _, onset, _ in hanging:
            onsets.setdefault(channel, []).append(onset)
        onsets = {channel: sorted({*ticks, tick}) for channel, ticks in onsets.items()}
        for channel, pitch, onset, velocity in hanging:
            # ends at the next note of its part, not at the end of the track, or it would hide the notes below it
            stop = onsets[channel][min(bisect_right(onsets[channel], onset), len(onsets[channel]) - 1)]
            rows.setdefault(channel, []).append((onset, stop - onset, pitch, velocity))
        silent = {program for channel, program in programs.items() if channel not in rows}
        master_programs.append(silent.pop() if len(silent) == 1 else 0)
        parts.extend(
            RawPart(number, channel, "", programs.get(channel, -1), make_notes(rows[channel]))
            for channel in sorted(rows)
        )
    decoded = [text.strip() for text in decode_texts([*names, *(data for *_, data in texts)])]
    parts = [
        replace(
            part,
            name=decoded[part.track],
            program=part.program if part.program >= 0 else file_programs.get(part.channel, master_programs[part.track]),
        )
        for part in parts
    ]
    marks = [RawText(tick, kind, text) for (tick, kind, _), text in zip(texts, decoded[len(names) :], strict=True)]
    broken = [name if count == 1 else f"{name} x{count}" for name, count in faults.items()]
    return RawMidi(
        ticks_per_beat=midi.ticks_per_beat,
        parts=tuple(parts),
        tempos=tuple(sorted(tempos, key=lambda tempo: tempo.tick)),
        meters=tuple(sorted(meters, key=lambda meter: meter.tick)),
        keys=tuple(key for _, key in sorted(keys, key=lambda pair: pair[0])),
        texts=tuple(sorted(marks, key=lambda text: text.tick)),
        unended_notes=unended,
        flags=(*midi.flags, *broken),
    )


def is_chord(marker: str) -> bool:
    """Whether a marker of a file that `write_score` wrote is a chord symbol."""
    return marker not in (_PHRASE, _END) and not marker.startswith(_SECTION)


def write_score(score: Score, path: Path) -> None:
    """Write a score as a type 1 MIDI file, atomically; equal scores give equal bytes. `read_score` reads it.

    Chords, phrase starts, sections and the end are markers; tempos are exact to a microsecond per beat.
    """
    midi = _midi(score)
    meters = [core.TimeSignatureTick(m.tick, m.numerator, m.denominator) for m in score.meters]
    midi.time_signatures = core.TimeSignatureTickList(meters)
    if score.key:
        midi.key_signatures.append(core.KeySignatureTick(0, score.key.fifths, int(score.key.mode == "minor")))
    markers = [(section.tick, _SECTION + section.label) for section in score.sections]
    markers += [(tick, _PHRASE) for tick in score.phrases]
    markers += [(change.tick, chord_symbol(change.chord, score.key)) for change in score.chords]
    markers += [(score.end_tick, _END)]
    markers.sort(key=itemgetter(0))
    midi.markers = core.TextMetaTickList([core.TextMetaTick(tick, text) for tick, text in markers])
    files.write_bytes(path, midi.dumps_midi())


def _midi(score: Score) -> core.ScoreTick:
    """The tempos and notes of a score."""
    # the classes of `core`: the functions of `symusic` that wrap them take five times as long
    midi = core.ScoreTick(score.ticks_per_beat)
    tempos = [core.TempoTick(tempo.tick, mspq=round(60e6 / tempo.qpm)) for tempo in score.tempos]
    midi.tempos = core.TempoTickList(tempos)
    drums = score.program == DRUM_KIT
    track = core.TrackTick("Solo", 0 if drums else score.program, drums)
    columns = zip(score.notes.dtype.names or (), (np.int32, np.int32, np.int8, np.int8), strict=True)
    track.notes = core.NoteTickList.from_numpy(*(score.notes[name].astype(kind) for name, kind in columns))
    midi.tracks.append(track)
    return midi


def read_score(path: Path) -> Score:
    """Read a MIDI file that `write_score` wrote; it may be inside a zip file (`files.read_bytes`).

    Raises:
        InputError: this project did not write the file (ingest it first).
    """
    expected = "a MIDI file written by this project"
    try:
        midi = core.ScoreTick.from_midi(files.read_bytes(path))
    except Exception as error:  # symusic raises many types, among them RuntimeError and ValueError
        raise InputError(
            path, expected=expected, found=f"an unreadable file ({error})", remedy="ingest it again"
        ) from None
    chord_ticks, chord_texts, phrases, sections, ends = [], [], [], [], []
    for marker in midi.markers:
        tick, text = marker.time, marker.text
        if text == _PHRASE:
            phrases.append(tick)
        elif text == _END:
            ends.append(tick)
        elif text.startswith(_SECTION):
            sections.append(Section(tick, text.removeprefix(_SECTION)))
        else:
            chord_ticks.append(tick)
            chord_texts.append(text)
    if len(ends) != 1 or len(midi.tracks) > 1:
        raise InputError(path, expected=expected, found="no END marker", remedy="ingest it first")
    symbols = {text: Chord.parse(text) for text in set(chord_texts)}
    columns = midi.tracks[0].notes.numpy() if midi.tracks else {}
    notes = np.zeros(len(columns.get("time", ())), dtype=NOTE_DTYPE)
    for ours, theirs in zip(NOTE_DTYPE.names or (), ("time", "duration", "pitch", "velocity"), strict=True):
        if len(notes):
            notes[ours] = columns[theirs]
    if not (notes["onset_tick"][1:] > notes["onset_tick"][:-1]).all():
        notes = notes[np.lexsort((notes["pitch"], notes["onset_tick"]))]
    tempos = midi.tempos.numpy()
    signature = midi.key_signatures[0] if len(midi.key_signatures) else None
    return Score(
        ticks_per_beat=midi.tpq,
        notes=notes,
        end_tick=ends[0],
        tempos=tuple(map(Tempo, tempos["time"].tolist(), (60e6 / tempos["mspq"]).tolist())),
        meters=tuple(Meter(meter.time, meter.numerator, meter.denominator) for meter in midi.time_signatures),
        chords=chord_changes(zip(chord_ticks, map(symbols.__getitem__, chord_texts), strict=True)),
        phrases=tuple(phrases),
        sections=tuple(sections),
        key=Key.from_fifths(signature.key, "minor" if signature.tonality else "major") if signature else None,
        program=(DRUM_KIT if midi.tracks[0].is_drum else midi.tracks[0].program) if midi.tracks else 0,
    )


def open_synthesizer(soundfont: Path, sample_rate: int) -> symusic.Synthesizer:
    """Load a SoundFont into memory."""
    return symusic.Synthesizer(sf_path=soundfont, sample_rate=sample_rate, quality=4)  # above 4 gives silence


def render_score(
    score: Score, synthesizer: symusic.Synthesizer, sample_rate: int, tail_seconds: float
) -> NDArray[np.float32]:
    """Render a score to float32 of shape (frames, 2), as long as the score plus `tail_seconds`.

    The SoundFont sets the level. A score has no pitch bends or controllers.
    """
    frames = round((score.seconds + tail_seconds) * sample_rate)
    if not len(score.notes):
        return np.zeros((frames, 2), dtype=np.float32)
    midi = _midi(score)
    # The synthesizer stops at the end of the last note. An extra note, cut off below, lets the sound ring out.
    tail_beats = tail_seconds * score.tempos[-1].qpm / 60
    end = score.end_tick + round((tail_beats + 1) * score.ticks_per_beat)
    midi.tracks[0].notes.append(core.NoteTick(end, 1, 0, 1))
    # With stereo=False, the synthesizer returns silence.
    samples = np.asarray(synthesizer.render(midi, stereo=True), dtype=np.float32).T
    return np.ascontiguousarray(samples[:frames])
