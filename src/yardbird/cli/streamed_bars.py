"""`yardbird generate --stream`: prints and writes each bar of a solo as soon as it is drawn."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from yardbird.cli.console import note, result

if TYPE_CHECKING:
    from yardbird.generation.orders import GenerateConfig, Order
    from yardbird.generation.solos import Solo
    from yardbird.models.family_kinds import TokenFamily
    from yardbird.music.score import Score


def stream_bars(family: "TokenFamily", order: "Order", settings: "GenerateConfig", seed: int, folder: Path) -> "Solo":
    """Draw a solo; print a line for each bar, and write the solo so far to its .mid in `folder`."""
    from yardbird.generation.solos import in_force_from
    from yardbird.generation.streaming import stream
    from yardbird.music.chords import chord_symbol
    from yardbird.music.midi import write_score

    key = order.sheet.key if order.sheet else None

    def show(score: "Score") -> None:
        write_score(score, folder / f"{order.name}.mid")
        start = int(score.bar_ticks[-1])
        chords = " ".join(chord_symbol(change.chord, key) for change in in_force_from(score.chords, start))
        result(f"bar {score.bar_count} of {order.bars}: {chords}; notes: {int((score.onsets >= start).sum())}")
        sys.stdout.flush()  # a pipe, too, gets each bar at once

    begun = time.perf_counter()
    solo = stream(family, order, settings, seed, show)
    note(f"drawn in {time.perf_counter() - begun:.1f} seconds; the solo lasts {solo.drawn_seconds:.1f}")
    return solo
