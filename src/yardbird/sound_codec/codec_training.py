"""Training of the codec: first as a plain autoencoder, then with codebooks fitted to its latents.

Without codebooks, the model learns pitch within minutes. Codebooks initialised with k-means of such latents keep most
of it. The moving average of the weights is measured and kept.
"""

import math
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from tqdm import tqdm

from yardbird.config import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, Settings, ShareBelowOne
from yardbird.nn import encodec
from yardbird.nn.residual_vq import QuantiseConfig, fit_codebooks, quantise
from yardbird.nn.spectral_loss import SpectralLossConfig, spectral_loss
from yardbird.seeds import derive_seed, generator
from yardbird.sound_codec.codec_quality import measure
from yardbird.sound_codec.training_sounds import Clip, SoundsConfig, crops, training_pool

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import EncodecModel

_FIT_BATCHES = 40  # number of batches whose latents initialise the codebooks


@dataclass(frozen=True)
class TrainingConfig(Settings, section="codec.training"):
    """Section `codec.training` of params.yaml."""

    steps: PositiveInt
    unquantised_steps: NonNegativeInt  # the first steps, without codebooks
    batch_size: PositiveInt
    crop_seconds: PositiveFloat
    learning_rate: PositiveFloat  # peak
    min_learning_rate: NonNegativeFloat  # at the end of the cosine
    warmup_steps: NonNegativeInt
    gradient_clip: PositiveFloat
    commitment: NonNegativeFloat  # weight of the commitment loss
    averaging: ShareBelowOne  # decay of the moving average of the weights, per step
    epoch_steps: PositiveInt  # steps of an epoch: each has new sounds and a measurement
    checkpoint_steps: PositiveInt
    threads: PositiveInt
    quantise: QuantiseConfig
    loss: SpectralLossConfig


#: Keys of params.yaml that can change when the training is resumed: they are no part of its checkpoint's key.
FREE_KEYS = ("codec.training.threads", "codec.training.checkpoint_steps")

CodecCurveRow = dict[str, Any]
State = Mapping[str, Any]


class Trainer:
    """A codec in training, its moving average, and the state of the training. Uses the model's device."""

    def __init__(self, model: "EncodecModel", config: TrainingConfig, sounds: SoundsConfig, seed: int) -> None:
        self.model, self.config, self.sounds, self.seed = model, config, sounds, seed
        self.average = deepcopy(model).train(False).requires_grad_(False)
        self.optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), foreach=True)
        self.codebooks = encodec.codebooks(model)
        self.step = 0
        self.cpu_seconds = 0.0  # of this process and those before it, rendering and measuring included
        self.curve: list[CodecCurveRow] = []
        self.sums: dict[str, float] = {}  # of the terms of the loss, over the epoch so far

    def run(
        self, clips: list[Clip], report: Callable[[CodecCurveRow], None], keep: Callable[[State], None]
    ) -> list[CodecCurveRow]:
        """Train from the current step to the last one. Return the curve.

        Args:
            clips: held-out clips, measured after every epoch.
            report: receives each new row of the curve.
            keep: receives the state after every `checkpoint_steps`, and at the end.
        """
        config = self.config
        length = round(config.crop_seconds * encodec.FRAME_RATE) * encodec.HOP
        pool_epoch, pool = -1, None
        clock = time.process_time()
        progress = tqdm(total=config.steps, initial=self.step, desc="codec", unit="step", leave=False)
        while self.step < config.steps:
            epoch = self.step // config.epoch_steps
            if pool is None or epoch != pool_epoch:
                pool_epoch, pool = epoch, training_pool(self.sounds, self.seed, epoch)
            if self.step == config.unquantised_steps:
                batches = (
                    crops(pool, config.batch_size, length, generator(self.seed, "codec", "fit", number))
                    for number in range(_FIT_BATCHES)
                )
                self._fit([torch.from_numpy(batch).to(self.model.device) for batch in batches])
            batch = crops(pool, config.batch_size, length, generator(self.seed, "codec", "batch", self.step))
            for name, value in self._learn(torch.from_numpy(batch).to(self.model.device)).items():
                self.sums[name] = self.sums.get(name, 0.0) + float(value) / config.epoch_steps
            self.step += 1
            progress.update()
            self.cpu_seconds += time.process_time() - clock
            clock = time.process_time()
            if self.step % config.epoch_steps == 0 or self.step == config.steps:
                row = {"step": self.step, **{f"train_{name}": value for name, value in self.sums.items()}}
                self.curve.append({**row, **measure(self.average, clips)})
                report(self.curve[-1])
                self.sums = {}
            if self.step % config.checkpoint_steps == 0 or self.step == config.steps:
                keep(self.state())
        return self.curve

    def state(self) -> State:
        """The complete state for `restore`, which resumes exactly."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "cpu_seconds": self.cpu_seconds,
            "curve": self.curve,
            "sums": self.sums,
        }

    def restore(self, state: State) -> None:
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.cpu_seconds = state["step"], state["cpu_seconds"]
        self.curve, self.sums = state["curve"], state["sums"]

    def _learn(self, batch: Tensor) -> dict[str, Tensor]:
        """One optimiser step. Return the terms of its loss."""
        config = self.config
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        rng = torch.Generator().manual_seed(derive_seed(self.seed, "codec", "step", self.step))
        latents = self.model.encoder(batch[:, None])
        commitment = latents.new_zeros(())
        if self.step >= config.unquantised_steps:
            quantised = quantise(latents, self.codebooks, config.quantise, rng)
            latents, commitment = quantised.latents, quantised.commitment
        total, terms = spectral_loss(self.model.decoder(latents)[:, 0], batch, self._loss(), rng)
        self.optimiser.zero_grad()
        torch.autograd.backward(total + config.commitment * commitment)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip)
        self.optimiser.step()
        self._average()
        return {**{name: value.detach() for name, value in terms.items()}, "commitment": commitment.detach()}

    def _loss(self) -> SpectralLossConfig:
        """Without codebooks only the waveform term: with the other terms the output stays silent for a long time."""
        if self.step < self.config.unquantised_steps:
            return replace(self.config.loss, magnitude=0.0, phase=0.0, logarithm=0.0, windows_a_step=0, waveform=1.0)
        return self.config.loss

    def _learning_rate(self) -> float:
        config = self.config
        if self.step < config.warmup_steps:
            return config.learning_rate * (self.step + 1) / config.warmup_steps
        done = (self.step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
        drop = config.learning_rate - config.min_learning_rate
        return config.min_learning_rate + drop * (1 + math.cos(math.pi * min(1.0, done))) / 2

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.averaging, (1 + self.step) / (10 + self.step))
        ours = [value for value in self.average.state_dict().values() if value.is_floating_point()]
        theirs = [value for value in self.model.state_dict().values() if value.is_floating_point()]
        torch._foreach_lerp_(ours, theirs, 1 - decay)

    @torch.no_grad()
    def _fit(self, batches: list[Tensor]) -> None:
        """Initialise the codebooks with k-means of the latents, and restart the moving average."""
        rng = torch.Generator().manual_seed(derive_seed(self.seed, "codec", "fit"))
        latents = torch.cat([self.model.encoder(batch[:, None]).transpose(1, 2).flatten(0, 1) for batch in batches])
        fit_codebooks(latents, self.codebooks, rng)
        self.average.load_state_dict(self.model.state_dict())
