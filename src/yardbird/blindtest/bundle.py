"""A test in a folder: what listeners may see in test.json and clips/, what they must not in key.json."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from yardbird import files
from yardbird.audio.wave import write_wave
from yardbird.blindtest.clips import check_score, render_clips
from yardbird.blindtest.plan import CHECK, BlindTestConfig, Plan
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


def prepare(folder: Path, plan: Plan, config: BlindTestConfig, seed: int) -> None:
    """Render the clips of a plan into a new folder, which appears when all of it is there.

    What is heard depends on `seed`; the ids do not: whoever has the repository could otherwise work them out. For the
    same reason all files have one size and one time.
    """
    checks = [number % 2 == 0 for number in range(config.attention_checks)]
    origins = [Origin(e.source, e.artist, e.solo, e.first_bar, None) for e in plan.excerpts]
    origins += [Origin(CHECK, "", "up" if up else "down", 0, up) for up in checks]
    scores = [excerpt.score for excerpt in plan.excerpts]
    scores += [check_score(up, number, config.seconds) for number, up in enumerate(checks)]
    scores += [excerpt.score for excerpt in plan.examples]
    clips = render_clips(scores, config)
    ids = [secrets.token_hex(8) for _ in scores]
    assert len(set(ids)) == len(ids), "64 random bits each"
    judged, examples = ids[: len(origins)], ids[len(origins) :]
    test = BlindTest(
        secrets.token_hex(8), plan.artist, config.seconds, config.least_seconds, tuple(sorted(judged)), tuple(examples)
    )
    key = Key(dict(zip(judged, origins, strict=True)), plan.left_out, clips.loudness, seed, asdict(config))
    with files.replacing_folder(folder) as draft:
        for name, waveform in zip(ids, clips.waveforms, strict=True):
            write_wave(waveform, clip_path(draft, name))
            os.utime(clip_path(draft, name), (0, 0))
        files.write_json(draft / PUBLIC, asdict(test))
        files.write_json(draft / KEY, asdict(key))
    folder.chmod(0o700)  # the key is nobody else's


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
    except FileNotFoundError as error:
        found = f"no {Path(error.filename).name}"
        remedy = "start one with yardbird blind-test serve or export"
        raise InputError(folder, expected="a blind test", found=found, remedy=remedy) from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(folder, expected="a blind test", found=f"broken files ({error})", remedy=_REMEDY) from None
    missing = [clip for clip in (*test.clips, *test.examples) if not clip_path(folder, clip).is_file()]
    if missing or set(test.clips) != set(key.clips):
        found = f"{len(missing)} clips missing" if missing else "a key to other clips"
        raise InputError(folder, expected="a whole blind test", found=found, remedy=_REMEDY)
    return test, key
