"""Every kind of finding about a file: its severity, what the pipeline does, and what a user can do.

This module explains the flags of ingestion, the expectations of validation and the additional findings of the Data
Doctor. A test fails for a flag without an entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
#: The most severe first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Kind:
    """An error excludes a file or a solo; a warning is a loss or a guess that changes the music; a note is neither."""

    severity: Severity
    pipeline: str  # what the pipeline does, a sentence
    remedy: str  # what a user can do, a sentence


_SET_ASIDE = "Stage validate sets the solo aside: no later stage reads it."
_BROKEN = "Run the ingest stage again; if the error stays, report it."

_EXPORT = "Nothing, or export the file again."
_REPEATS = "Write the bars out in the file."
_VOICE = "Write it as a separate voice (V:), if it is the solo."
_PART = "Check the part; name another one in the column part of manifest.csv."

KINDS: Mapping[str, Kind] = {
    # files that are not used
    "rejected": Kind("error", "The file is not used.", "Follow the remedy in its line, or remove it from the folder."),
    # the expectations of stage validate
    "unique_ids": Kind("error", _SET_ASIDE, _BROKEN),
    "artist_present": Kind("error", _SET_ASIDE, "Name the artist in manifest.csv."),
    "tune_group_present": Kind("error", _SET_ASIDE, "Name the tune in manifest.csv."),
    "tempo": Kind("error", _SET_ASIDE, "Correct the file's tempo, or widen validate.qpm_range."),
    "length": Kind("error", _SET_ASIDE, "Lower validate.min_bars to use it."),
    "notes": Kind("error", _SET_ASIDE, _BROKEN),
    "counts_agree": Kind("error", _SET_ASIDE, _BROKEN),
    "onset": Kind("error", _SET_ASIDE, _BROKEN),
    "duration": Kind("error", _SET_ASIDE, _BROKEN),
    "pitch": Kind("error", _SET_ASIDE, _BROKEN),
    "velocity": Kind("error", _SET_ASIDE, _BROKEN),
    "monophony": Kind("error", _SET_ASIDE, _BROKEN),
    "title_present": Kind("warning", "The solo is used without a title.", "Name the title in manifest.csv."),
    "slowest_moment": Kind(
        "warning", "The tempo of such a bar is the nearest that a model knows.", "Correct the beats of the file there."
    ),
    "fastest_moment": Kind(
        "warning", "The tempo of such a bar is the nearest that a model knows.", "Correct the beats of the file there."
    ),
    "chord_coverage": Kind(
        "warning", "The models learn the notes without a chord as played over none.", "Add the missing chord symbols."
    ),
    "unended_notes": Kind(
        "warning", "Such a note ends where the next one of its part starts.", "Export the file again from its editor."
    ),
    "range": Kind(
        "warning",
        "All notes are used as they are.",
        "Check the octave of the file; validate.pitch_range sets the limit.",
    ),
    # bytes that violate the file format
    "broken_event": Kind("note", "The event is left out, or read as tolerant players read it.", _EXPORT),
    "unknown_chunk": Kind("note", "The chunk is left out: it holds no notes.", "Nothing."),
    "stray_bytes": Kind("note", "The bytes between tracks are left out.", _EXPORT),
    "leading_bytes": Kind("note", "The bytes before the file's header are left out.", "Nothing."),
    "bytes_after_end_of_track": Kind("note", "Bytes after the end of a track are left out.", _EXPORT),
    "track_length": Kind("note", "A track is read to its end; its stated length is ignored.", _EXPORT),
    "end_of_track_missing": Kind("note", "A track ends with its last event.", _EXPORT),
    "header_length": Kind("note", "The header is read as one of 6 bytes.", "Nothing."),
    "midi_type": Kind("note", "The file is read as one piece of several tracks.", _EXPORT),
    "missing_tracks": Kind("warning", "The existing tracks are read.", "Check that the file is complete."),
    "second_midi_file": Kind("warning", "A second file after the first is left out.", "Store it as a separate file."),
    # notation and databases
    "unread_notes": Kind("warning", "Notes without a usable time or pitch are left out.", "Correct them in the file."),
    "repeats_not_unrolled": Kind("warning", "Jumps are ignored; if that is not enough, repeats, too.", _REPEATS),
    "parts_order_unread": Kind("warning", "The sections are read once, in the order of the file.", _REPEATS),
    "expansion_list_unread": Kind("warning", "The sections are read once, in the order of the file.", _REPEATS),
    "measure_repeats_unread": Kind("warning", "Bars with only a repeat sign for the previous bar are empty.", _REPEATS),
    "numerals_unread": Kind("warning", "Degrees such as V7 are not read as chords.", "Write chord symbols."),
    "cue_notes_left_out": Kind("note", "Cue notes are left out: another player plays them.", "Nothing."),
    "slashes_unread": Kind("note", "Slashes in place of notes are left out.", "Nothing, or write the notes."),
    "unread_events": Kind("warning", "Events that cannot be read are left out.", "Correct them in the file."),
    # the part and the solo line
    "parts_joined": Kind(
        "note", "Tracks or channels that hardly sound together are read as one part.", "Nothing if they are one line."
    ),
    "bass_part": Kind("warning", "The chosen part looks like a bass.", _PART),
    "longer_part_left": Kind("warning", "A line that plays more than the chosen part is left out.", _PART),
    "notes_left_out": Kind("warning", "Of notes that start together, the highest stays.", _PART),
    "grace_notes_left_out": Kind("note", "Grace notes at the tick of a main note are left out.", "Nothing."),
    "drones_left_out": Kind("note", "Long notes under or over the line are left out.", "Nothing."),
    "no_beat_grid": Kind(
        "warning",
        "The notes have no relation to the beats of the file; they are used because ingest.no_beat_grid is `use`.",
        "Record to the click, or set the tempo map of the file.",
    ),
    "written_pitch": Kind(
        "warning",
        "The notes are this many semitones above the chords, as a horn player reads them; they are used unchanged.",
        "Set ingest.written_pitch to correct, or name the semitones in the column transpose of manifest.csv.",
    ),
    "transposed": Kind("note", "The notes are moved by this many semitones.", "Nothing if the chords fit now."),
    "polyphonic": Kind(
        "warning",
        "Of notes that sound together, the highest stay; the others are left out.",
        "Export the solo as a separate part; check that the chosen part is the solo.",
    ),
    "trimmed_overlaps": Kind(
        "note", "A note that sounds into the next one ends where the next one starts.", "Nothing: this is legato."
    ),
    "zero_length_notes": Kind(
        "note", "A note without a length gets a twelfth of a beat.", "Export the file again if the lengths matter."
    ),
    "leading_bars_dropped": Kind(
        "note", "Empty bars before the first note are left out; the chords move along.", "Nothing."
    ),
    # tempo and meter
    "tempo_assumed": Kind(
        "warning", "The notes before the first tempo are read at 120 qpm.", "Set the tempo in the file."
    ),
    "tempo_repaired": Kind(
        "warning",
        "An impossible tempo is left out; the tempo before it stays in force.",
        "Correct the tempo in the file.",
    ),
    "tempo_outside": Kind(
        "warning",
        "The models learn the nearest tempo in their vocabulary; copies at other tempos stay inside the range.",
        "Check that a beat of the file is a quarter note; encode.events.tempo_range sets the limits.",
    ),
    "meter_assumed": Kind("note", "The bars are read as 4/4.", "Set the time signature if it is another."),
    "meter_repaired": Kind(
        "warning",
        "An impossible time signature is left out, 1/1 is read as 4/4, and a change of meter inside a bar shortens "
        "the bar or moves to the nearest bar line.",
        "Check the time signatures of the file.",
    ),
    "bars_divided": Kind(
        "warning",
        "Bars longer than ingest.longest_bar_beats are divided: 9/4 as three bars of 3/4.",
        "Nothing, or raise ingest.longest_bar_beats and encode.events.longest_bar_beats.",
    ),
    # losses of the grid
    "grid_loss": Kind(
        "warning",
        "Of notes on one step of the models' grid, one stays: the highest of a chord, otherwise the longest.",
        "Quantise the file in its editor, or raise encode.events.steps_per_beat and encode.melody.steps_per_beat.",
    ),
    # chords and keys
    "no_chords": Kind(
        "warning", "The solo is learnt without chords.", "Write the chord symbols as markers into the file."
    ),
    "unread_chords": Kind(
        "warning", "From an unreadable symbol to the next, there is no chord.", "Correct the symbol in the file."
    ),
    "chords_from_text": Kind("note", "The text events are read as chord symbols.", "Nothing if they are."),
    "chords_from_lyrics": Kind("note", "The lyrics are read as chord symbols.", "Nothing if they are."),
    "chords_from_cue_marker": Kind("note", "The cue points are read as chord symbols.", "Nothing if they are."),
    "chords_from_notes": Kind(
        "note", "The notes of a chord part are read as chord symbols.", "Nothing, or write the symbols as markers."
    ),
    "chord_texts_unused": Kind(
        "warning",
        "Too few of the texts are chord symbols, so none is read as a chord.",
        "Write the chord symbols as markers, or lower ingest.chord_share.",
    ),
    "key_from_signature": Kind("note", "The key is that of the key signature.", "Nothing if it is right."),
    "key_estimated": Kind("note", "The key is estimated from the music.", "Name the key in manifest.csv."),
    "no_key": Kind("note", "The solo is used without a key: it has only one pitch.", "Name the key in manifest.csv."),
    "manifest_key_unread": Kind(
        "warning", "The key in manifest.csv is ignored.", "Write it as a tonic and a mode, for example F minor."
    ),
    # artist and title
    "artist_from_folder": Kind(
        "note", "The artist is named after the folder.", "Name the artist in manifest.csv in the folder."
    ),
    "not_in_manifest": Kind(
        "warning", "Artist and title come from the names of folder and file.", "Add a row to manifest.csv."
    ),
    # duplicates
    "duplicate": Kind(
        "warning", "Both are used, in one split: the solo counts twice.", "Leave one of the two sources out."
    ),
    "transposed_copy_of": Kind(
        "warning", "Both are used, in one split: the solo counts twice.", "Leave one of the two out."
    ),
    "near_duplicate": Kind(
        "note",
        "Both are used, in one split, so that neither leaks the other.",
        "Nothing, or leave one of them out.",
    ),
    # of a whole source
    "mixed_editions": Kind(
        "note",
        "Timed performances and written scores are learnt together: the models learn both ways to place a note.",
        "Put them in two sources, and give one the role background.",
    ),
}  # fmt: skip

#: Expectations that another kind of finding reports in more detail.
SAID_BY: Mapping[str, str] = {
    "polyphony_reduced": "polyphonic",
    "same_content": "duplicate",
    "same_intervals": "transposed_copy_of",
}


_UNEXPLAINED = Kind("note", "Ingest made a decision without an explanation here.", "Report the name of this finding.")


def kind_of(flag: str) -> str:
    """The kind of a flag: its name, without the value after the colon and without a count such as ` x2`."""
    return flag.partition(":")[0].partition(" ")[0]


def explain(kind: str) -> Kind:
    """The entry of `KINDS`; a note for an unknown flag, so that a missing explanation stops no run."""
    return KINDS.get(kind, _UNEXPLAINED)


def rank(kind: str) -> int:
    """0 for the most severe kinds."""
    return SEVERITIES.index(explain(kind).severity)
