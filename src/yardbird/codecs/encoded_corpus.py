"""Encode the augmented corpus with one codec: memory-mapped arrays, an index and a report of what the grid lost."""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
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
from yardbird.music.midi import read_score
from yardbird.music.score import Score
from yardbird.shards import PLAIN, Shards, computed_parts
from yardbird.tables.copies_table import CopyRow, iterate_copies
from yardbird.tables.encoded_tables import EncodedRow, iterate_index, write_index
from yardbird.tables.typed_table import iterate_table, write_table

_FILES_PER_WORKER = 2000  # to encode them takes longer than to start a worker

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


def encode_corpus(augmented: Path, output: Path, config: EncodeConfig | MelodyConfig, shards: Shards = PLAIN) -> Report:
    """Encode every score of `augmented`/manifest.csv and replace `output` as a whole. The type of `config` selects the
    codec.

    Writes all solos, concatenated, to tokens.npy (events, uint16), or to steps.npy, velocities.npy (uint8) and
    chords.npy (uint16) (segments of the melody grid). index.csv gives the place of each solo and its number of encoded
    notes. codec.json stores the codec. sources.csv lists what the solos of each source lost to the grid. The event
    codec has a token for each artist of the target's training split; all others, background players included, are
    `Artist_unknown`.

    Raises:
        InputError: the codec does not have the meter of a score, or there is no training solo.
    """
    total, artists = 0, set[str]()
    for row in iterate_copies(augmented):
        total += 1
        artists |= {row.artist} if row.split == "train" and row.role == TARGET else set()
    if not artists:
        raise InputError(augmented, expected="training solos", found="none", remedy="add tunes or lower split.test")
    encoder = _encoder(config, tuple(sorted(artists)))
    with (
        files.replacing_folder(output) as draft,
        computed_parts(
            partial(_encode_part, augmented, config, tuple(sorted(artists))),
            iterate_copies(augmented),
            total,
            shards,
            output=draft,
            small="",
            doing=f"encode {output.name}",
            items_per_worker=_FILES_PER_WORKER,
        ) as computed,
    ):
        parts = [part.folder for part in computed]
        report = _report(encoder, parts)
        for array in sorted(path.name for path in parts[0].glob("*.npy")):
            _concatenate([part / array for part in parts], draft / array)
        write_index(draft, _placed(parts))
        encoder.codec.save(draft / "codec.json")
        sources = [{"source": name, **row} for name, row in report.sources.items()]
        files.write_csv(draft / "sources.csv", list(sources[0]), sources)
    return report


@dataclass(frozen=True)
class _Lost:
    """What the grid lost of a solo."""

    merged_notes: int
    trimmed_notes: int
    merged_chords: int
    dropped_chords: int
    resized_bars: int
    clipped_tempos: int


_LOSSES = tuple(field.name for field in fields(_Lost))
_LOST = "lost.csv"


def _encode_part(
    augmented: Path, config: EncodeConfig | MelodyConfig, artists: tuple[str, ...], rows: Sequence[CopyRow], part: Path
) -> None:
    """Write the arrays of some solos, concatenated, with their index and table of losses."""
    encoder = _encoder(config, artists)
    encoded: list[Arrays] = []
    index: list[EncodedRow] = []
    lost: list[_Lost] = []
    start = 0
    for row in rows:
        try:
            quantised = encoder.codec.grid(read_score(augmented / row.path))
            arrays = encoder.arrays(quantised.score, row.artist)
        except InputError as error:
            found = f"{error.what} ({error.found})"
            raise InputError(row.copy, expected=error.expected, found=found, remedy=error.remedy) from None
        encoded.append(arrays)
        length = len(next(iter(arrays.values())))
        index.append(
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
        )
        start += length
        lost.append(_Lost(*(getattr(quantised, loss) for loss in _LOSSES)))
    for name in encoded[0]:
        np.save(part / f"{name}.npy", np.concatenate([arrays[name] for arrays in encoded]))
    write_index(part, index)
    write_table(part / _LOST, _Lost, lost)


def _concatenate(arrays: Sequence[Path], output: Path) -> None:
    """Write several .npy files as one, as `np.save` does, with one of them in memory at a time."""
    shapes = [np.load(path, mmap_mode="r").shape for path in arrays]
    first = np.load(arrays[0], mmap_mode="r")
    shape = (sum(shape[0] for shape in shapes), *first.shape[1:])
    header = {"descr": np.lib.format.dtype_to_descr(first.dtype), "fortran_order": False, "shape": shape}
    with output.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for path in arrays:
            np.load(path).tofile(file)


def _placed(parts: Iterable[Path]) -> Iterator[EncodedRow]:
    """The index of all parts, with the places in the whole arrays."""
    end = 0
    for part in parts:
        for row in iterate_index(part):
            yield replace(row, start=end)
            end += row.length


@functools.lru_cache(maxsize=1)  # a worker encodes many parts
def _encoder(config: EncodeConfig | MelodyConfig, artists: tuple[str, ...]) -> Encoder:
    return _events(config, artists) if isinstance(config, EncodeConfig) else _melody(config)


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


def _report(encoder: Encoder, parts: Sequence[Path]) -> Report:
    unit = encoder.unit
    sources: dict[str, Counter[str]] = {}
    copies, originals = Counter[str](), Counter[str]()
    longest = 0
    for part in parts:
        for row, lost in zip(iterate_index(part), iterate_table(part / _LOST, _Lost), strict=True):
            counts = Counter({"files": 1, unit: row.length, "notes": row.notes + lost.merged_notes, **vars(lost)})
            copies.update(counts)
            longest = max(longest, row.length)
            if row.is_original:
                originals.update(counts)
                sources.setdefault(row.solo.partition("/")[0], Counter()).update(counts)
    corpus = {name: copies[name] for name in ("files", "notes", unit)}
    extent = {"longest": longest, "vocabulary": encoder.vocabulary}
    return Report(
        unit,
        corpus={**corpus, **extent, **_rates(originals, unit)},
        sources={
            name: {**{key: counts[key] for key in ("files", "notes", unit, *_LOSSES)}, **_rates(counts, unit)}
            for name, counts in sorted(sources.items())
        },
    )


def _rates(counts: Mapping[str, int], unit: str) -> dict[str, float]:
    return {
        "merged_share": round(counts["merged_notes"] / max(1, counts["notes"]), 6),
        f"{unit}_per_note": round(counts[unit] / max(1, counts["notes"] - counts["merged_notes"]), 4),
    }
