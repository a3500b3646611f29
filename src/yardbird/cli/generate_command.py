"""`yardbird generate`: draws solos from a trained model."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yardbird.cli.chosen_model import ChosenModel
from yardbird.cli.console import AsJson, note, working
from yardbird.cli.drawing_options import chosen_seed, with_options
from yardbird.cli.notation_command import Player
from yardbird.cli.output_places import Force, check_out
from yardbird.cli.streamed_bars import stream_bars
from yardbird.cli.written_solos import FOLDER, WrittenSolos
from yardbird.errors import InputError, counted
from yardbird.progress import progress

if TYPE_CHECKING:
    from yardbird.generation.leadsheet import LeadSheet
    from yardbird.generation.orders import GenerateConfig, Prime

JUDGES = Path("data/judges")
MOST_SOLOS = 1024  # with the candidates of --best-of


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
        int | None,
        typer.Option(help="Length of every solo, up to 1024; by default a solo over a chart has whole choruses."),
    ] = None,
    count: Annotated[int, typer.Option(help="Number of solos; times --best-of up to 1024.")] = 1,
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same solos; without it, each call draws others.")
    ] = None,
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
    artist: Annotated[
        str | None, typer.Option(help="The style: one of the training artists; part of the name is enough.")
    ] = None,
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
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to, instead of out/generate.", show_default=False)
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Draw one solo; print and write each bar as soon as it is drawn.")
    ] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="Round the weights of a Music Transformer to 8 bits: faster if it is large.")
    ] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Draw solos from a trained model: free, continuing a solo, over a chart, or new bars inside a solo.

    Each solo is written to out/generate as .mid, .wav, piano roll .png and provenance .json. Its name contains the
    seed; earlier solos are kept: a name that exists gets the ending _take2. Options you do not set come from
    params.yaml, section `generate`. Over a chart, a solo has whole choruses unless --bars sets its length. A Music
    Transformer continues a prime and draws the changes of a free solo, in one key. A MusicVAE draws windows of a few
    bars from its latent space: it ignores artists, and its free solos have no changes.

    With --stream, a Music Transformer prints a line for each bar and adds the bar to the .mid as soon as it is drawn. A
    bar is drawn in less time than it lasts. With the same seed, --best-of 1 gives the same solo.

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

    - `yardbird generate --stream --chart data/charts/blues_in_f.txt`

    - `yardbird generate --model models/music_vae --chart data/charts/blues_in_f.txt --bars 24`
    """
    from yardbird.config import read_section
    from yardbird.generation.orders import GenerateConfig

    options: dict[str, Any] = {
        "bars": bars, "whole_choruses": None if bars is None else False, "prime_bars": prime_bars,
        "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "qpm": qpm, "key": key,
        "artist": artist, "best_of": best_of, "comping": comping, "drums": drums, "count_in": count_in,
        "int8": int8 or None,
    }  # fmt: skip
    settings = with_options(read_section("generate", GenerateConfig), options)
    if count < 1:
        raise InputError("--count", expected="1 or more", found=str(count), remedy="request at least one solo")
    candidates = 1 if fill else settings.best_of
    if count * candidates > MOST_SOLOS:
        expected, found = f"at most {MOST_SOLOS} solos, candidates of --best-of included", f"{count * candidates}"
        raise InputError("--count", expected=expected, found=found, remedy="draw them with several commands")
    if stream:
        several = {"--count": count > 1, "--best-of": best_of not in (None, 1), "--fill": fill, "--json": as_json}
        for option in [option for option, given in several.items() if given]:
            remedy = f"remove {option} or --stream"
            raise InputError("--stream", expected="one new solo, as text", found=option, remedy=remedy)
        settings = replace(settings, best_of=1)
    if fill or solo:
        unused = {
            "chart": chart, "prime": prime, "prime_bars": prime_bars, "bars": bars, "qpm": qpm, "key": key,
            "best_of": best_of,
        }  # fmt: skip
        _check_fill(solo, fill, [name for name, value in unused.items() if value is not None], count, settings)
    elif part and not prime:
        raise InputError("--part", expected="a file with that part", found="none", remedy="add --prime")
    elif prime_bars is not None and not prime:
        raise InputError("--prime-bars", expected="a solo to continue", found="none", remedy="add --prime")
    elif prime and settings.prime_bars < 1:
        raise InputError("--prime-bars", expected="1 or more", found="0", remedy="prime with at least one bar")
    elif prime and qpm is not None:
        raise InputError("--qpm", expected="no tempo with --prime", found=f"{qpm:g}", remedy="a prime keeps its own")
    elif chart and key is not None:
        raise InputError("--key", expected="no key with --chart", found=key, remedy="a chart has its own")
    check_out(out or FOLDER)
    trained = ChosenModel.find(model, family)
    settings = replace(settings, artist=trained.artist(settings.artist))
    if (stream or int8) and trained.family != "music_transformer":
        option, remedy = "--stream" if stream else "--int8", "choose a music_transformer"
        raise InputError(option, expected="a music_transformer", found=f"a {trained.family}", remedy=remedy)
    target = WrittenSolos(out, force, as_json, notation, *chosen_seed(seed))
    if solo and fill:
        _fill(solo, fill, part or "", settings, count, trained, target)
    else:
        _draw(chart, prime, part or "", settings, count, trained, target, stream)


