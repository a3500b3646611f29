"""The model card: what a model is, what it has learnt from, how well it does, in markdown from measured figures."""

import csv
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from yardbird.data.manifest import SYNTHETIC


@dataclass(frozen=True)
class Corpus:
    """What the encode stage wrote, counted: originals a split, copies in all, the training artists."""

    originals: Mapping[str, int]
    copies: int
    artists: tuple[str, ...]
    held_out: str  # a hash of the originals of the test split, as tokens

    @property
    def synthetic(self) -> bool:
        return all(SYNTHETIC in artist for artist in self.artists)

    @property
    def origin(self) -> str:
        """Who played what the model has learnt from, in sentences."""
        etudes = "the built-in etudes by invented players, made by rules. No human played them"
        if self.synthetic:
            return f"**Synthetic**: {etudes}, and what this model plays is no evidence about real bebop."
        own = "Solos of the user's own folders. Their licences bind what may be done with these weights."
        invented = sum(SYNTHETIC in artist for artist in self.artists)
        if not invented:
            return own
        share = f"{invented} of {len(self.artists)} artists"
        return (
            f"**Partly synthetic**, {share}: {etudes}, and all that this model plays rests on them too. The rest: {own}"
        )


def read_corpus(encoded: Path) -> Corpus:
    """Read the index and the held-out tokens of data/encoded/events."""
    with (encoded / "index.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    tokens = np.load(encoded / "tokens.npy", mmap_mode="r")
    originals = [row for row in rows if row["semitones"] == "0" and float(row["tempo_factor"]) == 1]
    digest = hashlib.sha256((encoded / "codec.json").read_bytes())
    for row in sorted((row for row in originals if row["split"] == "test"), key=lambda row: row["solo"]):
        start = int(row["start"])
        digest.update(row["solo"].encode() + tokens[start : start + int(row["length"])].tobytes())
    artists = sorted({row["artist"] for row in originals if row["split"] == "train"})
    counts = Counter(row["split"] for row in originals)
    return Corpus(dict(sorted(counts.items())), len(rows), tuple(artists), digest.hexdigest()[:16])


def model_card(
    family: str, corpus: Corpus, training: Mapping[str, Any], figures: Mapping[str, Mapping[str, Any]], verdict: str
) -> str:
    """The card in markdown.

    Args:
        training: the family's entry of reports/train/<family>.json.
        figures: rows of reports/evaluate/<family>.json; the family's own and the baselines'.
    """
    splits = ", ".join(f"{count} {split}" for split, count in corpus.originals.items())
    columns = list(dict.fromkeys(name for row in figures.values() for name in row))
    rows = "\n".join(_row(name, [row.get(column) for row in figures.values()]) for name, column in _pairs(columns))
    table = (
        f"| held out and generated | {' | '.join(figures)} |\n|---|{'---|' * len(figures)}\n{rows}\n"
        if figures
        else "Not evaluated.\n"
    )
    facts = "\n".join(_row(name, [value]) for name, value in training.items())
    return f"""# {family}

Plays monophonic jazz solos as MIDI, free or over a chart. Made by the Yardbird pipeline; code under the MIT licence.

## Data
{corpus.origin}

- artists: {", ".join(corpus.artists)}
- original solos: {splits}; with transposed and tempo-scaled copies of the training solos: {corpus.copies}
- split by tune: no take or copy of a held-out tune is trained on (held-out hash {corpus.held_out})

## Training
| | |
|---|---|
{facts}

## Figures
{table}
## Verdict
{verdict}

## Use
`mlflow models serve -m models:/{family}@challenger --env-manager local`, then POST to `/invocations`:
`{{"dataframe_records": [{{"chart": "F7 | Bb7 | F7 | Cm7 F7"}}], "params": {{"bars": 12, "seed": 1}}}}`.
An empty chart asks for a free solo. The answer's `midi` is a MIDI file in base64.
"""


def _pairs(columns: list[str]) -> list[tuple[str, str]]:
    return [(column.replace("_", " "), column) for column in columns]


def _row(name: str, values: list[Any]) -> str:
    cells = ("" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value) for value in values)
    return f"| {name.replace('_', ' ')} | {' | '.join(cells)} |"
