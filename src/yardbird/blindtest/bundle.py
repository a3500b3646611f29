"""The folder of a test: test.json and clips/ are public for listeners, key.json and scores/ are secret."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.blindtest.questions import CHECK, KINDS, REAL, Mode
from yardbird.errors import InputError

PUBLIC, KEY, CLIPS, SCORES, VOTES = "test.json", "key.json", "clips", "scores", "votes.sqlite"
_REMEDY = "delete the folder, or use another --folder"


@dataclass(frozen=True)
class BlindTest:
    """The public half of a test.

    Attributes:
        questions: the clips of each question. Its first clip names a question; no clip is in two. Ids are random, and
            the order is that of the ids.
        examples: clips that listeners may play before the test.
        volume: a clip for setting the volume.
    """

    id: str
    mode: Mode
    artist: str
    seconds: float
    least_seconds: float
    questions: tuple[tuple[str, ...], ...]
    examples: tuple[str, ...]
    volume: str

    @property
    def sounds(self) -> tuple[str, ...]:
        """All clips that listeners can play."""
        return (*(clip for question in self.questions for clip in question), *self.examples, self.volume)


@dataclass(frozen=True)
class Origin:
    """The source of a clip.

    Attributes:
        path: the file of the whole solo, and its SHA-256; both are empty for a check.
        chart: of a generated solo, or the empty string; None if the clip is not from a family.
    """

    source: str
    artist: str
    solo: str
    first_bar: int
    path: str = ""
    sha256: str = ""
    chart: str | None = None


@dataclass(frozen=True)
class Key:
    """The secret half of a test.

    Attributes:
        clips: the origin of every clip of a question.
        right: the right answer to each attention check, by question.
        left_out: notes on missing clips.
        params: section `blind_test` of params.yaml when the test was made.
    """

    clips: Mapping[str, Origin]
    right: Mapping[str, str]
    left_out: tuple[str, ...]
    loudness: float
    seed: int
    params: Mapping[str, Any]

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of the clips to judge, the real one first."""
        judged = dict.fromkeys(origin.source for origin in self.clips.values() if origin.source != CHECK)
        return tuple(sorted(judged, key=lambda source: source != REAL))


def clip_path(folder: Path, clip: str) -> Path:
    return folder / CLIPS / f"{clip}.wav"


def excerpt_path(folder: Path, clip: str) -> Path:
    """The notes of a clip of a family."""
    return folder / SCORES / f"{clip}.mid"


def read_test(folder: Path) -> tuple[BlindTest, Key]:
    """Read the two halves of a prepared test.

    Raises:
        InputError: there is no test, or one of its files is missing or broken.
    """
    try:
        public, secret = files.read_json(folder / PUBLIC), files.read_json(folder / KEY)
        if "mode" not in public:
            found, remedy = (
                "one of an earlier version of Yardbird, without a mode",
                "finish it with that version, or use",
            )
            raise InputError(folder, expected="a blind test", found=found, remedy=f"{remedy} another --folder")
        questions, examples = tuple(map(tuple, public["questions"])), tuple(public["examples"])
        test = BlindTest(**{**public, "questions": questions, "examples": examples})
        kind = KINDS[test.mode]
        origins = {clip: Origin(**origin) for clip, origin in secret["clips"].items()}
        key = Key(**{**secret, "clips": origins, "left_out": tuple(secret["left_out"])})
    except (FileNotFoundError, NotADirectoryError) as error:
        found = f"no {Path(error.filename).name}"
        remedy = "use another --folder" if folder.exists() else "start one with yardbird blind-test serve or export"
        raise InputError(folder, expected="a blind test", found=found, remedy=remedy) from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(folder, expected="a blind test", found=f"broken files ({error})", remedy=_REMEDY) from None
    missing = [clip for clip in test.sounds if not clip_path(folder, clip).is_file()]
    asked = [clip for question in test.questions for clip in question]
    if missing or set(asked) != set(key.clips) or {len(question) for question in test.questions} != {kind.clips}:
        found = f"{len(missing)} clips missing" if missing else "a key for other clips"
        raise InputError(folder, expected="a complete blind test", found=found, remedy=_REMEDY)
    return test, key
