"""Encode all clips with a codec once: memory-mapped codes and their index, so that training never runs the codec."""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yardbird import files
from yardbird.audio.resampling import to_mono
from yardbird.audio.wave import read_wave
from yardbird.devices import prepare_torch
from yardbird.errors import InputError
from yardbird.nn import encodec
from yardbird.progress import progress
from yardbird.tables.clip_tables import ClipRow, encoded_clip, read_clips, write_clip_index

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import EncodecModel

_MOST_THREADS = 8  # a large codec needs a gigabyte for each


def encode_clips(clips: Path, output: Path, codec: "EncodecModel", source: str) -> dict[str, int | float]:
    """Encode every clip of `clips`/clips.csv, resampled to the codec's rate, on all CPU cores.

    Writes to `output`: codes.npy, (frames of all clips, codebooks) int16, with the clips concatenated; index.csv, the
    columns of clips.csv and the `start` and `length` of each clip in frames; and codec.json, which includes `source`,
    the codec's checkpoint.

    Returns:
        Counts of clips, frames and seconds, and for each codebook, the share of its vectors that occur.

    Raises:
        InputError: there are no clips, or a sound file is missing or damaged.
    """
    rows = read_clips(clips)
    if not rows:
        raise InputError(clips, expected="clips", found="none", remedy="see rejected.csv in the same folder")
    config = codec.config

    def encode(row: ClipRow) -> NDArray[np.int16]:
        wave = read_wave(files.within(clips, row.path))
        return encodec.encode(codec, to_mono(wave, config.sampling_rate)).T

    # One clip per thread: torch releases the GIL, and its own threads speed up a single clip only a little.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS), initializer=prepare_torch) as pool:
        encoded = list(progress(pool.map(encode, rows), total=len(rows), doing="encode audio", unit="clip"))
    lengths = [len(codes) for codes in encoded]
    starts = (np.cumsum(lengths) - lengths).tolist()
    index = [encoded_clip(*placed) for placed in zip(rows, starts, lengths, strict=True)]
    codes = np.concatenate(encoded)
    packed = io.BytesIO()
    np.save(packed, codes)
    files.write_bytes(output / "codes.npy", packed.getvalue())
    write_clip_index(output, index)
    about = {
        "codebooks": config.num_quantizers,
        "codebook_size": config.codebook_size,
        "sample_rate": config.sampling_rate,
        "frame_rate": config.frame_rate,
        "source": source,
    }
    files.write_json(output / "codec.json", about)
    used = {
        f"codebook_{number}_used": round(len(np.unique(column)) / config.codebook_size, 4)
        for number, column in enumerate(codes.T, 1)
    }
    return {"clips": len(rows), "frames": len(codes), "seconds": round(len(codes) / config.frame_rate, 1), **used}
