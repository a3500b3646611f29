"""The codec: its network as a transformers model, its sounds, metrics, training and model card."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.signal import resample_poly
from transformers import EncodecModel

from yardbird.audio.synth import render
from yardbird.config import read_section
from yardbird.errors import ConfigError, InputError
from yardbird.music.score import Score, Tempo, make_notes
from yardbird.nn import encodec
from yardbird.nn.encodec import FRAME_RATE, HOP, SAMPLE_RATE, NetworkConfig
from yardbird.nn.residual_vq import QuantiseConfig
from yardbird.nn.spectral_loss import SpectralLossConfig
from yardbird.sound_codec import codec_quality
from yardbird.sound_codec.codec_card import model_card
from yardbird.sound_codec.codec_training import Trainer, TrainingConfig
from yardbird.sound_codec.training_sounds import Clip, Instrument, SoundsConfig, crops, held_out, training_pool

TINY = NetworkConfig(
    num_filters=2, upsampling_ratios=(2, 4, 5, 8), residual_layers=0, kernel_size=3, latent_dim=4, codebooks=4,
    codebook_size=16,
)  # fmt: skip
SOUNDS = SoundsConfig(
    instruments={"65": Instrument("alto saxophone", 3.0, 49, 84), "32": Instrument("acoustic bass", 1.0, 28, 60)},
    etude_share=0.5, comping_share=0.5, pool_seconds=5, held_out_clips=4, held_out_seconds=2.0,
)  # fmt: skip
TRAINING = TrainingConfig(
    steps=6, unquantised_steps=2, batch_size=2, crop_seconds=0.2, learning_rate=1e-3, min_learning_rate=1e-4,
    warmup_steps=2, gradient_clip=1.0, commitment=0.25, averaging=0.9, epoch_steps=3, checkpoint_steps=2, threads=1,
    quantise=QuantiseConfig(decay=0.9, dead_share=0.03, dropout=0.2),
    loss=SpectralLossConfig((256, 1024), 1, magnitude=1.0, phase=0.5, logarithm=0.1, waveform=0.1),
)  # fmt: skip


def tiny(seed: int = 0) -> EncodecModel:
    torch.manual_seed(seed)
    model = encodec.build(TINY)
    for layer in model.quantizer.layers:
        layer.codebook.embed.normal_()
    return model.eval()


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@pytest.mark.parametrize("samples", [320, 321, 16_000, 16_001])
def test_there_is_one_frame_of_codes_for_every_started_hop(samples: int) -> None:
    codes = encodec.encode(tiny(), tone(440, samples / SAMPLE_RATE))
    assert codes.shape == (4, -(-samples // HOP))
    assert codes.max() < 16
    assert encodec.decode(tiny(), codes).shape == (codes.shape[1] * HOP,)


def test_transformers_loads_a_saved_codec(tmp_path: Path) -> None:
    model = tiny()
    encodec.save(model, tmp_path)
    theirs, report = EncodecModel.from_pretrained(tmp_path, dtype=torch.float32, output_loading_info=True)
    assert not any(report.values())
    ours = encodec.load(tmp_path)
    codes = encodec.encode(ours, tone(440))
    with torch.no_grad():
        out = theirs(torch.from_numpy(tone(440))[None, None])
    assert np.array_equal(out.audio_codes[0, 0].numpy(), codes)
    assert np.array_equal(out.audio_values[0, 0].numpy(), encodec.decode(ours, codes))
    assert theirs.config.frame_rate == FRAME_RATE
    assert theirs.config.sampling_rate == SAMPLE_RATE


def test_a_missing_codec_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a trained codec, found none; restore the codec from Git"):
        encodec.load(tmp_path)


@pytest.mark.parametrize(
    ("file", "content"), [("model.safetensors", b"{}"), ("model.safetensors", b""), ("config.json", b"{")]
)
def test_a_damaged_codec_gives_a_one_line_error(tmp_path: Path, file: str, content: bytes) -> None:
    encodec.save(tiny(), tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError, match="expected a trained codec, found ") as caught:
        encodec.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_codec_with_missing_weights_is_refused(tmp_path: Path) -> None:
    encodec.save(tiny(), tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["quantizer.layers.3.codebook.embed"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"found no weights for quantizer\.layers\.3\.codebook\.embed"):
        encodec.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "found"),
    [({"normalize": True}, "normalises"), ({"chunk_length_s": 1.0, "overlap": 0.01}, "chunks")],
)
def test_a_codec_that_decodes_from_more_than_codes_is_refused(
    tmp_path: Path, change: dict[str, object], found: str
) -> None:
    model = tiny()
    model.config.update(change)
    encodec.save(model, tmp_path)
    with pytest.raises(InputError, match=found):
        encodec.load(tmp_path)


def test_the_shipped_codec_is_small_and_fits_its_section(root: Path) -> None:
    assert (root / "codec/model.safetensors").stat().st_size <= 4_000_000
    model = encodec.load(root / "codec")
    config = read_section("codec.model", NetworkConfig, root / "params.yaml")
    assert encodec.describe(model) == encodec.describe(encodec.build(config))
    assert model.config.to_diff_dict() == {**encodec.build(config).config.to_diff_dict(), "dtype": ANY}


def test_the_shipped_codec_keeps_the_pitch_of_an_alto(root: Path) -> None:
    """Fourths, half a second each. Values far below those of its card would mean another codec."""
    model = encodec.load(root / "codec")
    notes = make_notes([(index * 480, 460, key, 90) for index, key in enumerate((61, 71))])
    wave = render(Score(480, notes, 2 * 480, tempos=(Tempo(0, 120.0),), program=65))
    samples = resample_poly(wave.mono, 160, 441).astype(np.float32)
    voiced, kept = codec_quality.pitch_kept(samples, codec_quality.through(model, samples))
    assert voiced > 40
    assert kept / voiced > 0.8


def test_strides_must_give_fifty_frames_per_second() -> None:
    expected = r"upsampling_ratios: expected numbers whose product is 320, found \[2, 5, 8\]"
    with pytest.raises(ConfigError, match=rf"^params\.yaml: codec\.model\.{expected}"):
        replace(TINY, upsampling_ratios=(2, 5, 8))


def test_an_instrument_must_span_an_octave() -> None:
    with pytest.raises(ConfigError, match="an octave or more below the highest key 64, found 60"):
        Instrument("whistle", 1.0, 60, 64)


def test_equal_seeds_give_equal_sounds_and_each_epoch_has_different_ones() -> None:
    first, again, other = (training_pool(SOUNDS, 0, epoch) for epoch in (0, 0, 1))
    assert np.array_equal(first, again)
    assert len(first) >= 5 * SAMPLE_RATE
    assert not np.array_equal(first[:SAMPLE_RATE], other[:SAMPLE_RATE])


def test_held_out_clips_are_of_the_instruments_and_in_tune() -> None:
    """Equal temperament: the voiced frames of a saxophone or a bass are near the pitches of keys."""
    clips = held_out(replace(SOUNDS, etude_share=0.0), 0)
    assert {clip.group for clip in clips} <= {"alto saxophone", "acoustic bass"}
    for clip in clips:
        assert clip.samples.shape == (2 * SAMPLE_RATE,)
        hertz = codec_quality.pitch(clip.samples)
        keys = 12 * np.log2(hertz[np.isfinite(hertz)] / 440)
        assert np.median(np.abs(keys - np.round(keys))) < 0.12


def test_no_held_out_score_is_trained_on() -> None:
    """Crops of one stream never equal those of the other, because the streams have different labels."""
    pool = training_pool(SOUNDS, 0, 0)
    for clip in held_out(SOUNDS, 0):
        probe = clip.samples[8000:8400]
        starts = np.flatnonzero(np.isclose(pool[: -len(probe)], probe[0], atol=1e-7))
        assert not any(np.allclose(pool[start : start + len(probe)], probe, atol=1e-6) for start in starts)


def test_silence_is_skipped() -> None:
    pool = np.concatenate([np.zeros(50_000, dtype=np.float32), tone(440), np.zeros(50_000, dtype=np.float32)])
    found = crops(pool, 20, 1600, np.random.default_rng(0))
    assert found.shape == (20, 1600)
    assert np.sqrt((found**2).mean(axis=1)).min() > 0.01


def test_pitch_is_kept_within_a_quarter_tone_and_not_beyond() -> None:
    original = tone(440)
    for cents, share in ((40, 1.0), (60, 0.0)):
        voiced, kept = codec_quality.pitch_kept(original, tone(440 * 2 ** (cents / 1200)))
        assert voiced > 40
        assert kept / voiced == pytest.approx(share, abs=0.1)


def test_six_decibels_are_a_log_mel_distance_of_three_tenths() -> None:
    noise = np.random.default_rng(0).normal(size=SAMPLE_RATE).astype(np.float32)
    assert codec_quality.log_mel_distance(noise, noise) == 0
    assert codec_quality.log_mel_distance(noise, 2 * noise) == pytest.approx(np.log10(2), abs=1e-4)


@pytest.mark.slow
def test_a_codec_is_measured_and_drawn(tmp_path: Path) -> None:
    clips = held_out(SOUNDS, 0)
    figures = codec_quality.measure(tiny(), clips)
    assert 0 <= figures["pitch_share"] <= 1
    assert figures["log_mel_distance"] > 0
    assert set(figures["pitch_share_by_instrument"]) <= {"alto saxophone", "acoustic bass"}
    codec_quality.draw(tiny(), clips[:2], tmp_path / "a.png")
    codec_quality.draw(tiny(), clips[:2], tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def trainer(**changes: int) -> Trainer:
    torch.manual_seed(0)
    return Trainer(encodec.build(TINY), replace(TRAINING, **changes), SOUNDS, 0)


def ignore(_: object) -> None:
    pass


class KilledError(Exception):
    pass


@pytest.mark.slow
def test_an_interrupted_training_resumes_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in step 5, it resumes from step 4, in the middle of an epoch, with fitted codebooks."""
    clips = [Clip("alto saxophone", tone(440, 0.2))]
    whole = trainer()
    curve = whole.run(clips, ignore, ignore)
    cut = trainer()
    learn, kept = cut._learn, []

    def killed_in_step_5(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        if cut.step == 5:
            raise KilledError
        return learn(batch)

    monkeypatch.setattr(cut, "_learn", killed_in_step_5)
    with pytest.raises(KilledError):
        cut.run(clips, ignore, lambda state: kept.append(deepcopy(state)))
    again = trainer()
    again.restore(kept[-1])
    assert again.step == 4
    assert again.run(clips, ignore, ignore) == curve
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, again.average.state_dict()[name]), name


