"""The codec's model card, in markdown, from its settings and its measured figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import EncodecModel

from yardbird.sound_codec.codec_training import Row, TrainingConfig
from yardbird.sound_codec.training_sounds import SoundsConfig


def model_card(
    model: EncodecModel,
    sounds: SoundsConfig,
    training: TrainingConfig,
    figures: Mapping[str, Any],
    curve: Sequence[Row],
    *,
    hours: float,
    device: str,
) -> str:
    """The card.

    Args:
        figures: what `encodec.describe` and `codec_quality.measure` say of the model.
        curve: of the training, a row an epoch.
        hours: of the processor that the training took.
        device: that it ran on.
    """
    config = model.config
    kilohertz, distance = config.sampling_rate / 1000, figures["log_mel_distance"]
    kept: Mapping[str, float] = figures["pitch_share_by_instrument"]
    total = sum(instrument.weight for instrument in sounds.instruments.values())
    instruments = "\n".join(
        f"| {instrument.name} | {instrument.weight / total:.0%} | "
        f"{f'{kept[instrument.name]:.1%}' if instrument.name in kept else 'not drawn'} |"
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
`EncodecModel.from_pretrained("codec")` loads it. Its tokens are what the MusicGen of this repository
learns where no other is at hand: offline, on a CPU.

{figures["parameters"]:,} parameters and {figures["codebook_values"]:,} values in codebooks, stored in half precision.

## Data
Renders alone; no human player was recorded. {sounds.etude_share:.0%} of them play synthetic be-bop etudes,
{sounds.comping_share:.0%} of those with piano and bass, the others random melodies, which play every key alike.
They sound through TimGM6mb, the SoundFont that pretty_midi carries (Tim Brechbill, GPL 2), which is no part
of these weights. After every {training.epoch_steps} steps, {sounds.pool_seconds} seconds were rendered anew.

## Training
{curve[-1]["step"]} steps of {training.batch_size} crops of {training.crop_seconds:g} s:
{hours:.1f} hours of {device}, rendering and measuring included. The loss is of waveforms and short-time spectra,
without an adversary. What is kept is a moving average of the weights.

| step | pitch kept | log-mel distance |
|---|---|---|
{epochs}

## Quality
On {sounds.held_out_clips} held-out renders of {sounds.held_out_seconds:g} s, whose scores were not trained on:

- **pitch kept in {figures["pitch_share"]:.1%}** of {figures["voiced_frames"]} voiced frames of single instruments:
  still voiced, and within a quarter tone, as librosa's probabilistic YIN tracks both
- **log-mel distance {distance:.3f}** decades, which is {20 * distance:.1f} dB, the mean over 80 bands
  up to {kilohertz / 2:g} kHz

| instrument | of the training | pitch kept |
|---|---|---|
{instruments}

## Limits
It knows the instruments of one SoundFont. Recordings, voices, drums and mixtures come back worse than these
figures tell, and what lies above {kilohertz / 2:g} kHz does not come back at all.
The {worst} keeps its pitch worst, in {kept[worst]:.1%} of the frames.
Breath and attack are blurred, as they are without an adversary: see `reports/codec/spectrograms.png`.

## Again
`make codec` trains it again, with the settings of section `codec` of params.yaml; stopped, it goes on
where it stood. Code and weights: MIT licence.
"""
