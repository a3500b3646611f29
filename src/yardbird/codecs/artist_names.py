"""The artists of a stored vocabulary of event tokens, read without its other settings."""

from pathlib import Path

from yardbird import files


def artist_names(codec: Path) -> list[str]:
    """The artists in a file of `EventCodec`; empty if the file is missing, damaged or of another codec.

    `EventCodec.load` reports a damaged file.
    """
    try:
        return list(files.read_json(codec)["config"]["additional_params"]["artists"])
    except (OSError, ValueError, KeyError, TypeError):
        return []
