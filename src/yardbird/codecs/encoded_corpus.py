"""Encode the augmented corpus with one codec: memory-mapped arrays, an index and a report of what the grid lost."""

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yardbird import files
from yardbird.codecs.events import EventCodec
from yardbird.codecs.melody import CLASSES, MelodyCodec, MelodyConfig
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.config import TARGET
from yardbird.errors import InputError
from yardbird.music.grid import Quantised
from yardbird.music.midi import read_score
from yardbird.music.score import Score
from yardbird.progress import progress
from yardbird.tables.copies_table import CopyRow, read_copies
from yardbird.tables.encoded_tables import EncodedRow, write_index

LOSSES = ("merged_notes", "trimmed_notes", "merged_chords", "dropped_chords", "resized_bars", "clipped_tempos")

#: File name → array of one solo; all arrays have the same length.
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Encoder:
    """A codec and how it turns a score into arrays."""

    codec: EventCodec | MelodyCodec
    arrays: Callable[[Score, str], Arrays]  # arguments: a score from the codec's `grid`, its artist
    unit: str  # what the first axis of the arrays counts
    vocabulary: int


@dataclass(frozen=True)
class Report:
    """Counts of what was encoded.

    The counts in `corpus` include copies. Its rates and all of `sources` are of the originals only. `notes` counts the
    notes read; `merged_share` is the share of them that the grid merged into others.
    """

    unit: str
    corpus: dict[str, int | float]
    sources: dict[str, dict[str, int | float]]


def encode_corpus(augmented: Path, output: Path, config: EncodeConfig | MelodyConfig) -> Report:
    """Encode every score of `augmented`/manifest.csv into `output`. The type of `config` selects the codec.

    Writes all solos, concatenated, to tokens.npy (events, uint16), or to steps.npy, velocities.npy (uint8) and
    chords.npy (uint16) (segments of the melody grid). index.csv gives the place of each solo and its number of encoded
    notes. codec.json stores the codec. sources.csv lists what the solos of each source lost to the grid. The event
    codec has a token for each artist of the target's training split; all others, background players included, are
    `Artist_unknown`.

    Raises:
        InputError: the codec does not have the meter of a score, or there is no training solo.
    """
    rows = read_copies(augmented)
    artists = {row.artist for row in rows if row.split == "train" and row.role == TARGET}
    if not artists:
        raise InputError(augmented, expected="training solos", found="none", remedy="add tunes or lower split.test")
    encoder = _events(config, sorted(artists)) if isinstance(config, EncodeConfig) else _melody(config)
    encoded: list[Arrays] = []
    losses: list[Quantised] = []
    for row in progress(rows, doing=f"encode {output.name}", unit="file"):
        try:
            quantised = encoder.codec.grid(read_score(augmented / row.path))
            encoded.append(encoder.arrays(quantised.score, row.artist))
        except InputError as error:
            found = f"{error.what} ({error.found})"
            raise InputError(row.copy, expected=error.expected, found=found, remedy=error.remedy) from None
        losses.append(quantised)
    lengths = [len(next(iter(arrays.values()))) for arrays in encoded]
    report = _report(encoder, rows, lengths, losses)
    _write(output, rows, encoded, lengths, losses)
    encoder.codec.save(output / "codec.json")
    sources = [{"source": name, **row} for name, row in report.sources.items()]
    files.write_csv(output / "sources.csv", list(sources[0]), sources)
    return report


def _events(config: EncodeConfig, artists: Sequence[str]) -> Encoder:
    codec = EventCodec.create(config, artists)
    return Encoder(
        codec, lambda score, artist: {"tokens": codec.encode_grid(score, artist)}, "tokens", codec.vocab_size
    )


def _melody(config: MelodyConfig) -> Encoder:
    codec = MelodyCodec(config)

    def arrays(score: Score, artist: str) -> Arrays:  # noqa: ARG001  # the melody grid has no artists
        melody = codec.encode_grid(score)
        return {"steps": melody.steps, "velocities": melody.velocities, "chords": melody.frame.chords}

    return Encoder(codec, arrays, "segments", CLASSES)


def _write(
    output: Path,
    rows: Sequence[CopyRow],
    encoded: Sequence[Arrays],
    lengths: Sequence[int],
    losses: Sequence[Quantised],
) -> None:
    for name in encoded[0]:
        packed = io.BytesIO()
        np.save(packed, np.concatenate([arrays[name] for arrays in encoded]))
        files.write_bytes(output / f"{name}.npy", packed.getvalue())
    starts = (np.cumsum(lengths) - lengths).tolist()
    index = [
        EncodedRow(
            copy=row.copy,
            solo=row.solo,
            split=row.split,
            role=row.role,
            artist=row.artist,
            tune_group=row.tune_group,
            semitones=row.semitones,
            tempo_factor=row.tempo_factor,
            start=start,
            length=length,
            notes=len(quantised.score.notes),
        )
        for row, start, length, quantised in zip(rows, starts, lengths, losses, strict=True)
    ]
    write_index(output, index)


def _report(encoder: Encoder, rows: Sequence[CopyRow], lengths: Sequence[int], losses: Sequence[Quantised]) -> Report:
    unit = encoder.unit
    sources: dict[str, Counter[str]] = {}
    copies, originals = Counter[str](), Counter[str]()
    for row, length, quantised in zip(rows, lengths, losses, strict=True):
        counts = Counter({"files": 1, unit: length, "notes": len(quantised.score.notes) + quantised.merged_notes})
        counts.update({loss: getattr(quantised, loss) for loss in LOSSES})
        copies.update(counts)
        if row.is_original:
            originals.update(counts)
            sources.setdefault(row.solo.partition("/")[0], Counter()).update(counts)
    corpus = {name: copies[name] for name in ("files", "notes", unit)}
    extent = {"longest": max(lengths), "vocabulary": encoder.vocabulary}
    return Report(
        unit,
        corpus={**corpus, **extent, **_rates(originals, unit)},
        sources={
            name: {**{key: counts[key] for key in ("files", "notes", unit, *LOSSES)}, **_rates(counts, unit)}
            for name, counts in sorted(sources.items())
        },
    )


def _rates(counts: Mapping[str, int], unit: str) -> dict[str, float]:
    return {
        "merged_share": round(counts["merged_notes"] / max(1, counts["notes"]), 6),
        f"{unit}_per_note": round(counts[unit] / max(1, counts["notes"] - counts["merged_notes"]), 4),
    }
