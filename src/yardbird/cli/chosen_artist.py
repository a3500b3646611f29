"""The artist that an option names."""

from collections.abc import Sequence
from pathlib import Path

_INGESTED = Path("data/ingested")


def chosen_artist(known: Sequence[str], given: str) -> str:
    """The artist that `one_artist` finds; `given` may also be the key of an ingested source with solos of one artist.

    Raises:
        InputError: no artist matches, or several do.
    """
    from yardbird.data.manifest import read_solos
    from yardbird.latent.direction_file import one_artist

    keys = [path.parent.name for path in _INGESTED.glob("*/manifest.csv")]
    sources = [key for key in keys if key.casefold() == given.casefold()]
    return one_artist(known, given, {row.artist for row in read_solos(_INGESTED, sources)})
