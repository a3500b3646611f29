import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.utils.data import DataLoader

from yardbird.codecs.melody import HOLD, PAD, START, MelodyCodec, chord_features
from yardbird.errors import ConfigError
from yardbird.models.family import Batch, load_family
from yardbird.models.music_vae.vae_family import ModelConfig, MusicVAEFamily, kl_to_prior
from yardbird.music.score import Score, make_notes
from yardbird.nn.sampling import Sampling

Make = Callable[..., MusicVAEFamily]


@pytest.fixture
def make(melody_codec: MelodyCodec, vae_config: ModelConfig) -> Make:
    def make_family(**changes: object) -> MusicVAEFamily:
        torch.manual_seed(0)
        return MusicVAEFamily(melody_codec, replace(vae_config, **changes))

    return make_family


@pytest.fixture
def batch(vae: MusicVAEFamily, melody_encoded: Path) -> Batch:
    """The validation split: two solos in 4/4 and the padded end of one."""
    dataset = vae.datasets(melody_encoded, 0).validation
    return next(iter(DataLoader(dataset, batch_size=len(dataset))))  # type: ignore[arg-type]


@pytest.fixture
def odd_batch(vae: MusicVAEFamily, melody_codec: MelodyCodec, melodies: dict[str, list[Score]]) -> Batch:
    """Bars in 5/4: every second segment is mostly padding."""
    melody = melody_codec.encode(melodies["train"][-1])
    grids = melody.steps, melody.velocities
    steps, velocities = (torch.from_numpy(grid.astype(np.int64)).unflatten(0, (-1, 2)) for grid in grids)
    chords = torch.from_numpy(chord_features(melody.frame.chords)).unflatten(0, (-1, 2))
    assert bool((steps == PAD).any(-1).any(-1).all())
    return {"steps": steps, "velocities": velocities, "chords": chords}


def test_the_kl_equals_that_of_torch() -> None:
    mean, spread = torch.randn(5, 7), torch.rand(5, 7) + 0.01
    expected = kl_divergence(Normal(mean, spread), Normal(torch.tensor(0.0), torch.tensor(1.0))).sum(-1)
    torch.testing.assert_close(kl_to_prior(mean, spread), expected)


@pytest.mark.parametrize(
    ("changes", "step", "weight"),
    [
        ({"beta": 0.0}, 0, 0.0),
        ({"beta": 0.5, "beta_warmup_steps": 0, "free_bits": 0.0}, 0, 0.5),
        ({"beta": 0.5, "beta_warmup_steps": 10, "free_bits": 0.0}, 0, 0.05),
        ({"beta": 0.5, "beta_warmup_steps": 10, "free_bits": 1.0}, 4, 0.25),
        ({"beta": 0.5, "beta_warmup_steps": 10, "free_bits": 2.0}, 10_000, 0.5),
        ({"beta": 0.5, "beta_warmup_steps": 0, "free_bits": 1e6}, 10, 0.5),
        ({"beta": 0.5, "beta_warmup_steps": 0, "free_bits": 1.0, "velocity_weight": 0.0}, 10, 0.5),
        ({"beta": 0.5, "beta_warmup_steps": 0, "free_bits": 1.0, "velocity_weight": 3.0}, 10, 0.5),
        ({"beta": 0.5, "beta_warmup_steps": 0, "free_bits": 0.0, "blur_share": 0.5}, 0, 0.5),
    ],
)
def test_the_loss_is_the_sum_of_its_parts(
    make: Make, odd_batch: Batch, changes: dict[str, float], step: int, weight: float
) -> None:
    """By a loop: nats of each step except padding, of the velocity of each note, and of the KL above the free bits.

    A share of the windows is decoded from a blurred z, and the decoder receives the amount of blur."""
    family = make(**changes)
    torch.manual_seed(3)
    loss = family.loss(odd_batch, step)
    torch.manual_seed(3)
    steps, velocities, chords = (odd_batch[name] for name in ("steps", "velocities", "chords"))
    mean, spread = family.model.posterior(steps, velocities, chords)
    z = mean + spread * torch.randn_like(spread)
    blurred = torch.rand(len(z)) < family.config.blur_share
    blur = torch.rand(len(z)) * blurred
    noise = torch.randn_like(z)
    with torch.no_grad():
        logits, accents = family.model(z + blur[:, None] * noise, steps, chords, blur)
    nats = velocity_nats = 0.0
    for place in (steps != PAD).nonzero().tolist():
        at = tuple(place)
        nats -= float(logits[at].log_softmax(-1)[steps[at]])
        if accents is not None and steps[at] < HOLD:
            velocity_nats -= float(accents[at].log_softmax(-1)[velocities[at]])
    windows, count = len(steps), int((steps != PAD).sum())
    kl = float(kl_to_prior(mean, spread).mean().detach())
    total = nats / windows + family.config.velocity_weight * velocity_nats / windows
    total += weight * max(0.0, kl - family.config.free_bits * math.log(2))
    assert float(loss.total.detach()) == pytest.approx(total / (count / windows), rel=1e-5)
    assert {name: float(term) for name, term in loss.terms.items()} == pytest.approx(
        {"reconstruction_nats": nats / windows, "kl": kl}, rel=1e-5
    )
    assert int(loss.weight) == count, "an epoch's mean counts batches by their targets"
    assert (accents is None) == (family.config.velocity_weight == 0)


