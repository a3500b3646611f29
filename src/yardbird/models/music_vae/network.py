"""The recurrent variational autoencoder of MusicVAE (Roberts et al. 2018, arXiv 1803.05428), over integer steps.

Shapes: batch B, segments N (bars), steps S a segment, latent dimensions Z, conditioning features C a step, classes V.

    steps (B, N, S) → bidirectional LSTM → μ, σ → z (B, Z) → conductor LSTM → one embedding a segment
                                                            → decoder LSTM, begun anew at each segment → (B, N, S, V)

As segments do not see each other, all of them are one batch for the decoder: no loop over segments ever, and none over
steps when it is teacher-forced. Where we deviate from the paper: the encoder reads `patch_steps` steps at once, since
our grid is three times as fine, and is asked at both ends of every segment, not of the window alone; both decoders are
told the place of each step in its segment, and hear the latent through a projection of that place's own, as the
conductor does through one of each segment's, to which it adds; a segment starts from a start symbol, not from the step
before it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from yardbird.errors import InputError
from yardbird.nn.lstm import LSTM

_FIRST_SPREAD = -3.0  # before softplus, σ = 0.05: the decoder first meets a z that says something

Decoder = Literal["hierarchical", "flat"]
Pick = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the layers. `decoder` flat is the ablation: one LSTM over all steps, without a conductor."""

    segments: int  # a window
    latent_dim: int
    embedding_size: int
    encoder_size: int  # a direction
    encoder_layers: int
    patch_steps: int  # what the encoder reads at once; 1 in the paper
    conductor_size: int
    conductor_layers: int
    decoder_size: int
    decoder_layers: int
    decoder: Decoder
    dropout: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name not in ("decoder", "dropout") and value < 1:
                raise InputError(
                    name, expected="1 or more", found=str(value), remedy="change the model's configuration"
                )
        if not 0 <= self.dropout < 1:
            found = str(self.dropout)
            raise InputError("dropout", expected="from 0 to below 1", found=found, remedy="change it")


@dataclass(frozen=True)
class Alphabet:
    """What the steps are: the first `classes` of `symbols` can be predicted; `start` stands before a segment."""

    classes: int
    symbols: int
    start: int
    steps: int  # a segment
    features: int  # conditioning values a step, 0 for none
    accents: int  # classes of the side channel (velocity), 0 for none; class 0 is "none" there


