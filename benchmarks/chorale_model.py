"""Chorale voices by intervals: attention over eighths, a small network for each voice, and four n-grams.

The factors are those of the serialised chorale: each pitch given all sixteenths before it and the higher voices of its
own. Attention reads one state for each eighth instead of one for each token, because a token repeats the pitch before
it in three of four cases. The network of a voice adds what the other voices did since then.

Shapes: pieces B, tokens of each voice N, voices V = 4, eighths S, classes C, width d.
"""

import math
import sys
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from chorale_batches import N_GRAMS, Batch, Chorales, batch_of
from chorale_states import CLASSES, KEYS, LEAP, REST, WIDE
from chorale_training import Training, initialise
from chorales import VOICES
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from yardbird.nn.transformer import Block, TransformerConfig

STEPS = torch.arange(-LEAP, LEAP + 1)  # of the classes that are no rest


@dataclass(frozen=True)
class IntervalSetting:
    """Sizes of an `IntervalModel` and its training."""

    d_model: int
    num_layers: int  # of attention
    hidden: int  # width of the two hidden layers of each voice
    dropout: float
    feature_dropout: float  # share of the known classes of each token that are left out
    epochs: int
    batch: int  # pieces
    learning_rate: float
    weight_decay: float
    averaging: float  # decay of the moving average of the weights, which is scored
    held_share: float  # share of the odd sixteenths without a new pitch that are trained on, with greater weight
    recall: bool  # use the n-grams


BY_INTERVALS = IntervalSetting(
    d_model=128,
    num_layers=2,
    hidden=256,
    dropout=0.3,
    feature_dropout=0.1,
    epochs=7,
    batch=3,
    learning_rate=3e-3,
    weight_decay=0.1,
    averaging=0.99,
    held_share=0.25,
    recall=True,
)


