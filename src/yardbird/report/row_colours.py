"""One colour for each family, in every chart, heading and table of the page; other rows have quiet colours."""

from collections.abc import Iterable, Mapping, Sequence

#: Distinguishable on light and dark backgrounds and for colour-blind readers.
FAMILIES = ("#3a86c8", "#d9712b", "#4aa36c", "#b35fa8", "#c94f5d")
OTHERS = ("#7a7f8c", "#a8a08a", "#9a8fb0", "#8fa39a", "#b08f8f")


def family_colours(families: Iterable[str]) -> dict[str, str]:
    """Family → colour, in alphabetical order."""
    return {name: FAMILIES[place % len(FAMILIES)] for place, name in enumerate(sorted(set(families)))}


def row_colours(rows: Sequence[str], families: Mapping[str, str]) -> dict[str, str]:
    """Row → colour: that of the family, or the next quiet one for a baseline or real solos."""
    others = iter(OTHERS * (1 + len(rows) // len(OTHERS)))
    return {row: families[row] if row in families else next(others) for row in dict.fromkeys(rows)}