def test_padding_and_silence_have_no_effect_on_the_loss(vae: MusicVAEFamily, odd_batch: Batch) -> None:
    outputs: list[Tensor] = []

    def keep(*args: object) -> None:
        for logits in args[-1]:  # type: ignore[attr-defined]
            logits.retain_grad()
            outputs.append(logits)

    vae.model.register_forward_hook(keep)
    vae.loss(odd_batch, 0).total.backward()
    nonzero, accents_nonzero = (logits.grad.abs().sum(-1) > 0 for logits in outputs)  # type: ignore[union-attr]
    assert torch.equal(nonzero, odd_batch["steps"] != PAD)
    assert torch.equal(accents_nonzero, odd_batch["steps"] < HOLD)


def decoder_inputs(family: MusicVAEFamily, batch: Batch, step: int) -> Tensor:
    """The input of the decoder for the steps of a batch."""
    inputs: list[Tensor] = []
    handle = family.model.register_forward_pre_hook(lambda _, args: inputs.append(args[1]))
    family.loss(batch, step)
    handle.remove()
    return inputs[-1]


@pytest.mark.parametrize(
    ("forcing", "steps", "at", "share"),
    [(0.2, 100, 49, 0.6), (0.2, 100, 99, 0.2), (0.2, 100, 5000, 0.2), (0.2, 0, 0, 0.2), (0.0, 1, 0, 0.0)],
)
def test_the_decoder_receives_fewer_true_steps_on_schedule(
    make: Make, batch: Batch, forcing: float, steps: int, at: int, share: float
) -> None:
    batch = {name: torch.cat([values] * 8) for name, values in batch.items()}
    inputs = decoder_inputs(make(teacher_forcing=forcing, teacher_forcing_steps=steps), batch, at)
    hidden = inputs == START
    assert torch.equal(inputs[~hidden], batch["steps"][~hidden]), "the visible steps are the true ones"
    assert 1 - float(hidden.float().mean()) == pytest.approx(share, abs=0.02)


def test_with_teacher_forcing_the_decoder_receives_all_true_steps(make: Make, batch: Batch) -> None:
    assert torch.equal(decoder_inputs(make(teacher_forcing=1.0, teacher_forcing_steps=10), batch, 500), batch["steps"])


def test_the_decoder_receives_all_true_steps_of_a_blurred_window(make: Make, batch: Batch) -> None:
    family = make(teacher_forcing=0.0, teacher_forcing_steps=1, blur_share=1.0)
    assert torch.equal(decoder_inputs(family, batch, 500), batch["steps"])


