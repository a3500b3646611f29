"""Encoding clips to cached codes: the file has the codec's codes of each clip."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from table_rows import filled
from transformers import EncodecConfig, EncodecModel, MusicgenMelodyFeatureExtractor

from yardbird import files
from yardbird.audio.resampling import to_mono
from yardbird.audio.wave import Waveform, read_wave, write_wave
from yardbird.errors import InputError
from yardbird.music.midi import write_score
from yardbird.music.pitch import Key
from yardbird.music.score import Score
from yardbird.music.score_frames import BAR_BEAT, CHROMA, beat_frames, score_frames
from yardbird.nn.clip_codec import ClipCodec
from yardbird.sound_codec.clip_codes import encode_clips
from yardbird.tables.beats_table import BeatRow, write_beats
from yardbird.tables.clip_tables import RENDERED, ClipRow, encoded_clip, read_clip_index, read_clips, write_clips
from yardbird.tables.copies_table import CopyRow, write_copies

CAPTIONS = ("Be-bop solo in F", 'jazz, "hot"')


def codec(rate: int, seed: int = 0, channels: int = 1) -> ClipCodec:
    """A tiny codec like that of a MusicGen checkpoint: 50 frames a second, 3 codebooks, reflection padding."""
    torch.manual_seed(seed)
    model = EncodecModel(
        EncodecConfig(
            sampling_rate=rate, upsampling_ratios=[8, 5, 4, rate // 8000], target_bandwidths=[0.6], codebook_size=16,
            hidden_size=4, num_filters=2, num_residual_layers=1, num_lstm_layers=1, use_causal_conv=False,
            use_conv_shortcut=False, pad_mode="reflect",
        )
    )  # fmt: skip
    for layer in model.quantizer.layers:
        layer.codebook.embed.normal_(std=0.02)
    return ClipCodec(model.eval(), channels)


def clips_folder(folder: Path, lengths: list[int], rate: int = 16_000) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for number, length in enumerate(lengths):
        path = f"audio/{number}.flac"
        write_wave(Waveform((0.2 * rng.standard_normal((length, 1))).astype(np.float32), rate), folder / path)
        rows.append(filled(ClipRow, clip=str(number), path=path, split="train", captions=CAPTIONS))
    write_clips(folder, rows)
    write_beats(folder, [])
    return folder


@pytest.mark.parametrize("rate", [16_000, 32_000])
def test_cached_codes_are_those_of_the_codec_at_its_own_rate(tmp_path: Path, rate: int) -> None:
    """Compared with `EncodecModel` on whole frames of the clip resampled by torchaudio."""
    model = codec(rate)
    clips = clips_folder(tmp_path / "clips", [16_000, 12_345, 640])
    report = encode_clips(clips, tmp_path, tmp_path / "out", model, "a checkpoint")
    codes = np.load(tmp_path / "out/codes.npy", mmap_mode="r")
    assert codes.dtype == np.int16
    assert codes.shape == (50 + 39 + 2, 3)
    assert 0 <= codes.min() <= codes.max() < 16
    for row in read_clip_index(tmp_path / "out"):
        samples = to_mono(read_wave(clips / row.path), rate)
        frames = -(-len(samples) // (rate // 50))
        whole = np.pad(samples, (0, frames * rate // 50 - len(samples)))
        with torch.no_grad():
            expected = model.model.encode(torch.from_numpy(whole)[None, None]).audio_codes[0, 0].numpy()
        assert np.array_equal(codes[row.place].T, expected)
    assert report["frames"] == len(codes)
    assert report["codebook_1_used"] == len(set(codes[:, 0].tolist())) / 16


def test_the_index_keeps_every_column_and_the_codec_is_named(tmp_path: Path) -> None:
    clips = clips_folder(tmp_path / "clips", [16_000, 6_400])
    encode_clips(clips, tmp_path, tmp_path / "out", codec(32_000), "facebook/musicgen-small")
    index = read_clip_index(tmp_path / "out")
    first, second = read_clips(clips)
    assert index == [encoded_clip(first, 0, 50), encoded_clip(second, 50, 20)]
    assert files.read_json(tmp_path / "out/codec.json") == {
        "codebooks": 3, "codebook_size": 16, "sample_rate": 32_000, "frame_rate": 50,
        "source": "facebook/musicgen-small",
    }  # fmt: skip


def test_each_frame_has_the_score_of_its_clip_and_a_recording_has_its_key_and_beats(
    tmp_path: Path, make_score: Callable[..., Score]
) -> None:
    clips = clips_folder(tmp_path / "clips", [16_000, 6_400, 3_200])
    rows = read_clips(clips)
    about: list[dict[str, Any]] = [
        {"clip": "a/solo__000", "kind": RENDERED, "key": "D minor", "start_seconds": 0.0},
        {"clip": "a/solo__001", "kind": RENDERED, "key": "D minor", "start_seconds": 1.0},
        {"clip": "recordings/take__000", "kind": "recording", "key": "Bb major", "start_seconds": 0.3},
    ]
    write_clips(clips, [replace(row, **own) for row, own in zip(rows, about, strict=True)])
    beats = [BeatRow("recordings/take", 0.1 + 0.08 * beat, 1 + beat % 4) for beat in range(20)]
    write_beats(clips, [BeatRow("recordings/other", 0.3, 0), *beats])
    score = make_score([(beat, 1, 60 + beat) for beat in range(8)])
    write_score(score, tmp_path / "augmented/solo.mid")
    write_copies(tmp_path / "augmented", [filled(CopyRow, copy="a/solo", path="solo.mid")])
    encode_clips(clips, tmp_path / "augmented", tmp_path / "out", codec(16_000), "scratch")
    frames, codes = np.load(tmp_path / "out/score_frames.npy"), np.load(tmp_path / "out/codes.npy")
    assert len(frames) == len(codes)
    whole = score_frames(score, Key.parse("D minor"), 0.0, 70, 50.0)
    assert np.array_equal(frames[:70], whole)
    seconds, places = np.array([beat.seconds for beat in beats]), np.array([beat.bar_beat for beat in beats])
    assert np.array_equal(frames[70:], beat_frames(Key.parse("Bb"), seconds, places, 0.3, 10, 50.0))
    assert frames[70:, BAR_BEAT].all()


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    clips = clips_folder(tmp_path / "clips", [16_000, 9_999])
    for out in ("a", "b"):
        encode_clips(clips, tmp_path, tmp_path / out, codec(16_000), "scratch")
    assert files.sha256_folder(tmp_path / "a") == files.sha256_folder(tmp_path / "b")


def test_decoded_codes_equal_those_of_the_codec(tmp_path: Path) -> None:
    """Encoding and decoding equals a single call of `EncodecModel`, at both rates."""
    for rate in (16_000, 32_000):
        model = codec(rate)
        samples = np.random.default_rng(1).standard_normal(rate // 2).astype(np.float32)
        decoded = model.decode(model.encode(samples))[:, 0]
        with torch.no_grad():
            expected = model.model(torch.from_numpy(samples)[None, None]).audio_values[0, 0].numpy()
        assert np.array_equal(decoded, expected)


def test_a_stereo_checkpoint_has_the_codes_of_a_clip_for_each_channel_in_turn(tmp_path: Path) -> None:
    clips, stereo, mono = clips_folder(tmp_path / "clips", [16_000]), codec(16_000, channels=2), codec(16_000)
    encode_clips(clips, tmp_path, tmp_path / "out", stereo, "facebook/musicgen-stereo-small")
    codes = np.load(tmp_path / "out/codes.npy").T
    assert files.read_json(tmp_path / "out/codec.json")["codebooks"] == 6
    assert np.array_equal(codes[::2], mono.encode(to_mono(read_wave(clips / "audio/0.flac"), 16_000)))
    assert np.array_equal(codes[1::2], codes[::2])
    left_alone = codes.copy()
    left_alone[1::2] = (codes[1::2] + 1) % 16
    both = stereo.decode(left_alone)
    assert both.shape == (16_000, 2)
    assert np.array_equal(both[:, 0], mono.decode(codes[::2])[:, 0])
    assert np.array_equal(both[:, 1], mono.decode(left_alone[1::2])[:, 0])


def test_the_clips_of_a_melody_checkpoint_have_their_chroma_as_a_last_column(tmp_path: Path) -> None:
    clips, plain = clips_folder(tmp_path / "clips", [16_000, 6_400]), codec(16_000)
    melodic = replace(plain, extractor=MusicgenMelodyFeatureExtractor(sampling_rate=16_000, n_fft=4096))
    encode_clips(clips, tmp_path, tmp_path / "plain", plain, "scratch")
    encode_clips(clips, tmp_path, tmp_path / "melody", melodic, "facebook/musicgen-melody")
    without, frames = (np.load(tmp_path / name / "score_frames.npy") for name in ("plain", "melody"))
    assert np.array_equal(frames[:, :CHROMA], without)
    second = to_mono(read_wave(clips / "audio/1.flac"), 16_000)
    assert np.array_equal(frames[50:, CHROMA], melodic.chroma(second))
    assert files.read_json(tmp_path / "melody/codec.json")["chroma"]
    assert "chroma" not in files.read_json(tmp_path / "plain/codec.json")


def test_a_corpus_without_clips_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected clips, found none; see rejected"):
        encode_clips(clips_folder(tmp_path / "clips", []), tmp_path, tmp_path / "out", codec(16_000), "scratch")


def test_a_damaged_clip_is_named(tmp_path: Path) -> None:
    clips = clips_folder(tmp_path / "clips", [16_000])
    (clips / "audio/0.flac").write_bytes(b"no sound")
    with pytest.raises(InputError, match=r"0\.flac: expected a sound file"):
        encode_clips(clips, tmp_path, tmp_path / "out", codec(16_000), "scratch")
