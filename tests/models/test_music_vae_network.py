from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from yardbird.errors import ConfigError
from yardbird.models.music_vae.vae_network import WIDEST, Alphabet, Decoder, NetworkConfig, RecurrentVAE

#: Classes 0 … 4 have an order of period 3; the first three features weigh the reference that degrees count from.
ALPHABET = Alphabet(classes=7, symbols=9, start=8, steps=6, ordered=5, period=3, features=5, accents=4)
CONFIG = NetworkConfig(
    segments=3, latent_dim=18, posterior="parts", ordered=True, degrees=True, intervals=True, embedding_size=8,
    encoder_size=10, encoder_layers=1, patch_steps=2, conductor_size=12, conductor_layers=1, decoder_size=16,
    decoder_layers=1, decoder="hierarchical", dropout=0.0,
)  # fmt: skip
BOTH = pytest.mark.parametrize("decoder", ["hierarchical", "flat"])
#: The paper's layout and ours, and what is between them.
LAYOUTS = pytest.mark.parametrize(
    "layout",
    [
        {},
        {"degrees": False},
        {"intervals": False},
        {"posterior": "patches", "ordered": False},
        {"posterior": "ends", "ordered": False, "degrees": False, "intervals": False},
    ],
    ids=["parts", "parts without degrees", "parts without intervals", "patches without heights", "ends"],
)
LAYERS = pytest.mark.parametrize("layers", [1, 2])


