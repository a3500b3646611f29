"""Foreign MIDI files as a user's sequencer writes them."""

from collections.abc import Callable
from pathlib import Path

import mido
import pytest

from yardbird.data.reading import IngestConfig

LINE = [(i, 1, 60 + step) for i, step in enumerate([0, 2, 4, 5, 7, 5, 4, 2, 0, 4, 7, 11, 12, 11, 7, 4, 0, 2, 3, 2])]


@pytest.fixture
def config() -> IngestConfig:
    return IngestConfig(
        min_notes=4,
        min_bars=1,
        max_bars=1000,
        chord_share=0.8,
        max_left_out=1.0,
        no_beat_grid="use",
        written_pitch="flag",
        qpm_range=(20, 600),
        longest_bar_beats=8,
    )


@pytest.fixture(scope="session")
def write_midi() -> Callable[..., Path]:
    """Write (onset beats, length beats, pitch) rows of a part at a channel, and (beat, meta message) events."""

    def write(
        path: Path,
        rows: list[tuple[float, float, int]] = LINE,
        metas: list[tuple[float, mido.MetaMessage]] | None = None,
        *,
        program: int = 65,
        parts: dict[int, tuple[int, list[tuple[float, float, int]]]] | None = None,
        ticks_per_beat: int = 480,
    ) -> Path:
        events: list[tuple[int, int, mido.Message | mido.MetaMessage]] = []
        for beat, meta in metas or []:
            events.append((round(beat * ticks_per_beat), 0, meta))
        for channel, (voice, notes) in {**(parts or {}), 0: (program, rows)}.items():
            events.append((0, 0, mido.Message("program_change", channel=channel, program=voice)))
            for onset, length, pitch in notes:
                on, off = round(onset * ticks_per_beat), round((onset + length) * ticks_per_beat)
                events.append((on, 2, mido.Message("note_on", channel=channel, note=pitch, velocity=90)))
                events.append((off, 1 if length else 3, mido.Message("note_off", channel=channel, note=pitch)))
        track = mido.MidiTrack()
        now = 0
        for tick, _, message in sorted(events, key=lambda event: event[:2]):
            track.append(message.copy(time=tick - now))
            now = tick
        midi = mido.MidiFile(type=0, ticks_per_beat=ticks_per_beat, tracks=[track])
        path.parent.mkdir(parents=True, exist_ok=True)
        midi.save(path)
        return path

    return write
