"""The recurrent variational autoencoder of MusicVAE (Roberts et al. 2018, arXiv 1803.05428), over integer steps.

Shapes: batch B, segments N (bars), steps S a segment, latent dimensions Z, conditioning features C a step, classes V.

    steps (B, N, S) → bidirectional LSTM over patches → μ, σ → z (B, Z) → conductor LSTM → one plan for each patch
                                                            → decoder LSTM, restarted at each segment → (B, N, S, V)

Segments are independent given the plan, so the decoder processes all of them as one batch. There is no loop over
segments, and with teacher forcing no loop over steps. Deviations from the paper:

- The encoder reads `patch_steps` steps at once, because our grid is three times as fine.
- By default z consists of parts, one for each patch. One layer, shared by all patches, computes a part from the patch
  and the encoder's state there. One layer of the conductor, also shared, reads the parts.
- Some classes, such as pitches, are ordered. Their height is an input as a number, and is predicted as the centre of a
  parabola over the classes. Their distance from a reference, modulo the period, is an input and is predicted. The
  latest ordered class in the segment is an input of every step, and the distance from it is predicted.
- The decoder receives the amount of noise added to z (conditioning augmentation, Ho et al. 2022, arXiv 2106.15282), so
  that it learns how far to rely on z.
- Both decoders receive the place of each step in its segment, and a projection of the plan for each place of the
  patch. A segment starts from a start symbol, not from the step before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from yardbird.config import PositiveInt, Settings, ShareBelowOne
from yardbird.models.music_vae.step_decoder import Pick, StepDecoder
from yardbird.nn.linear import Linear, together
from yardbird.nn.lstm import LSTM
from yardbird.nn.relations import NOTHING, carry

WIDEST = 24  # distance of classes; greater distances share a term
_FIRST_SPREAD = -3.0  # before softplus, i.e. σ = 0.05: at the start of training, z is informative

Decoder = Literal["hierarchical", "flat"]
Posterior = Literal["parts", "patches", "ends"]


@dataclass(frozen=True)
class NetworkConfig(Settings, section="music_vae.model"):
    """Sizes of the layers. The `flat` decoder is the ablation: one LSTM over all steps, without a conductor."""

    segments: PositiveInt  # a window
    latent_dim: PositiveInt
    posterior: Posterior  # μ and σ from each patch (parts), all patches (patches) or ends of segments (ends)
    ordered: bool  # read and predict the ordered classes also as a number
    degrees: bool  # and as their distance from the reference, modulo the period
    intervals: bool  # predict them also as their distance from the latest one, which is an input of every step
    embedding_size: PositiveInt
    encoder_size: PositiveInt  # of each direction
    encoder_layers: PositiveInt
    patch_steps: PositiveInt  # steps that the encoder reads at once; 1 in the paper
    conductor_size: PositiveInt
    conductor_layers: PositiveInt
    decoder_size: PositiveInt
    decoder_layers: PositiveInt
    decoder: Decoder
    dropout: ShareBelowOne


@dataclass(frozen=True)
class Alphabet:
    """The symbols of steps. The first `classes` of `symbols` can be predicted; `start` precedes a segment."""

    classes: int
    symbols: int
    start: int
    steps: int  # a segment
    ordered: int  # the number of first classes that are ordered, as pitches are
    period: int  # of the order; the first `period` condition features are weights of the degrees' reference
    features: int  # condition values of a step; 0 for none
    accents: int  # classes of the side channel (velocity), 0 for none; class 0 is "none" there


class RecurrentVAE(nn.Module):
    """Encoder and decoder, as in the module's diagram. The side channel (accent) is predicted with each step."""

    known: Tensor
    distances: Tensor
    intervals: Tensor
    parabola: Tensor
    residues: Tensor
    turns: Tensor

    def __init__(self, alphabet: Alphabet, config: NetworkConfig) -> None:
        super().__init__()
        _check(alphabet, config)
        self.alphabet, self.config = alphabet, config
        width, z = config.embedding_size, config.latent_dim
        self.embedding = nn.Embedding(alphabet.symbols, width)
        self.place = nn.Embedding(alphabet.steps, width)
        self.condition = nn.Linear(alphabet.features, width, bias=False) if alphabet.features else None
        self.accent = nn.Embedding(alphabet.accents, width) if alphabet.accents else None
        ordered, degrees = config.ordered, config.degrees and alphabet.features > 0
        known = _heights(alphabet)
        self.register_buffer("known", known, persistent=False)
        self.height = nn.Linear(2, width, bias=False) if ordered else None
        distances = torch.arange(alphabet.symbols)[:, None] - torch.arange(alphabet.period)
        self.register_buffer("distances", distances % alphabet.period, persistent=False)
        self.degree = nn.Linear(alphabet.period, width, bias=False) if degrees else None
        self.register_buffer("intervals", _intervals(alphabet), persistent=False)
        self.dropout = nn.Dropout(config.dropout)
        patch = width * config.patch_steps
        self.encoder = LSTM(
            patch,
            config.encoder_size,
            config.encoder_layers,
            batch_first=True,
            bidirectional=True,
            dropout=config.dropout if config.encoder_layers > 1 else 0.0,
        )
        patches = config.segments * alphabet.steps // config.patch_steps
        read = 2 * config.encoder_size + patch
        heads = {
            "ends": (config.segments * 2 * config.encoder_size, 2 * z),
            "patches": (patches * read, 2 * z),
            "parts": (read, 2 * z // patches),
        }
        self.posterior_head = Linear(*heads[config.posterior])
        hierarchical = config.decoder == "hierarchical"
        size = config.conductor_size
        local = config.posterior == "parts"
        plans = patches if local else config.segments
        self.conductor = LSTM(size, size, config.conductor_layers, batch_first=True)
        self.conductor_start = nn.Linear(z, 2 * config.conductor_layers * size)
        self.conductor_input = Linear(z // patches, size) if local else Linear(z, plans * size)
        if not hierarchical:
            del self.conductor, self.conductor_start, self.conductor_input
        context = size if hierarchical else z // patches if local else z
        self.blurred = nn.Parameter(torch.empty(context).uniform_(-1, 1))
        self.decoder_start = nn.Linear(context, 2 * config.decoder_layers * config.decoder_size)
        self.context = Linear(context, config.segments * alphabet.steps // plans * 2 * width)
        self.decoder = LSTM(
            3 * width,
            config.decoder_size,
            config.decoder_layers,
            batch_first=True,
            dropout=config.dropout if config.decoder_layers > 1 else 0.0,
        )
        self.head = nn.Linear(config.decoder_size, alphabet.classes)
        height, has_one = known[: alphabet.classes].T
        self.register_buffer("parabola", torch.stack([-height.square(), 2 * height, -has_one]), persistent=False)
        self.height_head = nn.Linear(config.decoder_size, 2) if ordered else None
        residues = F.one_hot(torch.arange(alphabet.classes) % alphabet.period, alphabet.period).T * has_one
        self.register_buffer("residues", residues, persistent=False)
        turns = F.one_hot(distances[: alphabet.period] % alphabet.period, alphabet.period).float()
        self.register_buffer("turns", turns.movedim(-1, 0).flatten(1), persistent=False)
        self.degree_head = nn.Linear(config.decoder_size, alphabet.period) if degrees else None
        self.interval_head = nn.Linear(config.decoder_size, 2 * WIDEST + 1) if config.intervals else None
        self.accent_head = Linear(config.decoder_size, alphabet.accents) if alphabet.accents else None
        for name, weight in self.named_parameters():
            if name.split(".")[-1].startswith("bias_ih"):
                nn.init.zeros_(weight)
                nn.init.ones_(weight[len(weight) // 4 : len(weight) // 2])  # start with open forget gates
        nn.init.constant_(self.posterior_head.bias[len(self.posterior_head.bias) // 2 :], _FIRST_SPREAD)

    @property
    def parts(self) -> int:
        """The number of parts of z: one for each patch, or one in total."""
        patches = self.config.segments * self.alphabet.steps // self.config.patch_steps
        return patches if self.config.posterior == "parts" else 1

    def posterior(
        self,
        steps: Int[Tensor, "B N S"],
        accents: Int[Tensor, "B N S"] | None = None,
        condition: Float[Tensor, "B N S C"] | None = None,
    ) -> tuple[Float[Tensor, "B Z"], Float[Tensor, "B Z"]]:
        """μ and σ of q(z | steps), a diagonal Gaussian."""
        held = self._held(steps.flatten(1)).view_as(steps)
        embedded = self._symbol(steps, held, condition) + self.place.weight
        if self.accent is not None and accents is not None:
            embedded = embedded + self.accent(accents)
        patches = self.dropout(embedded).reshape(len(steps), -1, self.encoder.input_size)
        states, _ = self.encoder(patches)
        if self.config.posterior == "ends":
            forward, backward = states.view(len(steps), self.config.segments, -1, states.shape[2]).chunk(2, dim=-1)
            read = torch.cat([forward[:, :, -1], backward[:, :, 0]], dim=-1).flatten(1)
        else:
            read = torch.cat([states, patches], dim=-1)
            if self.config.posterior == "patches":
                read = read.flatten(1)
        mean, spread = self.posterior_head(read).float().chunk(2, dim=-1)  # in bf16 the KL is wrong by several nats
        return mean.flatten(1), F.softplus(spread.flatten(1)) + 1e-4

    def forward(
        self,
        z: Float[Tensor, "B Z"],
        inputs: Int[Tensor, "B N S"],
        condition: Float[Tensor, "B N S C"] | None = None,
        blur: Float[Tensor, " B"] | None = None,
    ) -> tuple[Float[Tensor, "B N S V"], Float[Tensor, "B N S A"] | None]:
        """Logits of every step and its accent, given the steps before it. `inputs` are the steps, not shifted.

        Args:
            blur: standard deviation of the noise in each z. None: no noise.
        """
        batch = len(z)
        context, state = self._begin(z, blur)
        rows, held = self._decoder_inputs(inputs, condition)
        hidden, _ = self.decoder(torch.cat([self.dropout(rows), context], dim=-1), state)
        hidden = self.dropout(hidden).reshape(batch, self.config.segments, self.alphabet.steps, -1)
        accents = None if self.accent_head is None else self.accent_head(hidden)
        return self._logits(hidden, held, condition), accents

    def unroll(
        self,
        z: Float[Tensor, "B Z"],
        pick: Pick,
        condition: Float[Tensor, "B N S C"] | None = None,
        blur: Float[Tensor, " B"] | None = None,
    ) -> tuple[Int[Tensor, "B N S"], Int[Tensor, "B N S"] | None]:
        """Decode step by step: `pick`, (rows, V) → (rows,), chooses each step, which is the next input. Return the
        steps and most probable accents. Rows are segments (hierarchical) or whole windows (flat), in window order."""
        context, state = self._begin(z, blur)
        conditions = None if condition is None else self._rows(condition)
        steps, hidden = StepDecoder(self, context, conditions, state).run(pick)
        shape = (len(z), self.config.segments, self.alphabet.steps)
        accents = None if self.accent_head is None else 1 + self.accent_head(hidden)[..., 1:].argmax(-1).reshape(shape)
        return steps.reshape(shape), accents

    def _decoder_inputs(self, steps: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """The decoder's input for each step, in its batch, and the latest ordered class there, (B, N, S)."""
        shifted = self._shift(steps)
        held = self._held(self._rows(shifted[..., None])[..., 0]).view_as(steps)
        return self._rows(self._symbol(shifted, held, condition) + self.place.weight), held

    def _held(self, steps: Int[Tensor, "R L"]) -> Int[Tensor, "R L"]:
        """The latest ordered class up to each step; the start symbol before the first. Without `intervals`, the steps
        themselves."""
        if self.interval_head is None:
            return steps
        ordered = torch.where(steps < self.alphabet.ordered, 1 + steps, NOTHING)
        return carry(ordered, torch.full_like(steps[:, 0], 1 + self.alphabet.start)) - 1

    def _symbol(self, steps: Tensor, held: Tensor, condition: Tensor | None) -> Tensor:
        """Embed steps, with the ordered classes `held` there and the condition of the next step: (…) → (…, E)."""
        embedded: Tensor = self.embedding(steps)
        if self.height is not None:
            embedded = embedded + self.height(self.known[held])
        if self.condition is not None and condition is not None:
            embedded = embedded + self.condition(condition)
        if self.degree is not None and condition is not None:
            reference = condition[..., : self.alphabet.period]
            degrees = reference.gather(-1, self.distances[held]) * self.known[held][..., 1:]
            embedded = embedded + self.degree(degrees)
        return embedded

    def _logits(self, hidden: Tensor, held: Tensor, condition: Tensor | None) -> Tensor:
        reference = None if condition is None else condition[..., : self.alphabet.period]
        layers, shapes, turned = self.output_layers(reference)
        return self.combined(together(hidden, layers), held, shapes, turned)

    def output_layers(self, reference: Tensor | None) -> tuple[list[nn.Linear], Tensor | None, Tensor | None]:
        """The layers whose outputs `combined` reads, its shapes, and its `turned`, given the reference of degrees."""
        degrees = None if reference is None else self.degree_head
        layers = [layer for layer in (self.head, self.height_head, degrees, self.interval_head) if layer is not None]
        shapes = [self.parabola] if self.height_head is not None else []
        turned = None
        if degrees is not None and reference is not None:
            shapes.append(self.residues)
            turned = (reference @ self.turns).view(*reference.shape, -1)
        return layers, torch.cat(shapes) if shapes else None, turned

    def combined(self, outputs: Sequence[Tensor], held: Tensor, shapes: Tensor | None, turned: Tensor | None) -> Tensor:
        """Outputs of `output_layers` → (…, V). A term for each class, and for ordered classes also −4 softplus(k)
        (height − c)² with predicted k and c, a term of the degree, and a term of the distance from `held`."""
        parts = iter(outputs)
        logits, weights = next(parts), list[Tensor]()
        if self.height_head is not None:
            sharpness, centre = next(parts).unbind(-1)
            sharpness = 4 * F.softplus(sharpness)
            square = [sharpness, sharpness * centre, sharpness * centre.square()]  # expanded
            weights.append(torch.stack(square, dim=-1))
        if turned is not None:
            weights.append((turned @ next(parts)[..., None])[..., 0])  # for each residue, weighted by reference
        if shapes is not None:  # one small product for all
            logits = logits + torch.cat(weights, dim=-1) @ shapes
        if self.interval_head is not None:
            terms = F.pad(next(parts), (0, 1))  # the last term, for no interval, is 0
            logits = logits + terms.gather(-1, F.embedding(held, self.intervals))
        return logits

    def _shift(self, steps: Tensor) -> Tensor:
        """The step before each step; the start symbol before a segment, or if flat, before the whole window."""
        rows = self._rows(steps[..., None])[..., 0]
        start = torch.full_like(rows[:, :1], self.alphabet.start)
        return torch.cat([start, rows[:, :-1]], dim=1).reshape(steps.shape)

    def _rows(self, values: Tensor) -> Tensor:
        """(B, N, S, …) → the decoder's batch: (B·N, S, …), or (B, N·S, …) if flat."""
        return values.flatten(0, 1) if self.config.decoder == "hierarchical" else values.flatten(1, 2)

    def _begin(self, z: Tensor, blur: Tensor | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The latent's input to the decoder at each step, (rows, steps, D), and the decoder's first state."""
        config = self.config
        plans = self.parts if config.posterior == "parts" else config.segments
        parts = z.view(len(z), self.parts, -1)
        if config.decoder == "hierarchical":
            state = _states(self.conductor_start(z), config.conductor_layers)
            inputs = self.conductor_input(parts).view(len(z), plans, -1)
            parts = inputs + self.conductor(inputs, state)[0]
        elif config.posterior != "parts":
            parts = parts.expand(-1, plans, -1)
        if blur is not None:
            parts = parts + blur[:, None, None] * self.blurred
        rows = len(z) * (config.segments if config.decoder == "hierarchical" else 1)
        first = parts.reshape(rows, -1, parts.shape[-1])[:, 0]
        context = self.context(parts).view(rows, -1, 2 * config.embedding_size)
        return context, _states(self.decoder_start(first), config.decoder_layers)


def _check(alphabet: Alphabet, config: NetworkConfig) -> None:
    """Check that the sizes are compatible."""
    divides = alphabet.steps % config.patch_steps == 0
    config.require(divides, "patch_steps", f"a divisor of the {alphabet.steps} steps of a segment")
    patches = config.segments * alphabet.steps // config.patch_steps
    fits = config.posterior != "parts" or config.latent_dim % patches == 0
    config.require(fits, "latent_dim", f"a multiple of the {patches} patches of a window")


def _heights(alphabet: Alphabet) -> Tensor:
    """For each symbol (symbols, 2): its place in the order, in periods from the middle, and whether it is ordered."""
    heights = torch.zeros(alphabet.symbols, 2)
    order = torch.arange(alphabet.ordered)
    heights[: alphabet.ordered, 0] = (order - alphabet.ordered // 2) / alphabet.period
    heights[: alphabet.ordered, 1] = 1
    return heights


def _intervals(alphabet: Alphabet) -> Tensor:
    """Index of the distance of each held symbol and class, (symbols, classes); `2 · WIDEST + 1` for none."""
    held, classes = torch.arange(alphabet.symbols)[:, None], torch.arange(alphabet.classes)
    distances = (classes - held).clamp(-WIDEST, WIDEST) + WIDEST
    related = (held < alphabet.ordered) & (classes < alphabet.ordered)
    return torch.where(related, distances, 2 * WIDEST + 1)


def _states(flat: Tensor, layers: int) -> tuple[Tensor, Tensor]:
    """(rows, 2·layers·D) → two first states, (layers, rows, D) each."""
    hidden, cell = torch.tanh(flat).view(len(flat), 2, layers, -1).permute(1, 2, 0, 3)
    return hidden.contiguous(), cell.contiguous()
