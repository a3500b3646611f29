"""The MusicVAE family, which maps windows of the melody grid to points of a latent space and back."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from yardbird import files
from yardbird.checksums import check_sums
from yardbird.codecs.melody import HOLD, PAD, START, Frame, MelodyCodec, Steps
from yardbird.config import read_section
from yardbird.devices import best_device
from yardbird.models.family import ACTIVE_VARIANCE, Batch, Datasets, Loss, Means, Ratio, TokenScores
from yardbird.models.family_kinds import LatentFamily
from yardbird.models.music_vae.latent_solo import Latent
from yardbird.models.music_vae.melody_windows import MelodyWindows, whole_solos
from yardbird.models.music_vae.sequence_prior import Sequences, fit_prior
from yardbird.models.music_vae.vae_config import ModelConfig, PriorConfig
from yardbird.models.music_vae.vae_model import GREEDY, NO_CHORD, MusicVAE, StepValue
from yardbird.music.score import Score, Tempo, make_notes
from yardbird.nn.sampling import Sampling
from yardbird.seeds import derive_seed

_DECODED_AT_ONCE = 16  # solos
_OF_LOSS = (
    "chord_dropout", "velocity_weight", "beta", "beta_warmup_steps", "free_bits", "teacher_forcing",
    "teacher_forcing_steps", "blur_share", "windows_per_epoch", "background_epochs", "background_share",
    "step_temperature", "prior",
)  # fmt: skip


class MusicVAEFamily(LatentFamily):
    """A `MusicVAE` over the grids of a `MelodyCodec`."""

    name: ClassVar[str] = "music_vae"
    codec_name: ClassVar[str] = "melody"
    watched: ClassVar[str] = "sampled_error"
    conditioned_on: ClassVar[tuple[str, ...]] = ("chord changes", "points between solos", "attribute vectors")
    model: MusicVAE

    def __init__(self, codec: MelodyCodec, config: ModelConfig) -> None:
        self.codec, self.config = codec, config
        sizes = {name: value for name, value in dataclasses.asdict(config).items() if name not in _OF_LOSS}
        sizes |= {"prior_size": config.prior.size if config.prior.kind == "sequence" else 0}
        sizes |= {"prior_components": config.prior.components, "velocities": config.velocity_weight > 0}
        self.model = MusicVAE(codec=codec, **sizes)

    @classmethod
    def create(cls, encoded: Path, params: Path) -> "MusicVAEFamily":
        config = read_section("music_vae.model", ModelConfig, params)
        return cls(MelodyCodec.load(encoded / "codec.json"), config)

    @classmethod
    def load(cls, folder: Path) -> "MusicVAEFamily":
        check_sums(folder)
        family = cls(MelodyCodec.load(folder / "codec.json"), _stored(folder / "config.json"))
        family.model.load_state_dict(safetensors.torch.load_file(folder / "model.safetensors"))
        family.model.eval()
        return family

    def save(self, folder: Path) -> None:
        weights = {name: weight.detach().cpu().contiguous() for name, weight in self.model.state_dict().items()}
        files.write_bytes(folder / "model.safetensors", safetensors.torch.save(weights))
        files.write_json(folder / "config.json", dataclasses.asdict(self.config))
        self.codec.save(folder / "codec.json")

    def complete(self, encoded: Path, seed: int) -> dict[str, float]:
        """Train the learnt prior on the posteriors of the training solos. `validation_prior_kl` is the KL from the
        posteriors of validation windows to the prior, estimated with one sample, in nats a window."""
        config = self.config.prior
        if self.model.sequence is None:
            return {}
        self.model.to(best_device())
        training, validation = (self._sequences(encoded, split) for split in ("train", "validation"))
        torch.manual_seed(derive_seed(seed, "prior", self.name))
        nats = fit_prior(
            self.model.sequence,
            training,
            validation,
            steps=config.steps,
            batch_size=config.batch_size,
            length=config.crop_windows * self.model.parts,
            learning_rate=config.learning_rate,
            condition_dropout=self.config.chord_dropout,
            nothing=torch.from_numpy(NO_CHORD).to(training.condition.device),
            seed=seed,
        )
        spreads = validation.spreads[validation.inside]
        entropy = float((spreads.log() + 0.5 * math.log(2 * math.pi * math.e)).sum(-1).mean())
        self.model.cpu().eval()
        return {"validation_prior_kl": (nats - entropy) * self.model.parts}

    def _sequences(self, encoded: Path, split: str) -> Sequences:
        """The posteriors of all solos of a split, including copies."""
        solos = list(whole_solos(encoded, split, self.config.bars))
        lengths = [len(solo["steps"]) * self.model.parts for solo in solos]

        def of_solos(values: Tensor) -> Tensor:
            rows = list(torch.split(values.reshape(sum(lengths), -1), lengths))
            return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)

        means, spreads, conditions = (of_solos(values) for values in self.model.posteriors_of(solos))
        inside = torch.arange(means.shape[1]) < torch.tensor(lengths)[:, None]
        return Sequences(means, spreads, conditions, inside.to(means.device))

    def datasets(self, encoded: Path, seed: int) -> Datasets:
        bars, count, mixture = self.config.bars, self.config.windows_per_epoch, self.config.mixture
        train = MelodyWindows(encoded, "train", bars, hop=1, windows_per_epoch=count, seed=seed, mixture=mixture)
        return Datasets(
            train=train,
            validation=MelodyWindows(encoded, "validation", bars, hop=bars, windows_per_epoch=None, seed=0),
            mixed_epochs=train.mixed_epochs,
        )

    def loss(self, batch: Batch, step: int) -> Loss:
        """(Reconstruction + beta · max(KL − free bits, 0)) / steps of a window, in nats (§4.1).

        We compare the batch's mean KL with the free bits; the paper's code compares the KL of each window.
        """
        config, steps, chords = self.config, batch["steps"], batch["chords"]
        if config.chord_dropout:
            hidden = torch.rand(len(steps), 1, 1, 1, device=steps.device) < config.chord_dropout
            chords = torch.where(hidden, chords.new_tensor(NO_CHORD), chords)
        mean, spread = self.model.posterior(steps, batch["velocities"], chords)
        z = mean + spread * torch.randn_like(spread)
        blurred = torch.rand(len(z), device=z.device) < config.blur_share
        blur = torch.where(blurred, torch.rand(len(z), device=z.device), 0)
        z = z + blur[:, None] * torch.randn_like(z)
        forced = 1 - (1 - config.teacher_forcing) * min(1.0, (step + 1) / max(1, config.teacher_forcing_steps))
        # Hidden steps force the decoder to use z (word dropout, Bowman et al. 2016, arXiv 1511.06349).
        shown = blurred[:, None, None] | (torch.rand(steps.shape, device=steps.device) < forced)
        logits, velocity_logits = self.model(z, torch.where(shown, steps, START), chords, blur)
        nats, velocity_nats = self._nats(logits, velocity_logits, batch)
        kl = kl_to_prior(mean, spread).mean()
        beta = config.beta * min(1.0, (step + 1) / max(1, config.beta_warmup_steps))
        rate = beta * torch.clamp(kl - config.free_bits * math.log(2), min=0)
        windows, count = len(steps), (steps != PAD).sum()
        reconstruction = nats.sum() / windows
        total = reconstruction + config.velocity_weight * velocity_nats.sum() / windows + rate
        terms = {"reconstruction_nats": reconstruction.detach(), "kl": kl.detach()}
        return Loss(total / (count / windows), terms, weight=count)

    def _nats(self, logits: Tensor, velocity_logits: Tensor | None, batch: Batch) -> tuple[Tensor, Tensor]:
        """Nats of each step (B, N, S), 0 at padding, and of each note's velocity."""
        steps, velocities = batch["steps"], batch["velocities"]
        nats = _cross_entropy(logits, steps.where(steps != PAD, -100))
        if velocity_logits is None:
            return nats, torch.zeros_like(nats)
        targets = velocities.where(velocities > 0, -100)
        return nats, _cross_entropy(velocity_logits, targets)

    @torch.no_grad()
    def measure(self, batch: Batch) -> Mapping[str, Ratio]:
        """Measures of reconstruction and latent use on a batch of windows.

        Step accuracies: teacher-forced, sampled (greedy decoding), and shuffled (greedy decoding from the z of another
        window). Note F1 of both greedy decodings; a note matches if pitch and step agree. `grid_nats_per_note` is −ELBO
        with one sample of z: an upper bound of the nats of the steps, without velocities. KL is in nats a window. The
        first and second moment of μ are for the active units, see `figures`.
        """
        steps, chords = batch["steps"], batch["chords"]
        mean, spread = self.model.posterior(steps, batch["velocities"], chords)
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(0)).to(mean.device)
        kl = kl_to_prior(mean, spread)
        logits, _ = self.model(mean, steps, chords)
        drawn_logits, _ = self.model(mean + spread * noise, steps, chords)
        nats, _ = self._nats(drawn_logits, None, batch)
        points, twice = torch.cat([mean, _others(mean)]), torch.cat([chords, chords])
        sampled, shuffled = self.model.unroll(points, lambda rows: rows.argmax(-1), twice)[0].chunk(2)
        inside, notes = steps != PAD, float((steps < HOLD).sum())
        count, windows = float(inside.sum()), float(len(steps))
        moments = mean.double().sum(0).cpu().numpy(), mean.double().square().sum(0).cpu().numpy()
        return {
            "sampled_error": Ratio(count - _agreeing(sampled, steps, inside), count),
            "sampled_accuracy": Ratio(_agreeing(sampled, steps, inside), count),
            "forced_accuracy": Ratio(_agreeing(logits.argmax(-1), steps, inside), count),
            "shuffled_accuracy": Ratio(_agreeing(shuffled, steps, inside), count),
            "note_f1": _note_f1(sampled, steps, inside),
            "shuffled_note_f1": _note_f1(shuffled, steps, inside),
            "kl": Ratio(float(kl.double().sum()), windows),
            "grid_nats_per_note": Ratio(float(nats.double().sum() + kl.double().sum()), notes),
            "mean": Ratio(moments[0], windows),
            "mean_square": Ratio(moments[1], windows),
        }

    def figures(self, means: Means) -> dict[str, float]:
        """Compute `active_units` from the moments of μ (variance over all windows above 0.01); keep the other means."""
        variance = np.asarray(means["mean_square"]) - np.square(means["mean"])
        plain = {name: float(value) for name, value in means.items() if not name.startswith("mean")}
        return {**plain, "active_units": float((variance > ACTIVE_VARIANCE).sum())}

    @property
    def window_bars(self) -> int:
        return self.config.bars

    def encode(self, scores: Sequence[Score]) -> list[Latent]:
        """Posterior means of whole solos of any length."""
        return [self.model.encode(score) for score in scores]

    def decode(
        self,
        latents: Sequence[Latent],
        *,
        sampling: Sampling = GREEDY,
        pitch_range: tuple[int, int] = (0, 127),
        seeds: Sequence[int] | None = None,
    ) -> list[Score]:
        """Grid scores in the latents' frames, by greedy decoding unless `sampling` is given; seeds are 0 by default.

        `step_temperature` multiplies the temperature of `sampling`. A sampled point already determines the solo;
        sampling the steps as well would move away from the notes of that point.
        """
        sampling = dataclasses.replace(sampling, temperature=sampling.temperature * self.config.step_temperature)
        seeds = seeds or [0] * len(latents)
        parts = [slice(start, start + _DECODED_AT_ONCE) for start in range(0, len(latents), _DECODED_AT_ONCE)]
        return [
            score
            for part in parts
            for score in self.model.decode_all(
                latents[part], sampling=sampling, pitch_range=pitch_range, seeds=seeds[part]
            )
        ]

    def uphill(self, latents: Sequence[Latent], values: Sequence[StepValue]) -> list[NDArray[np.float32]]:
        """The direction at each point in which a value of the decoder's output grows fastest, (windows, Z) each."""
        return self.model.uphill(latents, values)

    def posterior(self, score: Score) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """μ and σ of each window of a solo, (windows, Z)."""
        return self.model.posteriors(self.codec.encode(score))

    def score_steps(self, score: Score, z: NDArray[np.float32]) -> TokenScores:
        """Score every step of a solo, teacher-forced, with one z for each window, (windows, Z); without velocities."""
        return self.model.score_steps(self.codec.encode(score), z)

    def sample_steps(self, score: Score, z: NDArray[np.float32]) -> Steps:
        """Raw steps (N, S) of greedy decoding, with one z for each window, (windows, Z), and a solo's chords."""
        return self.model.sample_steps(self.codec.encode(score), z)

    def reconstruct(self, scores: Sequence[Score]) -> list[Score]:
        return self.decode(self.encode(scores))

    def prior(
        self, frames: Sequence[Frame], seeds: Sequence[int], before: Sequence[Score | None] | None = None
    ) -> list[Latent]:
        config, nothing = self.config.prior, [None] * len(frames)
        latents = self.model.prior_all(frames, seeds, config.temperature, before or nothing, config.guidance)
        return [dataclasses.replace(latent, blur=config.blur) for latent in latents]

    def sample(self, seed: int) -> Score:
        """Eight bars without given chords from the prior, in 4/4 at 200 qpm, with temperature 1 and top-p 0.95."""
        steps = self.codec.config.steps_per_beat
        empty = Score(steps, make_notes([]), end_tick=8 * 4 * steps, tempos=(Tempo(0, 200.0),))
        latents = self.prior([self.codec.frame(empty)], [seed])
        (score,) = self.decode(latents, sampling=Sampling(1.0, None, 0.95, None), pitch_range=(49, 81), seeds=[seed])
        return score


