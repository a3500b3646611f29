"""`yardbird fetch`: downloads public collections of solos into data/raw."""

from pathlib import Path
from typing import Annotated

import typer

from yardbird.errors import InputError, counted


def fetch(
    name: Annotated[str | None, typer.Argument(help="Name of a collection; without it, all are listed.")] = None,
    to: Annotated[Path, typer.Option(help="Parent of the folder to download to.")] = Path("data/raw"),
) -> None:
    """List public collections of solos, or download one.

    Every file is verified with a pinned SHA-256. An interrupted download resumes; existing files are never overwritten.
    Check the licence before you publish a model trained on a collection.

    Examples:

    - `yardbird fetch`

    - `yardbird fetch wjazzd`
    """
    from yardbird.data.fetching import fetch as fetch_collection
    from yardbird.data.public_collections import COLLECTIONS

    if name is None:
        for collection in COLLECTIONS.values():
            typer.secho(collection.name, bold=True)
            typer.echo(
                f"  {collection.what}\n  {collection.size}; licence: {collection.licence}\n  {collection.citation}"
            )
        return
    if name not in COLLECTIONS:
        remedy = "run yardbird fetch for the list"
        raise InputError("yardbird fetch", expected=", ".join(COLLECTIONS), found=name, remedy=remedy)
    collection = COLLECTIONS[name]
    folder = to / name
    fetched = fetch_collection(collection, folder)
    typer.echo(f"{folder}: {counted(len(fetched), 'file')}; licence: {collection.licence}")
    typer.echo(f"next: {collection.use.format(folder=folder.as_posix())}")
