"""`yardbird notation`: writes a solo as sheet music for an instrument."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from yardbird.cli.console import result
from yardbird.cli.output_places import OUT, Force, check_out, reserved
from yardbird.errors import InputError, counted

if TYPE_CHECKING:
    from yardbird.engraving.sheet import Sheet
    from yardbird.music.score import Score

Player = Literal["alto", "tenor", "trumpet", "concert"]
_PLAYERS: tuple[Player, ...] = ("alto", "tenor", "trumpet", "concert")


def notation(
    solo: Annotated[
        Path,
        typer.Argument(help="A solo: MIDI, MusicXML, ABC or kern; tunes.abc#3 is one of several.", show_default=False),
    ],
    player: Annotated[
        Player, typer.Option("--for", help="The instrument that the part is transposed for.")
    ] = "concert",
    parts: Annotated[bool, typer.Option("--parts", help="Write a part for each instrument.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write: .pdf, .svg, .musicxml or .mid; or a folder for a .pdf; by default out/notation. With "
            "--parts, the name of the instrument is added to that of the file.",
            show_default=False,
        ),
    ] = None,
    feel: Annotated[
        Literal["swing", "straight"] | None,
        typer.Option(help="How eighths are played; by default as the solo plays them.", show_default=False),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title; by default the name of the chart or the file.")] = None,
    part: Annotated[
        str, typer.Option(help="The part of the file with the solo: its name, track, or track/channel, from 1.")
    ] = "",
    force: Force = False,
) -> None:
    """Write a solo as sheet music: chords, key, four bars a line, swing marked at the top.

    Notes, key and chords are transposed for the instrument. A line that would leave its range is written one or
    two octaves higher or lower, and the command says so. The rhythm is simplified: swung eighths are written as
    eighths, and a short silence is no rest. A .mid has the written rhythm at sounding pitch. In out/notation, earlier
    parts are kept: a name that exists gets the ending _take2.

    Examples:

    - `yardbird notation solo.mid --for alto`

    - `yardbird notation solo.mid --for tenor --out solo.musicxml`

    - `yardbird notation solo.mid --parts --out parts/solo.pdf`
    """
    from yardbird.data.readers import stem_of
    from yardbird.engraving.sheet_file import SUFFIXES

    players = _PLAYERS if parts else (player,)
    folder, stem, suffix, by_player = out or OUT / "notation", stem_of(solo), ".pdf", True
    if out and not out.is_dir():
        folder, stem, suffix, by_player = out.parent, out.stem, out.suffix, parts
    if out and suffix not in SUFFIXES:
        remedy = "give the file one of these suffixes, or name an existing folder"
        raise InputError(out, expected=f"a name with {', '.join(SUFFIXES)}", found=suffix or "no suffix", remedy=remedy)

    def names(end: str) -> dict[Player, str]:
        return {own: f"{stem}_{own}{end}{suffix}" if by_player else f"{stem}{end}{suffix}" for own in players}

    def targets(end: str) -> list[Path]:
        return [folder / name for name in names(end).values()]

    for target in targets(""):
        if target.is_dir():
            raise InputError(target, expected="a file to write", found="a folder", remedy="use another --out")
        if target.exists() and target.resolve() == solo.resolve():
            raise InputError(
                target, expected="another file than the solo", found="the solo", remedy="use another --out"
            )
    check_out(folder)
    with reserved(folder, lambda end: [*names(end).values()], targets, chosen=out is not None, force=force) as place:
        from yardbird.data.reading import load_midi
        from yardbird.engraving.instruments import INSTRUMENTS
        from yardbird.engraving.provenance_lines import credit_of, title_of
        from yardbird.engraving.sheet import write_sheet
        from yardbird.engraving.sheet_file import write_sheet_file

        score = load_midi(solo, part)
        swing = None if feel is None else feel == "swing"
        shown = title or title_of(solo, stem_of(solo))
        sheets = {
            name: write_sheet(score, INSTRUMENTS[own], shown, credit_of(solo), swing)
            for own, name in names(place.end).items()
        }
        with place.together() as draft:
            for name, sheet in sheets.items():
                write_sheet_file(sheet, draft / name)
    for name, sheet in sheets.items():
        result(f"{folder / name}: {_summary(sheet)}")


def write_part(score: "Score", stem: Path, player: Player) -> None:
    """Write the part of a generated solo next to its other files, as `<stem>_<player>.pdf`."""
    from yardbird.engraving.instruments import INSTRUMENTS
    from yardbird.engraving.provenance_lines import credit_of, title_of
    from yardbird.engraving.sheet import write_sheet
    from yardbird.engraving.sheet_file import write_sheet_file

    solo = stem.with_name(f"{stem.name}.mid")
    sheet = write_sheet(score, INSTRUMENTS[player], title_of(solo, stem.name), credit_of(solo))
    write_sheet_file(sheet, stem.with_name(f"{stem.name}_{player}.pdf"))


def _summary(sheet: "Sheet") -> str:
    bars, notes = len(sheet.rhythm.edges) - 1, sum(own.pitch is not None for own in sheet.rhythm.written)
    text = f"{sheet.instrument.title}, {counted(bars, 'bar')}, {counted(notes, 'note')}"
    if sheet.score.key:
        text += f", written in {sheet.score.key}"
    if octaves := abs(sheet.octaves):
        far = "an octave" if octaves == 1 else f"{octaves} octaves"
        text += f", {far} {'above' if sheet.octaves > 0 else 'below'} the solo, to fit the instrument"
    return text
