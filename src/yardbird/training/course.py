"""What happens after each epoch of a training, and the state from which an interrupted training resumes."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel, OptimStateKeyType
from torch.utils.data import DataLoader
from tqdm import tqdm

from yardbird.devices import peak_memory_mib
from yardbird.models.family import Family
from yardbird.progress import progress
from yardbird.seeds import derive_seed
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.lightning_module import FamilyModule
from yardbird.training.listeners import Listener
from yardbird.training.training_config import TrainingConfig


class Course(Callback):
    """Callback for epochs: seeds, progress bar, curve, best weights, checkpoint, listeners and early stopping."""

    def __init__(
        self,
        family: Family,
        module: FamilyModule,
        config: TrainingConfig,
        seed: int,
        checkpoint: CheckpointFolder | None,
        listeners: Sequence[Listener],
        loader: "DataLoader[Any]",
        mixed_epochs: int,
    ) -> None:
        self._family, self._module, self._config, self._seed = family, module, config, seed
        self._checkpoint, self._listeners, self._loader = checkpoint, listeners, loader
        self._mixed_epochs = mixed_epochs
        self.bar: tqdm[Any] = tqdm(disable=True)
        self._threads = torch.get_num_threads()
        self._state = checkpoint.read() if checkpoint else None
        self._resume()

    def _resume(self) -> None:
        state = self._state or {"curve": [], "best_weights": {}, "seconds": 0.0, "peak_memory_mib": 0.0}
        self.curve: list[dict[str, float]] = state["curve"]
        self.seconds: float = state["seconds"]
        self.peak_memory_mib: float = state["peak_memory_mib"]
        self.best_weights: dict[str, torch.Tensor] = state["best_weights"]
        self._optimizer_state: dict[str, Any] | None = state.get("optimizer")
        self._scaler: dict[str, Any] = state.get("scaler", {})
        if self.curve:
            self._module.step = state["step"]
            set_learnt(self._module.model, state["weights"])

    @property
    def best_epoch(self) -> int:
        """Counted from 1. The first of equal epochs; 0 before the first epoch."""
        watched = [row[f"validation_{self._family.watched}"] for row in self.curve]
        return watched.index(min(watched)) + 1 if watched else 0

    @property
    def finished(self) -> bool:
        stale = len(self.curve) - max(self.best_epoch, self._mixed_epochs)
        return len(self.curve) >= self._config.max_epochs or (bool(self.curve) and stale >= self._config.patience)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: ARG002  # Lightning's
        """Give the checkpoint of rank 0 to all ranks: a training may have started on a machine without it."""
        torch.set_num_threads(self._threads)  # Lightning changes it if there are several ranks
        if trainer.world_size > 1:
            self._state = trainer.strategy.broadcast(self._state)
            if not trainer.is_global_zero:
                self._resume()
        self._state = None
        trainer.fit_loop.epoch_progress.current.processed = len(self.curve)  # type: ignore[attr-defined]  # untyped
        trainer.should_stop = self.finished

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002  # Lightning's
        if self._optimizer_state is not None:
            _set_optimizer_state(trainer, self._optimizer_state)
            if self._scaler:  # empty if the checkpoint was not trained in 16 bits
                trainer.precision_plugin.load_state_dict(self._scaler)
            self._optimizer_state = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002  # Lightning's
        epoch = trainer.current_epoch
        of_rank = [trainer.global_rank] if trainer.global_rank else []  # other random numbers in each rank
        torch.manual_seed(derive_seed(self._seed, "epoch", self._family.name, epoch, *of_rank))
        self._loader.dataset.set_epoch(epoch)  # type: ignore[attr-defined]  # promised by Family.datasets
        self._started = time.perf_counter()
        patient = 0.5 if sys.stderr.isatty() else 20.0  # seconds between redraws: few lines for a log file
        doing = f"{self._family.name} epoch {epoch + 1}/{self._config.max_epochs}"
        if trainer.is_global_zero:
            batches = len(self._loader)
            self.bar = progress(total=batches, doing=doing, unit="batch", logged=True, mininterval=patient)

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        self.bar.update()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002  # Lightning's
        epoch = len(self.curve) + 1
        phase = {"adapting": float(epoch > self._mixed_epochs)} if self._mixed_epochs else {}
        self.curve.append({**self._module.row, **phase})
        optimizer = trainer.strategy.optimizer_state(trainer.optimizers[0])  # FSDP collects it from all ranks
        with _whole_weights(trainer):
            if self.best_epoch == epoch:
                self.best_weights = {name: value.cpu().clone() for name, value in _learnt(self._module.model).items()}
            self._epoch_seconds = time.perf_counter() - self._started
            self.seconds += self._epoch_seconds
            self.peak_memory_mib = max(self.peak_memory_mib, peak_memory_mib())
            if self._checkpoint:
                self._checkpoint.write(
                    {
                        "curve": self.curve,
                        "seconds": self.seconds,
                        "peak_memory_mib": self.peak_memory_mib,
                        "step": self._module.step,
                        "weights": _learnt(self._module.model),
                        "best_weights": self.best_weights,
                        "optimizer": optimizer,
                        "scaler": trainer.precision_plugin.state_dict(),  # of the loss in 16 bits; else empty
                    }
                )
                self._notify(epoch)
        trainer.should_stop = self.finished

    def _notify(self, epoch: int) -> None:
        windows = len(self._loader.dataset)  # type: ignore[arg-type]  # as in `fit`
        pace = {
            "epoch_seconds": self._epoch_seconds,
            "windows_per_second": windows / self._module.training_seconds,
        }
        watched = f"validation_{self._family.watched}"
        best = self.curve[self.best_epoch - 1][watched]
        row = self.curve[-1]
        figures = f"loss {row['train_loss']:.3f}, {watched} {row[watched]:.4f}, best {best:.4f}"
        self.bar.set_postfix_str(figures, refresh=False)
        self.bar.close()
        for listener in self._listeners:
            listener.on_epoch(self.curve, pace)
        every = self._config.sample_every_epochs
        if self._listeners and every and epoch % every == 0:
            sample = self._family.sample(derive_seed(self._seed, "sample", self._family.name, epoch))
            for listener in self._listeners:
                listener.on_sample(epoch, sample)


@contextmanager
def _whole_weights(trainer: Trainer) -> Iterator[None]:
    """Within the block, every rank has all weights of a model that FSDP shards."""
    if isinstance(model := trainer.strategy.model, FullyShardedDataParallel):
        with FullyShardedDataParallel.summon_full_params(model, writeback=False):
            yield
    else:
        yield


def _set_optimizer_state(trainer: Trainer, state: dict[str, Any]) -> None:
    """Set the state that `strategy.optimizer_state` of rank 0 returned, on every rank."""
    model, optimizer = trainer.strategy.model, trainer.optimizers[0]
    if isinstance(model, FullyShardedDataParallel):
        named = FullyShardedDataParallel.rekey_optim_state_dict(state, OptimStateKeyType.PARAM_NAME, model)
        state = FullyShardedDataParallel.optim_state_dict_to_load(model, optimizer, named)
    optimizer.load_state_dict(state)


def _learnt(model: nn.Module) -> dict[str, torch.Tensor]:
    """The state without frozen parameters, which are gigabytes of a model with adapters of a few megabytes."""
    frozen = _frozen(model)
    return {name: value for name, value in model.state_dict().items() if name not in frozen}


def set_learnt(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    keys = model.load_state_dict(weights, strict=False)
    assert not keys.unexpected_keys, "the weights are of another model"
    assert _frozen(model).issuperset(keys.missing_keys), "weights are missing"


def _frozen(model: nn.Module) -> set[str]:
    parameters = model.named_parameters(remove_duplicate=False)  # tied parameters have several names
    return {name for name, parameter in parameters if not parameter.requires_grad}
