"""Who may be champion: sentences and a verdict from measured figures alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """What a model is judged by."""

    nats: float | None  # a note, on held-out tunes; None: this family has no such measure
    baseline: float | None  # the same of the n-gram, on the same tunes
    held_out: str  # a hash of these tunes: figures compare only where it is equal
    synthetic: bool  # trained on the built-in corpus alone

    @property
    def margin(self) -> float:
        """The share of the baseline's nats that the model saves."""
        assert self.nats is not None
        assert self.baseline is not None
        return 1 - self.nats / self.baseline


@dataclass(frozen=True)
class Verdict:
    promoted: bool
    reason: str  # whole sentences, with the figures


def judge(candidate: Standing, champion: Standing | None) -> Verdict:
    """The gate: beat the n-gram, and be no worse than the present champion, as far as the two can be compared.

    Measured on the same held-out tunes, the nats decide. On other tunes they do not compare, so the margins over the
    n-gram do, each on its own tunes; but a model of the built-in synthetic corpus never displaces one of real solos,
    and one of real solos always displaces a synthetic one.
    """
    if candidate.nats is None or candidate.baseline is None:
        return Verdict(False, "Not judged: held-out nats per note were not measured for it and for the n-gram.")
    if candidate.nats >= candidate.baseline:
        return Verdict(
            False, f"Does not beat the n-gram: {candidate.nats:.3f} against {candidate.baseline:.3f} nats per note."
        )
    beats = f"Beats the n-gram: {candidate.nats:.3f} against {candidate.baseline:.3f} nats per note."
    if champion is None or champion.nats is None or champion.baseline is None:
        return Verdict(True, f"{beats} There was no champion to compare with.")
    if candidate.held_out == champion.held_out:
        better = candidate.nats <= champion.nats
        words = "No worse" if better else "Worse"
        return Verdict(
            better, f"{beats} {words} than the champion on the same held-out tunes, which has {champion.nats:.3f}."
        )
    if candidate.synthetic != champion.synthetic:
        kinds = ("a synthetic corpus", "real solos")
        own, other = kinds if candidate.synthetic else kinds[::-1]
        word = "stays" if candidate.synthetic else "gives way"
        apart = f"The champion was trained on {other}, this one on {own}: figures do not compare, the champion {word}."
        return Verdict(not candidate.synthetic, f"{beats} {apart}")
    better = candidate.margin >= champion.margin
    margins = f"{'no smaller' if better else 'smaller'}: {candidate.margin:.1%} against {champion.margin:.1%}"
    apart = "The champion was measured on other held-out tunes, so nats do not compare"
    return Verdict(better, f"{beats} {apart}; the margin over the n-gram is {margins}.")
