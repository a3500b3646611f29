"""Stage generate@<family>: draws solos with a trained family, free and over the charts."""

import gc
import sys
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.config import read_section, read_seed
from yardbird.devices import prepare_torch
from yardbird.errors import exit_on_error, stage_arguments
from yardbird.generation.best_of import draw_best, judges_hash, without_judge
from yardbird.generation.orders import GenerateConfig, orders_hash, plan, repeated
from yardbird.generation.solos import write_measured, write_solos
from yardbird.generation.source import open_source
from yardbird.generation.timing import timed, write_speed
from yardbird.models.family_names import family_names
from yardbird.software import software

MODELS, JUDGES = Path("models"), Path("data/judges")
GENERATED, MEASURED = Path("data/generated"), Path("data/measured")


@exit_on_error
def main() -> None:
    (name,) = stage_arguments("the name of a family", known=family_names())
    config, seed = read_section("generate", GenerateConfig), read_seed()
    prepare_torch()
    source = open_source(MODELS / name)
    if reason := without_judge(config, JUDGES):
        print(f"note: {reason}")
    shown = plan(config)
    orders = repeated(shown, config.measured)
    solos, seconds = timed(lambda: draw_best(source.draw, orders, config, seed, JUDGES))
    batch = {"orders": orders_hash(orders), "judges": judges_hash(config, JUDGES)}
    made = {"by": "stage generate", **batch, "with": software(f"generate@{name}")}
    write_solos(solos[: len(shown)], GENERATED / name, config, seed, source.provenance, made)
    write_measured(solos, MEASURED / name, seed)
    write_speed(name, sum(solo.drawn_seconds for solo in solos), seconds)


if __name__ == "__main__":
    main()
