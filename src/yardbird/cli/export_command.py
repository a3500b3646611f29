"""`yardbird export`: a trained model as a folder for the Hugging Face hub."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from yardbird.cli.console import result
from yardbird.cli.output_places import OUT, Force, check_out, free_take, making
from yardbird.errors import InputError


def export(
    family: Annotated[Literal["music_transformer", "music_vae"], typer.Argument(help="The model.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write.", show_default="out/hub/FAMILY")] = None,
    force: Force = False,
) -> None:
    """Export a trained model as a folder for the Hugging Face hub: weights, configuration and model card.

    The card has the data, the training, the results and the verdict of the pipeline's reports. In Python,
    `from_pretrained` opens the folder. Nothing is uploaded.

    Examples:

    - `yardbird export music_transformer`

    - `yardbird export music_vae --out my_vae && hf upload my_name/my_vae my_vae`
    """
    named = out or OUT / "hub" / family
    check_out(named)
    end = free_take(lambda end: [named.with_name(named.name + end)], chosen=out is not None, force=force)
    folder = named.with_name(named.name + end)
    from yardbird.config import read_section
    from yardbird.models.trained_folder import open_family
    from yardbird.serving import music_transformer_endpoint, music_vae_endpoint
    from yardbird.tracking.gate import Gate
    from yardbird.tracking.hub_export import export as write

    endpoints = {module.ENDPOINT.family: module.ENDPOINT for module in (music_transformer_endpoint, music_vae_endpoint)}
    model, origin = open_family(Path("models") / family, family)
    try:
        write(model, origin["trained"], endpoints[family], read_section("publish", dict[str, Gate])[family], folder)
    except FileNotFoundError as error:
        with making(folder):
            if Path(error.filename).parts[0] not in ("data", "reports"):
                raise
        what, remedy = str(error.filename), "run `yardbird run`: the model card shows these results"
        raise InputError(what, expected="results of the pipeline", found="no such file", remedy=remedy) from None
    result(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