def test_samples_of_the_prior_are_guided_by_the_chords(make: Make, vae_config: ModelConfig) -> None:
    family = make(chord_dropout=0.1, prior=replace(vae_config.prior, guidance=3.0))
    steps = family.codec.segment_steps
    frame = family.codec.frame(Score(steps // 4, make_notes([]), end_tick=8 * steps))
    c_major = replace(frame, chords=np.full_like(frame.chords, 0b10010001))
    drawn = family.prior([c_major], [1])[0].z
    np.testing.assert_array_equal(drawn, family.model.prior(c_major, 1, guidance=3.0).z)
    assert not np.array_equal(drawn, family.model.prior(c_major, 1).z)


def test_samples_of_the_prior_are_decoded_with_blur(make: Make, vae_config: ModelConfig) -> None:
    family, sharp = (make(prior=replace(vae_config.prior, blur=blur)) for blur in (0.5, 0.0))
    steps = family.codec.segment_steps
    frame = family.codec.frame(Score(steps // 4, make_notes([]), end_tick=8 * steps))
    (drawn,), (same,) = family.prior([frame], [1]), sharp.prior([frame], [1])
    assert (drawn.blur, same.blur) == (0.5, 0.0)
    np.testing.assert_array_equal(drawn.z, same.z)
    with torch.no_grad():
        family.model.blurred.mul_(100)
    assert family.decode([drawn]) != family.decode([replace(drawn, blur=0.0)])
    assert family.decode([drawn, same]) == [family.decode([drawn])[0], family.decode([same])[0]]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_chords_are_hidden_by_whole_windows(make: Make, batch: Batch, share: float) -> None:
    family = make(chord_dropout=share)
    batch = {name: torch.cat([values] * 20) for name, values in batch.items()}
    seen: list[Tensor] = []
    family.model.condition.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    family.loss(batch, 0)
    nothing = torch.from_numpy(chord_features(np.zeros(1, np.uint16)))[0]
    hidden = (seen[0] == nothing).all(-1).all(-1).all(-1)
    assert torch.equal(seen[0], seen[-1]), "encoder and decoder read the same chords"
    assert float(hidden.float().mean()) == pytest.approx(share, abs=0.15)
    assert torch.equal(seen[0][~hidden], batch["chords"][~hidden])


def pooled(family: MusicVAEFamily, dataset: object, batch_size: int) -> dict[str, float]:
    """Validation measures as the trainer computes them: sums over batches, then the ratio."""
    above: dict[str, np.ndarray | float] = {}
    below: dict[str, float] = {}
    family.model.eval()
    for batch in DataLoader(dataset, batch_size=batch_size):  # type: ignore[arg-type]
        for name, ratio in family.measure(batch).items():
            above[name] = above.get(name, 0.0) + ratio.numerator
            below[name] = below.get(name, 0.0) + ratio.denominator
    family.model.train()
    return family.figures({name: above[name] / below[name] for name in above})


def test_the_measures_equal_a_count_by_hand(vae: MusicVAEFamily, odd_batch: Batch) -> None:
    with torch.no_grad():
        for weight in vae.model.parameters():
            weight.mul_(3)
        steps, chords = odd_batch["steps"], odd_batch["chords"]
        mean, spread = vae.model.posterior(steps, odd_batch["velocities"], chords)
        own = vae.model.unroll(mean, lambda rows: rows.argmax(-1), chords)[0]
        order = [len(mean) - 1, *range(len(mean) - 1)]
        others = vae.model.unroll(mean[order], lambda rows: rows.argmax(-1), chords)[0]
        forced = vae.model(mean, steps, chords)[0].argmax(-1)
    figures = vae.figures({name: ratio.numerator / ratio.denominator for name, ratio in vae.measure(odd_batch).items()})
    truth = {tuple(at): int(steps[tuple(at)]) for at in (steps != PAD).nonzero().tolist()}

    def accuracy(found: Tensor) -> float:
        return sum(int(found[at]) == step for at, step in truth.items()) / len(truth)

    def f1(found: Tensor) -> float:
        notes, drawn = ({(at, int(grid[at])) for at in truth if int(grid[at]) < HOLD} for grid in (steps, found))
        return 2 * len(notes & drawn) / (len(notes) + len(drawn))

    expected = {
        "sampled_accuracy": accuracy(own),
        "sampled_error": 1 - accuracy(own),
        "shuffled_accuracy": accuracy(others),
        "forced_accuracy": accuracy(forced),
        "note_f1": f1(own),
        "shuffled_note_f1": f1(others),
        "kl": float(kl_to_prior(mean, spread).mean()),
    }
    assert {name: figures[name] for name in expected} == pytest.approx(expected)
    assert vae.watched in figures


def test_nats_per_note_are_a_bound_with_the_noise_of_z(vae: MusicVAEFamily, odd_batch: Batch) -> None:
    """Without noise they are the nats of the steps and the KL, over the notes."""
    with torch.no_grad():
        vae.model.posterior_head.weight[8:] = 0
        vae.model.posterior_head.bias[8:] = -20  # the smallest possible spread
        steps = odd_batch["steps"]
        mean, spread = vae.model.posterior(steps, odd_batch["velocities"], odd_batch["chords"])
        logits = vae.model(mean, steps, odd_batch["chords"])[0]
        nats = nn.functional.cross_entropy(logits[steps != PAD], steps[steps != PAD], reduction="sum")
    ratio = vae.measure(odd_batch)["grid_nats_per_note"]
    assert ratio.denominator == int((steps < HOLD).sum())
    assert ratio.numerator == pytest.approx(float(nats + kl_to_prior(mean, spread).sum()), rel=1e-4)


@pytest.mark.parametrize("batch_size", [7, 64])
def test_active_units_are_counted_over_all_windows(make: Make, melody_encoded: Path, batch_size: int) -> None:
    vae = make(posterior="patches")
    dataset = vae.datasets(melody_encoded, 0).train
    with torch.no_grad():
        vae.model.posterior_head.weight[:8] *= torch.logspace(-3, 1, 8)[:, None]
        vae.model.posterior_head.bias[:8] += 5  # far from 0: a large mean must not count as variance
        means = [vae.model.posterior(*(item[name][None] for name in ("steps", "velocities", "chords")))[0]
                 for item in (dataset[index] for index in range(len(dataset)))]  # type: ignore[arg-type]  # fmt: skip
    variance = torch.cat(means).double().numpy().var(axis=0)
    active = int((variance > 0.01).sum())
    assert 0 < active < 8
    assert pooled(vae, dataset, batch_size)["active_units"] == active


def test_training_uses_every_window_and_validation_adjacent_windows(vae: MusicVAEFamily, melody_encoded: Path) -> None:
    data = vae.datasets(melody_encoded, 0)
    silent_bars, bars = 4, [12, 3, 40, 1, 16]  # the last in 5/4: eight bars of two segments
    assert len(data.train) == sum(max(1, count - 1) for count in bars)  # type: ignore[arg-type]
    assert len(data.validation) == 20 // 2 + 2 // 2 + (7 - 1 - silent_bars) // 2  # type: ignore[arg-type]
    assert not {"set_epoch"} - set(dir(data.train))


@pytest.mark.parametrize("decoder", ["hierarchical", pytest.param("flat", marks=pytest.mark.slow)])
def test_four_windows_can_be_memorised_through_the_latent(make: Make, melody_encoded: Path, decoder: str) -> None:
    """Decoded from its own z, a window is reconstructed; from another window's z, it is not."""
    family = make(
        decoder=decoder, latent_dim=16, encoder_size=64, conductor_size=64, decoder_size=96, beta=0.01,
        beta_warmup_steps=0, teacher_forcing=0.3, teacher_forcing_steps=1,
    )  # fmt: skip
    dataset = family.datasets(melody_encoded, 0).train
    windows = [dataset[index] for index in range(4)]  # type: ignore[arg-type]
    batch = {name: torch.stack([window[name] for window in windows]) for name in windows[0]}
    before, first = pooled(family, windows, 4), float(family.loss(batch, 0).total.detach())
    optimiser = torch.optim.Adam(family.model.parameters(), lr=1e-2)
    for step in range(70):
        loss = family.loss(batch, step)
        optimiser.zero_grad()
        loss.total.backward()
        nn.utils.clip_grad_norm_(family.model.parameters(), 1.0)
        optimiser.step()
    after = pooled(family, windows, 4)
    assert float(loss.total.detach()) < 0.2 * first
    assert after["note_f1"] > 0.9 > before["note_f1"]
    assert after["sampled_accuracy"] > 0.95 > before["sampled_accuracy"]
    assert after["shuffled_accuracy"] < after["sampled_accuracy"] - 0.05
    assert after["shuffled_note_f1"] < 0.6
    assert after["active_units"] >= 1


def test_a_saved_family_is_loaded_from_its_folder_alone_and_decodes_the_same(
    tmp_path: Path, vae: MusicVAEFamily, melodies: dict[str, list[Score]]
) -> None:
    vae.save(tmp_path / "model")
    loaded = load_family("music_vae").load(tmp_path / "model")
    assert isinstance(loaded, MusicVAEFamily)
    solos = melodies["validation"]
    assert loaded.reconstruct(solos) == vae.reconstruct(solos)
    assert [np.array_equal(a.z, b.z) for a, b in zip(loaded.encode(solos), vae.encode(solos), strict=True)] == [
        True
    ] * 3
    assert [loaded.codec, loaded.config] == [vae.codec, vae.config]
    loaded.save(tmp_path / "again")
    names = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert names == ["codec.json", "config.json", "model.safetensors"]
    for name in names:
        assert (tmp_path / "model" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_completing_a_family_trains_only_its_prior(
    make: Make, melody_encoded: Path, tmp_path: Path, melodies: dict[str, list[Score]]
) -> None:
    """The prior is trained on the posteriors of training solos, depends only on the seed, and is saved and loaded."""
    family, again, other = make(), make(), make()
    before = {name: weight.clone() for name, weight in family.model.state_dict().items()}
    figures = family.complete(melody_encoded, 0)
    assert set(figures) == {"validation_prior_kl"}
    assert math.isfinite(figures["validation_prior_kl"])
    for name, weight in family.model.state_dict().items():
        assert torch.equal(weight, before[name]) != name.startswith("sequence."), name
    assert again.complete(melody_encoded, 0) == figures
    assert other.complete(melody_encoded, 1) != figures
    family.save(tmp_path / "model")
    frame = family.codec.frame(melodies["validation"][0])
    (drawn,) = family.prior([frame], [5])
    assert np.array_equal(MusicVAEFamily.load(tmp_path / "model").prior([frame], [5])[0].z, drawn.z)
    assert np.array_equal(again.prior([frame], [5])[0].z, drawn.z)


def test_the_kl_to_a_trained_prior_is_lower(make: Make, vae_config: ModelConfig, melody_encoded: Path) -> None:
    """Training lowers the KL to the prior, far below the KL to N(0, I) if the posteriors differ from it."""
    values = []
    for steps in (1, 120):
        family = make(prior=replace(vae_config.prior, size=24, components=4, steps=steps, batch_size=8))
        with torch.no_grad():
            half = len(family.model.posterior_head.bias) // 2
            family.model.posterior_head.bias[:half] += 3  # all means lie near 3
        values.append(family.complete(melody_encoded, 0)["validation_prior_kl"])
    data = family.datasets(melody_encoded, 0).validation
    normal = pooled(family, [data[index] for index in range(len(data))], 4)["kl"]  # type: ignore[arg-type]
    assert values[1] < values[0] - 5
    assert values[1] < normal - 5


def test_the_steps_of_sampled_solos_have_their_own_temperature(make: Make, melodies: dict[str, list[Score]]) -> None:
    """At 0, decoding is greedy at any requested temperature."""
    still, lively = (make(step_temperature=times) for times in (0.0, 2.0))
    latent = still.encode(melodies["train"][:1])
    (likeliest,) = still.decode(latent)
    assert still.decode(latent, sampling=Sampling(1.5, None, None, None)) == [likeliest]
    assert lively.decode(latent) == [likeliest]
    sampled = lively.decode(latent, sampling=Sampling(0.5, None, None, None), seeds=[3])
    assert sampled == [lively.model.decode(latent[0], sampling=Sampling(1.0, None, None, None), seed=3)]
    assert sampled != [likeliest]


def test_a_family_without_a_learnt_prior_is_complete(make: Make, vae_config: ModelConfig, melody_encoded: Path) -> None:
    family = make(prior=replace(vae_config.prior, kind="normal"))
    assert family.model.sequence is None
    assert family.complete(melody_encoded, 0) == {}


def test_whole_solos_are_scored_window_by_window(vae: MusicVAEFamily, melodies: dict[str, list[Score]]) -> None:
    solo = melodies["train"][-1]
    melody = vae.codec.encode(solo)
    mean, spread = vae.posterior(solo)
    assert np.array_equal(mean, vae.encode([solo])[0].z)
    assert bool((spread > 0).all())
    scores = vae.score_steps(solo, mean)
    assert len(scores.nats) == len(scores.correct) == int((melody.steps != PAD).sum()) == solo.end_tick
    nats, correct = [], []
    for window, z in enumerate(mean):
        at = slice(2 * window, 2 * window + 2)
        steps = torch.from_numpy(melody.steps[at].astype(np.int64))
        chords = torch.from_numpy(chord_features(melody.frame.chords[at]))
        with torch.no_grad():
            chances = vae.model(torch.from_numpy(z[None]), steps[None], chords[None])[0][0].log_softmax(-1)
        for place in (steps != PAD).nonzero().tolist():
            nats.append(-float(chances[tuple(place)][steps[tuple(place)]]))
            correct.append(int(chances[tuple(place)].argmax()) == int(steps[tuple(place)]))
    np.testing.assert_allclose(scores.nats, nats, rtol=1e-4)
    assert scores.correct.tolist() == correct


def test_a_sample_solo_has_eight_bars_and_depends_only_on_the_seed(vae: MusicVAEFamily) -> None:
    vae.model.train()
    assert vae.sample(1).bar_count == 8
    assert vae.sample(1) == vae.sample(1)
    assert vae.sample(1) != vae.sample(2)
    assert set(vae.sample(1).pitches) <= set(range(49, 82))
    assert vae.model.training


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bars": 0}, r"music_vae\.model\.bars: expected 1 or more, found 0"),
        ({"chord_dropout": 1.5}, r"music_vae\.model\.chord_dropout: expected 0 to 1, found 1\.5"),
        ({"teacher_forcing": -0.1}, r"music_vae\.model\.teacher_forcing: expected 0 to 1, found -0\.1"),
        ({"step_temperature": -1.0}, r"music_vae\.model\.step_temperature: expected 0 or more, found -1"),
        ({"blur_share": 2.0}, r"music_vae\.model\.blur_share: expected 0 to 1, found 2\.0"),
        ({"prior": {"blur": -1.0}}, r"music_vae\.model\.prior\.blur: expected 0 or more, found -1"),
        ({"free_bits": -1.0}, r"music_vae\.model\.free_bits: expected 0 or more, found -1"),
        ({"prior": {"steps": 0}}, r"music_vae\.model\.prior\.steps: expected 1 or more, found 0"),
        ({"prior": {"guidance": -1.0}}, r"music_vae\.model\.prior\.guidance: expected 0 or more, found -1"),
        (
            {"prior": {"guidance": 3.0}},
            r"music_vae\.model\.chord_dropout: expected above 0, since prior\.guidance is not 1",
        ),
        ({"prior": {"temperature": -1.0}}, r"music_vae\.model\.prior\.temperature: expected 0 or more, found -1"),
        ({"background_epochs": -1}, r"music_vae\.model\.background_epochs: expected 0 or more, found -1"),
        ({"background_share": 1.0}, r"music_vae\.model\.background_share: expected 0 to below 1, found 1\.0"),
        ({"windows_per_epoch": 0}, r"music_vae\.model\.windows_per_epoch: expected 1 or more, found 0"),
        (
            {"patch_steps": 5},
            r"music_vae\.model\.patch_steps: expected a divisor of the 16 steps of a segment, found 5",
        ),
    ],
)
def test_an_impossible_setting_gives_a_one_line_error(
    make: Make, vae_config: ModelConfig, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**{**changes, **({"prior": replace(vae_config.prior, **changes["prior"])} if "prior" in changes else {})})


def test_a_family_is_sized_by_its_section_of_the_parameters(melody_encoded: Path, root: Path, tmp_path: Path) -> None:
    text = (root / "params.yaml").read_text().replace("patch_steps: 12", "patch_steps: 4")
    (tmp_path / "params.yaml").write_text(text)
    family = MusicVAEFamily.create(melody_encoded, tmp_path / "params.yaml")
    assert family.model.config.latent_dim == family.config.latent_dim
    assert family.model.alphabet.steps == 16
    (tmp_path / "params.yaml").write_text(text.replace("decoder: hierarchical", "decoder: sideways"))
    with pytest.raises(ConfigError, match=r"music_vae\.model\.decoder: expected 'hierarchical' or 'flat'"):
        MusicVAEFamily.create(melody_encoded, tmp_path / "params.yaml")
