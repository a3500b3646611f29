"""The codec's model card in Markdown, from its settings and metrics."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yardbird.sound_codec.codec_training import CodecCurveRow, TrainingConfig
from yardbird.sound_codec.training_sounds import SoundsConfig

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import EncodecModel


def model_card(
    model: "EncodecModel",
    sounds: SoundsConfig,
    training: TrainingConfig,
    figures: Mapping[str, Any],
    curve: Sequence[CodecCurveRow],
    *,
    hours: float,
    device: str,
) -> str:
    """The model card.

    Args:
        figures: the results of `encodec.describe` and `codec_quality.measure`.
        curve: the training curve, one row for each epoch.
        hours: processor time of the training.
        device: the device of the training.
    """
    config = model.config
    kilohertz, distance = config.sampling_rate / 1000, figures["log_mel_distance"]
    kept: Mapping[str, float] = figures["pitch_share_by_instrument"]
    total = sum(instrument.weight for instrument in sounds.instruments.values())
    instruments = "\n".join(
        f"| {instrument.name} | {instrument.weight / total:.0%} | "
        f"{f'{kept[instrument.name]:.1%}' if instrument.name in kept else 'none held out'} |"
        for instrument in sounds.instruments.values()
    )
    epochs = "\n".join(f"| {row['step']} | {row['pitch_share']:.1%} | {row['log_mel_distance']:.3f} |" for row in curve)
    worst = min(kept, key=lambda name: kept[name])
    return f"""---
license: mit
library_name: transformers
tags: [audio, codec, encodec, music]
---
# The codec of sound

A small EnCodec: {kilohertz:g} kHz, one channel, {config.frame_rate} frames a second,
{config.num_quantizers} codebooks of {config.codebook_size}, {config.target_bandwidths[0]:g} kbit/s.
`EncodecModel.from_pretrained("codec")` loads it. The MusicGen of this repository learns its tokens
when it is trained from scratch: offline, on a CPU.

{figures["parameters"]:,} parameters and {figures["codebook_values"]:,} values in codebooks, stored in half precision.

## Data
All sounds are rendered; no human player was recorded. {sounds.etude_share:.0%} are synthetic be-bop etudes,
{sounds.comping_share:.0%} of those with piano and bass. The others are random melodies, in which every key is equally
likely. The SoundFont is TimGM6mb of pretty_midi (Tim Brechbill, GPL 2), which is not part of these
weights. After every {training.epoch_steps} steps, {sounds.pool_seconds} seconds of new sound were rendered.

## Training
{curve[-1]["step"]} steps of {training.batch_size} crops of {training.crop_seconds:g} s:
{hours:.1f} hours of {device}, including rendering and measuring. The loss compares waveforms and short-time
spectra, without a discriminator. The weights are a moving average.

| step | pitch kept | log-mel distance |
|---|---|---|
{epochs}

## Quality
On {sounds.held_out_clips} held-out renders of {sounds.held_out_seconds:g} s, whose scores are not in the training data:

- **pitch kept in {figures["pitch_share"]:.1%}** of {figures["voiced_frames"]} voiced frames of single instruments:
  still voiced and within a quarter tone, both tracked by librosa's probabilistic YIN
- **log-mel distance {distance:.3f}** decades ({20 * distance:.1f} dB), the mean over 80 bands
  up to {kilohertz / 2:g} kHz

| instrument | of the training | pitch kept |
|---|---|---|
{instruments}

## Limits
The codec was trained on the instruments of one SoundFont. It reconstructs recordings, voices, drums and mixtures
worse than these values show, and nothing above {kilohertz / 2:g} kHz.
The {worst} has the lowest share of kept pitch, {kept[worst]:.1%} of the frames.
Breath and attack are blurred, because there was no discriminator: see `reports/codec/spectrograms.png`.

## Reproduce
`make codec` trains it again, with the settings of section `codec` of params.yaml. After an interruption, the same
command resumes it. Code and weights: MIT licence.
"""
