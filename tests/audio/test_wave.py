from pathlib import Path

import numpy as np
import pytest

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


def test_the_bytes_hold_no_clock(tmp_path: Path) -> None:
    write_wave(noise(1), tmp_path / "a.wav")
    write_wave(noise(1), tmp_path / "b.wav")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert len((tmp_path / "a.wav").read_bytes()) == 44 + 2 * 4410  # the plain header and the samples, nothing else


def test_what_exceeds_full_scale_is_clipped_not_wrapped(tmp_path: Path) -> None:
    write_wave(Waveform(np.array([[1.5], [-1.5]], dtype=np.float32), 8000), tmp_path / "loud.wav")
    assert np.sign(read_wave(tmp_path / "loud.wav").samples[:, 0]).tolist() == [1, -1]


def test_what_is_no_sound_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not sound")
    with pytest.raises(InputError, match="expected a sound file, found an unreadable file"):
        read_wave(tmp_path / "text.wav")
    with pytest.raises(InputError, match="found no such file"):
        read_wave(tmp_path / "absent.wav")


def test_flac_holds_the_same_samples_as_wav_and_no_clock(tmp_path: Path) -> None:
    for name in ("a.wav", "a.flac", "b.flac"):
        write_wave(noise(1), tmp_path / name)
    assert np.array_equal(read_wave(tmp_path / "a.flac").samples, read_wave(tmp_path / "a.wav").samples)
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()
    assert (tmp_path / "a.flac").read_bytes()[:4] == b"fLaC"
