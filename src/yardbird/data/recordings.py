"""A folder of the user's recordings: which are usable, and what is known about them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.loudness import SILENCE_DECIBELS, cancelled_decibels, clipped_share, decibels, levelled
from yardbird.audio.resampling import to_mono
from yardbird.audio.separation import separated
from yardbird.audio.wave import Waveform, read_wave
from yardbird.config import Split
from yardbird.data.captions import NO_REMARK, Remark
from yardbird.data.listening.known_facts import CaptionRow, Known, known_facts
from yardbird.data.listening.listener import Heard, Listener
from yardbird.data.manifest import nfc, unique_stems
from yardbird.data.source_sounds import AudioConfig, Reject, Sound
from yardbird.data.tunes.names import metadata
from yardbird.devices import prepare_torch
from yardbird.errors import InputError
from yardbird.execution import over_processes
from yardbird.music.score_frames import COMMON_METER
from yardbird.progress import progress
from yardbird.tables.beats_table import BeatRow

_DOCUMENTS = (".csv", ".md", ".txt")  # not recordings
_RATES = range(1000, 768_001)  # Hz: a header with another rate is damaged
_LOUDEST = 2.0**31  # samples that are 32-bit integers; beyond it, squares overflow
_FILES_PER_WORKER = 4  # to listen to them takes longer than to start a worker
_CLIPPED_SHARE = 1e-3  # of the samples; a larger share is audible as distortion


@dataclass(frozen=True)
class Recording:
    """A usable file."""

    solo: str  # the id: "recordings/<stem>"
    file: str  # relative to the folder of recordings
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
    paths = (path.relative_to(source) for path in source.rglob("*") if path.is_symlink() or not path.is_dir())
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
                file=name,
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
    if not file.is_file():  # reading a pipe or a device would never end
        found = "a link to a folder" if file.is_dir() else "no regular file" if file.exists() else "a broken link"
        raise InputError(file, expected="a sound file", found=found, remedy="replace it by its content, or delete it")
    waveform = read_wave(file)
    if not np.isfinite(waveform.samples).all():
        raise InputError(file, expected="finite samples", found="infinite ones or NaN", remedy="export it again")
    return waveform


def _fault(waveform: Waveform, min_seconds: float) -> str:
    """The reason why a readable file cannot be used; empty if it can."""
    if waveform.sample_rate not in _RATES:
        return f"no sound: {waveform.sample_rate} Hz, not {_RATES.start} to {_RATES.stop - 1}"
    if waveform.seconds < min_seconds:
        return f"too short: {waveform.seconds:.2f} seconds, fewer than {min_seconds:g}"
    if waveform.peak > _LOUDEST:
        return f"no sound: a sample of {waveform.peak:.0e}, not at most {_LOUDEST:.0e} times full scale"
    if (level := decibels(waveform.peak)) < SILENCE_DECIBELS:
        return f"silent: never louder than {level:.0f} dB"
    if (share := clipped_share(waveform.samples)) > _CLIPPED_SHARE:
        return f"clipped: {share:.1%} of the samples are cut off at the loudest level"
    if loss := cancelled_decibels(waveform.samples):
        left = f"{loss:.0f} dB below them" if loss < -SILENCE_DECIBELS else "silent"
        return f"antiphase: the channels cancel each other, their sum is {left}; invert one channel"
    return ""


def recorded(
    recordings: Sequence[Recording], known: Sequence[Known], splits: Mapping[str, Split], config: AudioConfig
) -> list[Sound]:
    """The recordings as sounds, with the splits of their ids."""
    return [
        _sound(recording, own, splits[recording.solo], config) for recording, own in zip(recordings, known, strict=True)
    ]


def listen(recordings: Sequence[Recording], config: AudioConfig, seed: int) -> list[Known]:
    """What is known about each recording; nothing is heard if `config.listening` is None."""
    heard: list[Heard | None] = [None] * len(recordings)
    if config.listening:
        hear = partial(_hear, Listener.fit(config.listening, seed), config.listening.longest_seconds)
        paths = [recording.path for recording in recordings]
        heard = list(over_processes(hear, paths, doing="listening", unit="file", items_per_worker=_FILES_PER_WORKER))
    sure = config.listening.sure if config.listening else 1.0
    return [
        known_facts(recording.remark, own, sure, config.style, recording.artist, recording.seconds)
        for recording, own in zip(recordings, heard, strict=True)
    ]


def _hear(listener: Listener, longest_seconds: float, path: Path) -> Heard | None:
    prepare_torch()  # resampling uses torch
    try:
        return listener.hear(read_wave(path), longest_seconds)
    except InputError:  # it was readable a moment ago; the cut rejects it with the reason
        return None


def caption_row(recording: Recording, known: Known) -> CaptionRow:
    """The row of a recording in data/clips/captions.csv."""
    facts, remark, heard = known.facts, known.remark, known.heard
    return CaptionRow(
        file=recording.file,
        caption=remark.caption,
        artist=recording.artist,
        title=recording.title,
        tune_group=remark.known.tune_group,
        instrument=facts.instrument,
        key=str(facts.key or ""),
        form=facts.form,
        qpm=_rounded(facts.qpm),
        beats_per_bar=remark.beats_per_bar if remark.qpm or remark.beats_per_bar != COMMON_METER else None,
        first_beat_seconds=remark.first_beat_seconds,
        caption_used=known.captions[0],
        heard_key=str(heard.key) if heard else "",
        key_sure=_rounded(heard.key_sure if heard else None),
        heard_qpm=_rounded(heard.qpm if heard else None),
        qpm_sure=_rounded(heard.qpm_sure if heard else None),
        beats_sure=_rounded(heard.beats_sure if heard else None),
        bars_sure=_rounded(heard.bars_sure if heard else None),
        heard_instrument=heard.instrument if heard else "",
        instrument_sure=_rounded(heard.instrument_sure if heard else None),
        loudness=_rounded(heard.loudness if heard else None),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def beat_rows(recording: Recording, known: Known) -> list[BeatRow]:
    """The rows of a recording in data/clips/beats.csv."""
    pairs = zip(known.beat_seconds.tolist(), known.bar_beats.tolist(), strict=True)
    return [BeatRow(recording.solo, round(seconds, 4), bar_beat) for seconds, bar_beat in pairs]


def _sound(recording: Recording, known: Known, split: Split, config: AudioConfig) -> Sound:
    facts = known.facts

    def samples() -> NDArray[np.float32]:
        sound = read_wave(recording.path)
        if config.separator:
            sound = separated(sound, config.separator.model, config.separator.stem)
        mono = to_mono(sound, config.sample_rate)
        return levelled(mono, config.sample_rate, config.loudness)

    return Sound(
        name=recording.solo,
        kind="recording",
        solo=recording.solo,
        split=split,
        artist=recording.artist,
        title=recording.title,
        tune_group=recording.tune_group,
        key=str(facts.key or ""),
        form=facts.form,
        qpm=facts.qpm,
        semitones=0,
        tempo_factor=1.0,
        captions=known.captions,
        bar_seconds=known.bar_seconds,
        samples=samples,
    )
