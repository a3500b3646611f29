import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yardbird.audio.wave import Waveform, read_wave, write_wave
from yardbird.errors import InputError


def noise(channels: int) -> Waveform:
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (4410, channels)).astype(np.float32)
    return Waveform(samples, 44_100)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_reads_back_within_a_sixteen_bit_step(tmp_path: Path, channels: int) -> None:
    written = noise(channels)
    write_wave(written, tmp_path / "noise.wav")
    read = read_wave(tmp_path / "noise.wav")
    assert read.sample_rate == 44_100
    assert np.abs(read.samples - written.samples).max() < 1.5 / 32767


def test_the_file_contains_no_time_stamp(tmp_path: Path) -> None:
    write_wave(noise(1), tmp_path / "a.wav")
    write_wave(noise(1), tmp_path / "b.wav")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert len((tmp_path / "a.wav").read_bytes()) == 44 + 2 * 4410  # the plain header and the samples, nothing else


def test_samples_beyond_full_scale_are_clipped_and_not_wrapped(tmp_path: Path) -> None:
    write_wave(Waveform(np.array([[1.5], [-1.5]], dtype=np.float32), 8000), tmp_path / "loud.wav")
    assert np.sign(read_wave(tmp_path / "loud.wav").samples[:, 0]).tolist() == [1, -1]


def test_a_file_without_audio_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not sound")
    with pytest.raises(InputError, match="expected a sound file, found an unreadable file"):
        read_wave(tmp_path / "text.wav")
    with pytest.raises(InputError, match="found no such file"):
        read_wave(tmp_path / "absent.wav")


def test_flac_contains_the_same_samples_as_wav_and_no_time_stamp(tmp_path: Path) -> None:
    for name in ("a.wav", "a.flac", "b.flac"):
        write_wave(noise(1), tmp_path / name)
    assert np.array_equal(read_wave(tmp_path / "a.flac").samples, read_wave(tmp_path / "a.wav").samples)
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()
    assert (tmp_path / "a.flac").read_bytes()[:4] == b"fLaC"


@pytest.mark.parametrize(
    ("suffix", "kind", "subtype", "rate"),
    [
        ("aiff", "AIFF", "PCM_24", 44_100),
        ("aifc", "AIFF", "ULAW", 44_100),
        ("caf", "CAF", "PCM_16", 44_100),
        ("au", "AU", "PCM_16", 44_100),
        ("w64", "W64", "PCM_16", 44_100),
        ("rf64", "RF64", "PCM_16", 44_100),
        ("opus", "OGG", "OPUS", 48_000),
        ("wav", "WAV", "PCM_U8", 44_100),
        ("wav", "WAV", "ALAW", 44_100),
        ("wav", "WAV", "IMA_ADPCM", 44_100),
        ("wav", "WAV", "DOUBLE", 44_100),
        ("voc", "VOC", "PCM_16", 44_100),
    ],
)
def test_the_formats_of_libsndfile_are_read(tmp_path: Path, suffix: str, kind: str, subtype: str, rate: int) -> None:
    wave = 0.4 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.stack([wave, wave], axis=1), rate, format=kind, subtype=subtype)
    read = read_wave(path)
    assert (read.sample_rate, read.samples.shape[1]) == (rate, 2)
    assert np.abs(read.samples[1000:20_000, 0] - wave[1000:20_000]).max() < 0.05


def test_samples_without_a_header_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(1000))
    with pytest.raises(InputError, match="found samples without a header, so that their rate is unknown"):
        read_wave(tmp_path / "a.raw")


def test_a_file_that_requires_pyav_is_refused_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for name in ("a.m4a", "a.aac"):
        (tmp_path / name).write_bytes(b"\0\0\0\x20ftypM4A ")
        with pytest.raises(InputError, match=r"which needs PyAV; install it \(pip install -e '\.\[m4a\]'\)"):
            read_wave(tmp_path / name)


@pytest.mark.parametrize("suffix", ["m4a", "aac"])
def test_aac_is_read_through_pyav(tmp_path: Path, suffix: str) -> None:
    av = pytest.importorskip("av", reason="PyAV, an extra, is not installed")
    wave = (0.4 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)).astype(np.float32)
    path = tmp_path / f"a.{suffix}"
    with av.open(str(path), "w", format="adts" if suffix == "aac" else None) as container:
        stream = container.add_stream("aac", rate=44_100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
        frame.sample_rate = 44_100
        container.mux([*stream.encode(frame), *stream.encode(None)])
    read = read_wave(path)
    assert (read.sample_rate, read.samples.shape[1]) == (44_100, 2)
    assert read.seconds == pytest.approx(1, abs=0.1)
    assert np.sqrt(np.mean(np.square(read.samples[5000:30_000]))) == pytest.approx(0.4 / np.sqrt(2), rel=0.05)
    path.write_bytes(path.read_bytes()[:8])
    with pytest.raises(InputError, match="an unreadable file") as error:
        read_wave(path)
    assert "\n" not in str(error.value)