def _draw(
    chart: Path | None,
    prime: Path | None,
    part: str,
    settings: "GenerateConfig",
    count: int,
    model: ChosenModel,
    target: WrittenSolos,
    streamed: bool,
) -> None:
    """Draw solos over a chart, after a prime, or free."""
    from yardbird.data.readers import stem_of
    from yardbird.generation.orders import Order, check_orders, length_bars, read_prime

    one_key = chart or prime or settings.key  # otherwise each solo has its own key
    if model.artists and one_key:  # every solo of a MusicVAE has its own latent, so they differ
        _check_greedy(count, settings)
    opening = read_prime(prime, settings.prime_bars, part) if prime else None
    sheet = _changes(chart, opening) if chart else None
    group = stem_of(chart) if chart else f"after_{stem_of(prime)}" if prime else "free"
    length = length_bars(settings, sheet)
    with target.names(group, count) as (place, names):
        orders = [Order(name, length, sheet, opening) for name in names]
        check_orders(orders)
        with working(f"loading {model.folder}"):
            from yardbird.devices import prepare_torch
            from yardbird.generation.best_of import draw_best, judges_hash, without_judge
            from yardbird.generation.source import source_of
            from yardbird.models.family_kinds import TokenFamily

            prepare_torch()
            family, provenance = model.open()
            source = source_of(family, provenance)
        for ignored in source.ignored:
            if (value := getattr(settings, ignored)) not in (None, False):
                note(f"this model ignores {ignored}={value!r}")
        if reason := without_judge(settings, JUDGES):
            note(reason)
        if streamed and isinstance(family, TokenFamily):
            drawn = [stream_bars(family, orders[0], settings, target.seed, place.folder)]
        else:
            drawn = draw_best(source.draw, orders, settings, target.seed, JUDGES)
        found = {"prime": os.path.relpath(prime)} if prime else {}
        made = {"solos": count, "files": found, "part": part, "judges": judges_hash(settings, JUDGES)}
        target.write(place, progress(drawn, "writing solos", "solo"), settings, source.provenance, made)


def _changes(chart: Path, opening: "Prime | None") -> "LeadSheet":
    """The changes of a file, which errors name with its path."""
    from yardbird.data.readers import stem_of
    from yardbird.generation.orders import changes

    try:
        return changes(chart, opening)
    except InputError as error:
        what = chart if error.what == stem_of(chart) else error.what
        raise InputError(what, expected=error.expected, found=error.found, remedy=error.remedy) from None


def _fill(
    solo: Path,
    ranges: Sequence[str],
    part: str,
    settings: "GenerateConfig",
    count: int,
    model: ChosenModel,
    target: WrittenSolos,
) -> None:
    """Write new bars inside a solo."""
    from yardbird.data.readers import stem_of
    from yardbird.generation.bars_to_fill import read_filling
    from yardbird.generation.orders import Filled, Order

    filling = read_filling(solo, ranges, part)
    filled = Filled(solo, filling.gaps)
    places = "_".join(filled.ranges) if len(filled.ranges) <= 8 else f"{len(filled.ranges)}_ranges"
    with target.names(f"{stem_of(solo)}_fill_{places}", count) as (place, names):
        with working(f"loading {model.folder}"):
            from yardbird.devices import prepare_torch
            from yardbird.generation.fill import fill
            from yardbird.generation.solos import Solo
            from yardbird.models.family_kinds import TokenFamily

            prepare_torch()
            family, provenance = model.open()
        if not isinstance(family, TokenFamily):
            remedy = "choose a music_transformer"
            raise InputError(model.folder, expected="a model that fills bars", found=f"a {family.name}", remedy=remedy)
        with working(f"filling {counted(sum(map(len, filled.bars)), 'bar')}"):
            scores = fill(family, filling, count, settings, target.seed)
        solos = [
            Solo(Order(name, score.bar_count, filled=filled), number, score)
            for number, (name, score) in enumerate(zip(names, scores, strict=True))
        ]
        made = {"solos": count, "files": {"fill": os.path.relpath(solo)}, "part": part}
        target.write(place, progress(solos, "writing solos", "solo"), settings, provenance, made)


def _check_fill(
    solo: Path | None, ranges: Sequence[str] | None, unused: Sequence[str], count: int, settings: "GenerateConfig"
) -> None:
    """Check the options of --fill; `unused` are given options that do not apply."""
    if not (solo and ranges):
        given, missing = (f"{solo} alone", "--fill") if solo else ("--fill alone", "a file with a solo")
        remedy = "write e.g. yardbird generate --fill 9-12 my_solo.mid"
        raise InputError("generate", expected=f"{missing} too", found=given, remedy=remedy)
    for name in unused:
        option = f"--{name.replace('_', '-')}"
        raise InputError(option, expected="no such option with --fill", found="both", remedy=f"remove {option}")
    _check_greedy(count, settings)


def _check_greedy(count: int, settings: "GenerateConfig") -> None:
    """Refuse several solos at temperature 0, which would be equal."""
    if count > 1 and settings.temperature == 0:
        remedy = "request one, or raise the temperature"
        raise InputError("--temperature 0", expected="one solo", found=f"{count}, which would be equal", remedy=remedy)
