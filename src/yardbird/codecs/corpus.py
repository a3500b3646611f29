"""The augmented corpus as one packed array of tokens to be mapped into memory, an index, and a report of losses."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from yardbird import files
from yardbird.codecs.events import EventCodec, Tokens
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.errors import InputError
from yardbird.music.grid import Quantised
from yardbird.music.midi import read_score

INDEX = ("copy", "solo", "split", "artist", "tune_group", "semitones", "tempo_factor", "start", "length", "notes")
LOSSES = ("merged_notes", "trimmed_notes", "merged_chords", "dropped_chords", "resized_bars", "clipped_tempos")


def encode_corpus(augmented: Path, output: Path, config: EncodeConfig) -> dict[str, Any]:
    """Encode every score of `augmented`/manifest.csv, whole, into `output`.

    Writes tokens.npy (uint16, all sequences one after the other), index.csv (where each lies; `notes` is how many are
    encoded) and codec.json. The artists of the training split are the codec's; others are `Artist_unknown`.

    Returns:
        Counts of the whole corpus; for each source what its originals lost to the grid, and their tokens.

    Raises:
        InputError: a score has a meter that the vocabulary lacks, or there is no training solo.
    """
    with (augmented / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    artists = {row["artist"] for row in rows if row["split"] == "train"}
    if not artists:
        raise InputError(augmented, expected="training solos", found="none", remedy="add tunes or lower split.test")
    codec = EventCodec.create(config, sorted(artists))
    sequences: list[Tokens] = []
    losses: list[Quantised] = []
    for row in tqdm(rows, desc="encode", unit="file", leave=False):
        try:
            quantised = codec.grid(read_score(augmented / row["path"]))
            sequences.append(codec.encode_grid(quantised.score, row["artist"]))
        except InputError as error:
            found = f"{error.what} ({error.found})"
            raise InputError(row["copy"], expected=error.expected, found=found, remedy=error.remedy) from None
        losses.append(quantised)
    _write(output, codec, rows, sequences, losses)
    return _report(codec, rows, sequences, losses)


def _write(
    output: Path,
    codec: EventCodec,
    rows: Sequence[Mapping[str, str]],
    sequences: Sequence[Tokens],
    losses: Sequence[Quantised],
) -> None:
    packed, text = io.BytesIO(), io.StringIO()
    np.save(packed, np.concatenate(sequences))
    writer = csv.DictWriter(text, INDEX, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    start = 0
    for row, tokens, quantised in zip(rows, sequences, losses, strict=True):
        placed = {"start": start, "length": len(tokens), "notes": len(quantised.score.notes)}
        writer.writerow({**row, **placed})
        start += len(tokens)
    files.write_bytes(output / "tokens.npy", packed.getvalue())
    files.write_text(output / "index.csv", text.getvalue())
    codec.save(output / "codec.json")


def _report(
    codec: EventCodec,
    rows: Sequence[Mapping[str, str]],
    sequences: Sequence[Tokens],
    losses: Sequence[Quantised],
) -> dict[str, Any]:
    sources: dict[str, Counter[str]] = {}
    for row, tokens, quantised in zip(rows, sequences, losses, strict=True):
        counts = {"files": 1, "tokens": len(tokens), "notes_in": len(quantised.score.notes) + quantised.merged_notes}
        counts |= {loss: getattr(quantised, loss) for loss in LOSSES}
        sources.setdefault("(all copies)", Counter()).update(counts)
        if row["copy"] == row["solo"]:
            sources.setdefault(row["solo"].partition("/")[0], Counter()).update(counts)
    corpus = sources.pop("(all copies)")
    return {
        "files": corpus["files"],
        "notes": corpus["notes_in"] - corpus["merged_notes"],
        "tokens": corpus["tokens"],
        "longest": max(map(len, sequences)),
        "vocabulary": codec.vocab_size,
        "sources": {
            name: {
                "files": counts["files"],
                "notes_in": counts["notes_in"],
                **{loss: counts[loss] for loss in LOSSES},
                "merged_share": round(counts["merged_notes"] / max(1, counts["notes_in"]), 6),
                "tokens": counts["tokens"],
                "tokens_per_note": round(counts["tokens"] / max(1, counts["notes_in"] - counts["merged_notes"]), 4),
            }
            for name, counts in sorted(sources.items())
        },
    }
