"""`yardbird transfer`, `yardbird blend`: move a solo along a direction of the latent space."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yardbird.cli.generate_command import check_out
from yardbird.cli.interpolate_command import Bars, Model, Out, open_vae, read_opening
from yardbird.errors import InputError

if TYPE_CHECKING:
    from yardbird.latent.directions import Directions
    from yardbird.models.music_vae.latent_solo import Latent
    from yardbird.models.music_vae.vae_family import MusicVAEFamily
    from yardbird.music.score import Score

_Directions = Annotated[Path, typer.Option(help="File of the stage explore with the directions of this model.")]
_Strength = Annotated[float, typer.Option(help="Distance in the latent space; higher: more notes change.")]
MOST = 100  # times a direction: far outside the range of real solos
_DIRECTIONS = Path("data/explored/directions.safetensors")
Move = Callable[["MusicVAEFamily", "Latent", "Score"], "Latent"]
Plan = Callable[["Directions"], tuple[str, Move, Mapping[str, Any]]]


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
    out: Out = Path("transferred"),
) -> None:
    """Move a solo towards another artist's style: intervals that the artist plays more often than others.

    The reconstruction of the solo and the moved solo are written as .mid, .wav and piano roll .png, with provenance
    .json; changes.csv compares them.

    Examples:

    - `yardbird transfer ornithology.mid --to coltrane`

    - `yardbird transfer giant_steps.mid --from coltrane --to parker --strength 4 --bars 32`
    """

    if not abs(strength) <= MOST:
        expected, remedy = f"{-MOST} to {MOST}", "2 changes the style clearly"
        raise InputError("--strength", expected=expected, found=f"{strength:g}", remedy=remedy)

    def plan(found: "Directions") -> tuple[str, Move, Mapping[str, Any]]:
        from yardbird.data.readers import stem_of
        from yardbird.latent.directions import restyled

        target = found.artist(to)
        origin = found.artist(source) if source else None
        if origin == target:
            raise InputError(
                "--from", expected="an artist other than --to", found=target, remedy="omit --from, or change it"
            )
        found.log_ratios(origin, target)  # refuses a missing other artist before anything is computed
        asked = {"from": origin, "to": target, "strength": strength}
        return (
            f"{stem_of(solo)}_to_{_plain(target)}",
            lambda family, latent, _score: restyled(family, found, latent, origin, target, strength),
            asked,
        )

    _move(solo, bars, directions, model, out, plan)


def blend(
    solo: Annotated[Path, typer.Argument(help="A MIDI or MusicXML file.")],
    add: Annotated[list[str], typer.Option(help="name=amount, e.g. blues=1.0 or rests=-0.5; repeat it for more.")],
    bars: Bars = None,
    directions: _Directions = _DIRECTIONS,
    model: Model = "models/music_vae",
    out: Out = Path("blended"),
) -> None:
    """Give a solo more, or less, of an attribute: blues, chromaticism, density, register, rests.

    An amount of 1 is the difference between the quarter of the training windows that has most and the one that has
    least. Blues, chromaticism and density have no vector: for them it is a path through the latent space. The
    reconstruction of the solo and the moved solo come as .mid, .wav and piano roll .png, with provenance .json;
    changes.csv lists what has changed.

    Examples:

    - `yardbird blend ornithology.mid --add blues=1.0`

    - `yardbird blend ornithology.mid --add density=-1 --add rests=0.5 --bars 16`
    """

    def plan(found: "Directions") -> tuple[str, Move, Mapping[str, Any]]:
        from yardbird.data.readers import stem_of
        from yardbird.latent.directions import more
        from yardbird.latent.gradient_climbing import EXPECTED

        amounts = dict(_amount(text, [*EXPECTED, *found.attributes]) for text in add)
        if len(amounts) < len(add):
            raise InputError("--add", expected="each attribute once", found=" ".join(add), remedy="give their sum")
        name = f"{stem_of(solo)}_with_{'_'.join(amounts)}"
        return name, lambda family, latent, score: more(family, found, latent, amounts, score), {"add": amounts}

    _move(solo, bars, directions, model, out, plan)


def _move(solo: Path, bars: int | None, directions: Path, model: str, out: Path, plan: Plan) -> None:
    """Write the reconstruction and the solo moved according to `plan`; print a comparison."""
    score = read_opening(solo, bars)
    check_out(out)
    family, source = open_vae(model)
    from yardbird import files
    from yardbird.data.readers import file_and_number, stem_of
    from yardbird.latent.directions import Directions
    from yardbird.latent.solo_changes import changes
    from yardbird.latent.study import write_piece, write_table

    found = Directions.load(directions, family)
    name, move, asked = plan(found)
    grid = family.codec.grid(score).score
    (latent,) = family.encode([grid])
    reconstruction, moved = family.decode([latent]) + family.decode([move(family, latent, grid)])
    rows = changes(grid, reconstruction, moved)
    write_piece(reconstruction, out / f"{stem_of(solo)}_reconstruction", f"{stem_of(solo)}, reconstruction")
    write_piece(moved, out / name, name.replace("_", " "))
    write_table(out / f"{name}_changes.csv", rows)
    provenance = {
        "solo": solo.name,
        "sha256": files.sha256(file_and_number(solo)[0]),
        "bars": grid.bar_count,
        **asked,
        "model": source,
    }
    files.write_json(out / f"{name}.json", provenance)
    typer.echo(f"{'':32s}{'solo':>8s}{'reconstructed':>15s}{'moved':>8s}")
    for row in rows:
        shown = [_shown(row[which]) for which in ("solo", "reconstruction", "moved")]
        typer.echo(f"{row['measure'].replace('_', ' '):32s}{shown[0]:>8s}{shown[1]:>15s}{shown[2]:>8s}")
    if moved.notes.tobytes() == reconstruction.notes.tobytes():
        typer.echo("No note changed; use a greater strength or amount.")
    typer.echo(f"{out / name}: .mid .wav .png .json _changes.csv; {stem_of(solo)}_reconstruction: .mid .wav .png")


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
