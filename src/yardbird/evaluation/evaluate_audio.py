"""Compares a family of sound with simpler models, held-out sound and its untrained self, for the evaluate_audio stage.

Its solos are drawn here from captions only, without a melody: `prompts` of them, over keys and tempos in turn. It also
performs the notes of held-out excerpts, whose transcription is compared with these notes.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge

from yardbird import files
from yardbird.audio.wave import Waveform
from yardbird.baselines.ngram_solos import NGRAM
from yardbird.bootstrap_settings import Resampling
from yardbird.codecs.events import EventCodec
from yardbird.config import NOT_EMPTY, Check, NonNegativeFloat, PositiveFloat, PositiveInt, Settings
from yardbird.evaluation import clap, originality
from yardbird.evaluation.embedded_sound import FRECHET, KERNEL, distances, embed_with_codec
from yardbird.evaluation.evaluate import SHOWN, read_generated, real_excerpts
from yardbird.evaluation.held_out_sound import HEADLINE, UNTRAINED, EncodedClip, measure_codes, read_clips
from yardbird.evaluation.listening import (
    CHROMA,
    CODEC,
    KEY_MARGIN,
    NOTE_F1,
    SHUFFLED_TOKENS,
    TEMPO_SHARE,
    Sound,
    key_figures,
    listen,
    listen_to_clips,
    listen_to_codes,
    plain,
    shuffled,
    sound_figures,
    tempo_figures,
    try_following,
    try_transcriber,
)
from yardbird.evaluation.originality import ORIGINAL, Compared, Piece, compare_pieces, originality_of, training_index
from yardbird.evaluation.reconstruction import read_scores
from yardbird.metrics import coherence
from yardbird.metrics.coherence import coherence_of
from yardbird.metrics.common_metrics import common_of
from yardbird.metrics.diversity import VENDI, diversity_of
from yardbird.metrics.estimates import ENDS, Estimate, Results, Shown, merged, select
from yardbird.metrics.set_rows import FLOOR, REAL, SELF, compare_sets, mean_distance
from yardbird.models.family_kinds import SoundFamily
from yardbird.music.excerpts import excerpts, in_full_bars, length_beats
from yardbird.music.pitch import Key, Mode
from yardbird.nn.sampling import SoundSampling
from yardbird.progress import progress
from yardbird.seeds import derive_seed, generator, streams
from yardbird.tables.clip_tables import RENDERED

REAL_TRANSCRIBED = "real_transcribed"
_AT_ONCE = 24  # sounds drawn in one batch
_DIGITS = 5  # significant ones, because a p-value may be small
_DISTANCES = (FRECHET, KERNEL, f"{clap.PREFIX}{FRECHET}", f"{clap.PREFIX}{KERNEL}")
#: The metrics of codes and sound that the metric file shows with intervals.
_WITH_INTERVALS = (HEADLINE, *_DISTANCES, KEY_MARGIN, TEMPO_SHARE, NOTE_F1, CHROMA)
#: The metrics of solos in the metric file; rows without transcribed solos have none of them.
_SHOWN_OF_SOLOS = (
    Shown(SHOWN, optional=True),
    Shown((VENDI,), ENDS, optional=True),
    *coherence.SHOWN,
    *originality.SHOWN,
    Shown((ORIGINAL,), optional=True),
)
_KEY, _TEMPO = "{key}", "{tempo}"


_NAMES_BOTH = Check(lambda text: _KEY in text and _TEMPO in text, f"a text that contains {_KEY} and {_TEMPO}")


@dataclass(frozen=True)
class EvaluateAudioConfig(Settings, section="evaluate_audio"):
    """Section `evaluate_audio` of params.yaml."""

    prompts: Annotated[int, Ge(2)]  # number of solos drawn, over keys and tempos in turn
    caption: Annotated[str, _NAMES_BOTH]  # of every solo; {key} and {tempo} are replaced
    tempos: Annotated[tuple[PositiveFloat, ...], NOT_EMPTY]  # each is requested once over all keys, in turn
    followed: PositiveInt  # number of held-out excerpts that the model performs
    modes: Annotated[tuple[Mode, ...], Check(bool, "major, minor or both")]  # the keys of these modes are requested
    seconds: Annotated[float, Ge(1)]  # of every drawn solo, and of the sounds it is compared with
    guidance: NonNegativeFloat
    temperature: NonNegativeFloat
    top_k: PositiveInt | None
    bootstrap_samples: PositiveInt
    clap: str | None  # a CLAP checkpoint on the hub, or a folder with its layout

    @property
    def sampling(self) -> SoundSampling:
        return SoundSampling(self.guidance, self.temperature, self.top_k)

    def asked(self) -> list[tuple[Key, float, str]]:
        """Keys and tempos in turn, each pair with the caption that requests it in the wording of the corpus."""
        keys = [Key(tonic, mode) for mode in self.modes for tonic in range(12)]
        pairs = itertools.cycle((key, qpm) for qpm in self.tempos for key in keys)
        return [(key, qpm, self._caption(key, qpm)) for key, qpm in itertools.islice(pairs, self.prompts)]

    def _caption(self, key: Key, qpm: float) -> str:
        return self.caption.replace(_KEY, str(key).removesuffix(" major")).replace(_TEMPO, f"{qpm:g}")


def evaluate_audio(
    name: str, family: SoundFamily, data: Path, config: EvaluateAudioConfig, seed: int
) -> tuple[Results, Results, list[Compared]]:
    """Metrics of codes and of sound, metrics of transcribed solos, and the overlap of each with training solos.

    Args:
        data: the folder with augmented, baseline, clips and encoded.
    """
    judge = clap.open_clap(config.clap) if config.clap else None  # first, because the rest takes minutes
    encoded, resampling = data / "encoded/audio", Resampling(config.bootstrap_samples, seed)
    training, held_out = read_clips(encoded, "train"), read_clips(encoded, "test")
    untrained = family.untrained()
    untrained.model.to(next(family.model.parameters()).device)
    codebook_size = int(files.read_json(encoded / "codec.json")["codebook_size"])
    measured = measure_codes(
        name, family.score_codes, untrained.score_codes, training, held_out, codebook_size, resampling
    )
    sets = sounds_of(name, family, untrained, training, held_out, data / "clips", config, seed)
    heard: Results = {row: sound_figures(own, resampling) for row, own in sets.items()}
    asked: Results = {
        row: key_figures(sets[row], resampling) | tempo_figures(sets[row], resampling)
        for row in (name, UNTRAINED, REAL)
    }
    waveforms = {row: [sound.waveform for sound in own] for row, own in sets.items()}
    apart = distances({row: embed_with_codec(family, own, row) for row, own in waveforms.items()}, resampling)
    if judge:
        embedded = {row: clap.embed_with_clap(judge, own, row) for row, own in waveforms.items()}
        apart = merged(apart, distances(embedded, resampling, clap.PREFIX))
        for row, own in asked.items():
            score = clap.clap_score(judge, embedded[row], [sound.caption for sound in sets[row]])
            own["clap_score"] = Estimate(score, n=len(sets[row]))
    solos = {solo.solo: solo.score for solo in read_scores(data / "augmented", "test")}
    tried = try_transcriber(solos, family, config.seconds, resampling)
    followed = try_following(name, solos, family, config.sampling, config.seconds, config.followed, seed, resampling)
    found = merged(measured, heard, apart, asked, tried, followed)
    return found, *compare_transcribed(name, sets, held_out[0].kind == RENDERED, data, seed)


def unknown_words(family: SoundFamily, config: EvaluateAudioConfig) -> list[str]:
    """The words of the captions that are absent from the training captions; the model cannot follow them."""
    return sorted({word for *_, caption in config.asked() for word in family.unknown_words(caption)})


def sounds_of(
    name: str,
    family: SoundFamily,
    untrained: SoundFamily,
    training: Sequence[EncodedClip],
    held_out: Sequence[EncodedClip],
    clips: Path,
    config: EvaluateAudioConfig,
    seed: int,
) -> dict[str, list[Sound]]:
    """Sets of equally many sounds of `config.seconds`, by row, and `real`, held-out sounds that no other row uses.

    floor      training clips
    codec      held-out clips through the codec
    shuffled_tokens  held-out clips with their frames in random order, decoded
    """
    whole = round(config.seconds * family.frame_rate)
    long = [clip for clip in held_out if clip.codes.shape[1] >= whole] or list(held_out)
    count = min(config.prompts, len(long) // 2) or 1
    ours, theirs = np.split(generator(seed, "held-out").permutation(len(long)), [count])
    drawn = [long[place] for place in sorted(ours)]
    rest = [long[place] for place in sorted(theirs)] or drawn
    usable = [clip for clip in training if clip.codes.shape[1] >= whole] or list(training)
    floor = generator(seed, FLOOR).permutation(len(usable))[: config.prompts]
    codes = [clip.codes[:, :whole] for clip in drawn]
    mixed = [shuffled(own, seed, clip.clip) for own, clip in zip(codes, drawn, strict=True)]
    return {
        name: sing(family, config, derive_seed(seed, "sing")),
        UNTRAINED: sing(untrained, config, derive_seed(seed, "sing")),
        SHUFFLED_TOKENS: listen_to_codes(family, mixed, drawn, "shuffled tokens"),
        CODEC: listen_to_codes(family, codes, drawn, "the codec"),
        FLOOR: listen_to_clips([usable[place] for place in sorted(floor)], clips, config.seconds, "training clips"),
        REAL: listen_to_clips(rest, clips, config.seconds, "held-out clips"),
    }


def sing(family: SoundFamily, config: EvaluateAudioConfig, seed: int) -> list[Sound]:
    """The sounds that the model draws for the captions, in their order."""
    frames, asked = round(config.seconds * family.frame_rate), config.asked()
    sounds = []
    for start in progress(range(0, len(asked), _AT_ONCE), doing="drawing sounds", unit="batch"):
        part = asked[start : start + _AT_ONCE]
        drawn = family.generate([caption for *_, caption in part], frames, config.sampling, derive_seed(seed, start))
        for place, ((key, qpm, caption), codes) in enumerate(zip(part, drawn, strict=True), start):
            sound = Waveform(family.decode_codes(codes)[:, None], family.sample_rate)
            sounds.append(listen(sound, caption, key, qpm, str(place)))
    return sounds


def compare_transcribed(
    name: str, sets: Mapping[str, Sequence[Sound]], rendered: bool, data: Path, seed: int
) -> tuple[Results, list[Compared]]:
    """Metrics of solos, for transcribed sound and for scores of the corpus, all of one length and without chords.

    `real` are held-out scores, `real_transcribed` the transcriptions of their renders; the second result is their
    overlap with the training solos. Recorded sound has no scores: `real` is then the transcription, and copies cannot
    be searched. Without chords, only the phrase metrics of coherence are defined.
    """
    generated, heard = ([sound.score for sound in sets[row]] for row in (name, REAL))
    beats = length_beats(generated)
    events = data / "encoded/events"
    codec = EventCodec.load(events / "codec.json")
    floor, real = (
        (real_excerpts(events, codec, split, beats, None) for split in ("train", "test"))
        if rendered
        else ([sound.score for sound in sets[FLOOR]], heard)
    )
    drawn = [
        piece for solo in read_generated(data / "baseline/measured") for piece in excerpts(in_full_bars(solo), beats)
    ]
    solos = {name: generated, REAL_TRANSCRIBED: heard, NGRAM: drawn, FLOOR: floor, REAL: real}
    heard_alone = {row: [plain(score) for score in own] for row, own in solos.items()}
    results = merged(
        compare_sets(heard_alone, len(generated), streams(seed)),
        coherence_of(heard_alone),
        common_of(heard_alone),
        diversity_of(heard_alone, streams(seed)),
    )
    if not rendered:
        return results, []
    index = training_index(data)
    compared = [
        found
        for row, own in solos.items()
        if row != FLOOR
        for found in compare_pieces(row, [Piece(str(place), score) for place, score in enumerate(own)], index)
    ]
    return merged(results, originality_of(name, compared, index, streams(seed))), compared


def headlines(figures: Results, solos: Results) -> dict[str, dict[str, float]]:
    """The metric file, short enough for a terminal, from the results of `evaluate_audio`.

    Raises:
        KeyError: a required metric has not been measured.
    """
    content: dict[str, dict[str, float]] = {}
    for row in dict.fromkeys([*figures, *solos]):
        own = figures.get(row, {})
        shown = [Shown((metric,), ENDS if metric in _WITH_INTERVALS else ()) for metric in own]
        values = select(own, shown) | select(
            solos.get(row, {}), originality.SHOWN_OF_SELF if row == SELF else _SHOWN_OF_SOLOS
        )
        distance = mean_distance(solos.get(row, {}))
        if row != REAL and distance is not None:
            values["distance_to_real"] = distance
        content[row] = {metric: _rounded(value) for metric, value in values.items()}
    return content


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
