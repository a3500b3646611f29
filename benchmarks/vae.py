"""Training speed of the MusicVAE (forward and backward), compared with its decoder unrolled in Python loops.

All variants have equal weights and equal losses (asserted to five digits). Ours processes bars as a batch and all steps
in one call. Public implementations use loops: an LSTM cell or torch's LSTM called for each step, bar by bar.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from timing import Row, main, measure

from yardbird import MusicVAE
from yardbird.codecs.melody import CHORD_FEATURES, CLASSES
from yardbird.models.music_vae.vae_family import kl_to_prior

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
Decode = Callable[[MusicVAE, Tensor, Tensor, Tensor], Tensor]
State = tuple[Tensor, Tensor]
DEFAULT = (128, 160, 128, 96)  # the sizes of params.yaml


def ours(model: MusicVAE, z: Tensor, steps: Tensor, chords: Tensor) -> Tensor:
    logits: Tensor = model(z, steps, chords)[0]
    return logits


def as_cell(lstm: nn.LSTM) -> Callable[[Tensor, State], tuple[Tensor, State]]:
    """One step of one layer, (rows, width) → (rows, size), with an `nn.LSTMCell` of the same weights."""
    cell = nn.LSTMCell(lstm.input_size, lstm.hidden_size, device=DEVICE)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        setattr(cell, name, getattr(lstm, f"{name}_l0"))

    def step(row: Tensor, state: State) -> tuple[Tensor, State]:
        state = cell(row, state)
        return state[0], state

    return step


def as_lstm(lstm: nn.LSTM) -> Callable[[Tensor, State], tuple[Tensor, State]]:
    """The same with the fused LSTM, on sequences of one step."""

    def step(row: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, (h, c) = lstm(row[:, None], (state[0][None], state[1][None]))
        return hidden[:, 0], (h[0], c[0])

    return step


def looped(make_step: Callable[[nn.LSTM], Callable[[Tensor, State], tuple[Tensor, State]]], bar_by_bar: bool) -> Decode:
    """The decoder as a loop over steps, with bars as a batch or one after the other."""

    def decode(model: MusicVAE, z: Tensor, steps: Tensor, chords: Tensor) -> Tensor:
        step = make_step(model.decoder)
        context, (hidden, cell) = model._begin(z, None)
        rows, held = model._decoder_inputs(steps, chords)
        inputs, under = torch.cat([rows, context], dim=-1).view(*steps.shape, -1), chords
        hidden, cell = (part[0].view(*steps.shape[:2], -1) for part in (hidden, cell))
        if not bar_by_bar:
            inputs, under, held, hidden, cell = (
                inputs.flatten(0, 1)[:, None],
                under.flatten(0, 1)[:, None],
                held.flatten(0, 1)[:, None],
                hidden.flatten(0, 1)[:, None],
                cell.flatten(0, 1)[:, None],
            )
        logits = []
        for bar in range(inputs.shape[1]):
            state = hidden[:, bar], cell[:, bar]
            for place in range(inputs.shape[2]):
                output, state = step(inputs[:, bar, place], state)
                logits.append(model._logits(output, held[:, bar, place], under[:, bar, place]))
        return torch.stack(logits, dim=1).view(*steps.shape, -1)

    return decode


PEERS: dict[str, Decode] = {
    "ours": ours,
    "a cell a step, bars as batch": looped(as_cell, bar_by_bar=False),
    "a cell a step, bar by bar": looped(as_cell, bar_by_bar=True),
    "nn.LSTM a step, bar by bar": looped(as_lstm, bar_by_bar=True),
}


def rows_of(bars: int, sizes: tuple[int, int, int, int], windows: int, rounds: int) -> Iterator[list[Row]]:
    """The decoder alone with a given z, and the whole model from steps to the loss with its KL term.

    Sizes are of z, encoder, conductor and decoder.
    """
    latent, encoder, conductor, size = sizes
    model = MusicVAE(
        latent, bars=bars, encoder_size=encoder, conductor_size=conductor, decoder_size=size, velocities=False
    ).to(DEVICE)
    steps = torch.randint(CLASSES, (windows, bars, model.codec.segment_steps), device=DEVICE)
    chords = torch.rand(*steps.shape, CHORD_FEATURES, device=DEVICE)
    given = torch.randn(windows, model.config.latent_dim, device=DEVICE)

    def decoder(decode: Decode) -> float:
        model.zero_grad(set_to_none=True)
        loss = F.cross_entropy(decode(model, given, steps, chords).flatten(0, 2), steps.flatten())
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        return loss.item()

    def whole(decode: Decode) -> float:
        model.zero_grad(set_to_none=True)
        mean, spread = model.posterior(steps, None, chords)
        z = mean + spread * given
        nats = F.cross_entropy(decode(model, z, steps, chords).flatten(0, 2), steps.flatten())
        loss = nats + 0.2 * kl_to_prior(mean, spread).mean() / steps[0].numel()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        return loss.item()

    for part, step in (("decoder", decoder), ("whole model", whole)):
        losses = {name: step(decode) for name, decode in PEERS.items()}
        for name, loss in losses.items():
            assert abs(loss / losses["ours"] - 1) < 1e-5, f"{name}: a loss of {loss}, ours {losses['ours']}"
        variants = {name: (lambda decode=decode, step=step: step(decode)) for name, decode in PEERS.items()}
        yield measure(f"{part}, {bars} bars, decoder of {size}, {windows} windows", variants, rounds)


def benchmark(rounds: int) -> Iterator[list[Row]]:
    yield from rows_of(2, DEFAULT, 16, rounds)
    for size in (192, 256, 1024):
        sizes = (64 if size < 1024 else 512, size, size, size)
        for bars, windows in ((2, 16), (16, 2)):
            yield from rows_of(bars, sizes, windows, rounds)


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=9)
