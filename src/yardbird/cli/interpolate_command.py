"""`yardbird interpolate`: interpolates between solos in the latent space of a MusicVAE."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from yardbird.cli.console import AsJson, note, print_json, working
from yardbird.cli.drawing_options import model_folder
from yardbird.cli.output_places import OUT, Force, Place, check_out, reserved
from yardbird.errors import InputError
from yardbird.progress import progress

if TYPE_CHECKING:
    from yardbird.models.music_vae.vae_family import MusicVAEFamily
    from yardbird.music.score import Score

#: The folder of the explore stage.
EXPLORED = Path("data/explored")
_MOST_STEPS, _MOST_BARS_IN_ALL = 257, 16_384
Bars = Annotated[int | None, typer.Option(help="Use only this many bars of each file, from the start.")]
Model = Annotated[str, typer.Option(help="Folder of a trained MusicVAE, or name@alias of the registry.")]
Out = Annotated[Path | None, typer.Option(help="Folder to write to, instead of a new one in out/.", show_default=False)]


def interpolate(
    a: Annotated[Path, typer.Argument(help="A MIDI or MusicXML file: the solo to start from.")],
    b: Annotated[Path, typer.Argument(help="A MIDI or MusicXML file: the solo to end at.")],
    steps: Annotated[int, typer.Option(help="How many solos, both ends included; up to 257.")] = 9,
    path: Annotated[
        Literal["linear", "spherical"], typer.Option(help="A straight line, or a great circle.")
    ] = "linear",
    bars: Bars = None,
    model: Model = "models/music_vae",
    out: Out = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Interpolate from one solo to another in even steps in the latent space.

    The first and the last are the model's reconstructions of the two. Each step is written as .mid, .wav and piano
    roll .png; steps.csv and interpolation.png show its distance from both ends, interpolation.json its origin. They are
    written to a new folder, out/interpolate/A_to_B. Lengths, tempos and changes are interpolated too; a shorter solo is
    repeated.

    Examples:

    - `yardbird interpolate ornithology.mid confirmation.mid --steps 9`

    - `yardbird interpolate a.mid b.mid --bars 16 --path spherical --out from_a_to_b`

    - `yardbird interpolate a.mid b.mid --model music_vae@champion`
    """
    from yardbird.data.readers import stem_of

    if not 2 <= steps <= _MOST_STEPS:
        remedy = "request at least both ends" if steps < 2 else "request fewer"
        raise InputError("--steps", expected=f"2 to {_MOST_STEPS}", found=str(steps), remedy=remedy)
    scores = [read_opening(file, bars) for file in (a, b)]
    if (drawn := steps * max(score.bar_count for score in scores)) > _MOST_BARS_IN_ALL:
        expected, found = f"at most {_MOST_BARS_IN_ALL:,} bars in all steps", f"{drawn:,}"
        raise InputError("interpolate", expected=expected, found=found, remedy="use fewer --steps or --bars")
    trained = find_vae(model)
    name = f"{stem_of(a)}_to_{stem_of(b)}"
    with result_folder("interpolate", name, out, ["steps.csv", "step_01.mid"], force) as place:
        folder = place.folder
        with working(f"loading {trained}"):
            from yardbird.latent.interpolation import PATHS, decode_path
            from yardbird.latent.measured_effects import weak_interpolation
            from yardbird.software import software

            family, provenance = open_vae(trained)

        if _explored(family):
            for remark in weak_interpolation(EXPLORED, path):
                note(remark)
        with working(f"drawing {steps} solos"):
            start, stop = family.encode(scores)
            solos = decode_path(family, start, stop, steps, PATHS[path])
        files = {"from": os.path.relpath(a), "to": os.path.relpath(b)}
        made = {"by": "interpolate", "steps": steps, "files": files, "with": software("explore")}
        with place.together() as draft:
            rows = write_steps(draft, solos, (a, b), path, bars, provenance, made)
        written = {f"step_{number:02d}" for number in range(1, steps + 1)}
        for stale in [file for file in folder.glob("step_*.*") if file.stem not in written]:
            stale.unlink()  # of a longer result that was replaced
    if as_json:
        print_json({"folder": str(folder), "path": path, "steps": rows})
        return
    typer.echo("step  from first  from last  changed  new bars  bars  notes  qpm")
    for number, row in enumerate(rows, start=1):
        near = "{distance_to_a:10.0%}  {distance_to_b:9.0%}  {distance_to_previous:7.0%}  {new_bars:8.0%}"
        size = "{bars:4d}  {notes:5d}  {qpm:3.0f}"
        typer.echo(f"{number:4d}  {near}  {size}".format(**row))
    typer.echo(f"{folder}/step_01 … step_{steps:02d}: .mid .wav .png; steps.csv, interpolation.png, interpolation.json")


