"""Who may be champion: sentences and a verdict from measured figures alone."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

from yardbird.config import Check, Settings
from yardbird.metrics.verdicts import VERDICTS, told

_WORDS = {"ngram": "the n-gram"}


_VERDICT = Check(VERDICTS.__contains__, f"a verdict, of {', '.join(VERDICTS)}")


@dataclass(frozen=True)
class Gate(Settings, section="publish.<family>"):
    """One family's entry of section `publish` of params.yaml: what is compared, in reports/evaluate/<family>.json."""

    measure: str  # of the family's own row and of the baseline's, on held-out tunes; lower is better
    baseline: str  # the row that a champion must beat
    requires: tuple[Annotated[str, _VERDICT], ...]  # verdicts that have to be yes

    def compares_with(self, other: "Gate") -> bool:
        """The same figure against the same baseline."""
        return (self.measure, self.baseline) == (other.measure, other.baseline)

    def faults(self, content: Mapping[str, Mapping[str, float]], name: str) -> tuple[str, ...]:
        """Why a family is no champion whatever it beats: the required verdicts that are no or have not been measured.

        Args:
            content: of reports/evaluate/<family>.json.
        """
        verdicts = {verdict.figure: verdict for verdict in told(content, name)}
        return tuple(
            f"{_plain(figure)}: {verdicts[figure].words}" if figure in verdicts else f"{_plain(figure)}: not measured"
            for figure in self.requires
            if figure not in verdicts or not verdicts[figure].met
        )


@dataclass(frozen=True)
class Standing:
    """What a model is judged by."""

    gate: Gate
    value: float | None  # of the measure, on held-out tunes; None: not measured
    baseline: float | None  # the same of the baseline, on the same tunes
    held_out: str  # a hash of these tunes: figures compare only where it is equal
    synthetic: bool  # trained on the built-in corpus alone
    collapsed: bool  # a latent through which hardly a note comes back
    faults: tuple[str, ...] = ()  # required verdicts that are no, in words

    @property
    def margin(self) -> float:
        """The share of the baseline's figure that the model saves."""
        assert self.value is not None
        assert self.baseline is not None
        return 1 - self.value / self.baseline

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "Standing":
        """What `text` wrote."""
        content = json.loads(text)
        gate = content["gate"]
        gate["requires"] = tuple(gate["requires"])
        return cls(**{**content, "gate": Gate(**gate), "faults": tuple(content["faults"])})


@dataclass(frozen=True)
class Verdict:
    promoted: bool
    reason: str  # whole sentences, with the figures


def judge(candidate: Standing, champion: Standing | None) -> Verdict:
    """The gate: beat the baseline, and be no worse than the present champion, as far as the two can be compared.

    Measured on the same held-out tunes, the measure decides. On other tunes it does not compare, so the margins over
    the baseline do, each on its own tunes; but a model of the built-in synthetic corpus never displaces one of real
    solos, and one of real solos always displaces a synthetic one. A collapsed latent is never champion,
    nor is a model that fails a required verdict.
    """
    measure, baseline = candidate.gate.measure.replace("_", " "), _words(candidate.gate.baseline)
    if candidate.collapsed:
        reason = "The latent has collapsed: next to nothing of a solo comes back through z, whose space is empty."
        return Verdict(False, f"{reason} Such a model is never champion.")
    if candidate.value is None or candidate.baseline is None:
        return Verdict(False, f"Not judged: held-out {measure} was not measured for it and for {baseline}.")
    figures = f"{baseline} in {measure}: {candidate.value:.3f} against {candidate.baseline:.3f}."
    if candidate.value >= candidate.baseline:
        return Verdict(False, f"Does not beat {figures}")
    beats = f"Beats {figures}"
    if candidate.faults:
        return Verdict(False, f"{beats} No champion all the same, for it is not {'; not '.join(candidate.faults)}.")
    if champion is None or champion.value is None or champion.baseline is None:
        return Verdict(True, f"{beats} There was no champion to compare with.")
    if candidate.gate.compares_with(champion.gate) and candidate.held_out == champion.held_out:
        better = candidate.value <= champion.value
        words = "No worse" if better else "Worse"
        return Verdict(
            better, f"{beats} {words} than the champion on the same held-out tunes, which has {champion.value:.3f}."
        )
    if candidate.synthetic != champion.synthetic:
        kinds = ("a synthetic corpus", "real solos")
        own, other = kinds if candidate.synthetic else kinds[::-1]
        word = "stays" if candidate.synthetic else "gives way"
        apart = f"The champion was trained on {other}, this one on {own}: figures do not compare, the champion {word}."
        return Verdict(not candidate.synthetic, f"{beats} {apart}")
    if not candidate.gate.compares_with(champion.gate):
        by = f"{champion.gate.measure.replace('_', ' ')} against {_words(champion.gate.baseline)}"
        return Verdict(
            True, f"{beats} The champion was judged by {by}: figures do not compare, the champion gives way."
        )
    better = candidate.margin >= champion.margin
    margins = f"{'no smaller' if better else 'smaller'}: {candidate.margin:.1%} against {champion.margin:.1%}"
    apart = f"The champion was measured on other held-out tunes, so {measure} does not compare"
    return Verdict(better, f"{beats} {apart}; the margin over {baseline} is {margins}.")


def _words(row: str) -> str:
    return _WORDS.get(row, row.replace("_", " "))


def _plain(figure: str) -> str:
    """`coherent_phrases` → "coherent in its phrases"."""
    word, _, part = figure.partition("_")
    return f"{word} in its {part}" if part else word