def _stored(path: Path) -> ModelConfig:
    stored = files.read_json(path)
    prior = {"guidance": 1.0, **stored["prior"]}  # models saved before there was guidance draw as they did then
    return ModelConfig(**{**stored, "prior": PriorConfig(**prior)})


def kl_to_prior(mean: Tensor, spread: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, I)) in nats, (B, Z) → (B,) (Kingma & Welling 2014, appendix B)."""
    return (0.5 * (mean.square() + spread.square() - 1) - spread.log()).sum(-1)


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Nats of each target: (…, V), (…) → (…). With classes in the last dimension, the softmax reads whole rows."""
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none").view_as(targets)


def _others(z: Tensor) -> Tensor:
    """For each row, the z of another window of the batch; for a batch of one window, the prior's mean."""
    return z.roll(1, dims=0) if len(z) > 1 else torch.zeros_like(z)


def _agreeing(steps: Tensor, truth: Tensor, inside: Tensor) -> float:
    return float((steps == truth)[inside].sum())


def _note_f1(steps: Tensor, truth: Tensor, inside: Tensor) -> Ratio:
    """2 · matching notes / notes of both."""
    hits = ((steps == truth) & (truth < HOLD) & inside).sum()
    notes = ((steps < HOLD) & inside).sum() + (truth < HOLD).sum()
    return Ratio(2.0 * float(hits), float(notes))
