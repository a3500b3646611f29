"""The gate: decide from metrics alone whether a model becomes champion, and explain the verdict."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

from yardbird.config import Check, Settings
from yardbird.metrics.verdicts import VERDICTS, family_verdicts

_WORDS = {"ngram": "the n-gram"}


_VERDICT = Check(VERDICTS.__contains__, f"a verdict, of {', '.join(VERDICTS)}")


@dataclass(frozen=True)
class Gate(Settings, section="publish.<family>"):
    """A family's entry in section `publish` of params.yaml: what to compare in reports/evaluate/<family>.json."""

    measure: str  # in the rows of the family and the baseline, on held-out tunes; lower is better
    baseline: str  # the row that a champion must beat
    requires: tuple[Annotated[str, _VERDICT], ...]  # required verdicts

    def compares_with(self, other: "Gate") -> bool:
        """Whether both compare the same measure with the same baseline."""
        return (self.measure, self.baseline) == (other.measure, other.baseline)

    def faults(self, content: Mapping[str, Mapping[str, float]], name: str) -> tuple[str, ...]:
        """The required verdicts that are not met or not measured, as text. With any of them, a family is not promoted.

        Args:
            content: reports/evaluate/<family>.json.
        """
        verdicts = {verdict.figure: verdict for verdict in family_verdicts(content, name)}
        return tuple(
            f"{_plain(figure)}: {verdicts[figure].words}" if figure in verdicts else f"{_plain(figure)}: not measured"
            for figure in self.requires
            if figure not in verdicts or not verdicts[figure].met
        )


@dataclass(frozen=True)
class Standing:
    """The values that the gate uses to judge a model."""

    gate: Gate
    value: float | None  # of the model, on held-out tunes; None: not measured
    baseline: float | None  # of the baseline, on the same tunes
    held_out: str  # hash of these tunes: values can be compared only if it is equal
    synthetic: bool  # trained on the built-in corpus alone
    collapsed: bool  # a latent space from which almost no note is recovered
    faults: tuple[str, ...] = ()  # required verdicts that are not met, as text

    @property
    def margin(self) -> float:
        """The improvement over the baseline, as a share of the baseline's value."""
        assert self.value is not None
        assert self.baseline is not None
        return 1 - self.value / self.baseline

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "Standing":
        """Read what `text` returned."""
        content = json.loads(text)
        gate = content["gate"]
        gate["requires"] = tuple(gate["requires"])
        return cls(**{**content, "gate": Gate(**gate), "faults": tuple(content["faults"])})


@dataclass(frozen=True)
class Verdict:
    promoted: bool
    reason: str  # complete sentences with the values


def decide(candidate: Standing, champion: Standing | None) -> Verdict:
    """The gate: a model must beat the baseline, and must not be worse than the champion if both can be compared.

    On the same held-out tunes, the measure decides. On different tunes it cannot be compared, so the margins over the
    baseline decide, each on its own tunes. However, a model of the built-in synthetic corpus never replaces one of real
    solos, and one of real solos always replaces a synthetic one. A model with a collapsed latent space or without a
    required verdict is never champion.
    """
    measure, baseline = candidate.gate.measure.replace("_", " "), _words(candidate.gate.baseline)
    if candidate.collapsed:
        reason = "The latent has collapsed: decoding from z recovers almost nothing of a solo."
        return Verdict(False, f"{reason} Such a model is never champion.")
    if candidate.value is None or candidate.baseline is None:
        return Verdict(False, f"Not judged: held-out {measure} was not measured for both the model and {baseline}.")
    figures = f"{baseline} in {measure}: {candidate.value:.3f} against {candidate.baseline:.3f}."
    if candidate.value >= candidate.baseline:
        return Verdict(False, f"Does not beat {figures}")
    beats = f"Beats {figures}"
    if candidate.faults:
        return Verdict(False, f"{beats} But it cannot be champion: it is not {'; not '.join(candidate.faults)}.")
    if champion is None or champion.value is None or champion.baseline is None:
        return Verdict(True, f"{beats} There was no champion to compare with.")
    if candidate.gate.compares_with(champion.gate) and candidate.held_out == champion.held_out:
        better = candidate.value <= champion.value
        words = "Not worse" if better else "Worse"
        return Verdict(better, f"{beats} {words} than the champion on the same held-out tunes, {champion.value:.3f}.")
    if candidate.synthetic != champion.synthetic:
        kinds = ("a synthetic corpus", "real solos")
        own, other = kinds if candidate.synthetic else kinds[::-1]
        word = "stays" if candidate.synthetic else "is replaced"
        apart = (
            f"The champion was trained on {other}, this model on {own}: values cannot be compared. The champion {word}."
        )
        return Verdict(not candidate.synthetic, f"{beats} {apart}")
    if not candidate.gate.compares_with(champion.gate):
        by = f"{champion.gate.measure.replace('_', ' ')} against {_words(champion.gate.baseline)}"
        return Verdict(
            True, f"{beats} The champion was judged by {by}: values cannot be compared. The champion is replaced."
        )
    better = candidate.margin >= champion.margin
    margins = f"{'not smaller' if better else 'smaller'}: {candidate.margin:.1%} against {champion.margin:.1%}"
    apart = f"The champion was measured on other held-out tunes, so {measure} cannot be compared"
    return Verdict(better, f"{beats} {apart}; the margin over {baseline} is {margins}.")


def _words(row: str) -> str:
    return _WORDS.get(row, row.replace("_", " "))


def _plain(figure: str) -> str:
    """`coherent_phrases` → "coherent in its phrases"."""
    word, _, part = figure.partition("_")
    return f"{word} in its {part}" if part else word
