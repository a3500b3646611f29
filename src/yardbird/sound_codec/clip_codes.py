"""Encode all clips with a codec once: memory-mapped codes, score frames and index; training never runs the codec."""

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yardbird import files
from yardbird.audio.resampling import to_mono
from yardbird.audio.wave import read_wave
from yardbird.devices import prepare_torch
from yardbird.errors import InputError
from yardbird.music.midi import read_score
from yardbird.music.pitch import Key
from yardbird.music.score_frames import ScoreFrames, beat_frames, score_frames
from yardbird.nn.clip_codec import ClipCodec
from yardbird.progress import progress
from yardbird.tables.beats_table import read_beats
from yardbird.tables.clip_tables import RENDERED, ClipRow, EncodedClipRow, encoded_clip, read_clips, write_clip_index
from yardbird.tables.copies_table import read_copies

_MOST_THREADS = 8  # a large codec needs a gigabyte for each


def encode_clips(clips: Path, augmented: Path, output: Path, codec: ClipCodec, source: str) -> dict[str, int | float]:
    """Encode every clip of `clips`/clips.csv, resampled to the codec's rate, on all CPU cores.

    Writes to `output`: codes.npy, (frames of all clips, codebooks) int16, with the clips concatenated;
    score_frames.npy, the score at the same frames (see `yardbird.music.score_frames`), for a melody checkpoint with the
    chroma of the clip; index.csv, the columns of
    clips.csv and the `start` and `length` of each clip in frames; and codec.json, which includes `source`, the codec's
    checkpoint.

    The score of a rendered clip is read from `augmented`. Of a recording, key and beats may be known.

    Returns:
        Counts of clips, frames and seconds, and for each codebook, the share of its vectors that occur.

    Raises:
        InputError: there are no clips, or a sound file is missing or damaged.
    """
    rows = read_clips(clips)
    if not rows:
        raise InputError(clips, expected="clips", found="none", remedy="see rejected.csv in the same folder")
    config = codec.model.config

    def encode(row: ClipRow) -> tuple[NDArray[np.int16], NDArray[np.uint16] | None]:
        samples = to_mono(read_wave(files.within(clips, row.path)), codec.sample_rate)
        return codec.encode(samples).T, codec.chroma(samples) if codec.extractor else None

    # One clip per thread: torch releases the GIL, and its own threads speed up a single clip only a little.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS), initializer=prepare_torch) as pool:
        encoded = list(progress(pool.map(encode, rows), total=len(rows), doing="encode audio", unit="clip"))
    lengths = [len(codes) for codes, _ in encoded]
    starts = (np.cumsum(lengths) - lengths).tolist()
    index = [encoded_clip(*placed) for placed in zip(rows, starts, lengths, strict=True)]
    codes = np.concatenate([codes for codes, _ in encoded])
    frames = _score_frames(index, clips, augmented, config.frame_rate)
    chroma = [own for _, own in encoded if own is not None]
    if chroma:  # a last column
        frames = np.column_stack([frames, np.concatenate(chroma)])
    _save(codes, output / "codes.npy")
    _save(frames, output / "score_frames.npy")
    write_clip_index(output, index)
    about = {
        "codebooks": codec.codebooks,
        "codebook_size": config.codebook_size,
        "sample_rate": codec.sample_rate,
        "frame_rate": config.frame_rate,
        "source": source,
        **({"chroma": True} if chroma else {}),
    }
    files.write_json(output / "codec.json", about)
    used = {
        f"codebook_{number}_used": round(len(np.unique(column)) / config.codebook_size, 4)
        for number, column in enumerate(codes.T, 1)
    }
    return {"clips": len(rows), "frames": len(codes), "seconds": round(len(codes) / config.frame_rate, 1), **used}


def _save(array: NDArray[Any], path: Path) -> None:
    packed = io.BytesIO()
    np.save(packed, array)
    files.write_bytes(path, packed.getvalue())


def _score_frames(index: Sequence[EncodedClipRow], clips: Path, augmented: Path, frame_rate: float) -> ScoreFrames:
    """The score frames of all clips, (frames, columns). The clips of one sound are neighbours in the index."""
    paths: dict[str, str] = {}
    if any(row.kind == RENDERED for row in index):
        paths = {row.copy: row.path for row in read_copies(augmented)}
    beats = read_beats(clips) if any(row.kind != RENDERED for row in index) else {}
    parts: list[ScoreFrames] = []
    for sound, rows in groupby(index, key=lambda row: row.sound):
        score = read_score(augmented / paths[sound]) if sound in paths else None
        seconds = np.array([beat.seconds for beat in beats.get(sound, ())])
        bar_beats = np.array([beat.bar_beat for beat in beats.get(sound, ())], dtype=np.int64)
        for row in rows:
            key = Key.parse(row.key) if row.key else None
            if score is None:
                parts.append(beat_frames(key, seconds, bar_beats, row.start_seconds, row.length, frame_rate))
            else:
                parts.append(score_frames(score, key, row.start_seconds, row.length, frame_rate))
    return np.concatenate(parts)
