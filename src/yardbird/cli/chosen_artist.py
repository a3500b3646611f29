"""The artist that an option names."""

from collections.abc import Sequence
from pathlib import Path

_INGESTED = Path("data/ingested")


def chosen_artist(known: Sequence[str], given: str) -> str:
    """The artist whose name begins with `given`, or whose solos are the source `given`, or whose name contains it.

    Case is ignored. An exact match comes first.

    Raises:
        InputError: no artist matches, or several do.
    """
    from yardbird.latent.direction_file import one_artist

    names = [name.casefold() for name in known]
    begun = [artist for artist, name in zip(known, names, strict=True) if name.startswith(given.casefold())]
    if len(begun) == 1 and given.casefold() not in names:
        return begun[0]
    own = set() if begun else _artists_of_source(given) & set(known)
    return own.pop() if len(own) == 1 else one_artist(known, given)


def _artists_of_source(given: str) -> set[str]:
    """The artists of the source with this key; none if it is not ingested."""
    from yardbird.data.manifest import read_solos

    keys = [path.parent.name for path in _INGESTED.glob("*/manifest.csv")]
    sources = [key for key in keys if key.casefold() == given.casefold()]
    return {row.artist for row in read_solos(_INGESTED, sources)}
