"""Measures sound: notes, pitch, and whether it follows its caption and a score.

All compared sets have equally many sounds of equal length, from the first bar line of their clips on. All sounds are
resampled and transcribed (`audio.transcription`) in the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from yardbird import files
from yardbird.audio.resampling import to_mono
from yardbird.audio.synth import render
from yardbird.audio.transcription import SAMPLE_RATE, HeardNotes, detect_notes, estimate_tempo, to_score
from yardbird.audio.wave import Waveform, read_wave
from yardbird.bootstrap_settings import Resampling
from yardbird.evaluation.held_out_sound import EncodedClip
from yardbird.metrics.bootstrap import bootstrap, places_drawn
from yardbird.metrics.chroma_cosine import chroma_cosines
from yardbird.metrics.estimates import Estimate, Results, exact
from yardbird.metrics.key_fit import scale_margin
from yardbird.metrics.transcription_accuracy import found_notes
from yardbird.models.family import Ratio
from yardbird.models.family_kinds import Codes, SoundFamily
from yardbird.models.token_scoring import SoloFigures, estimates
from yardbird.music.excerpts import excerpts
from yardbird.music.pitch import Key
from yardbird.music.score import Floats, Ints, Score
from yardbird.music.score_frames import score_frames, with_chroma
from yardbird.nn.sampling import SoundSampling
from yardbird.progress import progress
from yardbird.seeds import derive_seed, generator

SHUFFLED_TOKENS, CODEC, TRANSCRIBER = "shuffled_tokens", "codec", "transcriber"
ANOTHER = "another_solo"
KEY_MARGIN, TEMPO_SHARE, NOTE_F1 = "caption_key_margin", "caption_tempo_share", "note_f1"
CHROMA = "chroma_cosine"
#: In quarter notes a minute: slower solos count as slow, those at or above the second value as fast.
SLOW_QPM, FAST_QPM = 160, 240
_EXCERPTS = 2  # per held-out solo, for testing the transcriber and the following of a score
_TEMPO_TOLERANCE = 0.08  # relative, as in the tempo metric of mir_eval
_FOLLOWED_CAPTION = "Be-bop alto saxophone solo"


class Codec(Protocol):
    """Encodes sound as codes (codebooks, frames) and decodes it; also implemented by a sound family."""

    @property
    def sample_rate(self) -> int: ...

    def encode_sound(self, samples: NDArray[np.float32]) -> Codes: ...

    def decode_codes(self, codes: Codes) -> NDArray[np.float32]: ...


@dataclass(frozen=True, eq=False)
class Sound:
    """A sound with its transcription; `key` and `qpm` are the requested or known ones."""

    group: str  # sounds of one group are not independent
    waveform: Waveform
    caption: str
    key: Key | None
    qpm: float | None
    heard: HeardNotes
    score: Score


def listen(waveform: Waveform, caption: str, key: Key | None, qpm: float | None, group: str) -> Sound:
    """Transcribe a sound. If `qpm` is None, the tempo is estimated."""
    mono = Waveform(to_mono(waveform, SAMPLE_RATE)[:, None], SAMPLE_RATE)
    heard = detect_notes(mono)
    score = to_score(heard, qpm or estimate_tempo(mono))
    return Sound(group, waveform, caption, key, qpm, heard, score)


def listen_to_clips(clips: Sequence[EncodedClip], folder: Path, seconds: float, label: str) -> list[Sound]:
    """Transcribe the first `seconds` of every clip of data/clips."""
    sounds = []
    for clip in progress(clips, doing=f"listening to {label}", unit="clip"):
        whole = read_wave(files.within(folder, clip.path))
        start = Waveform(whole.samples[: round(seconds * whole.sample_rate)], whole.sample_rate)
        sounds.append(listen(start, clip.caption, clip.key, clip.qpm, clip.tune_group))
    return sounds


def listen_to_codes(codec: Codec, codes: Sequence[Codes], like: Sequence[EncodedClip], label: str) -> list[Sound]:
    """Decode and transcribe codes, with the captions, keys and tempos of their clips."""
    return [
        listen(Waveform(codec.decode_codes(own)[:, None], codec.sample_rate), c.caption, c.key, c.qpm, c.tune_group)
        for own, c in progress(list(zip(codes, like, strict=True)), f"listening to {label}", unit="sound")
    ]


def shuffled(codes: Codes, seed: int, *names: str) -> Codes:
    """The frames of (codebooks, frames) in random order; only the distribution of frames is kept."""
    return codes[:, generator(seed, SHUFFLED_TOKENS, *names).permutation(codes.shape[1])]


def sound_figures(sounds: Sequence[Sound], resampling: Resampling) -> dict[str, Estimate]:
    """voiced_share (of the time in which a note sounds) and notes_per_second."""
    figures = [
        SoloFigures(
            str(place),
            sound.group,
            {
                "voiced_share": Ratio(sound.heard.voiced_seconds, sound.heard.seconds),
                "notes_per_second": Ratio(len(sound.heard.onsets), sound.heard.seconds),
            },
        )
        for place, sound in enumerate(sounds)
    ]
    return estimates(figures, resampling)


def key_figures(sounds: Sequence[Sound], resampling: Resampling) -> dict[str, Estimate]:
    """Whether the scale of its key fits a sound better than the scales of the other keys of the same mode.

    caption_key_margin is the mean of `scale_margin` over the groups with a key, 0 for a sound without notes;
    caption_key_p is the p-value of Wilcoxon's signed-rank test, one-sided, that the margins are above 0;
    caption_key_groups is the number of groups: prompts, or tunes, as clips of one tune are not independent. Empty if no
    sound has a key.
    """

    from scipy import stats

    of_group: dict[str, list[float]] = {}
    for sound in sounds:
        if sound.key:
            of_group.setdefault(sound.group, []).append(scale_margin(sound.score, sound.key) or 0.0)
    if not of_group:
        return {}
    margins = np.array([np.mean(own) for own in of_group.values()])

    def mean(drawn: Ints) -> Floats:
        means: Floats = margins[drawn].mean(axis=1)
        return means

    draws = bootstrap(mean, [len(margins)], resampling.samples, resampling.random("keys"), places_drawn)
    p = float(stats.wilcoxon(margins, alternative="greater").pvalue) if margins.any() else 1.0
    return {
        KEY_MARGIN: Estimate.drawn(float(margins.mean()), draws, len(sounds)),
        **exact({"caption_key_p": p, "caption_key_groups": len(margins)}, len(sounds)),
    }


def tempo_figures(sounds: Sequence[Sound], resampling: Resampling) -> dict[str, Estimate]:
    """caption_tempo_share: the share of sounds whose estimated tempo is within 8 % of the requested or known one.

    The value of real sounds is the limit of the estimator, which often finds twice or half the tempo. Empty if no sound
    has a tempo.
    """
    figures = [
        SoloFigures(str(place), sound.group, {TEMPO_SHARE: Ratio(float(_in_tempo(sound, sound.qpm)), 1.0)})
        for place, sound in enumerate(sounds)
        if sound.qpm
    ]
    return estimates(figures, resampling) if figures else {}


def _in_tempo(sound: Sound, qpm: float) -> bool:
    return abs(estimate_tempo(sound.waveform) / qpm - 1) <= _TEMPO_TOLERANCE


def try_following(
    name: str,
    solos: Mapping[str, Score],
    family: SoundFamily,
    sampling: SoundSampling,
    seconds: float,
    most: int,
    seed: int,
    resampling: Resampling,
) -> Results:
    """How well a family performs the notes of held-out excerpts, by the transcription and the chroma of its sound.

    Metrics as in `try_transcriber`, whose rows are the limit. Row `another_solo` compares the same sounds with the next
    excerpt: the agreement of unrelated solos.

    Args:
        most: of the excerpts, at most this many, as evenly from all solos as possible.
    """
    by_solo = {solo: excerpts(score, seconds * score.mean_qpm / 60)[:_EXCERPTS] for solo, score in solos.items()}
    turns = [(solo, own[turn]) for turn in range(_EXCERPTS) for solo, own in by_solo.items() if turn < len(own)][:most]
    if not turns:
        return {name: {}, ANOTHER: {}}
    rows: dict[str, list[SoloFigures]] = {name: [], ANOTHER: []}
    frames = round(max(excerpt.seconds for _, excerpt in turns) * family.frame_rate)
    rendered = [render(excerpt) for _, excerpt in turns]
    scores = [score_frames(excerpt, None, 0.0, frames, family.frame_rate) for _, excerpt in turns]
    if family.has_melody:
        heard_by_model = [family.melody_chroma(to_mono(sound, family.sample_rate)) for sound in rendered]
        scores = [with_chroma(score, chroma) for score, chroma in zip(scores, heard_by_model, strict=True)]
    drawn = family.generate(
        [_FOLLOWED_CAPTION] * len(turns), frames, sampling, derive_seed(seed, "follow"), scores=scores
    )
    for place, ((solo, excerpt), codes) in enumerate(zip(turns, drawn, strict=True)):
        sound = Waveform(family.decode_codes(codes)[:, None], family.sample_rate)
        heard = detect_notes(sound)
        other = (place + 1) % len(turns)
        for row, score, asked in ((name, excerpt, rendered[place]), (ANOTHER, turns[other][1], rendered[other])):
            ratios = _note_ratios(score, heard) | _chroma_ratio(asked, sound)
            rows[row].append(SoloFigures(str(place), solo, ratios))
    return {row: _pooled(figures, resampling) for row, figures in rows.items()}


def try_transcriber(solos: Mapping[str, Score], codec: Codec, seconds: float, resampling: Resampling) -> Results:
    """The accuracy of the transcriber on rendered solos: rows `transcriber`, and `codec` after encoding and decoding.

    Metrics: note_f1 with its interval over the solos, note_precision, note_recall, and note_f1 by tempo; for the codec,
    also chroma_cosine with its interval.

    Args:
        solos: by name. The first two excerpts of about `seconds` are taken from each.
    """
    rows: dict[str, list[SoloFigures]] = {TRANSCRIBER: [], CODEC: []}
    for name, solo in progress(solos.items(), doing="trying the transcriber", unit="solo"):
        for excerpt in excerpts(solo, seconds * solo.mean_qpm / 60)[:_EXCERPTS]:
            clean = to_mono(render(excerpt), codec.sample_rate)
            again = codec.decode_codes(codec.encode_sound(clean))
            rendered, decoded = (Waveform(samples[:, None], codec.sample_rate) for samples in (clean, again))
            kept = _note_ratios(excerpt, detect_notes(decoded)) | _chroma_ratio(rendered, decoded)
            rows[TRANSCRIBER].append(SoloFigures(name, name, _note_ratios(excerpt, detect_notes(rendered))))
            rows[CODEC].append(SoloFigures(name, name, kept))
    return {row: _pooled(figures, resampling) for row, figures in rows.items()}


def _note_ratios(score: Score, heard: HeardNotes) -> dict[str, Ratio]:
    found = found_notes(score.seconds_at(score.onsets), score.pitches, heard.onsets, heard.pitches)
    both = len(score.notes) + len(heard.onsets)
    tempo = "slow" if score.mean_qpm < SLOW_QPM else "fast" if score.mean_qpm >= FAST_QPM else "medium"
    return {
        NOTE_F1: Ratio(2.0 * found, both),
        "note_precision": Ratio(found, len(heard.onsets)),
        "note_recall": Ratio(found, len(score.notes)),
        **{
            f"note_f1_{band}": Ratio(2.0 * found * (band == tempo), both * (band == tempo))
            for band in ("slow", "medium", "fast")
        },
    }


def _chroma_ratio(reference: Waveform, sound: Waveform) -> dict[str, Ratio]:
    cosines = chroma_cosines(reference, sound)
    return {CHROMA: Ratio(float(cosines.sum()), len(cosines))}


def _pooled(figures: Sequence[SoloFigures], resampling: Resampling) -> dict[str, Estimate]:
    """The pooled ratios with a denominator above 0; F1 and chroma with their intervals. No notes at all: no metrics."""
    if not figures:
        return {}
    denominators = {name: sum(solo.ratios[name].denominator for solo in figures) for name in figures[0].ratios}
    if not denominators[NOTE_F1]:
        return {}
    with_interval = [name for name in (NOTE_F1, CHROMA) if denominators.get(name)]
    return {name: own for name, own in estimates(figures, resampling, with_interval).items() if denominators[name]}


def plain(score: Score) -> Score:
    """A score reduced to what a transcription has: notes, tempo and bars, without chords and marks."""
    return replace(score, chords=(), phrases=(), sections=())
