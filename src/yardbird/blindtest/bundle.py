"""The folder of a test: test.json and clips/ are public for listeners, key.json is secret."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.errors import InputError

PUBLIC, KEY, CLIPS, VOTES = "test.json", "key.json", "clips", "votes.sqlite"
_REMEDY = "delete the folder, or use another --folder"


@dataclass(frozen=True)
class BlindTest:
    """The public half of a test; clip ids are random and sorted."""

    id: str
    artist: str
    seconds: float
    least_seconds: float
    clips: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Origin:
    """The source of a clip; `answer` is the correct answer to an attention check, None for clips to judge."""

    source: str
    artist: str
    solo: str
    first_bar: int
    answer: bool | None


@dataclass(frozen=True)
class Key:
    """The secret half of a test: the origin of every clip, notes on missing clips, and the parameters of the test."""

    clips: Mapping[str, Origin]
    left_out: tuple[str, ...]
    loudness: float
    seed: int
    params: Mapping[str, Any]

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of the clips to judge, the real one first."""
        return tuple(dict.fromkeys(origin.source for origin in self.clips.values() if origin.answer is None))


def clip_path(folder: Path, clip: str) -> Path:
    return folder / CLIPS / f"{clip}.wav"


def read_test(folder: Path) -> tuple[BlindTest, Key]:
    """Read the two halves of a prepared test.

    Raises:
        InputError: there is no test, or one of its files is missing or broken.
    """
    try:
        public, secret = files.read_json(folder / PUBLIC), files.read_json(folder / KEY)
        lists = {name: tuple(public[name]) for name in ("clips", "examples")}
        test = BlindTest(**{**public, **lists})
        origins = {clip: Origin(**origin) for clip, origin in secret["clips"].items()}
        key = Key(**{**secret, "clips": origins, "left_out": tuple(secret["left_out"])})
    except (FileNotFoundError, NotADirectoryError) as error:
        found = f"no {Path(error.filename).name}"
        remedy = "use another --folder" if folder.exists() else "start one with yardbird blind-test serve or export"
        raise InputError(folder, expected="a blind test", found=found, remedy=remedy) from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(folder, expected="a blind test", found=f"broken files ({error})", remedy=_REMEDY) from None
    missing = [clip for clip in (*test.clips, *test.examples) if not clip_path(folder, clip).is_file()]
    if missing or set(test.clips) != set(key.clips):
        found = f"{len(missing)} clips missing" if missing else "a key for other clips"
        raise InputError(folder, expected="a complete blind test", found=found, remedy=_REMEDY)
    return test, key