class IntervalModel(nn.Module):
    """A batch → logits (V, N, C) of the interval from the latest pitch of each voice."""

    def __init__(self, setting: IntervalSetting, known: int, eighths: int) -> None:
        super().__init__()
        width = setting.d_model
        config = TransformerConfig(
            d_model=width,
            num_heads=width // 32,
            num_layers=setting.num_layers,
            d_ff=2 * width,
            dropout=setting.dropout,
            attention="relative",
            max_distance=128,
            context_length=512,
            tie_embeddings=True,
        )
        self.setting = setting
        self.eighths = nn.EmbeddingBag(eighths, width, mode="sum")
        self.start = nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(setting.num_layers))
        self.norm = nn.LayerNorm(width)
        self.known = nn.EmbeddingBag(known, width, mode="sum")
        self.state = ByVoice(width, width)
        self.histograms, self.heights = ByVoice(36, width, gain=3.0), ByVoice(6, width)
        self.recalled = ByVoice(N_GRAMS * CLASSES, width) if setting.recall else None
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.widen = nn.ModuleList(ByVoice(width, setting.hidden) for _ in range(2))
        self.narrow = nn.ModuleList(ByVoice(setting.hidden, width, gain=0.5) for _ in range(2))
        self.sizes = [CLASSES] + [2 * WIDE + 1] * VOICES + [KEYS] * 2 + [2] + [N_GRAMS] * setting.recall
        self.output = ByVoice(width, sum(self.sizes), gain=0.5)
        self.bias = nn.Parameter(torch.zeros(VOICES, 1, sum(self.sizes)))
        if setting.recall:
            self.trust = nn.Parameter(torch.full((VOICES, N_GRAMS, 16), 0.15))  # in each n-gram, by its orders
        self.dropout = nn.Dropout(setting.dropout)
        nn.init.normal_(self.known.weight, std=0.1)
        nn.init.normal_(self.eighths.weight, std=0.25)
        initialise(self.blocks)

    def forward(self, batch: Batch) -> Tensor:
        x = self.embedded(batch) + self.state(self.past(batch.eighths)[batch.eighth].expand(VOICES, -1, -1))
        x = self.dropout(x)
        for norm, widen, narrow in zip(self.norms, self.widen, self.narrow, strict=False):
            x = x + self.dropout(narrow(F.relu(widen(norm(x)))))
        outputs: Tensor = self.output(self.norms[-1](x)) + self.bias
        return self.logits(outputs, batch)

    def past(self, eighths: Tensor) -> Tensor:
        """(B, S, E) → (B · S, d): what the attention knows before each eighth."""
        pieces, length, columns = eighths.shape
        x = self.dropout(self.eighths(eighths.view(-1, columns)).view(pieces, length, -1))
        x = torch.cat([self.start.expand(pieces, 1, -1), x[:, :-1]], dim=1)
        for block in self.blocks:
            x = block(x)
        found: Tensor = self.norm(x).flatten(0, 1)
        return found

    def embedded(self, batch: Batch) -> Tensor:
        """(V, N, d): all that is known of the voices, from the latest pitch of the own one."""
        kept = None
        if self.training:
            share = 1 - self.setting.feature_dropout
            kept = (torch.rand(batch.known.shape).flatten(0, 1) < share) / share
        known: Tensor = self.known(batch.known.flatten(0, 1), per_sample_weights=kept).unflatten(0, (VOICES, -1))
        embedded: Tensor = known + self.histograms(batch.histograms) + self.heights(batch.heights)
        if self.recalled is not None:
            embedded = embedded + self.recalled((batch.logarithms / 2).exp().flatten(2))
        return embedded

    def logits(self, outputs: Tensor, batch: Batch) -> Tensor:
        own, *parts = torch.split(outputs, self.sizes, dim=-1)
        intervals, degrees, (height, *trust) = parts[:VOICES], parts[VOICES : VOICES + 2], parts[VOICES + 2 :]
        added = torch.zeros(())
        for other, term in enumerate(intervals):  # to each voice
            added = added + term.gather(2, (batch.apart[..., [other]] + STEPS).clamp(-WIDE, WIDE) + WIDE)
        for number, term in enumerate(degrees):  # in both keys
            tonic = batch.degrees[..., [number]]
            added = added + term.gather(2, (tonic + STEPS) % 12 + tonic // 12 * 12)
        there = batch.height[..., None] + STEPS / 6
        added = added + height[..., :1] * there + height[..., 1:] * there**2
        logits = torch.cat([own[..., :REST] + added, own[..., REST:]], dim=-1)
        if self.recalled is None:
            return logits
        by_orders = self.trust[:, None].expand(-1, logits.shape[1], -1, -1).gather(3, batch.orders[..., None])
        return logits + ((trust[0] + by_orders[..., 0])[..., None] * batch.logarithms).sum(2)


class ByVoice(nn.Module):
    """A matrix for each voice: (V, N, in) → (V, N, out)."""

    def __init__(self, width: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(VOICES, width, outputs) * gain * width**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(x, self.weight)


def nats(model: IntervalModel, chorales: Chorales) -> list[NDArray[np.float64]]:
    """Nats of every token of each piece, in the order of the serialised chorale: (V · T,) each."""
    model.eval()
    found = []
    with torch.inference_mode():
        for row in range(len(chorales.pieces)):
            batch = batch_of(chorales, [row])
            each = F.cross_entropy(model(batch).transpose(1, 2), batch.classes, reduction="none")
            found.append(each.T.flatten().double().numpy())
    return found


def trained(chorales: Chorales, held_out: Chorales, setting: IntervalSetting, seed: int) -> IntervalModel:
    """The moving average of the weights after the last epoch."""
    torch.manual_seed(seed)
    model = IntervalModel(setting, chorales.known, chorales.eighths)
    lengths = torch.tensor([len(piece) for piece in chorales.pieces])
    training = Training(
        model,
        learning_rate=setting.learning_rate,
        weight_decay=setting.weight_decay,
        averaging=setting.averaging,
        steps=setting.epochs * math.ceil(len(lengths) / setting.batch),
        warm_up=50,
    )
    for epoch in range(1, setting.epochs + 1):
        model.train()
        order = (lengths + 40 * torch.rand(len(lengths))).argsort()  # pieces of similar length in each batch
        parts = torch.split(order, setting.batch)
        losses, weight = 0.0, 0.0
        for part in tqdm(torch.randperm(len(parts)).tolist(), desc=f"epoch {epoch}", leave=False):
            batch = batch_of(chorales, parts[part].tolist(), setting.held_share)
            each = F.cross_entropy(model(batch).transpose(1, 2), batch.classes, reduction="none")
            loss = (each * batch.weight).sum() / (VOICES * batch.weight.sum())
            training.step(loss)
            losses += float((each.detach() * batch.weight).sum())
            weight += VOICES * float(batch.weight.sum())
        if epoch % 4 == 0 or epoch == setting.epochs:
            found = np.concatenate(nats(training.averaged, held_out)).mean()
            print(
                f"by intervals, epoch {epoch}: training {losses / weight:.4f}, validation {found:.4f}", file=sys.stderr
            )
    return training.averaged
