"""Data augmentation: copies of training solos in other keys and at other tempos, evenly distributed over the parents.

Only training tunes are copied, after the split: training on a copy of a held-out tune would leak it.
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import Annotated

from yardbird import files
from yardbird.config import (
    BACKGROUND,
    TARGET,
    Check,
    MidiNumber,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Role,
    Settings,
    Split,
)
from yardbird.data.manifest import SoloRow
from yardbird.errors import InputError
from yardbird.execution import over_processes
from yardbird.music.midi import read_score
from yardbird.music.midi_copies import MidiCopies
from yardbird.music.pitch import Key
from yardbird.music.score import Score
from yardbird.seeds import generator
from yardbird.shards import PLAIN, Part, Shards, computed_parts
from yardbird.tables.copies_table import CopyRow, join_copies, write_copies

_SCORES = "scores"  # in the output
_FILES_PER_WORKER = 2000  # to copy them takes longer than to start a worker

_Sound = tuple[int, int]

_RANGE = Check(lambda pair: len(pair) == 2 and pair[0] <= pair[1], "lowest, highest")
_PROGRAM = Check(lambda name: name == "other" or name.isdecimal(), "a MIDI program or `other`")
_WITH_OTHER = Check(lambda ranges: "other" in ranges, "a range for `other`, too")
_PitchRanges = Mapping[Annotated[str, _PROGRAM], Annotated[tuple[MidiNumber, ...], _RANGE]]


@dataclass(frozen=True)
class AugmentConfig(Settings, section="augment"):
    """Section `augment` of params.yaml."""

    target_size: int  # of the target's solos: originals of every split, and copies
    background_copies: NonNegativeInt  # of each background solo, or fewer if its range allows fewer
    semitones: tuple[int, ...]  # transpositions; 0 is the parent's own key
    tempo_factors: tuple[PositiveFloat, ...]  # 1.0 is the parent's own tempo
    tempo_range: Annotated[tuple[PositiveInt, ...], _RANGE]  # of a copy's mean tempo, in quarter notes a minute
    pitch_ranges: Annotated[_PitchRanges, _WITH_OTHER]  # of a copy, by MIDI program; `other`: all other programs


@dataclass(frozen=True, order=True, slots=True)  # slots: there are up to 59 for each solo
class Variant:
    """How a copy differs from its parent."""

    semitones: int
    tempo_factor: float

    @property
    def suffix(self) -> str:
        """The suffix of the copy's id and file name: `__+3_x110` is a minor third higher and 10 % faster."""
        return f"__{self.semitones:+d}_x{self.tempo_factor * 100:g}"


#: One object for all solos, which saves two KiB a solo.
_variant = lru_cache(maxsize=1024)(Variant)


@dataclass(frozen=True, slots=True)
class Outline:
    """What decides which variants a solo has."""

    program: int
    first_pitch: int
    lowest: int
    highest: int
    mean_qpm: float

    @classmethod
    def of(cls, score: Score) -> "Outline":
        pitches = score.pitches
        return cls(score.program, int(pitches[0]), int(pitches.min()), int(pitches.max()), score.mean_qpm)


def augment(
    rows: Sequence[SoloRow],
    ingested: Path,
    splits: Mapping[str, Split],
    output: Path,
    config: AugmentConfig,
    seed: int,
    background: Container[str] = (),
    shards: Shards = PLAIN,
) -> int:
    """Write the originals of every split and copies of training solos: `output`/scores/… and `output`/manifest.csv.

    `output` is replaced as a whole. Background solos of held-out tunes are left out: no metric uses them.

    Args:
        background: ids of background solos.

    Returns:
        The number of files.

    Raises:
        InputError: the target is below the number of solos, or above the number that the parents can give.
    """
    rows = [row for row in rows if row.solo not in background or splits[row.solo] == "train"]
    read = over_processes(
        partial(_outline, ingested), rows, doing="reading solos", unit="solo", items_per_worker=_FILES_PER_WORKER
    )
    outlines = {row.solo: outline for row, outline in zip(rows, read, strict=True)}
    more = [row for row in rows if row.solo in background]
    parents = [row for row in rows if splits[row.solo] == "train" and row.solo not in background]
    chosen = choose(parents, outlines, config.target_size - (len(rows) - len(more)), config, seed)
    offers = offered(more, outlines, config, seed)
    chosen |= {solo: variants[: config.background_copies] for solo, variants in offers.items()}
    total = len(rows) + sum(map(len, chosen.values()))
    copies = (
        (row, variant, copy_row(row, variant, splits[row.solo], BACKGROUND if row.solo in background else TARGET))
        for row in rows
        for variant in [Variant(0, 1.0), *chosen.get(row.solo, [])]
    )
    with (
        files.replacing_folder(output) as draft,
        computed_parts(
            partial(_write_part, ingested),
            copies,
            total,
            shards,
            output=draft,
            small=_SCORES,
            doing="augment",
            items_per_worker=_FILES_PER_WORKER,
        ) as parts,
    ):
        join_copies(draft, ((part.folder, partial(_moved, part, draft)) for part in parts))
    return total


def _outline(ingested: Path, row: SoloRow) -> Outline:
    return Outline.of(read_score(ingested / row.path))