class RecurrentVAE(nn.Module):
    """Encoder and decoder; see the module's picture. The side channel is predicted beside each step."""

    def __init__(self, alphabet: Alphabet, config: NetworkConfig) -> None:
        super().__init__()
        if alphabet.steps % config.patch_steps:
            expected = f"a divisor of the {alphabet.steps} steps of a segment"
            raise InputError("patch_steps", expected=expected, found=str(config.patch_steps), remedy="change it")
        self.alphabet, self.config = alphabet, config
        width, z = config.embedding_size, config.latent_dim
        self.embedding = nn.Embedding(alphabet.symbols, width)
        self.place = nn.Embedding(alphabet.steps, width)
        self.condition = nn.Linear(alphabet.features, width, bias=False) if alphabet.features else None
        self.accent = nn.Embedding(alphabet.accents, width) if alphabet.accents else None
        self.dropout = nn.Dropout(config.dropout)
        self.encoder = LSTM(
            width * config.patch_steps,
            config.encoder_size,
            config.encoder_layers,
            batch_first=True,
            bidirectional=True,
            dropout=config.dropout if config.encoder_layers > 1 else 0.0,
        )
        self.posterior_head = nn.Linear(config.segments * 2 * config.encoder_size, 2 * z)
        hierarchical = config.decoder == "hierarchical"
        size = config.conductor_size
        self.conductor = LSTM(size, size, config.conductor_layers, batch_first=True)
        self.conductor_start = nn.Linear(z, 2 * config.conductor_layers * size)
        self.conductor_input = nn.Linear(z, config.segments * size)
        if not hierarchical:
            del self.conductor, self.conductor_start, self.conductor_input
        context = size if hierarchical else z
        self.decoder_start = nn.Linear(context, 2 * config.decoder_layers * config.decoder_size)
        self.context = nn.Linear(context, alphabet.steps * 2 * width)
        self.decoder = LSTM(
            3 * width,
            config.decoder_size,
            config.decoder_layers,
            batch_first=True,
            dropout=config.dropout if config.decoder_layers > 1 else 0.0,
        )
        self.head = nn.Linear(config.decoder_size, alphabet.classes)
        self.accent_head = nn.Linear(config.decoder_size, alphabet.accents) if alphabet.accents else None
        for name, weight in self.named_parameters():
            if name.split(".")[-1].startswith("bias_ih"):
                nn.init.zeros_(weight)
                nn.init.ones_(weight[len(weight) // 4 : len(weight) // 2])  # forget gates begin open
        nn.init.constant_(self.posterior_head.bias[z:], _FIRST_SPREAD)

    def posterior(
        self,
        steps: Int[Tensor, "B N S"],
        accents: Int[Tensor, "B N S"] | None = None,
        condition: Float[Tensor, "B N S C"] | None = None,
    ) -> tuple[Float[Tensor, "B Z"], Float[Tensor, "B Z"]]:
        """μ and σ of q(z | steps), a diagonal Gaussian."""
        embedded = self._embed(steps, condition)
        if self.accent is not None and accents is not None:
            embedded = embedded + self.accent(accents)
        patches = self.dropout(embedded).reshape(len(steps), -1, self.encoder.input_size)
        states, _ = self.encoder(patches)
        forward, backward = states.view(len(steps), self.config.segments, -1, states.shape[2]).chunk(2, dim=-1)
        ends = torch.cat([forward[:, :, -1], backward[:, :, 0]], dim=-1)
        mean, spread = self.posterior_head(ends.flatten(1)).float().chunk(2, dim=-1)  # a KL in bf16 is off by nats
        return mean, F.softplus(spread) + 1e-4

    def forward(
        self,
        z: Float[Tensor, "B Z"],
        inputs: Int[Tensor, "B N S"],
        condition: Float[Tensor, "B N S C"] | None = None,
    ) -> tuple[Float[Tensor, "B N S V"], Float[Tensor, "B N S A"] | None]:
        """Logits of every step, and of its accent, given the steps before it: `inputs` are the steps themselves."""
        batch = len(z)
        shifted = self._shift(inputs)
        context, state = self._begin(z)
        rows = self._rows(self._embed(shifted, condition))
        hidden, _ = self.decoder(torch.cat([self.dropout(rows), context], dim=-1), state)
        hidden = self.dropout(hidden).reshape(batch, self.config.segments, self.alphabet.steps, -1)
        return self.head(hidden), None if self.accent_head is None else self.accent_head(hidden)

    def unroll(
        self,
        z: Float[Tensor, "B Z"],
        pick: Pick,
        condition: Float[Tensor, "B N S C"] | None = None,
    ) -> tuple[Int[Tensor, "B N S"], Int[Tensor, "B N S"] | None]:
        """Steps and likeliest accents, each step chosen by `pick`, (rows, V) → (rows,), and fed back; rows are segments
        (hierarchical) or whole windows (flat), those of a window next to each other."""
        context, state = self._begin(z)
        empty = torch.zeros(len(z), self.config.segments, self.alphabet.steps, dtype=torch.long, device=z.device)
        places = self._rows(self._embed(empty, condition) - self.embedding(empty))  # all of the input but the symbol
        symbol = torch.full((len(places),), self.alphabet.start, device=z.device)
        steps, accents = [], []
        for step in range(places.shape[1]):
            row = torch.cat([self.embedding(symbol) + places[:, step], context[:, step]], dim=-1)
            hidden, state = self.decoder(row[:, None], state)
            symbol = pick(self.head(hidden[:, 0]))
            steps.append(symbol)
            if self.accent_head is not None:
                accents.append(self.accent_head(hidden[:, 0])[:, 1:].argmax(-1) + 1)
        shape = (len(z), self.config.segments, self.alphabet.steps)
        return torch.stack(steps, 1).reshape(shape), torch.stack(accents, 1).reshape(shape) if accents else None

    def _embed(self, steps: Tensor, condition: Tensor | None) -> Tensor:
        embedded: Tensor = self.embedding(steps) + self.place.weight
        if self.condition is not None and condition is not None:
            embedded = embedded + self.condition(condition)
        return embedded

    def _shift(self, steps: Tensor) -> Tensor:
        """What stands before each step: the start symbol before a segment, or before the whole window if flat."""
        rows = self._rows(steps[..., None])[..., 0]
        start = torch.full_like(rows[:, :1], self.alphabet.start)
        return torch.cat([start, rows[:, :-1]], dim=1).reshape(steps.shape)

    def _rows(self, values: Tensor) -> Tensor:
        """(B, N, S, …) → the decoder's batch: (B·N, S, …), or (B, N·S, …) if flat."""
        return values.flatten(0, 1) if self.config.decoder == "hierarchical" else values.flatten(1, 2)

    def _begin(self, z: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """What the latent tells the decoder at each step, (rows, steps, D), and its first state."""
        plan = z
        if self.config.decoder == "hierarchical":
            state = _states(self.conductor_start(z), self.config.conductor_layers)
            heard = self.conductor_input(z).view(len(z), self.config.segments, -1)
            plan = (heard + self.conductor(heard, state)[0]).flatten(0, 1)
        context = self.context(plan).view(len(plan), self.alphabet.steps, -1)
        if self.config.decoder == "flat":
            context = context.repeat(1, self.config.segments, 1)
        return context, _states(self.decoder_start(plan), self.config.decoder_layers)


def _states(flat: Tensor, layers: int) -> tuple[Tensor, Tensor]:
    """(rows, 2·layers·D) → two first states, (layers, rows, D) each."""
    hidden, cell = torch.tanh(flat).view(len(flat), 2, layers, -1).permute(1, 2, 0, 3)
    return hidden.contiguous(), cell.contiguous()
