"""What the explore stage measured about a move in the latent space: a sentence for each that did not beat its control.

The tables are those that the stage writes next to the directions. Without a table there is nothing to say.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from yardbird.latent.interpolation import CROSS_FADE
from yardbird.latent.style_transfer import INTERVALS, RANDOM
from yardbird.metrics.attributes import ATTRIBUTES

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    import pandas as pd

#: The distance that `yardbird transfer` moves a solo by default.
STRENGTH = 2.0


def weak_transfer(explored: Path, source: str | None, target: str, strength: float) -> list[str]:
    """On a transfer at the nearest measured strength: the judge's verdict must exceed that of random moves.

    It must also exceed the verdict before the move. Only moves between two artists are measured.

    Args:
        explored: the folder of the explore stage.
        source: the artist to move away from; None: all others.
        strength: a move away from the target, below 0, is not measured.
    """

    import pandas as pd

    table = _read(explored / "transfer/transfer.csv")
    if table is None or strength <= 0:
        return []
    pairs = sorted({*zip(table["from"], table["to"], strict=True)})
    rows = table[(table["to"] == target) & ((table["from"] == source) | (source is None))]
    if rows.empty or rows["from"].nunique() > 1:
        measured = ", ".join(f"{one} → {other}" for one, other in pairs)
        return [f"the explore stage has not measured this move, only {measured}"]
    before = float(rows[rows["strength"] == 0]["verdict"].iloc[0])
    strengths = rows[rows["strength"] > 0]["strength"]
    near = float(strengths.iloc[(strengths - strength).abs().argmin()])
    at_strength = rows[rows["strength"] == near].set_index("way")["verdict"]
    after = float(at_strength[INTERVALS])
    random = at_strength[at_strength.index.str.startswith(RANDOM)].mean()
    if after > max(before, before if pd.isna(random) else random):
        return []
    control = "" if pd.isna(random) else f", random moves of the same distance to {random:.2f}"
    return [
        f"this move did not beat its control in the explore stage: strength {near:g} takes the judge's verdict "
        f"for {target} from {before:.2f} to {after:.2f}{control}"
    ]


def weak_blend(explored: Path, names: Iterable[str]) -> list[str]:
    """On each attribute: its effect must exceed that of random moves, and its effects on all other attributes.

    An effect is half the difference between a move forward and back, in standard deviations of real windows.
    """
    table = _read(explored / "arithmetic/arithmetic.csv")
    if table is None:
        return []
    forth, back = (table[table["strength"] * sign > 0].set_index("way")[[*ATTRIBUTES]] for sign in (1, -1))
    effects = ((forth - back) / 2).fillna(0)  # silence has no value to compare
    random = effects[effects.index.str.startswith(RANDOM)].abs().mean().fillna(0)
    found = []
    for name in names:
        if name not in effects.index:
            continue
        own, others = float(effects.loc[name, name]), effects.loc[name].drop(name).abs()  # type: ignore[arg-type]
        if own <= random[name]:
            found.append(
                f"{name} did not beat its control in the explore stage: a move changes it by {own:+.2f} standard "
                f"deviations, a random move by {random[name]:.2f}"
            )
        elif own <= others.max():
            found.append(
                f"in the explore stage, {name} changed {others.idxmax()} more than itself: {others.max():.2f} against "
                f"{own:.2f} standard deviations"
            )
    return found


def weak_interpolation(explored: Path, path: str) -> list[str]:
    """On a path from one solo to another: it must approach the other as steadily as a cross-fade of bars."""
    table = _read(explored / "interpolation/summary.csv")
    if table is None or path not in set(table["path"]):
        return []
    means = table.groupby("path")[["monotony", "new_bars"]].mean()
    own, control = means.loc[path], means.loc[CROSS_FADE]
    if own["monotony"] >= control["monotony"]:
        return []
    return [
        f"a {path} path was less steady than its control in the explore stage, a cross-fade of bars: monotony "
        f"{own['monotony']:.3f} against {control['monotony']:.3f}; {own['new_bars']:.0%} against "
        f"{control['new_bars']:.0%} of its bars are new"
    ]


def weak_moves(explored: Path) -> list[str]:
    """The sentences on all measured moves, with transfers at the measured strength nearest to `STRENGTH`."""
    transfers, paths = _read(explored / "transfer/transfer.csv"), _read(explored / "interpolation/summary.csv")
    pairs = [] if transfers is None else sorted({*zip(transfers["from"], transfers["to"], strict=True)})
    found = [
        f"{source} → {target}: {sentence}"
        for source, target in pairs
        for sentence in weak_transfer(explored, source, target, STRENGTH)
    ]
    found += weak_blend(explored, ATTRIBUTES)
    for path in [] if paths is None else [name for name in paths["path"].unique() if name != CROSS_FADE]:
        found += weak_interpolation(explored, path)
    return found


def _read(path: Path) -> "pd.DataFrame | None":
    import pandas as pd

    return pd.read_csv(path) if path.is_file() else None
