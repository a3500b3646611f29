"""The augmented corpus as one packed array of tokens to be mapped into memory, an index, and a report of losses."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Report:
    """What was encoded: `corpus` counts copies too, its rates and the `sources` speak of the originals alone.

    `notes` are those read; `merged_share` is how many of them the grid has cost.
    """

    corpus: dict[str, int | float]
    sources: dict[str, dict[str, int | float]]


def encode_corpus(augmented: Path, output: Path, config: EncodeConfig) -> Report:
    """Encode every score of `augmented`/manifest.csv, whole, into `output`.

    Writes tokens.npy (uint16, all sequences one after the other), index.csv (where each lies; `notes` is how many are
    encoded), codec.json, and sources.csv: what the solos of each source lost to the grid. The artists of the training
    split are the codec's; others are `Artist_unknown`.

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
    report = _report(codec, rows, sequences, losses)
    _write(output, codec, rows, sequences, losses)
    sources = [{"source": name, **row} for name, row in report.sources.items()]
    files.write_csv(output / "sources.csv", list(sources[0]), sources)
    return report


def _write(
    output: Path,
    codec: EventCodec,
    rows: Sequence[Mapping[str, str]],
    sequences: Sequence[Tokens],
    losses: Sequence[Quantised],
) -> None:
    packed = io.BytesIO()
    np.save(packed, np.concatenate(sequences))
    index, start = [], 0
    for row, tokens, quantised in zip(rows, sequences, losses, strict=True):
        index.append({**row, "start": start, "length": len(tokens), "notes": len(quantised.score.notes)})
        start += len(tokens)
    files.write_bytes(output / "tokens.npy", packed.getvalue())
    files.write_csv(output / "index.csv", INDEX, index)
    codec.save(output / "codec.json")


def _report(
    codec: EventCodec,
    rows: Sequence[Mapping[str, str]],
    sequences: Sequence[Tokens],
    losses: Sequence[Quantised],
) -> Report:
    sources: dict[str, Counter[str]] = {}
    copies, originals = Counter[str](), Counter[str]()
    for row, tokens, quantised in zip(rows, sequences, losses, strict=True):
        counts = Counter(files=1, tokens=len(tokens), notes=len(quantised.score.notes) + quantised.merged_notes)
        counts.update({loss: getattr(quantised, loss) for loss in LOSSES})
        copies.update(counts)
        if row["copy"] == row["solo"]:
            originals.update(counts)
            sources.setdefault(row["solo"].partition("/")[0], Counter()).update(counts)
    corpus = {name: copies[name] for name in ("files", "notes", "tokens")}
    extent = {"longest": max(map(len, sequences)), "vocabulary": codec.vocab_size}
    return Report(
        corpus={**corpus, **extent, **{name: _rates(originals)[name] for name in ("merged_share", "tokens_per_note")}},
        sources={
            name: {**{key: counts[key] for key in ("files", "notes", "tokens", *LOSSES)}, **_rates(counts)}
            for name, counts in sorted(sources.items())
        },
    )


def _rates(counts: Mapping[str, int]) -> dict[str, float]:
    return {
        "merged_share": round(counts["merged_notes"] / max(1, counts["notes"]), 6),
        "tokens_per_note": round(counts["tokens"] / max(1, counts["notes"] - counts["merged_notes"]), 4),
    }
