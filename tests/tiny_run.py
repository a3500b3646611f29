"""The outputs of a tiny pipeline that the report reads. Titles, names and prompts contain markup."""

from pathlib import Path

import matplotlib.image
import numpy as np
from solo_rows import row, solo, write_ingested
from table_rows import filled

from yardbird import files
from yardbird.audio.wave import Waveform, write_wave
from yardbird.data.manifest import REJECTED, Rejected, SetAside
from yardbird.metrics.estimates import as_csv
from yardbird.metrics.set_rows import REAL, compare_sets
from yardbird.music.midi import write_score
from yardbird.music.score import Score
from yardbird.report_tables import Section, Table, write_sections
from yardbird.seeds import streams
from yardbird.tables.copies_table import CopyRow, write_copies
from yardbird.tables.generated_tables import (
    GeneratedSolo,
    GeneratedSound,
    write_generated_solos,
    write_generated_sounds,
)
from yardbird.tables.typed_table import write_table

HOSTILE = """</script><script>document.title = "owned"</script><img src="http://evil.example/x.png" onerror='1'>&"""
FAMILY, SINGER = "music_transformer", "musicgen"
REAL_SOLOS = [solo(seed) for seed in range(4)]
DRAWN = [solo(seed, notes=notes, lowest=48, highest=81) for seed, notes in ((10, 40), (11, 40), (12, 24))]


def make_tiny_run(root: Path) -> Path:
    """The folders data and reports, and dvc.lock."""
    _corpus(root / "data")
    _generated(root / "data/generated")
    _interpolation(root / "data/explored/interpolation")
    _reports(root / "reports")
    settings = {"cmd": "", "params": {"params.yaml": {"seed": 3, "split": {"salt": 1, "name": HOSTILE}}}}
    lock = {"stages": {"augment": {**settings, "outs": [{"path": "data/augmented", "md5": "0123abcd.dir"}]}}}
    files.write_json(root / "dvc.lock", lock)  # JSON is YAML
    return root


def write_sound(path: Path, seconds: float) -> None:
    """A tone, at the sample rate of the sounds in the page."""
    wave = 0.2 * np.sin(np.arange(round(22_050 * seconds)) * 2 * np.pi * 440 / 22_050)
    write_wave(Waveform(wave.astype(np.float32)[:, None], 22_050), path)


def _corpus(data: Path) -> None:
    names = [f"mine/solo_{place}" for place in range(len(REAL_SOLOS))]
    rows = [
        row(name, artist=f"{HOSTILE} (synthetic)", interval_hash="one" if place < 2 else "")
        for place, name in enumerate(names)
    ]
    write_ingested(data / "ingested", dict(zip(names, REAL_SOLOS, strict=True)), rows)
    write_table(data / "ingested/mine" / REJECTED, Rejected, [Rejected(HOSTILE, HOSTILE, HOSTILE)])
    write_table(data / "set_aside.csv", SetAside, [SetAside("mine/solo_9", HOSTILE)])
    splits = ["train", "train", "test", "test"]
    copies = [
        filled(CopyRow, copy=name, solo=name, path=f"scores/{name}.mid", split=split, artist="A", title=HOSTILE,
               tempo_factor=1.1)
        for name, split in zip(names, splits, strict=True)
    ]  # fmt: skip
    write_copies(data / "augmented", copies)
    for name, score in zip(names, REAL_SOLOS, strict=True):
        write_score(score, data / f"augmented/scores/{name}.mid")


