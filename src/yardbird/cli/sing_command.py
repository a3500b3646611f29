"""`yardbird sing`: draws sound from a trained model."""

from pathlib import Path
from typing import Annotated, Any

import typer

from yardbird.cli.console import AsJson, note, print_json, result, working
from yardbird.cli.drawing_options import chosen_seed, model_folder, note_seed, with_options
from yardbird.cli.output_places import OUT, Force, check_out, reserved
from yardbird.errors import InputError
from yardbird.progress import progress

_FOLDER = OUT / "sing"


def sing(
    prompts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PROMPT…", help="Description of the sound, up to 500 letters; each gives one.", show_default=False
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            help="Length of every sound, a melody included; with --follow, that of the melody. Up to 600; 3600 in all."
        ),
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(help="Weight of the prompt; 1: as trained; higher: closer to the prompt.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Below 1: more predictable; above 1: more random; 0: greedy.")
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Sample from this many most probable codes.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same sound; without it, each call draws another.")
    ] = None,
    melody: Annotated[
        Path | None, typer.Option(help="A MIDI, MusicXML or sound file; the sound continues its opening.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Perform all notes of the melody, instead of continuing its opening.")
    ] = False,
    melody_seconds: Annotated[float | None, typer.Option(help="How many seconds of the melody.")] = None,
    model: Annotated[
        str, typer.Option(help="Folder of a trained MusicGen, or name@alias of the registry.")
    ] = "models/musicgen",
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to, instead of out/sing.", show_default=False)
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Draw sound from text prompts.

    Each is written to out/sing as .wav, spectrogram .png and provenance .json. Its name contains the seed; earlier
    sounds are kept: a name that exists gets the ending _take2. Options you do not set come from params.yaml, section
    `sing`. Words that are in no training caption are reported. A sound longer than the context of the model is
    generated in windows; each starts with the second half of the one before.

    With --follow, the model performs the notes of the melody, with its chords and beats. Without a prompt, the caption
    then names the instrument, the key and the tempo of the melody. A recording is followed by its chroma, which only
    models of facebook/musicgen-melody and its relatives have as a condition.

    Examples:

    - `yardbird sing "Be-bop jazz solo in F"`

    - `yardbird sing "Charlie Parker jazz solo" "Minor blues in C minor" --seconds 30 --guidance 4 --seed 7`

    - `yardbird sing "Be-bop jazz solo in F" --melody my_solo.mid --melody-seconds 4`

    - `yardbird sing --melody my_solo.mid --follow`

    - `yardbird sing "Be-bop jazz solo in F" --melody humming.wav --follow` with a model of facebook/musicgen-melody

    - `yardbird sing "Be-bop jazz solo in F" --model musicgen@champion`
    """
    from dataclasses import replace

    from yardbird import files
    from yardbird.audio.wave import read_wave
    from yardbird.config import read_section
    from yardbird.data.captions import caption_of_solo
    from yardbird.data.source_sounds import AudioConfig
    from yardbird.generation.sound_orders import (
        MELODIES,
        SingConfig,
        check_prompt,
        file_names,
        is_recording,
        melody_solo,
    )
    from yardbird.models.family_names import family_of

    options: dict[str, Any] = {
        "seconds": seconds, "guidance": guidance, "temperature": temperature, "top_k": top_k,
        "melody_seconds": melody_seconds, "follow": follow or None,
    }  # fmt: skip
    prompts = list(prompts or ())
    for number, prompt in enumerate(prompts, 1):
        check_prompt(prompt, f"prompt {number}")
    section = read_section("sing", SingConfig)
    settings = with_options(replace(section, prompts=tuple(prompts) or section.prompts[:1]), options)
    folder = out or _FOLDER
    check_out(folder)
    trained = model_folder(model)
    family_of(trained)
    if melody is None and settings.melody:
        melody = files.within(MELODIES, settings.melody)
    if follow and melody is None:
        raise InputError("--follow", expected="a melody to follow", found="none", remedy="add --melody solo.mid")
    if melody and is_recording(melody):
        if settings.follow:
            settings = with_options(settings, {"seconds": seconds or read_wave(melody).seconds})
    elif melody:
        score, _ = melody_solo(melody, settings)
        if settings.follow:
            prompts = prompts or [caption_of_solo(score, read_section("audio", AudioConfig).style)]
            settings = with_options(settings, {"seconds": seconds or score.seconds})
    if not prompts:
        raise InputError("PROMPT", expected="a description of the sound", found="none", remedy="describe the sound")
    settings = replace(settings, prompts=tuple(prompts))
    number, new_seed = chosen_seed(seed)

    def names(end: str) -> list[str]:
        return [f"{name}_seed{number}{end}" for name in file_names(prompts)]

    def sounds_of(end: str) -> list[Path]:
        return [folder / f"{name}.wav" for name in names(end)]

    rows = []
    with reserved(folder, names, sounds_of, chosen=out is not None, force=force) as place:
        with working(f"loading {trained}"):
            from yardbird.devices import prepare_torch
            from yardbird.generation.prompted_sound import made_from, open_singer, read_melody, remarks, write_sound
            from yardbird.generation.prompted_sound import sing as draw

            prepare_torch()
            family, provenance = open_singer(trained)
            opening = read_melody(family, melody, settings) if melody else None
        sounds = draw(family, prompts, settings, number, opening)
        made = made_from(prompts, opening)
        for remark in remarks(sounds):
            note(remark)
        for name, sound in zip(names(place.end), progress(sounds, "writing sounds", "sound"), strict=True):
            stem = folder / name
            with place.together() as draft:
                write_sound(replace(sound, name=name), draft / name, settings, number, provenance, made, opening)
            row = {kind: f"{stem}.{kind}" for kind in ("wav", "png", "json")}
            rows.append({**row, "prompt": sound.prompt, "seconds": round(sound.waveform.seconds, 3)})
            if not as_json:
                result(f"{stem}.wav .png .json: {sound.waveform.seconds:.1f} seconds")
    if as_json:
        print_json({"seed": number, "sounds": rows})
    if new_seed:
        note_seed(number)
