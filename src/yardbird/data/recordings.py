"""A folder of the user's recordings: which are usable, their splits and their metadata."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.loudness import cancelled_decibels, clipped_share, decibels, levelled
from yardbird.audio.resampling import to_mono
from yardbird.audio.wave import Waveform, read_wave
from yardbird.data.captions import NO_REMARK, Facts, Remark, captions_of
from yardbird.data.manifest import nfc, unique_stems
from yardbird.data.source_sounds import AudioConfig, Reject, Sound
from yardbird.data.splitting import SplitConfig, deal_out, tune_groups
from yardbird.data.tunes.names import metadata
from yardbird.errors import InputError
from yardbird.progress import progress

_DOCUMENTS = (".csv", ".md", ".txt")  # not recordings
_RATES = range(1000, 768_001)  # Hz: a header with another rate is damaged
_SILENCE = -60.0  # dB: a file with a lower peak has no music
_CLIPPED_SHARE = 1e-3  # of the samples; a larger share is audible as distortion


@dataclass(frozen=True)
class Recording:
    """A usable file."""

    solo: str  # the id: "recordings/<stem>"
    path: Path
    seconds: float
    artist: str
    title: str
    tune_group: str
    interval_hash: str  # of the samples: equal for the same file under another name
    remark: Remark


def find(source: Path) -> list[PurePath]:
    """Every file below the folder that may be a recording, relative to it, sorted.

    Raises:
        InputError: there is no such folder.
    """
    if not source.is_dir():
        found = "a file" if source.exists() else "no such folder"
        raise InputError(
            source, expected="a folder of recordings", found=found, remedy="correct audio.source in params.yaml"
        )
    paths = (path.relative_to(source) for path in source.rglob("*") if path.is_file())
    shown = (path for path in paths if not any(part.startswith(".") for part in path.parts))
    return sorted(path for path in shown if path.suffix.lower() not in _DOCUMENTS)


def survey(
    source: Path, paths: Sequence[PurePath], remarks: Mapping[str, Remark], config: AudioConfig
) -> tuple[list[Recording], list[Reject]]:
    """Read every file; return the usable recordings, and the rejected files with the reasons.

    Raises:
        InputError: no file is usable.
    """
    recordings: list[Recording] = []
    rejected: list[Reject] = []
    first_with: dict[str, str] = {}
    stems = unique_stems(paths)
    for path in progress(paths, doing="recordings", unit="file"):
        name = nfc(path.as_posix())
        remark = remarks.get(name, NO_REMARK)
        try:
            waveform = _read(source / path)
        except InputError as error:
            rejected.append(Reject(name, f"expected {error.expected}, found {error.found}; {error.remedy}"))
            continue
        sound = hashlib.sha256(waveform.samples.tobytes()).hexdigest()[:16]
        if fault := _fault(waveform, config.min_seconds) or (
            f"the same sound as {first}" if (first := first_with.get(sound)) else ""
        ):
            rejected.append(Reject(name, fault))
            continue
        first_with[sound] = name
        known = metadata(remark.known, path, "")
        recordings.append(
            Recording(
                solo=f"recordings/{stems[path]}",
                path=source / path,
                seconds=waveform.seconds,
                artist=known.artist,
                title=known.title,
                tune_group=known.tune_group,
                interval_hash=sound,
                remark=remark,
            )
        )
    if not recordings:
        raise InputError(
            source,
            expected="at least one usable recording (wav, flac, mp3, ogg, opus, aiff, m4a, …)",
            found=f"{len(rejected)} unusable, the first, {rejected[0].file}, because: {rejected[0].reason}",
            remedy="fix or remove them; without recordings, the corpus is rendered",
        )
    return recordings, rejected


def _read(file: Path) -> Waveform:
    waveform = read_wave(file)
    if not np.isfinite(waveform.samples).all():
        raise InputError(file, expected="finite samples", found="infinite ones", remedy="export it again")
    return waveform


def _fault(waveform: Waveform, min_seconds: float) -> str:
    """The reason why a readable file cannot be used; empty if it can."""
    if waveform.sample_rate not in _RATES:
        return f"no sound: {waveform.sample_rate} Hz, not {_RATES.start} to {_RATES.stop - 1}"
    if waveform.seconds < min_seconds:
        return f"too short: {waveform.seconds:.2f} seconds, fewer than {min_seconds:g}"
    if (level := decibels(waveform.peak)) < _SILENCE:
        return f"silent: never louder than {level:.0f} dB"
    if (share := clipped_share(waveform.samples)) > _CLIPPED_SHARE:
        return f"clipped: {share:.1%} of the samples are cut off at the loudest level"
    if loss := cancelled_decibels(waveform.samples):
        left = f"{loss:.0f} dB below them" if loss < -_SILENCE else "silent"
        return f"antiphase: the channels cancel each other, their sum is {left}; invert one channel"
    return ""


def recorded(
    recordings: Sequence[Recording], source: Path, config: AudioConfig, split: SplitConfig
) -> tuple[list[Sound], tuple[str, ...]]:
    """The recordings with their splits, assigned by tune group as in the corpus; and warnings about missing artists.

    Raises:
        InputError: a split has no recording.
    """
    dealt = deal_out(recordings, tune_groups(recordings), source, split)
    return [_sound(recording, dealt.splits[recording.solo], config) for recording in recordings], dealt.warnings


def _sound(recording: Recording, split: str, config: AudioConfig) -> Sound:
    remark = recording.remark
    facts = Facts(config.style, remark.instrument, "", remark.key, remark.known.form, remark.qpm, recording.artist)

    def samples() -> NDArray[np.float32]:
        mono = to_mono(read_wave(recording.path), config.sample_rate)
        return levelled(mono, config.sample_rate, config.loudness)

    return Sound(
        name=recording.solo,
        kind="recording",
        solo=recording.solo,
        split=split,
        artist=recording.artist,
        title=recording.title,
        tune_group=recording.tune_group,
        key=str(remark.key or ""),
        form=remark.known.form,
        qpm=remark.qpm,
        semitones=0,
        tempo_factor=1.0,
        captions=(remark.caption,) if remark.caption else captions_of(facts),
        bar_seconds=bar_seconds(remark, recording.seconds),
        samples=samples,
    )


def bar_seconds(remark: Remark, seconds: float) -> tuple[float, ...]:
    """The starts of the bars at a constant tempo, from 0 on, with a pickup first if there is one; () without qpm."""
    if remark.qpm is None:
        return ()
    bar = 60 / remark.qpm * remark.beats_per_bar
    starts = np.arange(remark.first_beat_seconds % bar, seconds, bar).tolist()
    return tuple(starts) if starts[:1] == [0] else (0.0, *starts)
