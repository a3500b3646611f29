"""A blind test of a few short beeps, without a synthesizer: two of each source, of which the last two are checks."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np

from yardbird import files
from yardbird.audio.wave import Waveform, write_wave
from yardbird.blindtest.bundle import KEY, PUBLIC, BlindTest, Key, Origin, clip_path
from yardbird.blindtest.questions import KINDS, Mode
from yardbird.blindtest.votes import Given

SOURCES = ("real", "decoy", "transformer", "check")
ARTIST = "Charlie Parker"
YES, NO = Given("yes"), Given("no")
RIGHT = {f"{3 * 2 + number:016x}": (YES, NO)[number] for number in range(2)}  # the checks of two a source, up and down
LISTENER_COOKIE = f"yardbird_listener_{'f' * 16}"
ANY_RATE = 1_000_000


def make_tiny_test(
    folder: Path, *, mode: Mode = "yes_no", artist: str = ARTIST, id: str = "f" * 16, each: int = 2
) -> tuple[BlindTest, Key]:
    """So many clips of each source, or pairs of every two and one pair of one family; ids tell a test what is what.

    The rate it was made with lets nobody through: the one that counts is that of the params.yaml of today.
    """
    groups = [(source,) for source in SOURCES for _ in range(each)]
    if mode == "pairs":
        groups = [two for two in combinations(SOURCES[:3], 2) for _ in range(each)]
        groups += [("transformer", "transformer"), *[("check", "check")] * each]
    questions, origins, right, answers = [], {}, {}, KINDS[mode].answers
    for sources in groups:
        clips = tuple(f"{len(origins) + number:016x}" for number in range(len(sources)))
        questions.append(clips)
        up = len(right) % 2 == 0  # of a pair of checks, the first clip
        for clip, source in zip(clips, sources, strict=True):
            chart = "Blues in F" if source == "transformer" else None
            origins[clip] = Origin(source, "", f"solo {len(origins)}", 0, "solo.mid", "0" * 64, chart)
        if sources[0] == "check":
            right[clips[0]] = answers[0] if up == (mode == "pairs") else answers[-1]
    test = BlindTest(id, mode, artist, 1.0, 0.3, tuple(questions), ("e" * 16,), "d" * 16)
    params = {"requests_per_minute": 1, "smallest_difference": 0.1}
    key = Key(origins, right, (), -23.0, 0, params)
    for number, clip in enumerate(test.sounds):
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


def answers(number: int, given: dict[str, Given], **changes: object) -> str:
    """A file of answers as the exported page saves it."""
    content = {
        "format": "yardbird-blind-test-2", "test": "f" * 16, "listener": f"{number:032x}",
        "profile": {"consent": True, "expertise": "listener", "headphones": 6},
        "votes": [{"question": question, **vote._asdict()} for question, vote in given.items()],
    }  # fmt: skip
    return json.dumps(content | changes)
