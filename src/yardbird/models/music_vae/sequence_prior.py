"""A learnt autoregressive prior over latent points in playing order, with a condition.

Shapes: batch B, parts T in playing order (P parts for each window), dimensions D of a part, condition features C of a
part, components K.

    part t−1, condition of parts t and t+1, place of t in its window → LSTM → a mixture of K Gaussians over part t

The mixture is that of Graves 2013 (arXiv 1308.0850, §4.1) with diagonal Gaussians. A single Gaussian would average over
all possible continuations. Parts are smaller than windows, so that the mixture has few dimensions.

Classifier-free guidance (Ho & Salimans 2021, arXiv 2207.12598) samples from p(part | condition)^w · p(part)^(1 − w),
where p(part) is the prior without a condition. This product of mixtures has no simple form, so we sample candidates
from p(part | condition) and choose one with a probability in proportion to (p(part | condition) / p(part))^(w − 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from yardbird.nn.evaluating import evaluating, in_evaluation
from yardbird.nn.lstm import LSTM
from yardbird.seeds import derive_seed, generator
from yardbird.time_budget import check_time

_CANDIDATES = 16  # of each part if there is guidance
_LEAST_SPREAD = 0.02  # without a minimum, a component that collapses to a single point has unbounded density


@dataclass(frozen=True)
class Mixture:
    """Gaussians over the parts of a batch: log weights (B, T, K), means and standard deviations (B, T, K, D)."""

    log_weights: Tensor
    means: Tensor
    spreads: Tensor

    def log_density(self, parts: Float[Tensor, "B T D"]) -> Float[Tensor, "B T"]:
        """Log density of each part, in nats."""
        away = (parts[:, :, None] - self.means) / self.spreads
        gaussians = -(0.5 * away.square() + self.spreads.log() + 0.5 * log(2 * pi)).sum(-1)
        return torch.logsumexp(self.log_weights + gaussians, dim=-1)


class SequencePrior(nn.Module):
    """p(parts | condition); causal in the parts."""

    def __init__(self, *, dimensions: int, features: int, places: int, size: int, components: int) -> None:
        super().__init__()
        self.dimensions, self.places, self.components = dimensions, places, components
        self.read = nn.Linear(dimensions + 1 + 2 * features, size)  # 1: whether there is a part before
        self.place = nn.Embedding(places, size)
        self.lstm = LSTM(size, size, batch_first=True)
        self.head = nn.Linear(2 * size, components * (1 + 2 * dimensions))

    def forward(self, parts: Float[Tensor, "B T D"], condition: Float[Tensor, "B T C"]) -> Mixture:
        before = F.pad(F.pad(parts[:, :-1], (0, 1), value=1.0), (0, 0, 1, 0))
        inputs = self._inputs(before, *self._known(condition))
        return self._mixture(torch.cat([self.lstm(inputs)[0], inputs], dim=-1))

    @in_evaluation
    def draw(
        self,
        conditions: Sequence[Float[Tensor, "T C"]],
        seeds: Sequence[int],
        temperature: float,
        given: Sequence[Float[Tensor, "G D"] | None],
        *,
        guidance: float,
        nothing: Float[Tensor, " C"],
    ) -> list[NDArray[np.float32]]:
        """Sample T − G parts of each solo, (T − G, D), that continue its G given parts (whole windows).

        The parts of window i depend on the solo's seed, i and all parts before them. `temperature` divides the logits
        of the mixture weights and multiplies the standard deviations. 0: the mean of the component with the largest
        weight.

        Args:
            conditions, seeds, given: of each solo; T and G may differ. `given` None: no parts.
            guidance: w, the weight of the condition. 1: as in training.
            nothing: the features of no condition; `condition_dropout` must have been positive in training.
        """
        lengths = [
            len(own) - (0 if start is None else len(start)) for own, start in zip(conditions, given, strict=True)
        ]
        order = sorted(range(len(lengths)), key=lambda row: -lengths[row])  # those still sampled are the first rows
        begun = [self._begun(conditions[row], given[row], guidance, nothing) for row in order]
        known = pad_sequence([own.transpose(0, 1) for own, *_ in begun]).transpose(1, 2)  # (T, halves, B, 2C)
        before, hidden, cell = (torch.stack(values, 1) for values in list(zip(*begun, strict=True))[1:])
        places = self.place(torch.arange(self.places, device=nothing.device))
        count = 1 if guidance == 1 else _CANDIDATES
        drawn: list[list[Tensor]] = [[] for _ in order]
        for at in range(lengths[order[0]]):
            check_time()
            live = sum(length > at for length in lengths)
            if at % self.places == 0:
                streams = [generator(seeds[row], "prior", at // self.places) for row in order[:live]]
            inputs = self._inputs(before[:, :live], known[at, :, :live], places[at % self.places]).flatten(0, 1)
            ((hidden, cell),) = self.lstm.step(inputs, [(hidden[:, :live].flatten(0, 1), cell[:, :live].flatten(0, 1))])
            mixture = self._mixture(torch.cat([hidden, inputs], dim=-1)[:, None])
            hidden, cell = hidden.view(-1, live, hidden.shape[1]), cell.view(-1, live, cell.shape[1])
            logits = mixture.log_weights[:live, 0].double().cpu().numpy()
            noise = [
                (own.gumbel(size=(count, self.components)), own.standard_normal((count, self.dimensions)))
                for own in streams[:live]
            ]
            weights, shifts = (np.stack(values) for values in zip(*noise, strict=True))
            components = torch.from_numpy((logits[:, None] + temperature * weights).argmax(-1)).to(nothing.device)
            shift = torch.from_numpy(shifts.astype(np.float32)).to(nothing.device)
            rows = torch.arange(live, device=nothing.device)
            chosen = rows[:, None], 0, components
            parts = mixture.means[chosen] + temperature * mixture.spreads[chosen] * shift  # (B, candidates, D)
            best = torch.zeros(live, dtype=torch.long)
            if guidance != 1:
                conditioned, free = (
                    mixture.log_density(parts.repeat(2, 1, 1)).double().cpu().numpy().reshape(2, live, -1)
                )
                luck = np.stack([own.gumbel(size=count) for own in streams[:live]])
                best = torch.from_numpy(((guidance - 1) * (conditioned - free) + luck).argmax(-1))
            part = parts[rows, best.to(nothing.device)]
            before = F.pad(part, (0, 1), value=1.0).expand(len(before), -1, -1)
            for own, new in zip(drawn, part, strict=False):
                own.append(new)
        found = dict(zip(order, drawn, strict=True))
        return [torch.stack(found[row]).cpu().numpy() for row in range(len(order))]

    def _begun(
        self, condition: Tensor, given: Tensor | None, guidance: float, nothing: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What `_known` returns for the parts after the given ones, (halves, T − G, 2C), and what the first of them
        depends on: the part before, (halves, D + 1), and the state, (halves, size) each. With guidance, the second half
        has no condition.
        """
        rows = condition[None] if guidance == 1 else torch.stack([condition, nothing.expand_as(condition)])
        known, places = self._known(rows)
        if given is None or not len(given):
            zeros = condition.new_zeros(len(rows), self.lstm.hidden_size)
            return known, condition.new_zeros(len(rows), self.dimensions + 1), zeros, zeros
        first = len(given)
        read = F.pad(F.pad(given, (0, 1), value=1.0), (0, 0, 1, 0)).expand(len(rows), -1, -1)
        _, (hidden, cell) = self.lstm(self._inputs(read[:, :-1], known[:, :first], places[:first]))
        return known[:, first:], read[:, -1], hidden[0], cell[0]

    def _known(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The conditions of each part and the next, (B, T, 2C), and the embedded place of each part, (T, size)."""
        conditions = torch.cat([condition, F.pad(condition[:, 1:], (0, 0, 0, 1))], dim=-1)
        return conditions, self.place(torch.arange(condition.shape[1], device=condition.device) % self.places)

    def _inputs(self, before: Tensor, conditions: Tensor, places: Tensor) -> Tensor:
        """(…, D + 1) and what `_known` returns for the same parts → (…, size)."""
        inputs: Tensor = F.gelu(self.read(torch.cat([before, conditions], dim=-1)) + places)
        return inputs

    def _mixture(self, hidden: Tensor) -> Mixture:
        weights, means, spreads = self.head(hidden).split(
            [self.components, self.components * self.dimensions, self.components * self.dimensions], dim=-1
        )
        shape = (*hidden.shape[:2], self.components, self.dimensions)
        return Mixture(weights.log_softmax(-1), means.view(shape), F.softplus(spreads).view(shape) + _LEAST_SPREAD)


@dataclass(frozen=True)
class Sequences:
    """Posteriors of whole solos in playing order, padded to one length: (B, T, D) each, (B, T, C), (B, T)."""

    means: Tensor
    spreads: Tensor
    condition: Tensor
    inside: Tensor


def nats(prior: SequencePrior, parts: Tensor, condition: Tensor, inside: Bool[Tensor, "B T"]) -> Tensor:
    """Mean of −log p over the parts that are inside."""
    density: Tensor = prior(parts, condition).log_density(parts)
    return -density[inside].mean()


def fit_prior(
    prior: SequencePrior,
    training: Sequences,
    validation: Sequences,
    *,
    steps: int,
    batch_size: int,
    length: int,
    learning_rate: float,
    condition_dropout: float,
    nothing: Tensor,
    seed: int,
) -> float:
    """Train by maximum likelihood on crops of `length` parts, at points sampled from the posteriors.

    Measures the validation solos about twenty times and keeps the weights with the highest likelihood.

    Args:
        condition_dropout: share of the crops whose condition is replaced by `nothing`, (C,).

    Returns:
        Nats of a part, mean over the validation solos.
    """
    device = training.means.device
    random = torch.Generator().manual_seed(derive_seed(seed, "prior"))
    optimizer = torch.optim.AdamW(prior.parameters(), lr=learning_rate, weight_decay=0.01, betas=(0.9, 0.98))
    lengths = training.inside.sum(1)
    held_out = validation.means + validation.spreads * torch.randn(
        validation.means.shape, generator=torch.Generator().manual_seed(0)
    ).to(device)
    best, kept = float("inf"), {}
    prior.train()
    for step in range(steps):
        warm = min(1.0, (step + 1) / 50)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / steps)))
        rows = torch.randint(len(lengths), (batch_size,), generator=random)
        windows = (lengths[rows].cpu() - length).clamp(min=0) // prior.places + 1
        first = (torch.rand(batch_size, generator=random) * windows).long() * prior.places
        at = (first[:, None] + torch.arange(length)).clamp(max=training.means.shape[1] - 1)
        means, spreads, condition, inside = (
            values[rows[:, None], at]
            for values in (training.means, training.spreads, training.condition, training.inside)
        )
        noise = torch.randn(means.shape, generator=random).to(device)
        hidden = (torch.rand(batch_size, 1, 1, generator=random) < condition_dropout).to(device)
        loss = nats(prior, means + spreads * noise, torch.where(hidden, nothing, condition), inside)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's
        nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % max(1, steps // 20) == 0 or step + 1 == steps:
            with evaluating(prior), torch.no_grad():
                value = float(nats(prior, held_out, validation.condition, validation.inside))
            if value < best:
                best, kept = value, {name: weight.clone() for name, weight in prior.state_dict().items()}
    prior.load_state_dict(kept)
    return best
