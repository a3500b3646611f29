"""`yardbird transfer`, `yardbird blend`: move a solo through the latent space."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yardbird.cli.chosen_artist import chosen_artist
from yardbird.cli.console import AsJson, note, print_json, working
from yardbird.cli.interpolate_command import EXPLORED, Bars, Model, Out, find_vae, open_vae, read_opening, result_folder
from yardbird.cli.output_places import Force
from yardbird.errors import InputError
from yardbird.progress import progress

if TYPE_CHECKING:
    from yardbird.latent.directions import Directions
    from yardbird.models.music_vae.vae_family import MusicVAEFamily
    from yardbird.music.score import Score

_Directions = Annotated[Path, typer.Option(help="File of the stage explore with the directions of this model.")]
_Strength = Annotated[float, typer.Option(help="Distance in the latent space; higher: more notes change.")]
MOST = 100  # times a direction: far outside the range of real solos
_DIRECTIONS = EXPLORED / "directions.safetensors"


@dataclass(frozen=True)
class _Target:
    """The command, the name of the moved solo, and where it is written."""

    command: str
    name: str
    out: Path | None
    force: bool
    as_json: bool


def transfer(
    solo: Annotated[Path, typer.Argument(help="A MIDI or MusicXML file.")],
    to: Annotated[str, typer.Option(help="An artist of the training solos; part of the name is enough.")],
    source: Annotated[
        str | None, typer.Option("--from", help="The artist to move away from; without it: all others.")
    ] = None,
    strength: _Strength = 2.0,
    bars: Bars = None,
    directions: _Directions = _DIRECTIONS,
    model: Model = "models/music_vae",
    out: Out = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Move a solo towards another artist's style: intervals that the artist plays more often than others.

    The reconstruction of the solo and the moved solo are written to a new folder, out/transfer/SOLO_to_ARTIST, as .mid,
    .wav and piano roll .png, with provenance .json; changes.csv compares them. A line says so if the move did not beat
    random moves in the explore stage.

    Examples:

    - `yardbird transfer ornithology.mid --to coltrane`

    - `yardbird transfer giant_steps.mid --from coltrane --to parker --strength 4 --bars 32`
    """
    from yardbird.data.readers import stem_of
    from yardbird.latent.direction_file import read_vectors

    if not abs(strength) <= MOST:
        expected, remedy = f"{-MOST} to {MOST}", "2 changes the style clearly"
        raise InputError("--strength", expected=expected, found=f"{strength:g}", remedy=remedy)
    names = list(read_vectors(directions).artists)
    end = chosen_artist(names, to)
    start = chosen_artist(names, source) if source else None
    if start == end:
        expected, remedy = "an artist other than --to", "omit --from, or change it"
        raise InputError("--from", expected=expected, found=end, remedy=remedy)
    if len(names) < 2:
        expected, remedy = "another artist to come from", "train on solos of two artists or more"
        raise InputError(end, expected=expected, found="none in the training solos", remedy=remedy)

    def remarks() -> list[str]:
        from yardbird.latent.measured_effects import weak_transfer

        return weak_transfer(directions.parent, start, end, strength)

    target = _Target("transfer", f"{stem_of(solo)}_to_{_plain(end)}", out, force, as_json)
    _move(solo, bars, directions, model, target, remarks, {"from": start, "to": end, "strength": strength})