def network(decoder: Decoder = "hierarchical", layers: int = 1, **layout: Any) -> RecurrentVAE:
    torch.manual_seed(0)
    config = replace(CONFIG, decoder=decoder, encoder_layers=layers, conductor_layers=layers, decoder_layers=layers)
    config = replace(config, **layout)
    model = RecurrentVAE(ALPHABET, config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(2)  # large enough that every path has an effect
    return model


def batch(rows: int = 4) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """z, steps, accents, condition."""
    shape = (rows, CONFIG.segments, ALPHABET.steps)
    draws = torch.Generator().manual_seed(1)
    return (
        torch.randn(rows, CONFIG.latent_dim, generator=draws),
        torch.randint(ALPHABET.classes, shape, generator=draws),
        torch.randint(ALPHABET.accents, shape, generator=draws),
        torch.randn(*shape, ALPHABET.features, generator=draws),
    )


class Cells:
    """An LSTM by its equations, step by step, with the weights of a fused LSTM."""

    def __init__(self, lstm: nn.LSTM, state: Tensor) -> None:
        """`state` (2 · layers · size,): the first state before tanh, hidden before cell, layer by layer."""
        self.lstm = lstm
        first = torch.tanh(state).chunk(2 * lstm.num_layers)
        self.states = list(zip(first[: lstm.num_layers], first[lstm.num_layers :], strict=True))

    def __call__(self, row: Tensor) -> Tensor:
        for layer, (hidden, cell) in enumerate(self.states):
            w_ih, w_hh, b_ih, b_hh = (
                getattr(self.lstm, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            i, f, g, o = (w_ih @ row + b_ih + w_hh @ hidden + b_hh).chunk(4)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            row = o.sigmoid() * cell.tanh()
            self.states[layer] = row, cell
        return row


def degree_weights(condition: Tensor, symbol: int) -> Tensor:
    """The weight of each distance from the reference for a class, (period,): one term for each reference."""
    weights = torch.zeros(ALPHABET.period)
    if symbol < ALPHABET.ordered:
        for reference in range(ALPHABET.period):
            weights[(symbol - reference) % ALPHABET.period] += condition[reference]
    return weights


def height_of(symbol: int) -> float:
    return (symbol - ALPHABET.ordered // 2) / ALPHABET.period


def read(model: RecurrentVAE, symbol: int, held: int, condition: Tensor) -> Tensor:
    """The input of encoder and decoder for a symbol, the held class and the condition, without the place."""
    row = model.embedding.weight[symbol] + model.condition.weight @ condition
    sounding = held if model.config.intervals else symbol
    if model.config.ordered and sounding < ALPHABET.ordered:
        row = row + model.height.weight @ torch.tensor([height_of(sounding), 1.0])
    if model.config.degrees:
        row = row + model.degree.weight @ degree_weights(condition, sounding)
    return row


def logits_of(model: RecurrentVAE, hidden: Tensor, held: int, condition: Tensor) -> Tensor:
    """For each class: its own term, a parabola around the predicted height, and terms of its degree and interval."""
    logits = list(model.head(hidden))
    for symbol in range(ALPHABET.ordered):
        if model.config.ordered:
            sharpness, height = 4 * nn.functional.softplus(model.height_head(hidden)[0]), model.height_head(hidden)[1]
            logits[symbol] = logits[symbol] - sharpness * (height_of(symbol) - height) ** 2
        if model.config.degrees:
            logits[symbol] = logits[symbol] + model.degree_head(hidden) @ degree_weights(condition, symbol)
        if model.config.intervals and held < ALPHABET.ordered:
            logits[symbol] = logits[symbol] + model.interval_head(hidden)[symbol - held + WIDEST]
    return torch.stack(logits)


def step_by_step(
    model: RecurrentVAE, z: Tensor, steps: Tensor, condition: Tensor, blur: float
) -> tuple[Tensor, Tensor]:
    """One window, decoded plan by plan and step by step."""
    logits, accents = [], []
    config = model.config
    flat, local = config.decoder == "flat", config.posterior == "parts"
    size = config.patch_steps if local else ALPHABET.steps
    count = config.segments * ALPHABET.steps // size
    parts = z.chunk(count) if local else [z] * count
    plans = list(parts)
    if not flat:
        conductor = Cells(model.conductor, model.conductor_start(z))
        inputs = [model.conductor_input(part) for part in parts]
        if not local:
            inputs = list(model.conductor_input(z).chunk(count))
        plans = [part + conductor(part) for part in inputs]
    plans = [plan + blur * model.blurred for plan in plans]
    decoder, symbol, held = None, model.alphabet.start, model.alphabet.start
    for at in range(config.segments * ALPHABET.steps):
        segment, place = divmod(at, ALPHABET.steps)
        if decoder is None or (place == 0 and not flat):
            decoder, symbol = Cells(model.decoder, model.decoder_start(plans[at // size])), ALPHABET.start
            held = symbol
        heard_here = model.context(plans[at // size]).view(size, -1)[at % size]
        step = read(model, symbol, held, condition[segment, place]) + model.place.weight[place]
        hidden = decoder(torch.cat([step, heard_here]))
        logits.append(logits_of(model, hidden, held, condition[segment, place]))
        accents.append(model.accent_head(hidden))
        symbol = int(steps[segment, place])
        held = symbol if symbol < ALPHABET.ordered else held
    return torch.stack(logits).view(*steps.shape, -1), torch.stack(accents).view(*steps.shape, -1)


@BOTH
@LAYERS
@LAYOUTS
def test_teacher_forced_decoding_is_a_loop_over_segments_and_steps(
    decoder: Decoder, layers: int, layout: dict[str, Any]
) -> None:
    model = network(decoder, layers, **layout)
    z, steps, _, condition = batch()
    blur = torch.tensor([0.0, 0.5, 1.0, 2.0])
    logits, accents = model(z, steps, condition, blur)
    for row in range(len(z)):
        expected = step_by_step(model, z[row], steps[row], condition[row], float(blur[row]))
        torch.testing.assert_close(logits[row], expected[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(accents[row], expected[1], atol=1e-5, rtol=1e-5)


@BOTH
@LAYERS
def test_an_input_step_affects_only_later_steps_of_its_segment(decoder: Decoder, layers: int) -> None:
    """The logits at a step have a gradient of exactly zero for this step, later steps and other segments. In the flat
    decoder, all earlier steps have an effect."""
    model = network(decoder, layers)
    embedded: list[Tensor] = []
    model.embedding.register_forward_hook(lambda *args: embedded.append(args[-1]))
    z, steps, _, condition = batch()
    logits, accents = model(z, steps, condition)
    count = logits[0, ..., 0].numel()
    for t in range(count):
        target = logits.flatten(1, 2)[1, t].square().sum() + accents.flatten(1, 2)[1, t].square().sum()
        (gradient,) = torch.autograd.grad(target, embedded[0], retain_graph=True)
        affected = gradient.abs().sum(-1).view(len(z), count) > 0  # at place p: the effect of the step before p
        first = 0 if decoder == "flat" else t - t % ALPHABET.steps
        assert affected[1].tolist() == [first <= place <= t for place in range(count)]
        assert not affected[[0, 2, 3]].any(), "windows are independent"


@BOTH
def test_a_step_changes_nothing_up_to_itself(decoder: Decoder) -> None:
    model = network(decoder)
    z, steps, _, condition = batch()
    logits = model(z, steps, condition)[0]
    for segment in range(CONFIG.segments):
        for place in range(ALPHABET.steps):
            other = steps.clone()
            other[:, segment, place] = (other[:, segment, place] + 1) % ALPHABET.classes
            changed = (model(z, other, condition)[0] != logits).any(-1)
            assert not changed[:, :segment].any()
            assert not changed[:, segment, : place + 1].any()
            assert bool(changed[:, segment, place + 1 :].all())
            assert bool(changed[:, segment + 1 :].any()) == (decoder == "flat" and segment + 1 < CONFIG.segments)


@BOTH
@LAYERS
@LAYOUTS
def test_greedy_decoding_equals_a_forward_pass_for_each_step(
    decoder: Decoder, layers: int, layout: dict[str, Any]
) -> None:
    model = network(decoder, layers, **layout)
    z, _, _, condition = batch()
    blur = torch.tensor([0.0, 0.5, 1.0, 2.0])
    steps, accents = model.unroll(z, lambda logits: logits.argmax(-1), condition, blur)
    slow = torch.zeros_like(steps)
    for segment in range(CONFIG.segments):
        for place in range(ALPHABET.steps):
            slow[:, segment, place] = model(z, slow, condition, blur)[0][:, segment, place].argmax(-1)
    assert torch.equal(steps, slow)
    logits, accent_logits = model(z, steps, condition, blur)
    assert torch.equal(logits.argmax(-1), steps), "teacher forcing with the generated steps predicts the same steps"
    assert torch.equal(accent_logits[..., 1:].argmax(-1) + 1, accents)
    assert len(steps.unique()) > 1, "the steps vary"


@BOTH
def test_rows_to_pick_from_are_segments_or_windows_in_order(decoder: Decoder) -> None:
    model = network(decoder)
    z, _, _, condition = batch()
    rows = len(z) * (1 if decoder == "flat" else CONFIG.segments)
    passes = ALPHABET.steps * (CONFIG.segments if decoder == "flat" else 1)
    count = iter(range(1000))

    def pick(logits: Tensor) -> Tensor:
        assert logits.shape == (rows, ALPHABET.classes)
        return (torch.arange(rows) + next(count)) % ALPHABET.classes

    steps, _ = model.unroll(z, pick, condition)
    assert next(count) == passes
    expected = (torch.arange(rows)[:, None] + torch.arange(passes)) % ALPHABET.classes
    assert torch.equal(steps, expected.view(steps.shape))


@LAYERS
@LAYOUTS
def test_the_posterior_depends_on_every_step_accent_and_chord(layers: int, layout: dict[str, Any]) -> None:
    model = network(layers=layers, **layout)
    embedded: list[Tensor] = []
    for part in (model.embedding, model.accent, model.condition):
        part.register_forward_hook(lambda *args: embedded.append(args[-1]))
    _, steps, accents, condition = batch()
    for value in model.posterior(steps, accents, condition):
        gradients = torch.autograd.grad(value.square().sum(), embedded, retain_graph=True)
        assert all(bool((gradient.abs().sum(-1) > 0).all()) for gradient in gradients)
    mean, spread = model.posterior(steps, accents, condition)
    alone = model.posterior(steps[1:2], accents[1:2], condition[1:2])
    torch.testing.assert_close((mean[1:2], spread[1:2]), alone)
    assert bool((spread > 0).all())


@LAYOUTS
def test_the_posterior_reads_patches_in_both_directions(layout: dict[str, Any]) -> None:
    """Compared with two loops over the patches with the weights of the encoder, from zero states. `ends` reads states
    at both ends of every segment; the other posteriors read every state and its patch, for all of z or a part."""
    model = network(**layout)
    _, steps, accents, condition = batch()
    mean, spread = model.posterior(steps, accents, condition)
    for row in range(len(steps)):
        embedded, held = [], ALPHABET.start
        for place, (symbol, accent, where) in enumerate(
            zip(steps[row].flatten().tolist(), accents[row].flatten(), condition[row].flatten(0, 1), strict=True)
        ):
            held = symbol if symbol < ALPHABET.ordered else held
            step = read(model, symbol, held, where) + model.accent.weight[accent]
            embedded.append(step + model.place.weight[place % ALPHABET.steps])
        patches = [
            torch.cat(embedded[at : at + CONFIG.patch_steps]) for at in range(0, len(embedded), CONFIG.patch_steps)
        ]
        states_of = []
        for suffix, order in (("", patches), ("_reverse", patches[::-1])):
            direction = nn.LSTM(model.encoder.input_size, CONFIG.encoder_size)
            names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
            direction.load_state_dict({name: getattr(model.encoder, name + suffix) for name in names})
            cells = Cells(direction, torch.zeros(2 * CONFIG.encoder_size))
            states_of.append([cells(patch) for patch in order])
        forth, back = states_of[0], states_of[1][::-1]
        size = ALPHABET.steps // CONFIG.patch_steps
        ends = [part for at in range(0, len(patches), size) for part in (forth[at + size - 1], back[at])]
        states = [torch.cat(parts) for parts in zip(forth, back, patches, strict=True)]
        seen = {"ends": [torch.cat(ends)], "patches": [torch.cat(states)], "parts": states}[model.config.posterior]
        expected = [torch.cat(part) for part in zip(*(model.posterior_head(one).chunk(2) for one in seen), strict=True)]
        torch.testing.assert_close(mean[row], expected[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(spread[row], torch.log1p(expected[1].exp()) + 1e-4, atol=1e-5, rtol=1e-5)


def test_the_posterior_is_in_full_precision_in_mixed_training() -> None:
    """A KL of 1345 nats summed in bf16 was once 1344, and any KL from 128 to 256 a whole number."""
    model = network()
    _, steps, accents, condition = batch()
    with torch.autocast("cpu", torch.bfloat16):
        assert {values.dtype for values in model.posterior(steps, accents, condition)} == {torch.float32}


@BOTH
def test_side_channels_can_be_missing(decoder: Decoder) -> None:
    plain = RecurrentVAE(replace(ALPHABET, features=0, accents=0), replace(CONFIG, decoder=decoder))
    z, steps, accents, condition = batch()
    assert torch.equal(plain.posterior(steps, accents, condition)[0], plain.posterior(steps)[0])
    logits, nothing = plain(z, steps, condition)
    assert nothing is None
    assert torch.equal(logits, plain(z, steps)[0])
    assert plain.unroll(z, lambda rows: rows.argmax(-1))[1] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segments": 0}, "segments: expected 1 or more, found 0"),
        ({"latent_dim": -3}, "latent_dim: expected 1 or more, found -3"),
        ({"dropout": 1.0}, "dropout: expected 0 to below 1, found 1.0"),
        ({"latent_dim": 16}, "latent_dim: expected a multiple of the 9 patches of a window, found 16"),
        ({"patch_steps": 4}, "patch_steps: expected a divisor of the 6 steps of a segment, found 4"),
    ],
)
def test_impossible_sizes_give_a_one_line_error(change: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RecurrentVAE(ALPHABET, replace(CONFIG, **change))


def test_wrong_shapes_are_refused() -> None:
    z, steps, _, condition = batch()
    with pytest.raises(Exception, match="inputs"):
        network()(z, steps[0], condition)
