"""Augmentation speed, 100 to 1000 solos, compared with pretty_midi and MusPy.

Ours is the whole job of the stage: read the scores, choose the copies, transpose notes, chords and keys, scale the
tempos, write the files, write the manifest, replace the output as a whole. The peers read the same files once and write
the same copies, with notes and tempos only. The files are in memory (/dev/shm) where it exists, because the time of
creating a file on a disk varies more than the rest.
"""

import copy
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pretty_midi

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import Row, Variant, main, measure, requiring

from yardbird.config import Split, read_section
from yardbird.data.augmentation import AugmentConfig, augment
from yardbird.data.etudes.compose import ComposeConfig, compose
from yardbird.data.ingest import ingest
from yardbird.data.manifest import read_solos
from yardbird.data.reading import IngestConfig
from yardbird.tables.copies_table import CopyRow, read_copies

SHARED_MEMORY = Path("/dev/shm")


def write_with_pretty_midi(rows: Sequence[CopyRow], paths: Mapping[str, Path], output: Path) -> None:
    parents: dict[str, pretty_midi.PrettyMIDI] = {}
    for row in rows:
        if row.is_original:
            parents = {row.solo: pretty_midi.PrettyMIDI(str(paths[row.solo]))}
        midi = copy.deepcopy(parents[row.solo])
        end = midi.get_end_time()
        midi.adjust_times([0, end], [0, end / row.tempo_factor])
        for note in midi.instruments[0].notes:
            note.pitch += row.semitones
        midi.write(str(output / f"{row.copy.replace('/', '_')}.mid"))


def write_with_muspy(rows: Sequence[CopyRow], paths: Mapping[str, Path], output: Path) -> None:
    import muspy  # optional

    parents: dict[str, muspy.Music] = {}
    for row in rows:
        if row.is_original:
            parents = {row.solo: muspy.read_midi(paths[row.solo])}
        music = copy.deepcopy(parents[row.solo])
        music.key_signatures.clear()  # MusPy transposes F to keys such as G sharp, which it cannot write
        music.transpose(row.semitones)
        for tempo in music.tempos:
            tempo.qpm *= row.tempo_factor
        muspy.write_midi(output / f"{row.copy.replace('/', '_')}.mid", music)


def benchmark(rounds: int) -> Iterator[list[Row]]:
    config = read_section("augment", AugmentConfig)
    with TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as folder:
        root = Path(folder)
        compose(0, read_section("compose", ComposeConfig), root / "etudes")
        ingest(root / "etudes", "etudes", read_section("ingest", IngestConfig), root / "ingested/etudes")
        rows = read_solos(root / "ingested", ["etudes"])
        splits: dict[str, Split] = dict.fromkeys((row.solo for row in rows), "train")
        augment(rows, root / "ingested", splits, root / "ours", config, 0)
        copies = read_copies(root / "ours")
        paths = {row.solo: root / "ingested" / row.path for row in rows}
        for peer in ("pretty_midi", "muspy"):
            (root / peer).mkdir()
        variants: dict[str, Variant] = {
            "ours": lambda: augment(rows, root / "ingested", splits, root / "ours", config, 0),
            "pretty_midi": lambda: write_with_pretty_midi(copies, paths, root / "pretty_midi"),
            "MusPy": requiring("muspy", lambda: write_with_muspy(copies, paths, root / "muspy")),
        }
        yield measure(f"{len(rows)} solos to {len(copies)}", variants, rounds)


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=5)
