"""Solos of an exact number of bars: completes a drawn score, checks it against its order, and writes it.

This module is independent of models: `token_solos` and `latent_solos` draw the scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from yardbird import files
from yardbird.audio.comping import count_in
from yardbird.audio.synth import render
from yardbird.audio.wave import write_wave
from yardbird.data.readers import file_and_number, stem_of
from yardbird.generation.orders import Filled, GenerateConfig, Order
from yardbird.music.keyfinding import estimate_key
from yardbird.music.midi import write_score
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Score, Tempo
from yardbird.pictures import piano_roll
from yardbird.progress import progress
from yardbird.tables.generated_tables import GeneratedSolo, write_generated_solos


@dataclass(frozen=True)
class Solo:
    """A drawn solo: its order, and the grid score; `index` is its row in the batch.

    If it was chosen among several candidates, `judged` has the measured values of each, as drawn (see `best_of`).
    """

    order: Order
    index: int
    score: Score
    judged: tuple[Mapping[str, float | None], ...] = ()

    @property
    def primed_bars(self) -> int:
        return self.order.prime.bars if self.order.prime else 0

    @property
    def drawn_seconds(self) -> float:
        """The duration after its prime."""
        start = self.score.bar_ticks[self.primed_bars]
        return float(self.score.seconds - self.score.seconds_at(start))


def finished(order: Order, index: int, score: Score, config: GenerateConfig, changes_key: Key | None = None) -> Solo:
    """The solo of a drawn grid score, completed with what models do not draw; it meets its order.

    Added are the key (the chart's, else that of the drawn changes, else the prime's, else an estimate), the requested
    tempo, and at the end of a prime the chart's current chord, which may have started before.

    Args:
        changes_key: the key that constrained the chords drawn by the model.
    """
    key = (order.sheet and order.sheet.key) or changes_key or (order.prime and order.prime.score.key)
    score = replace(score, key=key or (estimate_key(score.notes) if len(score.notes) else None))
    qpm = requested_qpm(order, config)
    if qpm and not order.prime:
        score = replace(score, tempos=(Tempo(0, qpm),))
    if order.sheet and order.prime:
        start = int(score.bar_ticks[order.prime.bars])
        taking_over = in_force_from(order.sheet.chord_changes(score.ticks_per_beat, order.bars), start)[0]
        if all(change.tick != start for change in score.chords):
            chords = sorted((*score.chords, taking_over), key=lambda change: change.tick)
            score = replace(score, chords=tuple(chords))
    solo = Solo(order, index, score)
    assert not faults(solo, config), f"{order.name}: {'; '.join(faults(solo, config))}"
    return solo


def in_force_from(changes: Sequence[ChordChange], start_step: int) -> tuple[ChordChange, ...]:
    """The changes after a step, preceded by the one in force at that step, moved to it."""
    earlier = [change._replace(tick=start_step) for change in changes if change.tick <= start_step]
    return (*earlier[-1:], *(change for change in changes if change.tick > start_step))


def requested_qpm(order: Order, config: GenerateConfig) -> float | None:
    """The tempo of the chart, else that of the settings."""
    return (order.sheet and order.sheet.qpm) or config.qpm


def faults(solo: Solo, config: GenerateConfig) -> list[str]:
    """The violations of the order by a drawn solo; the bars of a prime are not checked."""
    score, order = solo.score, solo.order
    start = int(score.bar_ticks[solo.primed_bars]) if solo.primed_bars else 0
    pitches = score.pitches[score.onsets >= start]
    low, high = config.pitch_range
    found = []
    if score.bar_count != order.bars or score.end_tick != _whole_bars_end(score):
        found.append(f"{score.bar_count} bars")
    if not score.is_monophonic or np.any(score.durations < 1):
        found.append("not monophonic")
    if len(pitches) and not (pitches.min() >= low and pitches.max() <= high):
        found.append(f"pitches {pitches.min()} to {pitches.max()}")
    if np.any(score.offsets > score.end_tick):
        found.append("a last note that does not end")
    if order.sheet is not None:
        expected = order.sheet.chord_changes(score.ticks_per_beat, order.bars)
        if in_force_from(score.chords, start) != in_force_from(expected, start):
            found.append("other chords than the chart's")
    return found


def write_solos(
    solos: Sequence[Solo],
    folder: Path,
    config: GenerateConfig,
    seed: int,
    model: Mapping[str, Any],
    made: Mapping[str, Any],
) -> None:
    """Replace `folder` with the solos, each as .mid, .wav, .png and .json under its name, and a manifest.csv.

    Args:
        model: provenance of the model: family, hash, training data.
        made: what else `yardbird regenerate` needs: the command, the batch, the software.
    """
    rows = []
    with files.replacing_folder(folder) as draft:
        for solo in progress(solos, doing="writing solos", unit="solo"):
            write_solo(solo, draft / solo.order.name, config, seed, model, made)
            rows.append(_row(solo, seed))
        write_generated_solos(draft, rows)


def write_measured(solos: Sequence[Solo], folder: Path, seed: int) -> None:
    """Replace `folder` with the solos to evaluate, as .mid only, and a manifest.csv as in `write_solos`."""
    with files.replacing_folder(folder) as draft:
        for solo in solos:
            write_score(solo.score, draft / f"{solo.order.name}.mid")
        write_generated_solos(draft, [_row(solo, seed) for solo in solos])


def write_solo(
    solo: Solo, stem: Path, config: GenerateConfig, seed: int, model: Mapping[str, Any], made: Mapping[str, Any]
) -> None:
    """Write stem.mid, stem.wav, stem.png and stem.json; a dot in the stem does not start a suffix.

    `model` and `made` as in `write_solos`.
    """
    score, order = solo.score, solo.order
    title = f"{_tune(order)} · {Path(order.name).name.replace('_', ' ')}"
    write_score(score, stem.with_name(f"{stem.name}.mid"))
    sound = render(score, comping=config.comping, with_drums=config.drums, counted_in=config.count_in)
    write_wave(sound, stem.with_name(f"{stem.name}.wav"))
    tinted = ("filled", order.filled.bars) if order.filled else ("prime", [range(solo.primed_bars)])
    piano_roll.draw(score, stem.with_name(f"{stem.name}.png"), title=title, tinted=tinted)
    prime = order.prime and {
        "file": order.prime.file.name,
        "sha256": files.sha256(file_and_number(order.prime.file)[0]),
        "bars": order.prime.bars,
    }
    provenance = {
        **asdict(_row(solo, seed)),
        "model": model,
        "settings": asdict(config),
        "count_in_seconds": round(count_in(score).seconds, 6) if config.count_in else 0,  # of the .wav
        "chart": order.sheet and order.sheet.text(),
        "prime": prime,
        **({"fill": _fill(order.filled)} if order.filled else {}),
        **({"judged": [_rounded(measured) for measured in solo.judged]} if solo.judged else {}),
        "made": made,
    }
    files.write_json(stem.with_name(f"{stem.name}.json"), provenance)


def _row(solo: Solo, seed: int) -> GeneratedSolo:
    score, order = solo.score, solo.order
    return GeneratedSolo(
        solo=order.name,
        path=f"{order.name}.mid",
        chart=order.sheet.title if order.sheet else "",
        prime=order.prime.file.name if order.prime else "",
        bars=score.bar_count,
        primed_bars=solo.primed_bars,
        notes=len(score.notes),
        key=str(score.key or ""),
        qpm=round(score.mean_qpm, 3),
        seed=seed,
        index=solo.index,
    )


def _fill(filled: Filled) -> dict[str, Any]:
    return {"file": filled.file.name, "sha256": files.sha256(file_and_number(filled.file)[0]), "bars": filled.ranges}


def _rounded(measured: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: value and round(value, 4) for name, value in measured.items()}


def _tune(order: Order) -> str:
    if order.sheet:
        return order.sheet.title or Path(order.name).parts[0].replace("_", " ")
    if order.filled:
        return f"{stem_of(order.filled.file).replace('_', ' ')}, bars {', '.join(order.filled.ranges)} filled"
    return f"After {stem_of(order.prime.file).replace('_', ' ')}" if order.prime else "Free solo"


def _whole_bars_end(score: Score) -> int:
    return int(score.bar_ticks[-1]) + score.meters[-1].bar_ticks(score.ticks_per_beat)