def blend(
    solo: Annotated[Path, typer.Argument(help="A MIDI or MusicXML file.")],
    add: Annotated[list[str], typer.Option(help="name=amount, e.g. blues=1.0 or rests=-0.5; repeat it for more.")],
    bars: Bars = None,
    directions: _Directions = _DIRECTIONS,
    model: Model = "models/music_vae",
    out: Out = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Give a solo more or less of an attribute: blues, chromaticism, density, register, rests.

    For register and rests, an amount of 1 is the difference between the quarter of the training windows with the most
    and the quarter with the least. For blues, chromaticism and density it is a path through the latent space. The
    reconstruction of the solo and the moved solo are written to a new folder, out/blend/SOLO_with_ATTRIBUTES, as .mid,
    .wav and piano roll .png, with provenance .json; changes.csv lists what has changed. A line says so if an attribute
    did not beat random moves in the explore stage.

    Examples:

    - `yardbird blend ornithology.mid --add blues=1.0`

    - `yardbird blend ornithology.mid --add density=-1 --add rests=0.5 --bars 16`
    """

    from yardbird.data.readers import stem_of
    from yardbird.latent.direction_file import PATHS, read_vectors

    names = [*PATHS, *read_vectors(directions).attributes]
    amounts = dict(_amount(text, names) for text in add)
    if len(amounts) < len(add):
        raise InputError("--add", expected="each attribute once", found=" ".join(add), remedy="give their sum")

    def remarks() -> list[str]:
        from yardbird.latent.measured_effects import weak_blend

        return weak_blend(directions.parent, amounts)

    target = _Target("blend", f"{stem_of(solo)}_with_{'_'.join(amounts)}", out, force, as_json)
    _move(solo, bars, directions, model, target, remarks, {"add": amounts})


def _move(
    solo: Path,
    bars: int | None,
    directions: Path,
    model: str,
    target: _Target,
    remarks: Callable[[], Sequence[str]],
    asked: Mapping[str, Any],
) -> None:
    """Write the reconstruction and the moved solo; print a comparison.

    Args:
        remarks: sentences on what the explore stage measured about the move.
        asked: the arguments, as in `write_moved`.
    """
    from yardbird import files
    from yardbird.data.readers import stem_of

    score = read_opening(solo, bars)
    trained = find_vae(model)
    name = target.name
    with result_folder(target.command, name, target.out, [f"{name}.mid"], target.force) as place:
        folder = place.folder
        with working(f"loading {trained}"):
            from yardbird.latent.directions import Directions
            from yardbird.software import software

            family, source = open_vae(trained)
            found = Directions.load(directions, family)
        for remark in remarks():
            note(remark)
        made = {
            "by": target.command,
            "name": name,
            "bars": bars,
            "files": {"solo": os.path.relpath(solo), "directions": os.path.relpath(directions)},
            "directions": files.sha256(directions),
            "with": software("explore"),
        }
        with place.together() as draft:
            rows, changed = write_moved(draft / name, family, found, solo, score, asked, source, made)
    if target.as_json:
        print_json({"folder": str(folder), "moved": f"{folder / name}.mid", "notes_changed": changed, "changes": rows})
        return
    typer.echo(f"{'':32s}{'solo':>8s}{'reconstructed':>15s}{'moved':>8s}")
    for row in rows:
        shown = [_shown(row[which]) for which in ("solo", "reconstruction", "moved")]
        typer.echo(f"{row['measure'].replace('_', ' '):32s}{shown[0]:>8s}{shown[1]:>15s}{shown[2]:>8s}")
    if not changed:
        typer.echo("No note changed; use a greater strength or amount.")
    typer.echo(f"{folder / name}: .mid .wav .png .json _changes.csv; {stem_of(solo)}_reconstruction: .mid .wav .png")


def write_moved(
    stem: Path,
    family: "MusicVAEFamily",
    directions: "Directions",
    solo: Path,
    score: "Score",
    asked: Mapping[str, Any],
    source: Mapping[str, Any],
    made: Mapping[str, Any],
) -> tuple[list[dict[str, Any]], bool]:
    """Move a solo; write the reconstruction and the moved solo with the files about them.

    Args:
        score: the solo in the file `solo`, or its opening.
        asked: the arguments: `add`, or `from`, `to` and `strength`.
        source: the provenance of the model.
        made: as in `yardbird.generation.solos.write_solos`.

    Returns:
        The rows of the table of changes, and whether the move changed a note.
    """
    from yardbird import files
    from yardbird.data.readers import file_and_number, stem_of
    from yardbird.latent.directions import more, restyler
    from yardbird.latent.solo_changes import changes
    from yardbird.latent.study import write_piece, write_table

    with working("moving the solo"):
        grid = family.codec.grid(score).score
        (latent,) = family.encode([grid])
        if "add" in asked:
            point = more(family, directions, latent, asked["add"], grid)
        else:
            (point,) = restyler(family, directions, asked["from"], asked["to"])([latent], asked["strength"])
        reconstruction, moved = family.decode([latent]) + family.decode([point])
    rows = changes(grid, reconstruction, moved)
    pieces = {f"{stem_of(solo)}_reconstruction": reconstruction, stem.name: moved}
    for name, piece in progress(pieces.items(), "writing solos", "solo"):
        write_piece(piece, stem.with_name(name), name.replace("_", " "))
    write_table(stem.with_name(f"{stem.name}_changes.csv"), rows)
    origin = {"solo": solo.name, "sha256": files.sha256(file_and_number(solo)[0]), "bars": grid.bar_count}
    content = {**origin, **asked, "model": source, "made": made}
    files.write_json(stem.with_name(f"{stem.name}.json"), content)
    return rows, moved.notes.tobytes() != reconstruction.notes.tobytes()


def _amount(text: str, names: list[str]) -> tuple[str, float]:
    """`blues=1.0` → ("blues", 1.0).

    Raises:
        InputError: it is not such a pair, or the attribute is unknown.
    """
    name, _, number = text.partition("=")
    try:
        amount = float(number)
    except ValueError:
        amount = math.nan
    if name not in names or not abs(amount) <= MOST:
        expected = f"name=amount, a name of {', '.join(names)}, an amount from {-MOST} to {MOST}"
        raise InputError("--add", expected=expected, found=text, remedy="write e.g. --add blues=1.0")
    return name, amount


def _plain(name: str) -> str:
    """A name in a form for file names."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in name).split()).lower()


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
