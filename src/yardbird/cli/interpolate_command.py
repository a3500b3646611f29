"""`yardbird interpolate`: interpolates between solos in the latent space of a MusicVAE."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from yardbird.cli.generate_command import check_out, model_folder
from yardbird.errors import InputError

if TYPE_CHECKING:
    from yardbird.models.music_vae.vae_family import MusicVAEFamily
    from yardbird.music.score import Score

Bars = Annotated[int | None, typer.Option(help="Use only this many bars of each file, from the start.")]
Model = Annotated[str, typer.Option(help="Folder of a trained MusicVAE, or name@alias of the registry.")]
Out = Annotated[Path, typer.Option(help="Folder to write to.")]


def interpolate(
    a: Annotated[Path, typer.Argument(help="A MIDI or MusicXML file: the solo to start from.")],
    b: Annotated[Path, typer.Argument(help="A MIDI or MusicXML file: the solo to end at.")],
    steps: Annotated[int, typer.Option(help="How many solos, both ends included.")] = 9,
    path: Annotated[
        Literal["linear", "spherical"], typer.Option(help="A straight line, or a great circle.")
    ] = "linear",
    bars: Bars = None,
    model: Model = "models/music_vae",
    out: Out = Path("interpolated"),
) -> None:
    """Interpolate from one solo to another in even steps in the latent space.

    The first and the last are the model's reconstructions of the two. Each step comes as .mid, .wav and piano roll
    .png; steps.csv and interpolation.png contain its distance from both ends, interpolation.json the origin.
    Lengths, tempos and changes are interpolated too; a shorter solo is repeated.

    Examples:

    - `yardbird interpolate ornithology.mid confirmation.mid --steps 9`

    - `yardbird interpolate a.mid b.mid --bars 16 --path spherical --out from_a_to_b`

    - `yardbird interpolate a.mid b.mid --model music_vae@champion`
    """
    if steps < 2:
        raise InputError("--steps", expected="2 or more", found=str(steps), remedy="request at least both ends")
    scores = [read_opening(file, bars) for file in (a, b)]
    check_out(out)
    family, provenance = open_vae(model)
    from yardbird import files
    from yardbird.data.readers import file_and_number, stem_of
    from yardbird.latent.interpolation import PATHS, decode_path, draw_paths, steps_table
    from yardbird.latent.study import write_piece, write_table

    start, stop = family.encode(scores)
    solos = decode_path(family, start, stop, steps, PATHS[path])
    rows = [{"pair": f"{stem_of(a)} to {stem_of(b)}", "path": path, **row} for row in steps_table(solos)]
    typer.echo("step  from first  from last  changed  new bars  bars  notes  qpm")
    for row, solo in zip(rows, solos, strict=True):
        number = row["step"] + 1
        write_piece(solo, out / f"step_{number:02d}", f"{stem_of(a)} → {stem_of(b)}, step {number} of {steps}, {path}")
        near = "{distance_to_a:10.0%}  {distance_to_b:9.0%}  {distance_to_previous:7.0%}  {new_bars:8.0%}"
        size = "{bars:4d}  {notes:5d}  {qpm:3.0f}"
        typer.echo(f"{number:4d}  {near}  {size}".format(**row))
    write_table(out / "steps.csv", rows)
    draw_paths(rows, out / "interpolation.png")
    ends = [{"solo": file.name, "sha256": files.sha256(file_and_number(file)[0]), "bars": bars} for file in (a, b)]
    content = {"from": ends[0], "to": ends[1], "path": path, "model": provenance}
    files.write_json(out / "interpolation.json", content)
    typer.echo(f"{out}/step_01 … step_{steps:02d}: .mid .wav .png; steps.csv, interpolation.png, interpolation.json")


def read_opening(file: Path, bars: int | None) -> "Score":
    """The solo in a file, or its first `bars` bars, if it has more.

    Raises:
        InputError: the file is missing, or has no solo.
    """
    from yardbird.generation.orders import read_prime
    from yardbird.music.excerpts import cut

    if bars is not None and bars < 1:
        raise InputError("--bars", expected="1 or more", found=str(bars), remedy="omit it for the whole solo")
    score = read_prime(file, 1).score
    return cut(score, 0, int(score.bar_ticks[bars])) if bars and bars < score.bar_count else score


def open_vae(model: str) -> "tuple[MusicVAEFamily, Mapping[str, Any]]":
    """A trained MusicVAE on the available device, and the provenance of its weights.

    Raises:
        InputError: there is no model, or one of another family.
    """
    from yardbird.devices import prepare_torch
    from yardbird.models.music_vae.vae_family import MusicVAEFamily
    from yardbird.models.trained_folder import open_family

    prepare_torch()
    family, provenance = open_family(model_folder(model))
    if not isinstance(family, MusicVAEFamily):
        remedy = "use --model with the folder of one"
        raise InputError(model, expected="a MusicVAE", found=f"a {family.name}", remedy=remedy)
    return family, provenance