def _generated(folder: Path) -> None:
    manifest = [
        filled(GeneratedSolo, solo=f"{HOSTILE}_{place}", path=f"solo_{place}.mid", bars=score.bar_count,
               notes=len(score.notes), key="F major", qpm=200.0)
        for place, score in enumerate(DRAWN)
    ]  # fmt: skip
    write_generated_solos(folder / FAMILY, manifest)
    for entry, score in zip(manifest, DRAWN, strict=True):
        path = folder / FAMILY / entry.path
        write_score(score, path)
        write_sound(path.with_suffix(".wav"), 1.0)
    sung = filled(GeneratedSound, sound="one", path="one.wav", prompt=HOSTILE, unknown_words=HOSTILE)
    write_generated_sounds(folder / SINGER, [sung])
    write_sound(folder / SINGER / "one.wav", 1.0)
    matplotlib.image.imsave(folder / SINGER / "one.png", np.zeros((8, 8, 3)))


def _interpolation(folder: Path) -> None:
    pair = "mine_solo_0_to_mine_solo_1"
    rows = [
        {"pair": pair, "path": path, "step": step, "alpha": step / 2, "distance_to_a": step / 2,
         "distance_to_b": 1 - step / 2, "new_bars": 0.5}
        for path in ("linear", "cross_fade")
        for step in range(3)
    ]  # fmt: skip
    files.write_csv(folder / "steps.csv", list(rows[0]), rows)
    for step in range(3):
        path = folder / pair / f"linear/step_{step + 1:02d}.mid"
        write_score(solo(20 + step, notes=16), path)
        write_sound(path.with_suffix(".wav"), 0.5)


def _reports(reports: Path) -> None:
    grid = {"steps_per_beat": 12, "notes": 200, "lost": 5, "moved": 20, "error_ms": 1.5}
    source = {"solos": 4, "editions": {"written": 3, "timed": 1}, "swing": 1.5, "grids": [grid]}
    finding = {"kind": "no_chords", "severity": "warning", "pipeline": HOSTILE, "remedy": HOSTILE, "count": 1}
    health = {"sources": {HOSTILE: source}, "findings": [{**finding, "where": [HOSTILE]}]}
    files.write_json(reports / "data_health.json", health)
    table = Table(["row", "value"], [[HOSTILE, "1.5"], [FAMILY, "alarm: none"]], HOSTILE, ["Pitch"])
    signs = Table(["model", "sign", "finding"], [[FAMILY, "+", "fast"], [FAMILY, "−", "large"]], "By rule.")
    sections = [Section("Models side by side", [table, signs]), Section("Training", [table])]
    write_sections(reports / "comparison_tables.json", sections)
    sets: dict[str, list[Score]] = {FAMILY: DRAWN, REAL: REAL_SOLOS}
    files.write_text(reports / f"evaluate/{FAMILY}_rows.csv", as_csv(compare_sets(sets, len(DRAWN), streams(0))))
    figures = {
        "coherent_changes": 1.0, "changes_share": 0.75, "changes_share_low": 0.5, "changes_share_high": 0.9,
        "changes_asked": 0.6, "changes_solos": 12.0, "coherent_solos": 12.0,
        "original": 0.0, "coverage_8": 0.05, "longest_run": 7.0, "longest_run_most": 7.0,
    }  # fmt: skip
    files.write_json(reports / f"evaluate/{FAMILY}.json", {FAMILY: figures})
    files.write_text(
        reports / f"evaluate/{FAMILY}_originality.csv",
        "row,solo,notes,coverage_4,coverage_6,coverage_8,coverage_10,longest_run,source\n"
        f'{FAMILY},one,40,0.5,0.25,0,0,7,"bar 1 = <b>Étude</b> bar 2, −1"\n{FAMILY},two,3,,,,,0,\n',
    )
    files.write_json(reports / "encode/events.json", {"events": {"notes": 100, "merged_share": 0.0125}})
    files.write_text(
        reports / f"train/{FAMILY}_curve.csv",
        "epoch,train_loss,validation_nats_per_note\n1,3.5,6.5\n2,2.5,5.5\n3,2.4,5.6\n",
    )
    files.write_text(reports / "plots/distances.csv", "row,metric,distance\nfloor,h1,0.25\nmusic_transformer,h1,1.5\n")
