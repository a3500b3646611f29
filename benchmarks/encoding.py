"""Encoding speed of our codec, compared with MidiTok's REMI tokenizer, which gives notes the same ids.

Our codec also writes chord changes and an artist, smooths the tempo over bars, and keeps notes of any length, which
MidiTok cuts. The corpus is 100 synthetic etudes, or the scores in the folder YARDBIRD_CORPUS (an environment variable),
which the ingest stage wrote.
"""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import symusic

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import Row, main, measure

from yardbird.codecs.events import EventCodec
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.config import read_section
from yardbird.data.etudes.compose import etudes
from yardbird.music.midi import read_score, write_score


def read_corpus(folder: Path) -> list[Path]:
    """The scores in the folder YARDBIRD_CORPUS, or etudes written to `folder`."""
    if named := os.environ.get("YARDBIRD_CORPUS"):
        return sorted(Path(named).rglob("*.mid"))[:100]
    for etude in etudes(0, 100):
        write_score(etude.score, folder / f"{etude.number:03}.mid")
    return sorted(folder.glob("*.mid"))


def benchmark(rounds: int) -> Iterator[list[Row]]:
    codec = EventCodec.create(read_section("encode.events", EncodeConfig), [])
    with TemporaryDirectory() as folder:
        paths = read_corpus(Path(folder))
        ours = [read_score(path) for path in paths]
        theirs = [symusic.Score(path) for path in paths]
        tokens = [codec.encode(score, None) for score in ours]
        size = f"{len(paths)} solos, {sum(map(len, tokens))} tokens"
        scored: dict[str, Callable[[], object]] = {
            "ours": lambda: [codec.encode(replace(score), None) for score in ours],  # a copy has no cached values
            "MidiTok REMI": lambda: [codec.tokenizer.encode(score.copy()) for score in theirs],
            "ours, transposing the parent's ids": lambda: [codec.transpose(ids, 1) for ids in tokens],
        }
        yield measure(f"from scores, {size}", scored, rounds)
        filed: dict[str, Callable[[], object]] = {
            "ours": lambda: [codec.encode(read_score(path), None) for path in paths],
            "MidiTok REMI": lambda: [codec.tokenizer.encode(path) for path in paths],
        }
        yield measure(f"from files, {size}", filed, rounds)


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=9)
