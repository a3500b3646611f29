"""Measures how well a model predicts the codes of held-out sound: nats and accuracy by codebook, with baselines.

    unigram    frequencies of each code of each codebook in the training clips, plus one
    bigram     predicts from the previous code of the same codebook: a Witten–Bell n-gram of order 2
    untrained  the model before training or fine-tuning

The models see the caption of a clip, and its key and beats, which in a recording may be heard in the clip itself; the
n-grams see neither.

The nats of a frame are the sum over its codebooks; `code_perplexity` is exp of the mean nats of a code. Nats and
perplexities of different codecs are not comparable.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yardbird import files
from yardbird.baselines.ngram import NGram
from yardbird.bootstrap_settings import Resampling
from yardbird.metrics.estimates import Results, exact
from yardbird.models.family import Ratio
from yardbird.models.family_kinds import Codes
from yardbird.models.token_scoring import SoloFigures, estimate, estimates
from yardbird.music.pitch import Key
from yardbird.music.score_frames import ScoreFrames
from yardbird.progress import progress
from yardbird.tables.clip_tables import read_clip_index

UNTRAINED, UNIGRAM, BIGRAM = "untrained", "unigram", "bigram"
HEADLINE = "nats_per_frame"

#: From a clip's codes (codebooks, frames), caption and score frames: nats, and whether each code was the most probable.
Scorer = Callable[[Codes, str, ScoreFrames], tuple[NDArray[np.float64], NDArray[np.bool_]]]


@dataclass(frozen=True, eq=False)
class EncodedClip:
    """One clip of data/encoded/audio; `codes` are (codebooks, frames), `path` is its sound file in data/clips."""

    clip: str
    path: str
    kind: str
    tune_group: str
    key: Key | None
    qpm: float | None
    caption: str  # the full caption
    codes: Codes
    score: ScoreFrames


def read_clips(encoded: Path, split: str) -> list[EncodedClip]:
    """The clips of a split with memory-mapped codes.

    Raises:
        InputError: the split is empty.
    """
    packed: Codes = files.read_array(encoded / "codes.npy")
    frames: ScoreFrames = files.read_array(encoded / "score_frames.npy")
    return [
        EncodedClip(
            clip=row.clip,
            path=row.path,
            kind=row.kind,
            tune_group=row.tune_group,
            key=Key.parse(row.key) if row.key else None,
            qpm=row.qpm,
            caption=row.captions[0],
            codes=packed[row.place].T,
            score=frames[row.place],
        )
        for row in read_clip_index(encoded, split)
    ]


def measure_codes(
    name: str,
    model: Scorer,
    untrained: Scorer,
    training: Sequence[EncodedClip],
    held_out: Sequence[EncodedClip],
    codebook_size: int,
    resampling: Resampling,
) -> Results:
    """Metrics by row: of the model, including its gains over each baseline, and of the baselines."""
    scored = {
        row: score_clips(scorer, held_out, row)
        for row, scorer in {
            name: model,
            UNTRAINED: untrained,
            UNIGRAM: unigram(training, codebook_size),
            BIGRAM: bigram(training, codebook_size),
        }.items()
    }
    rows = {row: estimates(figures, resampling) for row, figures in scored.items()}
    for own in rows.values():
        nats_per_code = own[HEADLINE].value / len(held_out[0].codes)
        own |= exact({"code_perplexity": float(np.exp(nats_per_code))}, len(held_out))
    for other in (UNTRAINED, UNIGRAM, BIGRAM):
        rows[name][f"gain_on_{other}"] = estimate(scored[other], HEADLINE, resampling, less=scored[name])
    return rows


def score_clips(scorer: Scorer, clips: Sequence[EncodedClip], label: str) -> list[SoloFigures]:
    """nats_per_frame, accuracy of all codes, and nats and accuracy by codebook, of every clip.

    Args:
        label: is shown at the progress bar.
    """
    figures = []
    for clip in progress(clips, doing=f"scoring {label}", unit="clip"):
        nats, correct = scorer(clip.codes, clip.caption, clip.score)
        frames = clip.codes.shape[1]
        ratios = {
            HEADLINE: Ratio(float(nats.sum()), frames),
            "code_accuracy": Ratio(float(correct.sum()), correct.size),
        }
        for book, (own, hits) in enumerate(zip(nats, correct, strict=True), start=1):
            ratios[f"nats_codebook_{book}"] = Ratio(float(own.sum()), frames)
            ratios[f"accuracy_codebook_{book}"] = Ratio(float(hits.sum()), frames)
        figures.append(SoloFigures(clip.clip, clip.tune_group, ratios))
    return figures


def unigram(training: Sequence[EncodedClip], codebook_size: int) -> Scorer:
    """Predicts each codebook's codes by frequency, with add-one smoothing (Laplace)."""
    books = np.concatenate([clip.codes for clip in training], axis=1)
    counts = np.stack([np.bincount(book, minlength=codebook_size) for book in books]) + 1
    nats = -np.log(counts / counts.sum(axis=1, keepdims=True))
    best = counts.argmax(axis=1)[:, None]

    def score(codes: Codes, _caption: str, _score: ScoreFrames) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        return np.take_along_axis(nats, codes.astype(np.int64), axis=1), codes == best

    return score


def bigram(training: Sequence[EncodedClip], codebook_size: int) -> Scorer:
    """Predicts each codebook's codes from the previous code; a start symbol precedes each clip."""

    def started(codes: NDArray[np.int16]) -> NDArray[np.int64]:
        return np.append(codebook_size, codes)

    models = [
        NGram.fit([started(clip.codes[book]) for clip in training], codebook_size + 1, 2)
        for book in range(len(training[0].codes))
    ]

    def score(codes: Codes, _caption: str, _score: ScoreFrames) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        scores = [model.score_tokens(started(book)) for model, book in zip(models, codes, strict=True)]
        return np.stack([each.nats for each in scores]), np.stack([each.correct for each in scores])

    return score
