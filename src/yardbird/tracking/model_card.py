"""The model card in Markdown: the model, its training data and its metrics."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from yardbird import files
from yardbird.config import BACKGROUND
from yardbird.data.manifest import SYNTHETIC
from yardbird.errors import counted
from yardbird.tables.clip_tables import EncodedClipRow, read_clip_index
from yardbird.tables.encoded_tables import EncodedRow, read_index
from yardbird.tracking.endpoint import Endpoint
from yardbird.tracking.gate import Gate


@dataclass(frozen=True)
class Clips:
    """Facts about a sound corpus: solos cut into clips and encoded with a codec."""

    count: int
    minutes: float
    rendered: bool  # with the SoundFont; otherwise recorded
    checkpoint: str  # with the initial weights; scratch: none


@dataclass(frozen=True)
class Corpus:
    """Counts of the encoded corpus: originals of each split, all copies, the training artists."""

    originals: Mapping[str, int]
    copies: int
    artists: tuple[str, ...]
    held_out: str  # a hash of the originals of the test split, as encoded
    clips: Clips | None = None  # for a sound corpus
    background: Mapping[str, int] = field(default_factory=dict)  # source → number of its solos

    @property
    def synthetic(self) -> bool:
        return all(SYNTHETIC in artist for artist in self.artists)

    @property
    def origin(self) -> str:
        """The origin of the training data, in sentences."""
        return f"{self._players} {self._sound}" if self.clips else self._players

    @property
    def _players(self) -> str:
        etudes = "the built-in etudes by synthetic players, composed by rules. No human played them"
        if self.synthetic:
            return f"**Synthetic**: {etudes}. The output of this model is not evidence about real bebop."
        own = "Solos from the user's own folders. Their licences restrict the use of these weights."
        invented = sum(SYNTHETIC in artist for artist in self.artists)
        if not invented:
            return own
        share = f"{invented} of {len(self.artists)} artists"
        return f"**Partly synthetic**, {share}: {etudes}, but all output of this model depends on them. The rest: {own}"

    @property
    def _sound(self) -> str:
        assert self.clips is not None
        rendered = "**Rendered**: a SoundFont played the notes. No instrument was recorded."
        sound = rendered if self.clips.rendered else "Recordings, not modified."
        if self.clips.checkpoint == "scratch":
            return f"{sound} Trained from scratch on nothing else."
        return f"{sound} Fine-tuned from {self.clips.checkpoint}, whose licence also applies to these weights."


def read_corpus(encoded: Path) -> Corpus:
    """Read the index and the held-out solos of a codec's folder in data/encoded."""
    codec = files.read_json(encoded / "codec.json")
    rows: Sequence[EncodedRow] | Sequence[EncodedClipRow]
    if "codebooks" in codec:
        rows = clips = read_clip_index(encoded)
        sound, background = _clips(clips, codec), Counter[str]()
    else:
        rows = solos = read_index(encoded)
        own = (row for row in solos if row.is_original and row.role == BACKGROUND)
        sound, background = None, Counter(row.solo.partition("/")[0] for row in own)
    arrays = [np.load(path, mmap_mode="r") for path in sorted(encoded.glob("*.npy"))]
    originals = [row for row in rows if row.is_original]
    digest = hashlib.sha256((encoded / "codec.json").read_bytes())
    for row in sorted((row for row in originals if row.split == "test"), key=lambda row: row.solo):
        digest.update(row.solo.encode())
        for array in arrays:
            digest.update(array[row.place].tobytes())
    artists = sorted({row.artist or "unknown" for row in originals if row.split == "train"})
    counts = Counter(split for split, _ in {(row.split, row.solo) for row in originals})  # a solo is many clips
    return Corpus(
        originals=dict(sorted(counts.items())),
        copies=len({(row.solo, row.semitones, row.tempo_factor) for row in rows}),
        artists=tuple(artists),
        held_out=digest.hexdigest()[:16],
        clips=sound,
        background=dict(sorted(background.items())),
    )


def _clips(rows: Sequence[EncodedClipRow], codec: Mapping[str, Any]) -> Clips:
    minutes = sum(row.length for row in rows) / codec["frame_rate"] / 60
    return Clips(len(rows), minutes, all(row.kind == "rendered" for row in rows), codec["source"])


def model_card(
    endpoint: Endpoint,
    corpus: Corpus,
    training: Mapping[str, Any],
    figures: Mapping[str, Mapping[str, Any]],
    gate: Gate,
    verdict: str,
) -> str:
    """The card in Markdown.

    Args:
        training: the family's entry in reports/train/<family>.json.
        figures: the rows of reports/evaluate/<family>.json: of the family and the baselines.
        verdict: the gate's reason.
    """
    family, own = endpoint.family, figures.get(endpoint.family, {})
    splits = ", ".join(f"{count} {split}" for split, count in corpus.originals.items())
    more = "".join(f"\n- background: {counted(count, 'solo')} of {name}" for name, count in corpus.background.items())
    cut = (
        f"\n- cut into {corpus.clips.count} clips, {corpus.clips.minutes:.0f} minutes in total" if corpus.clips else ""
    )
    columns = list(dict.fromkeys(name for row in figures.values() for name in row))
    table = _table("held-out and generated", figures, {column.replace("_", " "): column for column in columns})
    table = table if figures else "Not evaluated.\n"
    facts = "\n".join(_row(name.replace("_", " "), [value]) for name, value in training.items())
    validation = {name.removeprefix("validation_"): value for name, value in training.items()}
    sources = {"validation": validation, "held out": own, gate.baseline: figures.get(gate.baseline, {})}
    health = f"## Health\n{_table('latent space', sources, endpoint.health)}\n" if endpoint.health else ""
    alarm = f"**ALARM.** {verdict}\n\n" if own.get("collapsed") else ""
    return f"""# {family}

{alarm}{endpoint.about} Made by the Yardbird pipeline; code under the MIT licence.

## Data
{corpus.origin}

- artists: {", ".join(corpus.artists)}
- original solos: {splits}; {corpus.copies} with transposed and tempo-scaled copies of the training solos{more}{cut}
- split by tune: no take or copy of a held-out tune is in the training split (held-out hash {corpus.held_out})

## Training
| | |
|---|---|
{facts}

{health}## Metrics
{table}
## Verdict
{verdict}

## Use
{endpoint.use}
"""


def _table(title: str, columns: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """A table with one column for each source. `names` maps the label of each row to the name of its metric."""
    head = f"| {title} | {' | '.join(name.replace('_', ' ') for name in columns)} |\n|---|{'---|' * len(columns)}\n"
    return head + "".join(
        _row(words, [column.get(name) for column in columns.values()]) + "\n" for words, name in names.items()
    )


def _row(name: str, values: list[Any]) -> str:
    cells = ("" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value) for value in values)
    return f"| {name} | {' | '.join(cells)} |"
