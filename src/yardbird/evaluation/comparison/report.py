"""The report: the models, held-out figures, generated solos beside real ones, sound, latents, training."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from yardbird.evaluation.baseline import NGRAM
from yardbird.evaluation.comparison import cells, models, sound
from yardbird.evaluation.comparison.facts import Facts
from yardbird.evaluation.comparison.gather import Comparison, figures_of
from yardbird.evaluation.comparison.words import Character
from yardbird.evaluation.evaluate import ENDING, HEADLINE, SHOWN
from yardbird.evaluation.filling import CONTINUED, FILLED, GAIN
from yardbird.evaluation.originality import JUDGED
from yardbird.evaluation.reconstruction import ALL_HOLD, SHUFFLED
from yardbird.metrics.judges import JUDGED_SIDES, JUDGED_STYLE
from yardbird.metrics.rows import REAL
from yardbird.metrics.verdicts import told

#: Held-out figures of the first table: column → (key, digits).
_HELD_OUT = {
    "perplexity": ("perplexity", 2),
    "pitch": ("pitch_nats_per_note", 3),
    "rhythm": ("rhythm_nats_per_note", 3),
    "velocity": ("velocity_nats_per_note", 3),
    "chords": ("chord_nats_per_note", 3),
    "pitch top-1": ("pitch_accuracy", 3),
    "position top-1": ("position_accuracy", 3),
    "duration top-1": ("duration_accuracy", 3),
}
#: Figures of the table on filled bars: column → (key, digits).
_FILLED = {"filled": (FILLED, 3), "continued": (CONTINUED, 3), "gain of filling": (GAIN, 3)}
#: Figures of the table on latents: column → (key, digits).
_LATENT = {
    "steps right, forced": ("forced_accuracy", 3),
    "steps right, sampled": ("sampled_accuracy", 3),
    "note F1": ("note_f1", 3),
    "onset F1": ("onset_f1", 3),
    "KL, nats a window": ("kl", 1),
    "active units": ("active_units", 0),
    "grid nats per note": ("grid_nats_per_note", 2),
}
#: Figures of the table on sets of solos, each before its floor: column → (key, digits).
_SETS = {
    "solos": ("solos", 0),
    "real solos": ("real_solos", 0),
    "overlap": ("set_overlap", 2),
    "overlap, floor": ("set_overlap_floor", 2),
    "KL divergence": ("set_kl", 2),
    "KL, floor": ("set_kl_floor", 2),
    "Fréchet distance": ("set_frechet", 1),
    "Fréchet, floor": ("set_frechet_floor", 1),
    "judged style": (JUDGED_STYLE, 2),
}
#: Figures of the table on the judges, which stand in the rows of real solos: column → (key, digits).
_JUDGES = {
    "held-out excerpts": ("judge_excerpts", 0),
    "judged style of the player": (JUDGED_SIDES[True], 2),
    "of the others": (JUDGED_SIDES[False], 2),
    "AUC of the first judge": ("judge_ratio_auc", 2),
    "AUC of the second": ("judge_traits_auc", 2),
}
#: Step accuracies, forced and sampled, that Roberts et al. 2018 report (table 2), on another grid and another corpus.
_PAPER = {
    "paper: 2 bars": (0.986, 0.951),
    "paper: 16 bars, flat": (0.883, 0.620),
    "paper: 16 bars, hierarchical": (0.919, 0.812),
}


def as_markdown(comparison: Comparison, families: Mapping[str, Facts], characters: Mapping[str, Character]) -> str:
    """The report: the corpus, the models side by side, every kind of figure, and how to read it."""
    return "\n".join(
        [
            f"# The models compared{f', on a {comparison.kind} corpus' if comparison.kind else ''}", "",
            *(f"> {sentence}  " for sentence in comparison.corpus), "",
            "## Strengths and weaknesses", "",
            *models.as_markdown(families, characters),
            "## Held-out tunes", "",
            *_held_out(comparison), "",
            "Nats per note (all tokens of a solo over its notes; lower is better) with the 95 % bootstrap interval "
            "over tune groups; the gain is how much less a model needs than the n-gram, paired by tune. Pitch, rhythm, "
            "velocity and chords are parts of the nats per note. Perplexity is per token.", "",
            *_filled(comparison),
            "## Generated solos", "",
            *_generated(comparison), "",
            "Mean ± standard deviation over pieces: generated solos, and equally long stretches of real ones. The "
            "distance is the mean over all metrics of |mean − real mean| / real standard deviation. The floor is how "
            "near real solos come: as many pieces of training solos as were generated, against held-out ones, the mean "
            "of many draws. *Ends at rest* is the share of whole solos whose last note starts in the last two bars, at "
            "least one and a half beats before their end; of `real` it is over whole test solos. Intervals of 1 and 2 "
            "semitones are shares. Coverage 8 is the share of a solo's runs of 8 melodic intervals that some training "
            "solo has too, in any key, the longest run the most intervals in a row, *most* that of any solo; of `real` "
            "these three are over whole test solos. `self_quotation` is what stretches of training solos, as long as a "
            "family's solos, have of other training solos. "
            "All metrics are in `comparison.csv`.", "",
            *_verdicts(comparison),
            *_sets(comparison),
            *sound.as_markdown(comparison),
            *_latent(comparison),
            *_training(comparison),
        ]
    )  # fmt: skip


def _held_out(comparison: Comparison) -> list[str]:
    lines = cells.head(["model", "nats per note", "gain", *_HELD_OUT])
    for name, values in comparison.held_out().items():
        columns = {"nats per note": (HEADLINE, 3), "gain": ("gain_on_ngram", 3), **_HELD_OUT}
        lines.append(cells.line([_labelled(name, values, ""), *cells.figures(values, columns)]))
    return lines


def _filled(comparison: Comparison) -> list[str]:
    lines = cells.table(comparison.held_out(), _FILLED)
    if not lines:
        return []
    return [
        *lines, "",
        "Nats per note of bars inside held-out solos: filled, where the model sees bars after them too, and the same "
        "bars continued from left to right. The gain is how much less filling needs. Gaps have one to four bars.", "",
    ]  # fmt: skip


def _generated(comparison: Comparison) -> list[str]:
    rows = comparison.rows
    shown = [*SHOWN, *(metric for metric in (ENDING, *JUDGED) if metric in set(rows["metric"]))]
    lines = cells.head(["row", "pieces", "distance", *(metric.replace("_", " ") for metric in shown)])
    for row, part in rows.groupby("row", sort=False):
        by_metric = part.set_index("metric")
        known = [metric for metric in shown if metric in by_metric.index]
        if not known:
            continue  # it draws no solos
        solos = by_metric.loc[known, "n"].max()
        distances = part["distance"].dropna()
        means = [_mean(by_metric.loc[metric]) if metric in known else "" for metric in shown]
        distance = f"{distances.mean():.2f}" if len(distances) else ""
        lines.append(cells.line([str(row), str(solos), distance, *means]))
    return lines


def _verdicts(comparison: Comparison) -> list[str]:
    lines = [
        f"- {name}, {verdict.figure.replace('_', ' ')}: **{'yes' if verdict.met else 'no'}**, {verdict.words}"
        for name, content in comparison.headlines.items()
        for verdict in told(content, name)
    ]
    if not lines:
        return []
    return [
        "## Verdicts on the solos", "",
        *lines, "",
        "Each is about the solos that were drawn. Where an interval holds what is asked, as many others of the same "
        "model might be judged otherwise.", "",
    ]  # fmt: skip


def _sets(comparison: Comparison) -> list[str]:
    rows: dict[str, dict[str, float]] = {}
    for name, table in comparison.tables.items():
        figures, counts = figures_of(table), table.set_index(["row", "metric"])["n"]
        real = table.loc[(table["row"] == REAL) & table["metric"].isin(SHOWN), "n"].max()
        for row in (NGRAM, name):
            if "set_overlap" in (own := figures.get(row, {})):
                own = own | {"solos": counts[row, "set_overlap"], "real_solos": real}
                rows[row if rows.get(row, own) == own else f"{row} for {name}"] = own
    if not rows:
        return []
    return [
        "## Set against set", "",
        *cells.table(rows, _SETS), "",
        "Generated solos against held-out ones, as sets: the mean overlap of the distributions of distances within and "
        "between them (Yang and Lerch 2018; 1 is the same), their KL divergence (0 is the same), and the Fréchet "
        "distance of all features that every solo of the row has. The intervals hold 95 % of the draws of as many "
        "generated solos with replacement, less the bias of their repetitions. The floor is what as many real solos of "
        "the training split have. The Fréchet distances of two models may be over other features: each compares with "
        "its own floor alone. Judged style is the mean probability that the second judge, which chose none of them, "
        "gives to the player. By feature, with the intervals of the floors: `evaluate/<family>_sets.csv`.", "",
        *_judges(comparison),
    ]  # fmt: skip


def _judges(comparison: Comparison) -> list[str]:
    lines = cells.table({row: own for row, own in comparison.figures().items() if row.startswith(REAL)}, _JUDGES)
    if not lines:
        return []
    return [
        *lines, "",
        "How well the judges tell held-out real solos apart: the mean probability that the second gives to excerpts of "
        "the player and of the others, and of both judges the chance that an excerpt of the player is ranked above one "
        "of another (AUC; 0.5 is no better than a coin), with the 95 % bootstrap interval over tune groups. The first "
        "judge is the one that may choose among generated solos.", "",
    ]  # fmt: skip


def _latent(comparison: Comparison) -> list[str]:
    keys = {key for key, _ in _LATENT.values()}
    rows = {row: values for row, values in comparison.latent().items() if keys & values.keys()}
    if not rows:
        return []
    lines = cells.head(["row", *_LATENT])
    lines += [
        cells.line([_labelled(name, values, "grid_"), *cells.figures(values, _LATENT)]) for name, values in rows.items()
    ]
    lines += [
        cells.line([name, f"{forced:.3f}", f"{sampled:.3f}", *[""] * (len(_LATENT) - 2)])
        for name, (forced, sampled) in _PAPER.items()
    ]
    verdicts = [_verdict(name, values) for name, values in rows.items() if "collapsed" in values]
    return [
        "## Latent space", "",
        *verdicts, "",
        *lines, "",
        "Reconstruction of held-out tunes from the posterior's means, window by window. A step is right when the model "
        "gives it after the true steps before it (forced) or after its own likeliest ones (sampled). Most steps only "
        f"hold a note: `{ALL_HOLD}`, which never does anything else, shows what comes for free, and note F1 (pitch and "
        f"onset agree) is the fairer figure. `{SHUFFLED}` decodes each window from the latent of a window of another "
        "tune: what is left is the decoder's own. Grid nats per note are those of all steps of the melody grid over "
        "the notes: of the n-gram exactly, of a model with a latent an upper bound (−ELBO), under the chords and bar "
        "lines, which the n-gram does not hear. They do not compare with the nats of event tokens above. The figures "
        "named *paper* are those of Roberts et al. 2018, quoted from memory and not checked against it: sixteenths "
        "instead of our finer grid, another corpus, no chords. Intervals as above.", "",
    ]  # fmt: skip


def _verdict(name: str, values: Mapping[str, float]) -> str:
    """One line: is the latent used, and by what sign."""
    active = f"{values['active_units']:.0f} of {values['latent_dimensions']:.0f} dimensions are active"
    windows = f"{values['windows']:.0f} windows of {values['window_bars']:.0f} bars"
    columns = {"steps": ("gain_on_shuffled", 3), "notes": ("note_gain_on_shuffled", 3), "of": ("note_f1", 3)}
    steps, notes, f1 = cells.figures(values, columns)
    told = f"{active} over {windows}; shuffling z costs {steps} of sampled accuracy, and {notes} of the note F1 of {f1}"
    if values["collapsed"]:
        return f"> **Alarm: the latent of {name} has collapsed**, a solo hardly comes back through it: {told}.  "
    return f"> The latent of {name} is used: {told}.  "


def _training(comparison: Comparison) -> list[str]:
    if not comparison.training:
        return []
    keys = list(dict.fromkeys(key for values in comparison.training.values() for key in values))
    lines = cells.head(["", *comparison.training])
    for key in keys:
        own = [cells.number(values[key]) if key in values else "" for values in comparison.training.values()]
        lines.append(cells.line([key.replace("_", " "), *own]))
    return ["## Training", "", *lines, ""]


def _labelled(name: str, values: Mapping[str, float], of: str) -> str:
    if f"{of}order" not in values:
        return name
    return f"{name} (order {values[f'{of}order']:g}, escape {values[f'{of}escape']:g})"


def _mean(row: Any) -> str:
    if pd.isna(row["mean"]):
        return "–"
    return f"{row['mean']:.2f}" if pd.isna(row["sd"]) else f"{row['mean']:.2f} ± {row['sd']:.2f}"
