"""`yardbird check`: checks every value of params.yaml, and the files that it names."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from ruamel.yaml.error import YAMLError

from yardbird.cli.console import AsJson, note, print_json, result, working
from yardbird.config import PARAMS, PositiveInt, Role, read_params, read_section, section_problems
from yardbird.dvc_lock import parameters, read_lock
from yardbird.errors import ConfigError, InputError

_COMPOSED = "data/etudes"  # the compose stage creates it
_NO_NAME = "one without a name"
SECTIONS = (
    "seed", "sources", "roles", "execution", "shard_files", "compose", "ingest", "validate", "split", "augment",
    "encode", "audio", "codec", "judge", "music_transformer", "music_vae", "musicgen", "generate", "sing", "explore",
    "evaluate", "evaluate_audio", "tracking", "publish", "blind_test",
)  # fmt: skip
#: Sections that decide whether a corpus can be split and augmented.
_OF_CORPUS = ("sources", "roles", "ingest", "split", "augment")
#: Sections whose parts have settings of their own: the parts that each has.
_DIVIDED: Mapping[str, tuple[str, ...]] = {
    "encode": ("events", "melody"),
    "codec": ("model", "sounds", "training"),
    "music_transformer": ("model", "training"),
    "music_vae": ("model", "training"),
    "musicgen": ("checkpoint", "model", "gradient_checkpointing", "adaptation", "clips", "training"),
}


def check(as_json: AsJson = False) -> None:
    """Check params.yaml: every value as the stages read it, and the folders and files that it names.

    Each problem is one line with the file, the section and key, what was expected, what was found and what to do; the
    exit status is then 1. A corpus of at most 200 solos is read, and a note names a better split.salt if there is one.
    The settings of models are checked last, because that takes some seconds. `yardbird run` and `yardbird exp` also
    check the parameters, before the first stage.

    Examples:

    - `yardbird check`

    - `yardbird check --json`
    """
    content = read_params()
    problems: list[ConfigError] = []
    for found in _problems(content):
        problems.append(found)
        if not as_json:
            result(f"{found}; {_remedy(found)}")
    if as_json:
        rows = [
            {"file": str(PARAMS), "section": one.key.split(".")[0], "key": one.key, "expected": one.expected,
             "found": one.found, "remedy": _remedy(one)}
            for one in problems
        ]  # fmt: skip
        print_json({"ok": not problems, "problems": rows})
    elif not problems:
        typer.echo(f"{PARAMS}: {len(content)} sections, no problem")
    if problems:
        raise typer.Exit(1)


def refuse_problem(path: Path = PARAMS, place: Callable[[str], str] = lambda key: f"{PARAMS}: {key}") -> None:
    """Refuse parameters with a problem, before any stage starts.

    A pipeline may have other stages: only the known sections that are in the file are checked. The settings of models
    are skipped if they are those of the last run, because their check imports torch.

    Args:
        place: where a key has its value.

    Raises:
        InputError: the first problem.
    """
    content = {section: value for section, value in read_params(path).items() if section in SECTIONS}
    for one in _problems(content, path, before_run=True):
        raise InputError(place(one.key), expected=one.expected, found=one.found, remedy=_remedy(one))


def _remedy(problem: ConfigError) -> str:
    from yardbird.data.small_corpus import CorpusError

    if isinstance(problem, CorpusError):
        return problem.remedy
    remedies = {
        ("an unknown", "no source"): "correct its name, or remove it",
        ("nothing",): "add it",
        ("no folder", "no music", "no file"): "correct the path, or add it",
        ("none",): "add one",
        (_NO_NAME,): "add the name",
    }
    return next((text for start, text in remedies.items() if problem.found.startswith(start)), "correct the value")


def _problems(content: Mapping[str, Any], path: Path = PARAMS, *, before_run: bool = False) -> Iterator[ConfigError]:
    """All problems of the content of a file; those of sections that need no model are first.

    Args:
        before_run: leave out missing sections, and sections of models that are those of the last run.
    """
    sections = content if before_run else SECTIONS
    yield from _unknown_keys(content)
    light = _light_sections()
    for section, kind in light.items():
        if section.split(".")[0] in sections:
            found = section_problems(content, section, kind)
            yield from (one for one in found if one.key not in ("sources.", "sources.None"))  # see _missing_files
    missing = list(_missing_files(content, path))
    yield from missing
    if not missing and (not before_run or _changed(content, [name for name in _OF_CORPUS if name in content])):
        yield from _misfits(content, path)
    with_models = [section for section in sections if section not in light]
    if before_run:
        with_models = _changed(content, with_models)
    if not with_models:
        return
    with working("checking the settings of models"):
        heavy = _model_sections()
    for section, kind in heavy.items():
        if section.split(".")[0] in with_models:
            yield from section_problems(content, section, kind)


def _misfits(content: Mapping[str, Any], path: Path) -> Iterator[ConfigError]:
    """Values that a small corpus cannot use; what the split stage would warn of is printed as a note."""
    types = _light_sections()
    if not set(_OF_CORPUS) <= content.keys() or any(
        section_problems(content, name, types[name]) for name in _OF_CORPUS
    ):
        return
    sources = {name: Path(folder) for name, folder in content["sources"].items()}
    if Path(_COMPOSED) in sources.values():
        return
    from yardbird.data.roles import read_background
    from yardbird.data.small_corpus import foresee

    kinds = (read_section(name, types[name], path) for name in ("ingest", "split", "augment"))
    refused, warnings = foresee(sources, read_background(path), *kinds)
    for warning in warnings:
        note(f"{PARAMS}: split.salt: {warning}")
    if refused:
        yield refused


def _changed(content: Mapping[str, Any], sections: Collection[str]) -> list[str]:
    """The sections that dvc.lock records with other values, or not at all."""
    try:
        recorded = parameters(read_lock()) if sections else {}
    except (AttributeError, ValueError, YAMLError):  # a damaged dvc.lock, which DVC reports
        recorded = {}

    def value(name: str) -> Any:
        found: Any = content
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    ran = {section: [name for name in recorded if name.split(".")[0] == section] for section in sections}
    return [
        section for section, names in ran.items() if not names or any(value(name) != recorded[name] for name in names)
    ]


def section_types() -> dict[str, Any]:
    """Every section with the type of its settings."""
    return _light_sections() | _model_sections()


def _light_sections() -> dict[str, Any]:
    from yardbird.blindtest.plan import BlindTestConfig
    from yardbird.codecs.melody import MelodyConfig
    from yardbird.data.augmentation import AugmentConfig
    from yardbird.data.etudes.compose import ComposeConfig
    from yardbird.data.reading import IngestConfig
    from yardbird.data.source_sounds import AudioConfig
    from yardbird.data.splitting import SplitConfig
    from yardbird.data.validate_config import ValidateConfig
    from yardbird.execution import ExecutionConfig
    from yardbird.generation.orders import GenerateConfig
    from yardbird.generation.sound_orders import SingConfig
    from yardbird.tracking.tracking_config import TrackingConfig
    from yardbird.training.training_config import TrainingConfig

    return {
        "seed": int,
        "sources": dict[str, str],
        "roles": dict[str, Role],
        "execution": ExecutionConfig,
        "shard_files": PositiveInt,
        "compose": ComposeConfig,
        "ingest": IngestConfig,
        "validate": ValidateConfig,
        "split": SplitConfig,
        "augment": AugmentConfig,
        "encode.melody": MelodyConfig,
        "audio": AudioConfig,
        "music_transformer.training": TrainingConfig,
        "music_vae.training": TrainingConfig,
        "musicgen.training": TrainingConfig,
        "musicgen.checkpoint": str,
        "musicgen.gradient_checkpointing": bool,
        "generate": GenerateConfig,
        "sing": SingConfig,
        "tracking": TrackingConfig,
        "blind_test": BlindTestConfig,
    }


def _model_sections() -> dict[str, Any]:
    """Sections whose settings are declared beside code that imports torch."""
    from yardbird.baselines.ngram_solos import EvaluateConfig
    from yardbird.codecs.vocabulary import EncodeConfig
    from yardbird.evaluation.evaluate_audio import EvaluateAudioConfig
    from yardbird.judges.fitting import JudgeConfig
    from yardbird.latent.latent_experiments import ExploreConfig
    from yardbird.models.music_transformer.transformer_family import ModelConfig as TransformerConfig
    from yardbird.models.music_vae.vae_config import ModelConfig as VAEConfig
    from yardbird.models.musicgen.code_windows import ClipsConfig
    from yardbird.models.musicgen.lora import Adaptation
    from yardbird.models.musicgen.scratch_model import ModelConfig as ScratchConfig
    from yardbird.nn.encodec import NetworkConfig
    from yardbird.sound_codec.codec_training import TrainingConfig as CodecTrainingConfig
    from yardbird.sound_codec.training_sounds import SoundsConfig
    from yardbird.tracking.gate import Gate

    return {
        "encode.events": EncodeConfig,
        "codec.model": NetworkConfig,
        "codec.sounds": SoundsConfig,
        "codec.training": CodecTrainingConfig,
        "judge": JudgeConfig,
        "music_transformer.model": TransformerConfig,
        "music_vae.model": VAEConfig,
        "musicgen.model": ScratchConfig,
        "musicgen.adaptation": Adaptation,
        "musicgen.clips": ClipsConfig,
        "explore": ExploreConfig,
        "evaluate": EvaluateConfig,
        "evaluate_audio": EvaluateAudioConfig,
        "publish": dict[str, Gate],
    }


def _unknown_keys(content: Mapping[str, Any]) -> Iterator[ConfigError]:
    """Sections, and parts of divided sections, that no stage reads."""
    for section, value in content.items():
        if section not in SECTIONS:
            yield ConfigError(PARAMS, section, expected=f"one of {', '.join(SECTIONS)}", found="an unknown section")
        for part in value if section in _DIVIDED and isinstance(value, Mapping) else ():
            if part not in _DIVIDED[section]:
                expected = f"one of {', '.join(_DIVIDED[section])}"
                yield ConfigError(PARAMS, f"{section}.{part}", expected=expected, found="an unknown key")


def _missing_files(content: Mapping[str, Any], path: Path) -> Iterator[ConfigError]:
    """Folders and files that the sections name and that do not exist, and roles of sources that do not exist."""
    from yardbird.data.roles import read_background
    from yardbird.generation.sound_orders import MELODIES

    names = {"sources": dict[str, str], "roles": dict[str, Role]}
    if not any(section_problems(content, section, kind) for section, kind in names.items()):
        try:
            read_background(path)
        except ConfigError as error:
            yield error
    for name, folder in _items(content, "sources"):
        if not name:  # the key is empty
            yield ConfigError(PARAMS, "sources", expected="lines `name: folder`", found=_NO_NAME)
        elif isinstance(folder, str) and folder != _COMPOSED and not _has_music(folder):
            found = f"no music in {folder}" if folder and Path(folder).is_dir() else f"no folder {folder or '(empty)'}"
            yield ConfigError(PARAMS, f"sources.{name}", expected="a folder of solos", found=found)
    settings = {section: dict(_items(content, section)) for section in ("generate", "sing")}
    charts = settings["generate"].get("charts")
    if isinstance(charts, str) and not Path(charts).is_dir():
        yield ConfigError(PARAMS, "generate.charts", expected="a folder of charts", found=f"no folder {charts}")
    melody = settings["sing"].get("melody")
    if isinstance(melody, str) and not (MELODIES / melody).is_file():
        yield ConfigError(PARAMS, "sing.melody", expected=f"a file in {MELODIES}", found=f"no file {melody}")


def _has_music(folder: str) -> bool:
    from yardbird.data.readers import is_read

    return bool(folder) and any(
        is_read(Path(top, name)) for top, _, names in os.walk(folder, followlinks=True) for name in names
    )


def _items(content: Mapping[str, Any], section: str) -> Iterator[tuple[str, Any]]:
    value = content.get(section)
    yield from value.items() if isinstance(value, Mapping) else ()
