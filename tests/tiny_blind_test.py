"""A blind test of a few short beeps, without a synthesizer: two of each source, of which the last two are checks."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from yardbird import files
from yardbird.audio.wave import Waveform, write_wave
from yardbird.blindtest.bundle import KEY, PUBLIC, BlindTest, Key, Origin, clip_path

SOURCES = ("real", "decoy", "transformer", "check")
ARTIST = "Charlie Parker"
RIGHT = {f"{3 * 2 + number:016x}": number == 0 for number in range(2)}  # the checks of two a source, up and down
LISTENER_COOKIE = f"yardbird_listener_{'f' * 16}"
ANY_RATE = 1_000_000


def make_tiny_test(folder: Path, *, artist: str = ARTIST, id: str = "f" * 16, each: int = 2) -> tuple[BlindTest, Key]:
    """So many clips of each source, one example; ids tell a test what is what, as real ones must not.

    The rate it was made with lets nobody through: the one that counts is that of the params.yaml of today.
    """
    ids = [f"{number:016x}" for number in range(each * len(SOURCES))]
    sources = [source for source in SOURCES for _ in range(each)]
    origins = {
        clip: Origin(source, "", f"solo {number}", 0, number % each == 0 if source == "check" else None)
        for number, (clip, source) in enumerate(zip(ids, sources, strict=True))
    }
    test = BlindTest(id, artist, 1.0, 0.3, tuple(ids), ("e" * 16,))
    params = {"requests_per_minute": 1, "smallest_difference": 0.1}
    key = Key(origins, (), -23.0, 0, params)
    for number, clip in enumerate((*test.clips, *test.examples)):
        beep = 0.1 * np.sin(2 * np.pi * (300 + 40 * number) * np.arange(8000) / 8000)
        write_wave(Waveform(beep.astype(np.float32)[:, None], 8000), clip_path(folder, clip))
    files.write_json(folder / PUBLIC, asdict(test))
    files.write_json(folder / KEY, asdict(key))
    return test, key


def params_of(root: Path, folder: Path, requests_per_minute: int = ANY_RATE) -> Path:
    """The repository's params.yaml in `folder`, but for the limit of requests."""
    text = (root / "params.yaml").read_text()
    changed = re.sub(r"(?m)^  requests_per_minute: \d+", f"  requests_per_minute: {requests_per_minute}", text)
    (folder / "params.yaml").write_text(changed)
    return folder / "params.yaml"


@contextmanager
def serving(folder: Path, params: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """`yardbird blind-test serve` as a user starts it: the process, the test's address, the results' with its token."""
    command = [str(Path(sys.executable).with_name("yardbird")), "blind-test", "serve", "--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [*command, "--folder", str(folder), *options],
        cwd=params.parent,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout
        said = ""
        while not (found := re.search(r"test: +(\S+)\nthe results: +(\S+)\n", said)):
            line = process.stdout.readline()
            assert line, f"the server has ended: {said}"
            said += line
        yield process, found[1], found[2]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def answers(number: int, given: dict[str, bool], **changes: object) -> str:
    """A file of answers as the exported page saves it."""
    content = {
        "format": "yardbird-blind-test-1", "test": "f" * 16, "listener": f"{number:032x}", "expertise": "listener",
        "consent": True, "votes": [{"clip": clip, "yes": yes} for clip, yes in given.items()],
    }  # fmt: skip
    return json.dumps(content | changes)
