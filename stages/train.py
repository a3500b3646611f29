"""Stage train: train a family and keep the weights of its best epoch: python stages/train.py music_transformer"""

import gc
import sys
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import torch

from yardbird import files
from yardbird.checksums import check_sums, write_sums
from yardbird.config import PARAMS, flatten, read_params, read_section, read_seed
from yardbird.devices import prepare_torch
from yardbird.dvc_lock import background_sources, output_hashes, read_lock
from yardbird.errors import exit_on_error, stage_arguments
from yardbird.models.family import load_family
from yardbird.models.family_names import TRAINED, family_names
from yardbird.pipeline import stage_hash
from yardbird.seeds import derive_seed
from yardbird.tables.curve_table import write_curve
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.listeners import TensorBoard
from yardbird.training.training_config import FREE_SETTINGS, TrainingConfig

MODELS, REPORTS, TIMING = Path("models"), Path("reports/train"), Path("reports/timing")


@exit_on_error
def main() -> None:
    (name,) = stage_arguments("the name of a family", known=family_names())
    config, seed = read_section(f"{name}.training", TrainingConfig), read_seed()
    encoded = Path("data/encoded") / load_family(name).codec_name
    check_sums(encoded)

    # Slow imports: after errors in parameters and data, and before torch flushes subnormal numbers (NumPy would warn).
    gc.disable()
    from yardbird.tracking.runs import TrainingRun
    from yardbird.tracking.store import board_folder, project_root, provenance
    from yardbird.training.fit import assist, fit, precision_of

    gc.enable()
    prepare_torch(config.threads)
    torch.manual_seed(derive_seed(seed, "create", name))
    family = load_family(name).create(encoded, PARAMS)
    if assist(family, encoded, config, seed=seed):  # only rank 0 writes
        return
    settings = {"seed": seed, name: read_params()[name]}
    key = stage_hash(f"train@{name}", free=[f"{name}.training.{setting}" for setting in FREE_SETTINGS])
    checkpoint = CheckpointFolder(project_root(), name, key)
    lock = read_lock()
    data = {encoded.as_posix(): output_hashes(lock).get(encoded.as_posix(), "")}
    tags = {**provenance(f"train@{name}"), "family": name, "key": key, "data": data[encoded.as_posix()]}
    tags |= {"background": background_sources(lock), "precision": precision_of(config, name)}
    board = TensorBoard(board_folder(project_root(), name, key))
    run = TrainingRun(project_root(), name, flatten(settings), tags, data, checkpoint.path / "mlflow_run")
    with checkpoint:
        with run:
            result = fit(family, encoded, config, seed=seed, checkpoint=checkpoint, listeners=[board, run])
            with files.replacing_folder(MODELS / name) as folder:
                family.save(folder)
                origin = {"family": name, "seed": seed, "data": files.sha256_folder(encoded)}
                files.write_json(folder / TRAINED, origin | {"conditioned_on": list(family.conditioned_on)})
                write_sums(folder)
            summary = {"best_epoch": result.best_epoch, "epochs": len(result.curve), **result.best}
            files.write_json(REPORTS / f"{name}.json", {name: {**summary, "parameters": result.parameters}})
            files.write_json(TIMING / f"{name}.json", {name: result.cost.asdict()})
            write_curve(REPORTS / f"{name}_curve.csv", result.curve)
            run.finish(REPORTS / f"{name}_curve.csv", {**summary, "parameters": result.parameters})
        checkpoint.remove()


if __name__ == "__main__":
    main()
