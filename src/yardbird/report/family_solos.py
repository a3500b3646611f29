"""Selects the best and the median solo of each family.

    distance of a solo   the mean over metrics of |value − mean of real solos| / standard deviation of real solos

Only metrics with all three values count. The real solos are held-out ones cut to the length of the family's solos,
because most metrics depend on the length. A single solo is further away than the mean of a set, because it also varies
by chance; the distances of single real solos show by how much.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.audio.transcription import transcribe
from yardbird.audio.wave import read_wave
from yardbird.metrics.solo_metrics import LEAST_SPREAD, describe
from yardbird.music.caption_facts import spoken_tempo
from yardbird.music.excerpts import cut, excerpts, in_full_bars, length_beats
from yardbird.music.grid import quantise
from yardbird.music.midi import read_score
from yardbird.music.score import Score
from yardbird.progress import progress
from yardbird.tables.copies_table import read_copies
from yardbird.tables.generated_tables import TABLE, GeneratedSound, read_generated

Figures = Mapping[str, float | None]


@dataclass(frozen=True, eq=False)
class ReportSolo:
    """A generated solo: `title` is the name of its chart and its number, or its prompt."""

    title: str
    facts: str
    wave: Path
    score: Score
    transcribed: bool  # the notes are a transcription of the sound
    picture: Path | None  # of a sound, its spectrogram
    distance: float | None
    primed_bars: int = 0  # given, not drawn by the model
    count_in_seconds: float = 0.0  # at the start of the sound, before the notes

    @property
    def drawn(self) -> Score:
        """The part that the model drew."""
        return cut(self.score, int(self.score.bar_ticks[self.primed_bars]), self.score.end_tick)


@dataclass(frozen=True, eq=False)
class Family:
    """All solos of a family, nearest to real ones first; `real` are the distances of real solos."""

    name: str
    solos: Sequence[ReportSolo]
    real: Sequence[float] = field(default_factory=tuple)

    @property
    def chosen(self) -> dict[str, ReportSolo]:
        """The best and the median solo; only the best if they are the same."""
        ranked = [solo for solo in self.solos if solo.distance is not None] or list(self.solos)
        best, median = ranked[0], ranked[(len(ranked) - 1) // 2]
        return {"best": best} if best is median else {"best": best, "median": median}


def read_families(data: Path) -> list[Family]:
    """Every family with solos in data/generated, with distances if there are real solos."""
    families = []
    for manifest in progress(sorted(data.glob(f"generated/*/{TABLE}")), "judging solos", unit="family"):
        solos = list(_read_solos(manifest.parent))
        if not solos:
            continue
        drawn = [describe(solo.drawn) for solo in solos]
        real = [describe(score) for score in read_real(data, [solo.drawn for solo in solos], _artist(solos[0]))]
        by = yardstick(real, drawn)
        placed = [replace(solo, distance=distance(own, by)) for solo, own in zip(solos, drawn, strict=True)]
        placed.sort(key=lambda solo: (solo.distance is None, solo.distance or 0.0))
        apart = [distance(figures, by) for figures in real]
        families.append(Family(manifest.parent.name, placed, [value for value in apart if value is not None]))
    return families


def yardstick(real: Sequence[Figures], drawn: Sequence[Figures]) -> dict[str, tuple[float, float]]:
    """Metric → mean and standard deviation of real solos, for metrics that vary and that a generated solo has."""
    found = {}
    for metric in dict.fromkeys(metric for solo in drawn for metric, value in solo.items() if value is not None):
        values = [value for solo in real if (value := solo[metric]) is not None]
        if len(values) > 1 and (sd := statistics.stdev(values)) >= LEAST_SPREAD:
            found[metric] = (statistics.mean(values), sd)
    return found


def distance(figures: Figures, by: Mapping[str, tuple[float, float]]) -> float | None:
    """The distance in standard deviations of real solos, at least 0; None if no metric has a value and a yardstick."""
    apart = [abs(value - mean) / sd for metric, (mean, sd) in by.items() if (value := figures.get(metric)) is not None]
    return sum(apart) / len(apart) if apart else None


def read_real(data: Path, generated: Sequence[Score], artist: str | None) -> Iterator[Score]:
    """Excerpts of the test split with the length and the grid of the generated solos.

    Phrase marks are removed, because models write none; chords are removed if no generated solo has chords. Only solos
    of `artist` are used, if the split has any: a model of one player is compared with that player.
    """
    held_out = [row for row in read_copies(data / "augmented") if row.split == "test"]
    beats, steps_per_beat = length_beats(generated), max(score.ticks_per_beat for score in generated)
    with_chords = any(score.chords for score in generated)
    for row in [row for row in held_out if row.artist == artist] or held_out:
        solo = quantise(read_score(files.within(data / "augmented", row.path)), steps_per_beat).score
        solo = replace(solo, phrases=(), chords=solo.chords if with_chords else ())
        yield from excerpts(in_full_bars(solo), beats)


def _artist(solo: ReportSolo) -> str | None:
    """The requested artist, from the provenance file of a solo; None if no artist was requested."""
    artist: str | None = _provenance(solo.wave).get("settings", {}).get("artist")
    return artist


def _provenance(wave: Path) -> Mapping[str, Any]:
    beside = wave.with_suffix(".json")
    return files.read_json(beside) if beside.is_file() else {}


def _read_solos(folder: Path) -> Iterator[ReportSolo]:
    for row in read_generated(folder):
        path = files.within(folder, row.path)
        if isinstance(row, GeneratedSound):
            wave = read_wave(path)
            score = transcribe(wave, spoken_tempo(row.prompt))
            facts = f"{wave.seconds:.0f} s, {len(score.notes)} notes transcribed"
            if row.unknown_words:
                facts += f"; words absent from the training captions: {row.unknown_words}"
            yield ReportSolo(row.prompt, facts, path, score, True, path.with_suffix(".png"), None)
        else:
            score = read_score(path)
            facts = f"{row.key}, {row.qpm:.0f} quarter notes a minute, {row.bars} bars, {row.notes} notes"
            group, _, name = row.solo.rpartition("/")
            title = ", ".join(part for part in (row.chart or group.replace("_", " "), name.replace("_", " ")) if part)
            wave_path = path.with_suffix(".wav")
            lead = float(_provenance(wave_path).get("count_in_seconds", 0.0))
            yield ReportSolo(title, facts, wave_path, score, False, None, None, row.primed_bars, lead)
