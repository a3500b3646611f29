"""Writes the files of a generated solo or sound again, from its provenance."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yardbird.cli.console import working
from yardbird.cli.generate_command import JUDGES, MOST_SOLOS
from yardbird.cli.interpolate_command import open_vae, read_opening, write_steps
from yardbird.cli.move_commands import write_moved
from yardbird.cli.notation_command import write_part
from yardbird.cli.provenance_file import Provenance
from yardbird.config import PARAMS
from yardbird.errors import ConfigError, InputError

if TYPE_CHECKING:
    from yardbird.generation.orders import GenerateConfig, Order
    from yardbird.generation.solos import Solo
    from yardbird.generation.source import Source
    from yardbird.models.family import Family


def check_maker(found: Provenance) -> None:
    """Reject a result of something that cannot make it again.

    Raises:
        InputError: it was made in the studio, by the stage baseline, or by an unknown command.
    """
    by = found.made.get("by")
    remedies = {
        "studio": "only results of commands and stages can be made again",
        "stage baseline": "run `dvc repro --force baseline`: n-grams are fitted again for each run",
    }
    if by not in _MAKERS:
        expected = f"a result of {', '.join(_MAKERS)}"
        remedy = remedies.get(str(by), "use the version of Yardbird that wrote it")
        raise InputError(found.file, expected=expected, found=f"one of {by}", remedy=remedy)


def name_of(found: Provenance) -> str:
    """The name of the folder for a result."""
    if found.made["by"] == "interpolate":
        return found.file.resolve().parent.name
    return _result(found).replace("/", "_")


def file_of(found: Provenance) -> str:
    """The name of the provenance file that `remake` writes; the user may have renamed the original."""
    return "interpolation.json" if found.made["by"] == "interpolate" else f"{Path(_result(found)).name}.json"


def _result(found: Provenance) -> str:
    moved = found.made.get("name")  # of transfer and blend, whose `solo` is the file that was moved
    return str(moved or found.content.get("sound") or found.content.get("solo"))


def remake(found: Provenance, model: Path, folder: Path) -> None:
    """Write the files of a result to a folder.

    Args:
        found: its provenance. Its entry `made.with`, the software, is replaced by that of this process.
        model: the folder of the model.

    Raises:
        InputError: an input is missing or has changed, or an entry of the provenance is missing or wrong.
    """
    try:
        _MAKERS[found.made["by"]](found, model, folder)
    except (LookupError, TypeError, ValueError, AttributeError, ConfigError) as error:
        wrong = " ".join(str(error).removeprefix(f"{PARAMS}: ").split())[:200]
        expected, remedy = "the entries that this version writes", "restore the file, or use the version that wrote it"
        raise InputError(
            found.file, expected=expected, found=f"{type(error).__name__}: {wrong}", remedy=remedy
        ) from None


def _made(found: Provenance, stage: str) -> dict[str, Any]:
    from yardbird.software import software

    return {**found.made, "with": software(stage)}


def _solo(found: Provenance, model: Path, folder: Path) -> None:
    """A solo of `yardbird generate` or of the stage. All solos of its batch are drawn again, and one is written.

    Each has its own random stream. But sums over other batches can differ in the last digit.
    """
    from yardbird.devices import prepare_torch
    from yardbird.generation.orders import GenerateConfig
    from yardbird.generation.solos import write_solo
    from yardbird.generation.source import source_of
    from yardbird.models.trained_folder import open_family

    content = found.content
    settings = GenerateConfig(**content["settings"])
    candidates = 1 if "fill" in content else settings.best_of
    if found.made["by"] == "generate" and found.made["solos"] * candidates > MOST_SOLOS:
        raise ValueError(f"a batch of more than {MOST_SOLOS} solos")
    with working(f"loading {model}"):
        prepare_torch()
        family, provenance = open_family(model, content["model"]["family"])
    if "fill" in content:
        solo = _filled(found, family, settings)
    else:
        source = source_of(family, provenance)
        provenance = source.provenance
        solo = _drawn(found, source, settings)
    stem = folder / Path(content["solo"]).name
    made = _made(found, f"generate@{family.name}")
    write_solo(solo, stem, settings, content["seed"], provenance, made)
    if player := found.made.get("notation"):
        write_part(solo.score, stem, player)


def _drawn(found: Provenance, source: "Source", settings: "GenerateConfig") -> "Solo":
    from yardbird import files
    from yardbird.generation.best_of import draw_best, judges_hash

    content = found.content
    if settings.best_of > 1 and judges_hash(settings, JUDGES) != found.made["judges"]:
        there = files.sha256_folder(JUDGES)[:12] if JUDGES.is_dir() else "none"
        expected, remedy = "the judges that chose this solo", "restore the run with `yardbird restore`"
        raise InputError(JUDGES, expected=expected, found=f"others ({there})", remedy=remedy)
    orders = _orders_of_stage(found, settings) if found.made["by"] == "stage generate" else _orders(found, settings)
    solos = draw_best(source.draw, orders, settings, content["seed"], JUDGES)
    index: int = content["index"]
    return solos[index % len(orders)]


def _orders(found: Provenance, settings: "GenerateConfig") -> "list[Order]":
    """The orders of a call of `yardbird generate`: they differ in their names only, which change no solo."""
    from yardbird.generation.leadsheet import LeadSheet
    from yardbird.generation.orders import Order, read_prime

    content = found.content
    prime = None
    if content["prime"]:
        file = found.input("prime", content["prime"]["sha256"])
        prime = read_prime(file, settings.prime_bars, found.made["part"])
    sheet = LeadSheet.restored(content["chart"]) if content["chart"] else None
    return [Order(content["solo"], content["bars"], sheet, prime)] * found.made["solos"]


def _orders_of_stage(found: Provenance, settings: "GenerateConfig") -> "list[Order]":
    from yardbird.generation.orders import orders_hash, plan, repeated

    orders = repeated(plan(settings), settings.measured)
    if orders_hash(orders) != found.made["orders"]:
        expected, remedy = "the charts and primes of this solo's run", "restore the folder, e.g. with git or DVC"
        raise InputError(settings.charts, expected=expected, found="others", remedy=remedy)
    return orders


def _filled(found: Provenance, family: "Family", settings: "GenerateConfig") -> "Solo":
    from yardbird.generation.bars_to_fill import read_filling
    from yardbird.generation.fill import fill
    from yardbird.generation.orders import Filled, Order
    from yardbird.generation.solos import Solo
    from yardbird.models.family_kinds import TokenFamily

    if not isinstance(family, TokenFamily):
        raise TypeError(f"a {family.name} fills no bars")
    content = found.content
    filling = read_filling(found.input("fill", content["fill"]["sha256"]), content["fill"]["bars"], found.made["part"])
    scores = fill(family, filling, found.made["solos"], settings, content["seed"])
    score = scores[content["index"]]
    order = Order(content["solo"], score.bar_count, filled=Filled(filling.file, filling.gaps))
    return Solo(order, content["index"], score)


def _sound(found: Provenance, model: Path, folder: Path) -> None:
    from yardbird.devices import prepare_torch
    from yardbird.generation.prompted_sound import open_singer, read_melody, sing, write_sound
    from yardbird.generation.sound_orders import SingConfig

    content, prompts = found.content, tuple(found.made["prompts"])
    settings = SingConfig(prompts=prompts, **content["settings"])
    with working(f"loading {model}"):
        prepare_torch()
        family, provenance = open_singer(model)
    melody = None
    if content["melody"]:
        melody = read_melody(family, found.input("melody", content["melody"]["sha256"]), settings)
    sound = sing(family, prompts, settings, content["seed"], melody)[content["index"]]
    sound = replace(sound, name=Path(content["sound"]).name)
    write_sound(sound, folder / sound.name, settings, content["seed"], provenance, _made(found, "sing"), melody)


def _steps(found: Provenance, model: Path, folder: Path) -> None:
    from yardbird.latent.interpolation import PATHS, decode_path

    content = found.content
    a, b = (found.input(end, content[end]["sha256"]) for end in ("from", "to"))
    bars, path = content["from"]["bars"], content["path"]
    scores = [read_opening(file, bars) for file in (a, b)]
    with working(f"loading {model}"):
        family, provenance = open_vae(model)
    start, stop = family.encode(scores)
    solos = decode_path(family, start, stop, found.made["steps"], PATHS[path])
    write_steps(folder, solos, (a, b), path, bars, provenance, _made(found, "explore"))


def _move(found: Provenance, model: Path, folder: Path) -> None:
    from yardbird.latent.directions import Directions

    content = found.content
    solo = found.input("solo", content["sha256"])
    score = read_opening(solo, found.made["bars"])
    directions = found.input("directions", found.made["directions"])
    with working(f"loading {model}"):
        family, provenance = open_vae(model)
    asked = {name: content[name] for name in ("from", "to", "strength", "add") if name in content}
    vectors = Directions.load(directions, family)
    write_moved(
        folder / Path(found.made["name"]).name, family, vectors, solo, score, asked, provenance, _made(found, "explore")
    )


_MAKERS: Mapping[str, Callable[[Provenance, Path, Path], None]] = {
    "generate": _solo,
    "stage generate": _solo,
    "sing": _sound,
    "interpolate": _steps,
    "transfer": _move,
    "blend": _move,
}
