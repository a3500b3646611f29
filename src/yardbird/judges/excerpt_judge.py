"""A judge of style: a logistic regression that predicts the artist of an excerpt from features of `metrics.style`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yardbird.metrics.style import FEATURES, style_features
from yardbird.music.excerpts import excerpts, in_full_bars
from yardbird.music.score import Floats, Ints, Score

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from sklearn.pipeline import Pipeline

_LOOSENESS = (0.001, 0.01, 0.1, 1.0)  # candidate inverse weights of the penalty
_FOLDS = 5
_FEWEST = 16  # notes in an excerpt; with fewer it is not judged
_NO_VERDICT = 0.5

Flags = NDArray[np.bool_]


class Judge:
    """Predicts for each excerpt of a score the probability that the second of two artists played it.

    Features are standardised, and both artists have equal weight. The penalty is the one with the lowest log loss over
    folds of tune groups; `folded_auc` is its AUC there. If there are too few tune groups for folds with both artists in
    the training part, `folded_auc` is None and the strongest penalty is taken. If an artist has no excerpt with enough
    notes (the model may be silent), every verdict is 0.5.

    Args:
        scores: training solos.
        second: whether a score is by the second artist: (scores,); both artists must occur.
        groups: tune groups, (scores,).
        beats: length of an excerpt in quarter notes.
    """

    def __init__(self, scores: Sequence[Score], second: Sequence[bool], groups: Sequence[str], beats: float) -> None:
        from sklearn.metrics import log_loss, roc_auc_score
        from sklearn.model_selection import cross_val_predict
        from sklearn.utils.class_weight import compute_sample_weight

        self._beats = beats
        pieces = [excerpts(in_full_bars(score), beats) for score in scores]
        judged = [[piece for piece in own if len(piece.notes) >= _FEWEST] for own in pieces]
        counts = [len(own) for own in judged]
        x = _features([piece for own in judged for piece in own])
        y, tunes = np.repeat(second, counts), np.repeat(groups, counts)
        folds = _folds(y, tunes)
        self.folded_auc: float | None = None
        best, least = _LOOSENESS[0], np.inf
        for looseness in _LOOSENESS if folds else ():
            guesses = cross_val_predict(_pipeline(looseness), x, y, cv=folds, method="predict_proba")[:, 1]
            nats = log_loss(y, guesses, sample_weight=compute_sample_weight("balanced", y))
            if nats < least:
                best, least, self.folded_auc = looseness, nats, float(roc_auc_score(y, guesses))
        self._classifier = _pipeline(best).fit(x, y) if len({*y.tolist()}) == 2 else None

    def verdicts(self, score: Score) -> Floats:
        """The verdict on each excerpt of a score: (excerpts,), 0 … 1; 0.5 if it has too few notes."""
        pieces = excerpts(in_full_bars(score), self._beats) or [score]
        verdicts = np.full(len(pieces), _NO_VERDICT)
        enough = [len(piece.notes) >= _FEWEST for piece in pieces]
        if any(enough) and self._classifier is not None:
            features = _features([piece for piece, judged in zip(pieces, enough, strict=True) if judged])
            verdicts[enough] = self._classifier.predict_proba(features)[:, 1]
        return verdicts

    def examine(self, scores: Sequence[Score], second: Sequence[bool]) -> dict[str, float]:
        """`accuracy` (balanced: chance is 0.5) and `auc` over the excerpts of solos; empty without both artists."""

        from sklearn.metrics import balanced_accuracy_score, roc_auc_score

        if len({*second}) < 2:
            return {}
        verdicts = [self.verdicts(score) for score in scores]
        truth: Flags = np.repeat(second, [len(own) for own in verdicts])
        pooled = np.concatenate(verdicts)
        return {
            "accuracy": float(balanced_accuracy_score(truth, pooled > 0.5)),
            "auc": float(roc_auc_score(truth, pooled)),
        }


def _folds(y: Flags, tunes: NDArray[np.str_]) -> list[tuple[Ints, Ints]]:
    """(train, test) for the most folds with both artists in every training part; empty if there are too few tunes."""

    from sklearn.model_selection import StratifiedGroupKFold

    most = min(_FOLDS, *(len(set(tunes[y == artist])) for artist in (False, True)))
    for count in range(most, 1, -1):
        folds = list(StratifiedGroupKFold(count).split(y, y, tunes))
        if all(len({*y[train].tolist()}) == 2 for train, _ in folds):
            return folds
    return []


def _features(pieces: Sequence[Score]) -> Floats:
    return np.array([style_features(piece) for piece in pieces]).reshape(-1, len(FEATURES))


def _pipeline(looseness: float) -> "Pipeline":
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=looseness, class_weight="balanced", max_iter=1000))
