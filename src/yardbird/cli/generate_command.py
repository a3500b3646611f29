"""`yardbird generate`: draws solos from a trained model."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from yardbird.cli.notation_command import Player, write_part
from yardbird.errors import ConfigError, InputError

JUDGES = Path("data/judges")

Settings = TypeVar("Settings", bound=Any)  # a dataclass


def generate(
    solo: Annotated[
        Path | None, typer.Argument(help="A MIDI or MusicXML file with a solo in which --fill replaces bars.")
    ] = None,
    fill: Annotated[
        list[str] | None,
        typer.Option(help="Bars of the solo to replace with new ones, e.g. 9-12 or 9-12,21-24; the first is 1."),
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option(
            help="Changes for the solo: a text chart, ChordPro, an iReal Pro link in a text file, or the chords of a "
            "MIDI, MusicXML or ABC file."
        ),
    ] = None,
    prime: Annotated[Path | None, typer.Option(help="A MIDI or MusicXML file; the solo continues its opening.")] = None,
    part: Annotated[
        str | None,
        typer.Option(help="The part of the file with the solo: its name, track, or track/channel, from 1."),
    ] = None,
    prime_bars: Annotated[int | None, typer.Option(help="How many bars of the prime; --bars includes them.")] = None,
    bars: Annotated[
        int | None, typer.Option(help="Length of every solo; by default a solo over a chart has whole choruses.")
    ] = None,
    count: Annotated[int, typer.Option(help="Number of solos.")] = 1,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same solos.")] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Below 1: more predictable; above 1: more random; 0: greedy.")
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Sample from this many most probable tokens.")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Sample from the most probable tokens that together have this probability.")
    ] = None,
    min_p: Annotated[
        float | None, typer.Option(help="Leave out tokens less probable than this share of the highest probability.")
    ] = None,
    qpm: Annotated[float | None, typer.Option(help="Tempo, if the chart names none; a prime keeps its own.")] = None,
    key: Annotated[str | None, typer.Option(help='Key of a solo without a chart, e.g. "F minor".')] = None,
    artist: Annotated[str | None, typer.Option(help="The style: one of the training artists.")] = None,
    best_of: Annotated[
        int | None, typer.Option(help="Solos to generate for each one kept: the best by style, harmony, originality.")
    ] = None,
    comping: Annotated[bool | None, typer.Option(help="Piano and bass under the solo in the .wav.")] = None,
    drums: Annotated[bool | None, typer.Option(help="Drums under the solo in the .wav.")] = None,
    count_in: Annotated[bool | None, typer.Option(help="A bar of beats before the solo in the .wav.")] = None,
    notation: Annotated[
        Player | None, typer.Option(help="Also write sheet music (.pdf) for this instrument.", show_default=False)
    ] = None,
    model: Annotated[
        str, typer.Option(help="Folder of a trained model, or name@alias of the registry.")
    ] = "models/music_transformer",
    family: Annotated[str | None, typer.Option(help="Family of the model, if the folder does not name it.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("solos"),
) -> None:
    """Draw solos from a trained model: free, continuing a solo, over a chart, or new bars inside a solo.

    Each solo is written as .mid, .wav, piano roll .png and provenance .json. Options you do not set come from
    params.yaml, section `generate`. Over a chart, a solo has whole choruses unless --bars sets its length. A Music
    Transformer continues a prime and draws the changes of a free solo, in one key. A MusicVAE draws windows of a few
    bars from its latent space: it ignores artists, and its free solos have no changes.

    With --fill, a Music Transformer writes new bars inside a given solo, over the solo's changes, conditioned on the
    bars before and after them. All other bars stay unchanged. Bars are counted from the start of the file.

    Examples:

    - `yardbird generate --count 4 --key "F minor"`

    - `yardbird generate --chart data/charts/blues_in_f.txt --bars 24 --temperature 0.9`

    - `yardbird generate --chart my_solo.musicxml`

    - `yardbird generate --prime my_solo.mid --prime-bars 4 --seed 7 --top-k 40`

    - `yardbird generate --chart data/charts/blues_in_f.txt --best-of 8`

    - `yardbird generate --model music_transformer@champion --artist "Charlie Parker"`

    - `yardbird generate --prime my_solo.mid --chart my_solo.mid`  (its opening and its changes)

    - `yardbird generate --fill 9-12 my_solo.mid --count 3`

    - `yardbird generate --model models/music_vae --chart data/charts/blues_in_f.txt --bars 24`
    """
    from yardbird.config import read_section, read_seed
    from yardbird.data.readers import stem_of
    from yardbird.devices import prepare_torch
    from yardbird.generation.best_of import draw_best, without_judge
    from yardbird.generation.orders import GenerateConfig, Order, changes, length_bars, read_prime
    from yardbird.generation.solos import write_solo
    from yardbird.generation.source import open_source

    options: dict[str, Any] = {
        "bars": bars, "whole_choruses": None if bars is None else False, "prime_bars": prime_bars,
        "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "qpm": qpm, "key": key,
        "artist": artist, "best_of": best_of, "comping": comping, "drums": drums, "count_in": count_in,
    }  # fmt: skip
    settings = with_options(read_section("generate", GenerateConfig), options)
    if count < 1:
        raise InputError("--count", expected="1 or more", found=str(count), remedy="request at least one solo")
    seed = read_seed() if seed is None else seed
    if fill or solo:
        unused = {
            "chart": chart, "prime": prime, "prime_bars": prime_bars, "bars": bars, "qpm": qpm, "key": key,
            "best_of": best_of,
        }  # fmt: skip
        _fill(solo, fill, part or "", [name for name, value in unused.items() if value is not None], settings, count,
              seed, model, family, out, notation)  # fmt: skip
        return
    if part and not prime:
        raise InputError("--part", expected="a file with that part", found="none", remedy="add --prime")
    if prime and settings.prime_bars < 1:
        raise InputError("--prime-bars", expected="1 or more", found="0", remedy="prime with at least one bar")
    if prime and qpm is not None:
        raise InputError("--qpm", expected="no tempo with --prime", found=f"{qpm:g}", remedy="a prime keeps its own")
    if chart and key is not None:
        raise InputError("--key", expected="no key with --chart", found=key, remedy="a chart has its own")
    check_out(out)
    opening = read_prime(prime, settings.prime_bars, part or "") if prime else None
    sheet = changes(chart, opening) if chart else None
    group = stem_of(chart) if chart else f"after_{stem_of(prime)}" if prime else "free"
    length = length_bars(settings, sheet)
    orders = [Order(f"{group}_seed{seed}_{number:03d}", length, sheet, opening) for number in range(count)]
    prepare_torch()
    source = open_source(model_folder(model), family)
    one_key = chart or prime or settings.key  # otherwise each solo has its own key
    if count > 1 and settings.temperature == 0 and source.alike_at_zero and one_key:
        remedy = "request one, or raise the temperature"
        raise InputError("--temperature 0", expected="one solo", found=f"{count}, which would be equal", remedy=remedy)
    for name in source.ignored:
        if (value := getattr(settings, name)) is not None:
            typer.echo(f"note: this model ignores {name}={value!r}", err=True)
    if note := without_judge(settings, JUDGES):
        typer.echo(note, err=True)
    for drawn in draw_best(source.draw, orders, settings, seed, JUDGES):
        stem = out / drawn.order.name
        write_solo(drawn, stem, settings, seed, source.provenance)
        if notation:
            write_part(drawn.score, stem, notation)
        typer.echo(f"{stem}.mid .wav .png .json: {drawn.score.bar_count} bars, {len(drawn.score.notes)} notes")


def _fill(
    solo: Path | None,
    ranges: list[str] | None,
    part: str,
    unused: list[str],
    settings: Any,
    count: int,
    seed: int,
    model: str,
    family_name: str | None,
    out: Path,
    notation: Player | None,
) -> None:
    """Write new bars inside a solo; `unused` are given options that do not apply."""
    from yardbird.data.readers import stem_of
    from yardbird.devices import prepare_torch
    from yardbird.generation.fill import fill, read_filling
    from yardbird.generation.orders import Filled, Order
    from yardbird.generation.solos import Solo, write_solo
    from yardbird.models.family_kinds import TokenFamily
    from yardbird.models.trained_folder import open_family

    if not (solo and ranges):
        given, missing = (f"{solo} alone", "--fill") if solo else ("--fill alone", "a file with a solo")
        remedy = "write e.g. yardbird generate --fill 9-12 my_solo.mid"
        raise InputError("generate", expected=f"{missing} too", found=given, remedy=remedy)
    for name in unused:
        option = f"--{name.replace('_', '-')}"
        raise InputError(option, expected="no such option with --fill", found="both", remedy=f"remove {option}")
    if count > 1 and settings.temperature == 0:
        remedy = "request one, or raise the temperature"
        raise InputError("--temperature 0", expected="one solo", found=f"{count}, which would be equal", remedy=remedy)
    check_out(out)
    filling = read_filling(solo, ranges, part)
    prepare_torch()
    family, provenance = open_family(model_folder(model), family_name)
    if not isinstance(family, TokenFamily):
        remedy = "choose a music_transformer"
        raise InputError(model, expected="a model that fills bars", found=f"a {family.name}", remedy=remedy)
    filled = Filled(solo, tuple(range(gap.first, gap.stop) for gap in filling.gaps))
    places = "_".join(filled.ranges) if len(filled.ranges) <= 8 else f"{len(filled.ranges)}_ranges"
    named = f"{stem_of(solo)}_fill_{places}_seed{seed}"
    for number, score in enumerate(fill(family, filling, count, settings, seed)):
        drawn = Solo(Order(f"{named}_{number:03d}", score.bar_count, filled=filled), number, score)
        stem = out / drawn.order.name
        write_solo(drawn, stem, settings, seed, provenance)
        if notation:
            write_part(score, stem, notation)
        notes = int(filling.holds(score.onsets).sum())
        bars = sum(map(len, filled.bars))
        typer.echo(f"{stem}.mid .wav .png .json: {bars} of {score.bar_count} bars filled with {notes} notes")


def with_options(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """A section of params.yaml with the values of options; None keeps the section's value.

    Raises:
        InputError: the value of an option is invalid; the error names the option.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return replace(settings, **given)
    except ConfigError as error:
        name = error.key.rpartition(".")[2]
        if name not in given:
            raise
        option = f"--{name.replace('_', '-')}"
        raise InputError(option, expected=error.expected, found=error.found, remedy="change it") from None


def check_out(out: Path) -> None:
    """Reject a path that is a file or is below one."""
    for path in (out, *out.parents):
        if path.exists() and not path.is_dir():
            raise InputError(path, expected="a folder to write to", found="a file", remedy="use another --out")


def model_folder(model: str) -> Path:
    """The folder of a model: the path itself, or the registry's folder of `name@alias`."""
    if "@" not in model or Path(model).exists():
        return Path(model)
    from yardbird.tracking.registered_folder import fetch_model
    from yardbird.tracking.store import project_root

    return fetch_model(project_root(), model)
