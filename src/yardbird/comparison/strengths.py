"""Derives strengths and weaknesses in words from the values.

A rule of one of three tables makes each sentence. It makes none if intervals overlap, if a value is missing, or if
there is nothing to compare with.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from yardbird.comparison.model_facts import Facts
from yardbird.metrics.estimates import Estimate

Format = Callable[[float], str]


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `5 h 10 min`, `12 d 4 h`: at most two units."""
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    whole, text = round(seconds), ""
    for (unit, size), (smaller, step) in (
        (("d", 86400), ("h", 3600)), (("h", 3600), ("min", 60)), (("min", 60), ("s", 1))
    ):  # fmt: skip
        if whole >= size:
            rest = whole % size // step
            text = f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
            break
    return text or f"{whole} s"


def count(number: float) -> str:
    """`940`, `751 thousand`, `1.77 million`, `7 billion`."""
    for size, name in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if number >= size:
            return f"{number / size:.3g} {name}"
    return f"{number:.0f}"


def memory(mib: float) -> str:
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.0f} MiB"


def percent(share: float) -> str:
    return f"{100 * abs(share):.2g} %" if abs(share) < 0.1 else f"{100 * abs(share):.0f} %"


def plain(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


@dataclass(frozen=True)
class Ranked:
    """The best and the worst of all families in one value, if separated from all others and measured in the same way.

    The texts may contain {value}, {next} (the family with the next value), {next_value} and {ratio}, which is above 1.
    """

    key: str
    low_is_good: bool
    best: str
    worst: str
    form: Format = plain
    on: str | None = None  # key of the device: costs on different devices are not comparable


@dataclass(frozen=True)
class Against:
    """One value of a family compared with a reference: another value of it, or a number.

    The texts may contain {value}, {reference} and the words of the family; None: no sentence in this case.
    """

    key: str
    reference: str | float
    above: str | None
    below: str | None
    good_above: bool = True
    form: Format = plain


@dataclass(frozen=True)
class Alone:
    """A property that one family declares and no other does; {what} is the property."""

    offers: Callable[[Facts], tuple[str, ...]]
    text: str


RANKED = (
    Ranked(
        "training_seconds", True,
        "trains fastest: {value}; {next}, the next, takes {ratio} times as long",
        "trains slowest: {value}, {ratio} times as long as {next}", duration, "device",
    ),
    Ranked(
        "peak_memory_mib", True,
        "trains in the least memory: {value}; {next}, the next, uses {ratio} times as much",
        "uses the most memory in training: {value}, {ratio} times as much as {next}", memory, "device",
    ),
    Ranked(
        "parameters", True,
        "smallest: {value} parameters; {next}, the next, has {ratio} times as many",
        "largest: {value} parameters, {ratio} times as many as {next}", count,
    ),
    Ranked(
        "music_seconds_per_second", False,
        "generates fastest: {value} s of music a second, {ratio} times as much as {next}",
        "generates slowest: {value} s of music a second; {next} generates {ratio} times as much", on="drawn_on",
    ),
    Ranked(
        "span_seconds", False,
        "longest solos: {value}, {ratio} times as long as those of {next}",
        "shortest solos: {value}; those of {next} are {ratio} times as long", duration,
    ),
    Ranked(
        "distance", True,
        "nearest to real solos: at {value}; {next}, the next, is {ratio} times as far",
        "furthest from real solos: at {value}, {ratio} times as far as {next}",
    ),
    Ranked(
        "harmony_margin", False,
        "follows the changes best: harmony margin {value}, {next} has {next_value}",
        "follows the changes least: harmony margin {value}, {next} has {next_value}",
    ),
)  # fmt: skip

AGAINST = (
    Against(
        "nats_saved", 0.0,
        "predicts held-out tunes with {value} fewer nats than {baseline}",
        "needs {value} more nats for held-out tunes than {baseline}", form=percent,
    ),
    Against(
        "distance", "ngram_distance",
        "further from real solos than the n-gram: {value} against {reference}",
        "nearer to real solos than the n-gram: {value} against {reference}", good_above=False,
    ),
    Against("harmony_margin", 0.0, "follows the changes: its harmony margin of {value} is above 0", None),
    Against(
        "harmony_margin", "real_harmony_margin",
        None, "follows the changes less than real solos: harmony margin {value} against {reference}",
    ),
    Against(
        "coverage_8", "self_coverage_8",
        "quotes training solos more than they quote each other: {value} of its runs of 8 intervals against {reference}",
        "quotes training solos less than they quote each other: {value} of its runs of 8 intervals against {reference}",
        good_above=False, form=percent,
    ),
    Against(
        "longest_run", "self_longest_run",
        "shares longer runs with training solos than these with each other: {value} intervals against {reference}",
        None, good_above=False,
    ),
    Against(
        "note_f1", "shuffled_note_f1",
        "reconstructs solos from their latents: note F1 {value}, from another solo's latent {reference}", None,
    ),
    Against("note_f1", 0.5, None, "reconstructs less than half of the notes of a held-out solo: note F1 {value}"),
    Against(
        "window_bars", "span_bars",
        None, "generates {value} bars at a time; a solo has {reference}",
    ),
    Against(
        "frechet_distance", "untrained_frechet_distance",
        "sounds further from real solos than untrained: Fréchet distance {value} against {reference}",
        "sounds nearer to real solos than untrained: Fréchet distance {value} against {reference}", good_above=False,
    ),
    Against(
        "frechet_distance", "shuffled_frechet_distance",
        "sounds further from real solos than their shuffled codes: Fréchet distance {value} against {reference}",
        "sounds nearer to real solos than their shuffled codes: Fréchet distance {value} against {reference}",
        good_above=False,
    ),
    Against(
        "voiced_share", 0.5,
        "a pitch is heard in {value} of its sound", "a pitch is heard in only {value} of its sound",
        form=percent,
    ),
    Against(
        "caption_key_margin", 0.0,
        "follows the key of its caption: its scale has {value} more of the sound than that of another key",
        "contradicts the key of its caption: its scale has {value} less of the sound than that of another key",
        form=percent,
    ),
)  # fmt: skip

ALONE = (
    Alone(lambda facts: facts.conditions, "is the only one conditioned on: {what}"),
    Alone(lambda facts: (facts.writes,) if facts.writes else (), "is the only one that writes {what}"),
)


@dataclass
class Character:
    """Sentences without a full stop."""

    strengths: list[str] = field(default_factory=list)
    weaknesses: list[str] = field(default_factory=list)


def characters(families: Mapping[str, Facts]) -> dict[str, Character]:
    """Family → its strengths and weaknesses by the rules."""
    said = {name: Character() for name in families}
    for ranked in RANKED:
        figures = {name: facts.figures[ranked.key] for name, facts in families.items() if ranked.key in facts.figures}
        if ranked.on and len({families[name].words.get(ranked.on) for name in figures}) > 1:
            continue
        for name, good, text in _rank(ranked, figures):
            (said[name].strengths if good else said[name].weaknesses).append(text)
    for name, facts in families.items():
        for against in AGAINST:
            for good, text in _compare(against, facts):
                (said[name].strengths if good else said[name].weaknesses).append(text)
        if len(families) > 1:
            others = [other for other_name, other in families.items() if other_name != name]
            for alone in ALONE:
                theirs = {offer for other in others for offer in alone.offers(other)}
                if what := [offer for offer in alone.offers(facts) if offer not in theirs]:
                    said[name].strengths.append(alone.text.format(what=", ".join(what)))
    return said


def _rank(rule: Ranked, figures: Mapping[str, Estimate]) -> Iterator[tuple[str, bool, str]]:
    if len(figures) < 2:
        return
    order = sorted(figures, key=lambda name: figures[name].value, reverse=not rule.low_is_good)
    for first, second, good, text in ((order[0], order[1], True, rule.best), (order[-1], order[-2], False, rule.worst)):
        one, other = figures[first], figures[second]
        small, large = sorted((one.value, other.value))
        if not all(one.apart(figures[name]) for name in figures if name != first):
            continue
        if "{ratio}" in text and small <= 0:
            continue  # such values have no ratio
        ratio, next_value = _ratio(large, small), rule.form(other.value)
        said = text.format(value=rule.form(one.value), next=second, next_value=next_value, ratio=ratio)
        yield first, good, said


def _ratio(large: float, small: float) -> str:
    """The ratio to two digits, or to an integer from 10 on; empty if it is undefined."""
    if small <= 0:
        return ""
    return f"{large / small:.1f}" if large < 10 * small else f"{large / small:.0f}"


def _compare(rule: Against, facts: Facts) -> Iterator[tuple[bool, str]]:
    own = facts.figures.get(rule.key)
    found = facts.figures.get(rule.reference) if isinstance(rule.reference, str) else Estimate(rule.reference)
    if own is None or found is None or not own.apart(found):
        return
    above = own.span[0] > found.span[1]
    text = rule.above if above else rule.below
    if text is not None:
        words = {"value": rule.form(own.value), "reference": rule.form(found.value)}
        yield above == rule.good_above, text.format(**words, **facts.words)
