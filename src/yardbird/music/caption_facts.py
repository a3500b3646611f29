"""The key and the tempo that a caption names."""

import re

from yardbird.music.pitch import Key
from yardbird.music.score_frames import ScoreFrames, asked_frames

_TEMPO = re.compile(r"(\d+(?:\.\d+)?)\s*bpm\b", re.IGNORECASE)
_KEY = re.compile(r"\bin ([A-G](?:[b#♭♯])?(?:[\s-]?(?:minor|major|min|maj)|m)?)(?![\w#♭♯])")


def spoken_tempo(caption: str) -> float | None:
    """The tempo in a caption: `"Be-bop jazz solo in F, 220 bpm"` → 220; None if it has none."""
    match = _TEMPO.search(caption)
    return float(match[1]) if match and float(match[1]) > 0 else None


def spoken_key(caption: str) -> Key | None:
    """The key in a caption: `"Minor blues in C minor"` → C minor, `"solo in Bb"` → Bb major; None if it has none."""
    match = _KEY.search(caption)
    return Key.parse(match[1]) if match else None


def frames_of_caption(caption: str, frames: int, frame_rate: float) -> ScoreFrames:
    """The score frames that a caption asks for: its key and its tempo."""
    return asked_frames(spoken_key(caption), spoken_tempo(caption), frames, frame_rate)