def test_codebooks_are_used_after_the_unquantised_steps() -> None:
    early = trainer(steps=2)
    early.run([Clip("alto saxophone", tone(440, 0.2))], ignore, ignore)
    assert all(float(book.embed.abs().sum()) == 0 for book in early.codebooks)
    late = trainer(steps=3)
    late.run([Clip("alto saxophone", tone(440, 0.2))], ignore, ignore)
    assert all(float(book.embed.abs().sum()) > 0 for book in late.codebooks)


@pytest.mark.slow
def test_training_lowers_the_loss() -> None:
    """Learning pitch would take half a minute. Here only the noise of the untrained network decreases."""
    clips = [Clip("alto saxophone", tone(440, 0.2))]
    curve = trainer(steps=60, epoch_steps=20, unquantised_steps=60).run(clips, ignore, ignore)
    assert curve[-1]["train_waveform"] < 0.97 * curve[0]["train_waveform"]


def test_the_card_contains_the_measured_values() -> None:
    model = tiny()
    measured = {"pitch_share": 0.9321, "log_mel_distance": 0.5}
    curve = [{"step": 2000, "pitch_share": 0.5, "log_mel_distance": 0.75}, {"step": 4000, **measured}]
    figures = {
        **encodec.describe(model),
        **measured,
        "voiced_frames": 77,
        "pitch_share_by_instrument": {"alto saxophone": 0.25},
    }
    card = model_card(model, SOUNDS, TRAINING, figures, curve, hours=1.25, device="one CPU core")
    for fact in (
        "4 codebooks of 16, 0.8 kbit/s", "**pitch kept in 93.2%** of 77 voiced",
        "distance 0.500** decades (10.0 dB)",
        "| 2000 | 50.0% | 0.750 |", "| alto saxophone | 75% | 25.0% |", "| acoustic bass | 25% | none held out |",
        "4000 steps of 2 crops", "1.2 hours of one CPU core",
        "The alto saxophone has the lowest share of kept pitch, 25.0%",
    ):  # fmt: skip
        assert fact in card
