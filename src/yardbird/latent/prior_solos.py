"""Samples solos from the prior over the changes of held-out solos, and measures their distance from real solos.

They are compared with real solos of the same length (`real`; the changes are a random choice of theirs), their
reconstructions (`reconstruction`: the cost of decoding alone) and excerpts of training solos (`floor`: the distance
between real solos). Distances are those of `metrics.set_rows`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yardbird.config import NonNegativeFloat, NonNegativeInt, PositiveInt, PositiveShare, Settings
from yardbird.errors import InputError
from yardbird.latent.study import Figures, Solo, Study, stretch, write_piece, write_table
from yardbird.metrics.estimates import Results, SoloMean, table
from yardbird.metrics.set_rows import FLOOR, REAL, compare_sets, mean_distance
from yardbird.music.score import Score
from yardbird.nn.sampling import Sampling
from yardbird.pictures.figure import COLOURS, figure, plain
from yardbird.progress import progress
from yardbird.seeds import derive_seed, streams

PRIOR, RECONSTRUCTION = "prior", "reconstruction"
_LABELS = {FLOOR: "training solos", RECONSTRUCTION: "reconstructions", PRIOR: "sampled from the prior"}
#: Metrics whose names do not explain themselves.
_METRIC_LABELS = {
    "h1": "pitch class entropy (1 bar)",
    "h4": "pitch class entropy (4 bars)",
    "phrase_length_median": "phrase length (median)",
    "phrase_length_p10": "phrase length (10th percentile)",
    "phrase_length_p90": "phrase length (90th percentile)",
}
_TICKS = (-100, -30, -10, -3, -2, -1, 0, 1, 2, 3, 10, 30, 100)


@dataclass(frozen=True)
class PriorConfig(Settings, section="explore.prior"):
    """Section `explore.prior` of params.yaml."""

    solos: PositiveInt  # number drawn, over the changes of the held-out solos in turn
    bars: PositiveInt  # of every solo, including real ones
    temperature: NonNegativeFloat  # 0: greedy decoding
    top_p: PositiveShare | None
    rendered: NonNegativeInt  # solos also written as .wav and .png

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.temperature, None, self.top_p, None)


def explore_prior(study: Study, config: PriorConfig, folder: Path) -> Figures:
    """Write the solos, prior.csv (row, metric, mean, sd, n, distance) and prior.png; returns mean distances by row."""
    real = study.stretches(study.held_out, config.bars)
    if not real:
        expected, remedy = f"a held-out solo of {config.bars} equal bars", "lower explore.prior.bars"
        raise InputError("prior", expected=expected, found="none", remedy=remedy)
    played = study.sample(real, config.solos)
    drawn = sample(study, played, config)
    for number, score in enumerate(progress(drawn, doing="writing solos", unit="solo")):
        title = f"Sampled from the prior over the changes of {played[number % len(played)].title}"
        write_piece(score, folder / "solos" / f"solo_{number:03d}", title, rendered=number < config.rendered)
    sets = {
        PRIOR: drawn,
        RECONSTRUCTION: study.family.decode([solo.latent for solo in real]),
        FLOOR: [piece for solo in study.training if (piece := stretch(solo.score, config.bars))],
        REAL: [solo.score for solo in real],
    }
    results = compare_sets({name: scores for name, scores in sets.items() if scores}, config.solos, streams(study.seed))
    write_table(folder / "prior.csv", table(results))
    _draw(folder / "prior.png", results)
    distances = {name: mean_distance(results.get(name, {})) for name in (PRIOR, RECONSTRUCTION, FLOOR)}
    return {"solos": config.solos} | {f"{name}_distance": far for name, far in distances.items() if far is not None}


def sample(study: Study, real: Sequence[Solo], config: PriorConfig) -> list[Score]:
    """Draw `config.solos` solos over the changes, tempo and bars of the real ones in turn."""
    seeds = [derive_seed(study.seed, "explore", "prior", number) for number in range(config.solos)]
    frames = [study.family.codec.frame(real[number % len(real)].score) for number in range(config.solos)]
    return study.family.decode(study.family.prior(frames, seeds), sampling=config.sampling, seeds=seeds)


def _draw(path: Path, results: Results) -> None:
    """Draw one line per metric with each set's mean, in standard deviations of real solos."""
    real = {
        metric: (own.value, own.sd) for metric, own in results[REAL].items() if isinstance(own, SoloMean) and own.sd
    }
    metrics = list(real)
    title = "Solos sampled from the prior, compared with held-out solos"
    xlabel = "standard deviations from the mean of held-out solos (band: ±1)"
    with figure(path, title, width=10, height=1.6 + 0.27 * len(metrics)) as drawing:
        panel = plain(drawing.subplots(), "mean of each metric", xlabel=xlabel)
        panel.axvspan(-1, 1, color="#efe6cf", alpha=0.6, linewidth=0, zorder=0)
        panel.axvline(0, color="#8d8896", linewidth=1, zorder=0.5)
        for (name, label), colour, marker in zip(_LABELS.items(), COLOURS, "osD", strict=False):
            own = {metric: mean.value for metric, mean in results.get(name, {}).items() if mean.n}
            places = [(own[metric] - real[metric][0]) / real[metric][1] for metric in metrics if metric in own]
            heights = [row for row, metric in enumerate(metrics) if metric in own]
            panel.scatter(places, heights, s=34, color=colour, marker=marker, label=label, zorder=3)
        panel.set_xscale("symlog", linthresh=3)  # a poor model's worst metrics must not hide the others
        lowest, highest = panel.get_xlim()
        panel.set_xticks([tick for tick in _TICKS if lowest < tick < highest])
        panel.xaxis.set_major_formatter("{x:g}")
        panel.set_yticks(range(len(metrics)), list(map(_metric_label, metrics)))
        panel.invert_yaxis()
        panel.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3)


def _metric_label(metric: str) -> str:
    if metric.startswith("interval_"):
        size = metric.removeprefix("interval_").replace("over_", "over ").replace("_", "–")
        return f"intervals of {size} semitone{'' if size == '1' else 's'}"
    return _METRIC_LABELS.get(metric, metric.replace("_", " "))
