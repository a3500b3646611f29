"""A damaged recording is listed and the others are used; no header decides how much memory is allocated."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yardbird.audio.wave import read_wave
from yardbird.data.cutting import write_clips
from yardbird.data.source_sounds import AudioConfig, Sound
from yardbird.errors import InputError

RATE = 8000
CONFIG = AudioConfig(
    source="x", sample_rate=RATE, clip_seconds=4, min_seconds=1, training_seconds=60, style="jazz", comping=False,
    loudness=-20.0, listening=None, separator=None,
)  # fmt: skip


def tone(seconds: float = 3) -> np.ndarray:
    return 0.4 * np.sin(np.arange(round(RATE * seconds)) / 7)


def flac_that_claims(path: Path, samples: int) -> Path:
    """A whole FLAC file whose header claims another number of samples: the last 36 bits before the checksum."""
    soundfile.write(path, tone(), RATE)
    content = bytearray(path.read_bytes())
    fields = int.from_bytes(content[18:26], "big") >> 36 << 36
    content[18:26] = (fields | samples).to_bytes(8, "big")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("claim", [2**36 - 1, 10_000_000_000, 0])
def test_a_header_that_claims_billions_of_samples_allocates_nothing(tmp_path: Path, claim: int) -> None:
    """Regression: NumPy's MemoryError, or with 0, which means unknown, a ValueError, stopped the stage render."""
    path = flac_that_claims(tmp_path / "claims.flac", claim)
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from yardbird.audio.wave import read_wave\n"
        "from yardbird.errors import InputError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: print(len(read_wave(Path(sys.argv[1])).samples))\n"
        "except InputError as error: print(error)\n"
        "assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, 'kilobytes'\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout.startswith(f"{path}: expected a sound file, found an unreadable file (") or done.stdout == "24000\n"
    )


@pytest.mark.parametrize(("kind", "channels"), [("flac", 1), ("wav", 2), ("mp3", 1), ("ogg", 1), ("aiff", 3)])
def test_a_whole_file_has_the_samples_that_soundfile_reads(tmp_path: Path, kind: str, channels: int) -> None:
    path = tmp_path / f"sound.{kind}"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, (16_000, channels)), RATE)
    at_once, rate = soundfile.read(path, dtype="float32", always_2d=True)
    read = read_wave(path)
    assert read.sample_rate == rate
    assert np.array_equal(read.samples, at_once)


def test_silence_which_has_more_samples_than_bytes_is_read_in_blocks(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.flac", np.zeros((RATE * 600, 2)), RATE)
    assert (tmp_path / "silence.flac").stat().st_size * 64 < RATE * 1200
    assert read_wave(tmp_path / "silence.flac").samples.shape == (RATE * 600, 2)


@pytest.mark.parametrize("kind", ["flac", "wav", "ogg", "aiff"])
def test_a_mutated_file_is_read_or_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    rng, path = np.random.default_rng(0), tmp_path / f"sound.{kind}"
    soundfile.write(path, tone(1), RATE)
    whole = path.read_bytes()
    for trial in range(60):
        content = bytearray(whole)
        places = rng.integers(0, 64 if trial % 3 else len(content), 3)
        for place in places:
            content[place] = rng.integers(256)
        path.write_bytes(content if trial % 5 else content[: rng.integers(len(content))])
        try:
            assert read_wave(path).samples.shape[1] >= 1
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017  # both outcomes are right


def test_a_recording_that_becomes_unreadable_is_listed_and_the_others_are_cut(tmp_path: Path) -> None:
    def lost() -> np.ndarray:
        raise InputError("b.flac", expected="a sound file", found="an unreadable file (lost sync)", remedy="give a wav")

    def sound(name: str, samples: object) -> Sound:
        return Sound(
            name=name, kind="recording", solo=name, split="train", artist="", title="", tune_group=name, key="",
            form="", qpm=None, semitones=0, tempo_factor=1.0, captions=("jazz",), bar_seconds=(), samples=samples,
        )  # type: ignore[arg-type]  # fmt: skip

    sounds = [
        sound("a", lambda: tone().astype(np.float32)),
        sound("b", lost),
        sound("c", lambda: tone().astype(np.float32)),
    ]
    rows, skipped = write_clips(sounds, tmp_path, CONFIG)
    assert [row.solo for row in rows] == ["a", "c"]
    assert [(reject.file, reject.reason) for reject in skipped] == [
        ("b", "expected a sound file, found an unreadable file (lost sync); give a wav")
    ]
