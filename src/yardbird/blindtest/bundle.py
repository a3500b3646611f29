"""A test in a folder: what listeners may see in test.json and clips/, what they must not in key.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.errors import InputError

PUBLIC, KEY, CLIPS, VOTES = "test.json", "key.json", "clips", "votes.sqlite"
_REMEDY = "delete the folder, or give another --folder"


@dataclass(frozen=True)
class BlindTest:
    """What every listener may know; the ids are random and in the order of their letters."""

    id: str
    artist: str
    seconds: float
    least_seconds: float
    clips: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Origin:
    """What a clip is; `answer` is the right one to an attention check, None where there is a judgement to make."""

    source: str
    artist: str
    solo: str
    first_bar: int
    answer: bool | None


@dataclass(frozen=True)
class Key:
    """The secret half of a test: of every clip what it is; why some are missing; the parameters of its making."""

    clips: Mapping[str, Origin]
    left_out: tuple[str, ...]
    loudness: float
    seed: int
    params: Mapping[str, Any]

    @property
    def sources(self) -> tuple[str, ...]:
        """Of the clips to be judged, the real one first."""
        return tuple(dict.fromkeys(origin.source for origin in self.clips.values() if origin.answer is None))


def clip_path(folder: Path, clip: str) -> Path:
    return folder / CLIPS / f"{clip}.wav"


def read_test(folder: Path) -> tuple[BlindTest, Key]:
    """The two halves of a prepared test.

    Raises:
        InputError: there is none, or a file of it is missing or broken.
    """
    try:
        public, secret = files.read_json(folder / PUBLIC), files.read_json(folder / KEY)
        lists = {name: tuple(public[name]) for name in ("clips", "examples")}
        test = BlindTest(**{**public, **lists})
        origins = {clip: Origin(**origin) for clip, origin in secret["clips"].items()}
        key = Key(**{**secret, "clips": origins, "left_out": tuple(secret["left_out"])})
    except (FileNotFoundError, NotADirectoryError) as error:
        found = f"no {Path(error.filename).name}"
        remedy = "give another --folder" if folder.exists() else "start one with yardbird blind-test serve or export"
        raise InputError(folder, expected="a blind test", found=found, remedy=remedy) from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(folder, expected="a blind test", found=f"broken files ({error})", remedy=_REMEDY) from None
    missing = [clip for clip in (*test.clips, *test.examples) if not clip_path(folder, clip).is_file()]
    if missing or set(test.clips) != set(key.clips):
        found = f"{len(missing)} clips missing" if missing else "a key to other clips"
        raise InputError(folder, expected="a whole blind test", found=found, remedy=_REMEDY)
    return test, key
