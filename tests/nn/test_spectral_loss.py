"""The properties of the codec's loss."""

import pytest
import torch

from yardbird.nn.spectral_loss import SpectralLossConfig, spectral_loss

ALL = SpectralLossConfig((256, 1024), 2, magnitude=1.0, phase=1.0, logarithm=1.0, waveform=1.0)


def tones(*hertz: float) -> torch.Tensor:
    time = torch.arange(8000) / 16_000
    return torch.stack([0.3 * torch.sin(2 * torch.pi * f * time) for f in hertz])


def test_the_loss_of_a_waveform_with_itself_is_zero() -> None:
    total, terms = spectral_loss(tones(220, 440), tones(220, 440), ALL, torch.Generator())
    assert total < 1e-3
    assert set(terms) == {"magnitude", "phase", "logarithm", "waveform"}


def test_silence_is_at_distance_one_in_every_relative_term() -> None:
    _, terms = spectral_loss(torch.zeros(1, 8000), tones(330), ALL, torch.Generator())
    for name in ("magnitude", "phase", "waveform"):
        assert float(terms[name]) == pytest.approx(1.0, abs=0.01)


def test_a_change_of_sign_affects_the_phase_term_but_not_the_magnitudes() -> None:
    _, terms = spectral_loss(-tones(330), tones(330), ALL, torch.Generator())
    assert float(terms["magnitude"]) < 1e-3
    assert float(terms["phase"]) == pytest.approx(2.0, abs=0.01)


def test_a_semitone_costs_more_than_a_tenth_of_one() -> None:
    near, far = (
        spectral_loss(tones(440 * 2 ** (step / 12)), tones(440), ALL, torch.Generator())[1]["magnitude"]
        for step in (0.1, 1.0)
    )
    assert far > 2 * near


def test_soft_and_loud_examples_have_equal_weight() -> None:
    found, target = tones(300, 500), tones(310, 520)
    one = spectral_loss(found, target, ALL, torch.Generator())[0]
    other = spectral_loss(0.3 * found, 0.3 * target, ALL, torch.Generator())[0]
    torch.testing.assert_close(one, other, rtol=0.02, atol=0)


def test_the_gradient_at_silence_is_finite() -> None:
    found = torch.zeros(1, 8000, requires_grad=True)
    spectral_loss(found, tones(220), ALL, torch.Generator())[0].backward()
    assert torch.isfinite(found.grad).all()
    assert found.grad.abs().sum() > 0


def test_only_the_configured_number_of_windows_is_used_and_all_occur() -> None:
    """With one of two windows for each step, the term is that of one of them."""
    found, target = tones(300), tones(320)
    one, other = (
        float(spectral_loss(found, target, SpectralLossConfig((n,), 1, 1.0, 0.0, 0.0, 0.0), torch.Generator())[0])
        for n in (256, 1024)
    )
    both = SpectralLossConfig((256, 1024), 1, 1.0, 0.0, 0.0, 0.0)
    rng = torch.Generator().manual_seed(0)
    seen = {round(float(spectral_loss(found, target, both, rng)[0]), 5) for _ in range(12)}
    assert seen == {round(one, 5), round(other, 5)}
