"""What is measured in a recording before anything is decided: pitch classes, periods of onsets, beats and timbre."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.compile_lock import compiled_alone
from yardbird.audio.transcription import ONSET_RATE, SAMPLE_RATE, mel_levels, onset_strength, tempo_strengths
from yardbird.music.score import Floats

BEATS_PER_BAR = 4
_CHROMA_HOP = 512  # samples
_LOWEST_HERTZ, _BINS = 32.7, 84  # C1, seven octaves
_BASS_BINS, _MELODY_BINS = slice(0, 36), slice(24, 84)
_OCTAVES = (0.5, 1.0, 2.0)  # of the strongest period: its tempo is often half or double
_USUAL_QPM = 160.0
#: Mel bands of the onsets: below 260 Hz (bass), up to 2 kHz, and above (cymbals).
_ONSET_BANDS = (slice(0, 16), slice(16, 64), slice(64, 128))
_TIGHTNESS = 400  # of the beats; librosa's default of 100 follows the soloist away from the band
#: Seconds from an onset to its peak in `onset_strength`, which librosa shifts by half of a spectrum.
_ONSET_DELAY = 0.044
_NEAR_FRAMES = 3  # between an onset and its beat
_LOUD = 0.2  # share of the frames, the quietest, that say nothing about the timbre
_CEPSTRUM = 20
_SHORTEST_SECONDS = 4  # that the filters of the lowest octave and the longest period need


@dataclass(frozen=True, eq=False)
class Evidence:
    """Evidence for each key and for three tempos, the timbre of the loudest part, and the curves that beats need."""

    keys: Floats  # (24, evidence): twelve major keys from C on, twelve minor ones
    qpm: Floats  # (3,)
    tempos: Floats  # (3, evidence)
    timbre: Floats  # (features,)
    onsets: Floats  # (frames,) at `ONSET_RATE`
    onset_bands: Floats  # (bands, frames)
    chroma: Floats  # (12, frames) at SAMPLE_RATE / _CHROMA_HOP


def evidence_of(samples: NDArray[np.float32]) -> Evidence:
    """Measure a sound, (frames,) at `SAMPLE_RATE`; one shorter than `_SHORTEST_SECONDS` is extended by silence."""
    samples = np.pad(samples, (0, max(0, _SHORTEST_SECONDS * SAMPLE_RATE - len(samples))))
    mel = mel_levels(samples)
    onsets = onset_strength(mel)
    bands = np.stack([onset_strength(mel[band]) for band in _ONSET_BANDS])
    chroma, bass, melody = _pitch_classes(samples)
    return Evidence(
        keys=_key_evidence(bass, melody),
        **_tempo_evidence(onsets, bands[0]),
        timbre=_timbre(mel),
        onsets=onsets,
        onset_bands=bands,
        chroma=chroma,
    )


@compiled_alone
def beats_at(evidence: Evidence, qpm: float) -> tuple[Floats, Floats]:
    """The beats of a tempo in seconds, by dynamic programming (Ellis 2007, Beat Tracking by Dynamic Programming; from
    librosa), and the evidence for them and for the beats halfway between, (2, evidence).
    """
    import librosa

    _, frames = librosa.beat.beat_track(
        onset_envelope=evidence.onsets, sr=SAMPLE_RATE, hop_length=SAMPLE_RATE // ONSET_RATE, bpm=qpm,
        tightness=_TIGHTNESS, trim=False,
    )  # fmt: skip
    seconds = frames / ONSET_RATE - _ONSET_DELAY
    if not len(seconds):
        return seconds, np.full((2, 1 + len(_ONSET_BANDS)), 0.5)
    strengths = np.stack([_strengths(evidence, seconds + part * 60 / qpm).mean(axis=1) for part in (0.0, 0.5)])
    return seconds, strengths / np.maximum(strengths.sum(axis=0), 1e-9)


def bars_at(evidence: Evidence, seconds: Floats) -> Floats:
    """Evidence for each of the first beats as the start of a bar, (`BEATS_PER_BAR`, evidence): the onsets of each beat
    of the bar, and the change of the pitch classes before it."""
    if len(seconds) < BEATS_PER_BAR:
        return np.zeros((BEATS_PER_BAR, BEATS_PER_BAR * (2 + len(_ONSET_BANDS))))
    of_beats = np.vstack([_strengths(evidence, seconds), _chroma_change(evidence.chroma, seconds)])
    whole = len(seconds) // BEATS_PER_BAR * BEATS_PER_BAR
    of_places = _standardised(of_beats[:, :whole].reshape(len(of_beats), -1, BEATS_PER_BAR).mean(axis=1))
    return np.stack([np.roll(of_places, -place, axis=1).ravel() for place in range(BEATS_PER_BAR)])


def _strengths(evidence: Evidence, seconds: Floats) -> Floats:
    """The onsets near each time, in all bands together and in each, relative to the mean, (1 + bands, times)."""
    curves = np.vstack([evidence.onsets, evidence.onset_bands])
    frames = np.round((seconds + _ONSET_DELAY) * ONSET_RATE).astype(np.int64)
    near = frames[:, None] + np.arange(-_NEAR_FRAMES, _NEAR_FRAMES + 1)
    highest = curves[:, np.clip(near, 0, curves.shape[1] - 1)].max(axis=2)
    relative: Floats = highest / np.maximum(curves.mean(axis=1, keepdims=True), 1e-9)
    return relative


def _chroma_change(chroma: Floats, seconds: Floats) -> Floats:
    """How much the pitch classes of each beat differ from those of the beat before, (beats,)."""
    edges = np.append(seconds, np.inf) * SAMPLE_RATE / _CHROMA_HOP
    at = np.clip(edges, 0, chroma.shape[1]).astype(np.int64)
    sums = np.concatenate([np.zeros((12, 1)), chroma.cumsum(axis=1)], axis=1)
    of_beats = np.diff(sums[:, at], axis=1)
    of_beats /= np.maximum(np.linalg.norm(of_beats, axis=0), 1e-9)
    return 1 - np.concatenate([np.ones(1), (of_beats[:, 1:] * of_beats[:, :-1]).sum(axis=0)])


@compiled_alone
def _pitch_classes(samples: NDArray[np.float32]) -> tuple[Floats, Floats, Floats]:
    """The pitch classes of all octaves, of the bass and of the melody, (12, frames) each, from C on.

    The tuning of the recording is estimated; a recording without pitch counts as in tune.
    """
    import librosa

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Trying to estimate tuning from empty frequency set")
        levels = np.abs(
            librosa.cqt(samples, sr=SAMPLE_RATE, hop_length=_CHROMA_HOP, fmin=_LOWEST_HERTZ, n_bins=_BINS, tuning=None)
        )

    def folded(bins: slice) -> Floats:
        octaves = levels[bins].reshape(-1, 12, levels.shape[1]).sum(axis=0)
        equal: Floats = octaves / (
            octaves.max(axis=0) + 1e-6 * octaves.max() + 1e-9
        )  # loud frames count like quiet ones
        return equal

    return folded(slice(0, _BINS)), folded(_BASS_BINS), folded(_MELODY_BINS)


def _key_evidence(bass: Floats, melody: Floats) -> Floats:
    """For each key the pitch classes above its tonic, in the bass and in the melody; major and minor in two halves."""
    parts = _standardised(np.sqrt([bass.mean(axis=1), melody.mean(axis=1)]))
    above = np.stack([np.roll(parts, -tonic, axis=1).ravel() for tonic in range(12)])
    return np.block([[above, np.zeros_like(above)], [np.zeros_like(above), above]])


def _tempo_evidence(onsets: Floats, bass: Floats) -> dict[str, Floats]:
    """The strongest tempo, half of it and double, with the strengths of their periods in all onsets and in the bass."""
    qpm, strength, prior = tempo_strengths(onsets)
    best = qpm[(2 * strength + prior).argmax()]
    _, in_bass, _ = tempo_strengths(bass)
    candidates = best * np.array(_OCTAVES)
    nearest = np.abs(np.log(qpm) - np.log(candidates)[:, None]).argmin(axis=1)
    octaves = np.log2(candidates / _USUAL_QPM)
    return {
        "qpm": candidates,
        "tempos": np.stack([strength[nearest], in_bass[nearest], octaves, octaves**2], axis=1),
    }


def _timbre(mel: Floats) -> Floats:
    """Mean and spread of the cepstrum (of mel bands in decibels) over the louder frames."""
    from scipy.fft import dct

    level = mel.max(axis=0)
    cepstrum = dct(mel[:, level >= np.quantile(level, _LOUD)], axis=0, norm="ortho")[1 : _CEPSTRUM + 1]
    return np.concatenate([cepstrum.mean(axis=1), cepstrum.std(axis=1)])


def _standardised(rows: Floats) -> Floats:
    values: Floats = (rows - rows.mean(axis=1, keepdims=True)) / np.maximum(rows.std(axis=1, keepdims=True), 1e-9)
    return values