def write_steps(
    folder: Path,
    solos: "Sequence[Score]",
    ends: tuple[Path, Path],
    path: str,
    bars: int | None,
    provenance: Mapping[str, Any],
    made: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Write the steps and the files about them; return the rows of steps.csv.

    Args:
        ends: the files of the solos between which the steps are.
        provenance: that of the model.
        made: as in `yardbird.generation.solos.write_solos`.
    """
    from yardbird import files
    from yardbird.data.readers import file_and_number, stem_of
    from yardbird.latent.interpolation import draw_paths, steps_table
    from yardbird.latent.study import write_piece, write_table

    a, b = map(stem_of, ends)
    rows = [{"pair": f"{a} to {b}", "path": path, **row} for row in steps_table(solos)]
    for number, solo in enumerate(progress(solos, "writing solos", "solo"), start=1):
        write_piece(solo, folder / f"step_{number:02d}", f"{a} → {b}, step {number} of {len(solos)}, {path}")
    write_table(folder / "steps.csv", rows)
    draw_paths(rows, folder / "interpolation.png")
    start, stop = ({"solo": file.name, "sha256": files.sha256(file_and_number(file)[0]), "bars": bars} for file in ends)
    content = {"from": start, "to": stop, "path": path, "model": provenance, "made": made}
    files.write_json(folder / "interpolation.json", content)
    return rows


def _explored(family: "MusicVAEFamily") -> bool:
    """Whether the explore stage has examined this model."""
    from yardbird.latent.direction_file import DIRECTIONS, read_vectors
    from yardbird.latent.directions import fingerprint

    file = EXPLORED / DIRECTIONS
    return file.is_file() and read_vectors(file).model == fingerprint(family)


def result_folder(
    command: str, name: str, out: Path | None, names: Sequence[str], force: bool
) -> AbstractContextManager[Place]:
    """Hold the folder of a result: --out, or a new one in out/<command>.

    Args:
        names: files of the result, which --out must not contain without --force.

    Raises:
        InputError: --out is a file, or contains an earlier result, or another command writes one.
    """
    if out is None:
        parent = OUT / command
        check_out(parent)
        named = lambda end: [name + end]  # noqa: E731
        return reserved(parent, named, lambda end: [parent / f"{name}{end}"], chosen=False, force=force, inside=True)
    check_out(out)
    return reserved(out, lambda _: [names[0]], lambda _: [out / file for file in names], chosen=True, force=force)


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


def find_vae(model: str) -> Path:
    """The folder of a trained MusicVAE; it imports no torch.

    Raises:
        InputError: there is no model, or one of another family.
    """
    from yardbird.models.family_names import family_of

    folder = model_folder(model)
    family, _ = family_of(folder)
    if family != "music_vae":
        raise InputError(model, expected="a MusicVAE", found=f"a {family}", remedy="use --model with the folder of one")
    return folder


def open_vae(folder: Path) -> "tuple[MusicVAEFamily, Mapping[str, Any]]":
    """The MusicVAE of a folder on the available device, and the provenance of its weights.

    Raises:
        InputError: the files of the folder cannot be loaded.
    """
    from yardbird.devices import prepare_torch
    from yardbird.models.music_vae.vae_family import MusicVAEFamily
    from yardbird.models.trained_folder import open_family

    prepare_torch()
    family, provenance = open_family(folder)
    assert isinstance(family, MusicVAEFamily), "`find_vae` has checked its name"
    return family, provenance