def _write_part(ingested: Path, copies: Sequence[tuple[SoloRow, Variant, CopyRow]], part: Path) -> None:
    for path, own in groupby(copies, key=lambda copy: copy[0].path):
        parent = MidiCopies(files.read_bytes(ingested / path))
        for _, variant, copy in own:
            content = parent.copy(variant.semitones, variant.tempo_factor)
            files.write_to_draft(f"{part}/{copy.path}", content)
    write_copies(part, [copy for *_, copy in copies])


def _moved(part: Part, output: Path, paths: Sequence[str]) -> list[str]:
    """Move the scores of a part to the output, and give their paths there."""
    part.give_files(output, paths)
    return [part.path(path) for path in paths]


def choose(
    parents: Sequence[SoloRow], outlines: Mapping[str, Outline], count: int, config: AugmentConfig, seed: int
) -> dict[str, list[Variant]]:
    """Choose the variants of the parents that make `count` distinct copies.

    The numbers of copies per parent differ by at most one, except for parents with too few variants. The parents of the
    remaining copies are random. A parent uses all its keys once before any key twice, at random tempos.

    Raises:
        InputError: `count` is negative, or more than all parents can give.
    """
    if not count:
        return {row.solo: [] for row in parents}
    offers = offered(parents, outlines, config, seed)
    available = sum(map(len, offers.values()))
    if not 0 <= count <= available:
        originals = config.target_size - count
        raise InputError(
            "augment.target_size",
            expected=f"a target for which {len(parents)} training solos give 0 … {available} copies",
            found=f"one that needs {count}",
            remedy=f"write {originals} to {originals + available}, or allow more semitones, tempo factors or pitches",
        )
    chosen: dict[str, list[Variant]] = {row.solo: [] for row in parents}
    shuffled = [parents[i].solo for i in generator(seed, "augment", "lots").permutation(len(parents))]
    while count:
        givers = [solo for solo in shuffled if len(chosen[solo]) < len(offers[solo])][:count]
        for solo in givers:
            chosen[solo].append(offers[solo][len(chosen[solo])])
        count -= len(givers)
    return chosen


def offered(
    parents: Sequence[SoloRow], outlines: Mapping[str, Outline], config: AugmentConfig, seed: int
) -> dict[str, list[Variant]]:
    """The variants of each parent, best first, without those that sound like another parent or its copy."""
    own = {row.solo: _sound(outlines[row.solo], Variant(0, 1.0)) for row in parents}
    counts = Counter(row.interval_hash for row in parents)
    # only parents with the same intervals can have the same copies
    shared: dict[str, set[_Sound]] = {intervals: set() for intervals, count in counts.items() if count > 1}
    for row in parents:
        if row.interval_hash in shared:
            shared[row.interval_hash].add(own[row.solo])
    offers: dict[str, list[Variant]] = {}
    for row in parents:
        offers[row.solo] = []
        taken = shared.get(row.interval_hash, {own[row.solo]})
        for variant in variants(row, outlines[row.solo], config, seed):
            sound = _sound(outlines[row.solo], variant)
            if sound not in taken:
                taken.add(sound)
                offers[row.solo].append(variant)
    return offers


def variants(row: SoloRow, outline: Outline, config: AugmentConfig, seed: int) -> list[Variant]:
    """All variants of a solo within the range of the instrument, or of the solo if it is wider, and the tempo range."""
    lowest, highest = config.pitch_ranges.get(str(outline.program), config.pitch_ranges["other"])
    below = min(0, lowest - outline.lowest)
    above = max(0, highest - outline.highest)
    slowest, fastest = config.tempo_range
    qpm = outline.mean_qpm
    rng = generator(seed, "augment", row.solo)
    ranked: list[tuple[int, float, Variant]] = []
    for semitones in sorted({step for step in config.semitones if below <= step <= above}):
        factors = [
            factor
            for factor in sorted(set(config.tempo_factors))
            if (factor == 1 or slowest <= qpm * factor <= fastest) and (semitones, factor) != (0, 1)
        ]
        order = rng.permutation(len(factors))
        ranked += [(turn, rng.random(), _variant(semitones, factors[i])) for turn, i in enumerate(order)]
    return [variant for _, _, variant in sorted(ranked)]


def copy_row(row: SoloRow, variant: Variant, split: Split, role: Role) -> CopyRow:
    suffix = "" if variant == Variant(0, 1.0) else variant.suffix
    source, _, stem = row.solo.partition("/")
    return CopyRow(
        copy=row.solo + suffix,
        solo=row.solo,
        path=f"{_SCORES}/{source}/{stem}{suffix}.mid",
        split=split,
        role=role,
        artist=row.artist,
        title=row.title,
        tune_group=row.tune_group,
        key=_key_name(row.key, variant.semitones),
        form=row.form,
        notes=row.notes,
        bars=row.bars,
        semitones=variant.semitones,
        tempo_factor=variant.tempo_factor,
    )


@lru_cache(maxsize=1024)
def _key_name(key: str, semitones: int) -> str:
    return str(Key.parse(key).transposed(semitones)) if key else ""


def _sound(outline: Outline, variant: Variant) -> _Sound:
    """The first pitch and the tempo in tenths, by which copies of solos with the same intervals differ."""
    return outline.first_pitch + variant.semitones, round(10 * (outline.mean_qpm * variant.tempo_factor))
