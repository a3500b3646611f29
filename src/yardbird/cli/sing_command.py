"""`yardbird sing`: draws sound from a trained model."""

from pathlib import Path
from typing import Annotated, Any

import typer

from yardbird.cli.generate_command import check_out, model_folder, with_options
from yardbird.errors import InputError


def sing(
    prompts: Annotated[
        list[str], typer.Argument(metavar="PROMPT…", help="Description of the sound; each prompt gives one.")
    ],
    seconds: Annotated[float | None, typer.Option(help="Length of every sound, a melody included.")] = None,
    guidance: Annotated[
        float | None, typer.Option(help="Weight of the prompt; 1: as trained; higher: closer to the prompt.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Below 1: more predictable; above 1: more random; 0: greedy.")
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Sample from this many most probable codes.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same sound.")] = None,
    melody: Annotated[
        Path | None, typer.Option(help="A MIDI or MusicXML file; the sound continues its opening.")
    ] = None,
    melody_seconds: Annotated[float | None, typer.Option(help="How many seconds of the melody.")] = None,
    model: Annotated[
        str, typer.Option(help="Folder of a trained MusicGen, or name@alias of the registry.")
    ] = "models/musicgen",
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("sounds"),
) -> None:
    """Draw sound from text prompts.

    Each comes as .wav, spectrogram .png and provenance .json. Options you do not set come from params.yaml, section
    `sing`. Words that are in no training caption are reported. A sound longer than the context of the model is
    generated in windows; each starts with the second half of the one before.

    Examples:

    - `yardbird sing "Be-bop jazz solo in F"`

    - `yardbird sing "Charlie Parker jazz solo" "Minor blues in C minor" --seconds 30 --guidance 4 --seed 7`

    - `yardbird sing "Be-bop jazz solo in F" --melody my_solo.mid --melody-seconds 4`

    - `yardbird sing "Be-bop jazz solo in F" --model musicgen@champion`
    """
    from dataclasses import replace

    from yardbird import files
    from yardbird.config import read_section, read_seed
    from yardbird.devices import prepare_torch
    from yardbird.generation.prompted_sound import MELODIES, SingConfig, open_singer, read_melody, remarks, write_sound
    from yardbird.generation.prompted_sound import sing as draw

    options: dict[str, Any] = {
        "seconds": seconds, "guidance": guidance, "temperature": temperature, "top_k": top_k,
        "melody_seconds": melody_seconds,
    }  # fmt: skip
    if silent := [prompt for prompt in prompts if not prompt.strip()]:
        raise InputError("PROMPT", expected="words in each", found=repr(silent[0]), remedy="describe the sound")
    settings = with_options(replace(read_section("sing", SingConfig), prompts=tuple(prompts)), options)
    check_out(out)
    prepare_torch()
    family, provenance = open_singer(model_folder(model))
    if melody is None and settings.melody:
        melody = files.within(MELODIES, settings.melody)
    opening = read_melody(family, melody, settings) if melody else None
    seed = read_seed() if seed is None else seed
    sounds = draw(family, prompts, settings, seed, opening)
    for remark in remarks(sounds):
        typer.echo(f"note: {remark}", err=True)
    for sound in [replace(sound, name=f"{sound.name}_seed{seed}") for sound in sounds]:
        stem = out / sound.name
        write_sound(sound, stem, settings, seed, provenance, opening)
        typer.echo(f"{stem}.wav .png .json: {sound.waveform.seconds:.1f} seconds")
