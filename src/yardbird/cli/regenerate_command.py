"""`yardbird regenerate`: makes a generated solo or sound again from its provenance, and compares the bytes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from yardbird.cli.console import AsJson, note, print_json, result
from yardbird.cli.interpolate_command import result_folder
from yardbird.cli.output_places import Force
from yardbird.cli.provenance_file import Provenance

_DIFFERENT = "different"


def regenerate(
    solo: Annotated[Path, typer.Argument(help="The provenance .json of a generated solo or sound.")],
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of the model, if it is not in models, out/experiments or the registry."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write to, instead of a new one in out/regenerate.", show_default=False),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make a generated solo or sound again from its provenance, and compare it with the original, byte for byte.

    It works for the results of generate, sing, interpolate, transfer and blend, and for the solos and sounds of the
    pipeline in data/generated. All files are written: .mid, .wav, .png, .json, and what else the command wrote. The
    model is found by its hash: in models, in out/experiments, or among all versions of the registry. So are the files
    that the solo was made from. If one of them is missing or has changed, an error names it. A note says so if the
    code, a library or the processor is another one than then, because bytes may differ. The exit status is 1 if a file
    differs.

    Examples:

    - `yardbird regenerate out/generate/blues_in_f_seed5_000.json`

    - `yardbird regenerate data/generated/music_transformer/blues_in_f/solo_000.json --out again`
    """
    from yardbird import files

    found = Provenance.read(solo)
    from yardbird.cli.remaking import check_maker, file_of, name_of, remake

    check_maker(found)
    trained = found.model(model)
    from yardbird.software import differences  # it imports torch

    with result_folder("regenerate", name_of(found), out, [file_of(found)], force) as place:
        with place.together() as draft:
            remake(found, trained, draft)
            (written,) = draft.glob("*.json")
            originals = {path: solo if path == written else solo.with_name(path.name) for path in draft.iterdir()}
            verdicts = {path.name: _compared(path, original) for path, original in sorted(originals.items())}
            changes = differences(found.made.get("with", {}), files.read_json(written)["made"]["with"])
        folder = place.folder
    if changes:
        note(f"bytes may differ, because the software or the processor is another one: {'; '.join(changes)}")
    same = not any(verdict.startswith(_DIFFERENT) for verdict in verdicts.values())
    if as_json:
        print_json({"folder": str(folder), "identical": same, "files": verdicts, "changes": changes})
    else:
        for verdict in dict.fromkeys(verdicts.values()):
            result(f"{verdict}: {' '.join(name for name, other in verdicts.items() if other == verdict)}")
        result(f"written to {folder}")
    if not same:
        raise typer.Exit(1)


def _compared(path: Path, original: Path) -> str:
    """Whether a file is identical to the original, in words."""
    if not original.is_file():
        return "no original to compare with"
    if path.read_bytes() == original.read_bytes():
        return "identical"
    if path.suffix != ".json":
        return _DIFFERENT
    now, then = (_without_software(file) for file in (path, original))
    if now == then:
        return "identical except for the software it was made with"
    keys = [key for key in dict.fromkeys([*then, *now]) if then.get(key) != now.get(key)]
    return f"{_DIFFERENT} in {', '.join(keys) or 'its form'}"


def _without_software(file: Path) -> dict[str, Any]:
    from yardbird import files

    content: dict[str, Any] = files.read_json(file)
    return {**content, "made": {**content["made"], "with": None}}
