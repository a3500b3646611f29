"""Good and bad recordings of a user; no tune is both trained on and held out."""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from yardbird import files
from yardbird.audio.loudness import integrated_loudness
from yardbird.audio.wave import Waveform, read_wave
from yardbird.data.captions import NO_REMARK
from yardbird.data.cutting import Made, in_words, make_clips
from yardbird.data.listening.known_facts import bar_seconds
from yardbird.data.recordings import Recording
from yardbird.data.source_sounds import AudioConfig, SeparatorConfig
from yardbird.data.splitting import SplitConfig, deal_out, tune_groups
from yardbird.data.tunes.names import tune_group_of
from yardbird.errors import InputError

SPLIT = SplitConfig(0.3, 0.3, 0, 0.13)
CONFIG = AudioConfig("", 16_000, 8.0, 2.0, 100.0, "Be-bop", False, -17.0, None, None)

Make = Callable[..., Made]


def tone(seconds: float, hertz: float = 440.0, rate: int = 22_050, amplitude: float = 0.4) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Twelve tunes in four formats, one of them in two takes."""
    folder = tmp_path / "recordings"
    (folder / "Ada_Line").mkdir(parents=True)
    for number, suffix in enumerate(["wav", "flac", "mp3", "ogg"] + ["wav"] * 8):
        samples = np.stack([tone(9, 200 + 40 * number), tone(9, 300 + 40 * number)], axis=1)
        soundfile.write(folder / "Ada_Line" / f"Tune {'ABCDEFGHIJKL'[number]}.{suffix}", samples, 22_050)
    soundfile.write(folder / "Ada_Line" / "Tune A (take 2).WAV", tone(10, 777), 22_050)
    return folder


@pytest.fixture
def make(tmp_path: Path, source: Path) -> Make:
    return lambda: make_clips(tmp_path / "none", tmp_path / "clips", replace(CONFIG, source=str(source)), SPLIT, 0)


def test_every_format_and_rate_becomes_level_mono_clips_at_one_rate(make: Make, tmp_path: Path) -> None:
    result = make()
    assert not result.rejected
    assert len({clip.solo for clip in result.clips}) == 13
    assert {clip.kind for clip in result.clips} == {"recording"}
    assert {clip.artist for clip in result.clips} == {"Ada Line"}
    for clip in result.clips:
        wave = read_wave(tmp_path / "clips" / clip.path)
        assert (wave.sample_rate, wave.samples.shape[1]) == (16_000, 1)
        assert integrated_loudness(wave.samples, wave.sample_rate) == pytest.approx(CONFIG.loudness, abs=0.2)
    seconds = {
        clip.solo: sum(other.seconds for other in result.clips if other.solo == clip.solo) for clip in result.clips
    }
    assert all(8.9 < total < 10.1 for total in seconds.values())  # nothing is dropped; MP3 pads


def test_no_recording_and_no_tune_is_in_two_splits_and_takes_stay_together(make: Make) -> None:
    clips = make().clips
    for name in ("solo", "tune_group"):
        homes = {
            getattr(clip, name): {other.split for other in clips if getattr(other, name) == getattr(clip, name)}
            for clip in clips
        }
        assert all(len(splits) == 1 for splits in homes.values())
    assert {clip.split for clip in clips} == {"train", "validation", "test"}
    assert len({clip.solo for clip in clips if clip.tune_group == tune_group_of("Tune A")}) == 2


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), min_size=30, max_size=60), st.integers(0, 5))
def test_recordings_that_share_a_tune_or_a_sound_share_a_split(pairs: list[tuple[int, int]], salt: int) -> None:
    recordings = [
        Recording(f"recordings/{i}", "x.wav", Path("x.wav"), 9.0, "", "", f"tune{tune}", f"sound{sound}", NO_REMARK)
        for i, (tune, sound) in enumerate(pairs)
    ]
    try:
        split = deal_out(
            recordings, tune_groups(recordings), Path("recordings"), SplitConfig(0.3, 0.3, salt, 0.13)
        ).splits
    except InputError:  # few groups, and none for a split
        return
    for one in recordings:
        for other in recordings:
            if one.tune_group == other.tune_group or one.interval_hash == other.interval_hash:
                assert split[one.solo] == split[other.solo]


def test_unusable_recordings_are_listed_with_the_reason(
    make: Make, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "corrupt.flac").write_bytes(b"fLaC and nothing that follows")
    (source / "text.mp3").write_text("not sound")
    (source / "notes.m4a").write_bytes(b"another format")
    (source / "copy.wav").write_bytes((source / "Ada_Line" / "Tune A.wav").read_bytes())
    (source / ".hidden.wav").write_text("left alone")
    soundfile.write(source / "silent.wav", np.zeros(44_100), 22_050)
    soundfile.write(source / "short.wav", tone(1.5), 22_050)
    soundfile.write(source / "empty.wav", np.zeros(0), 22_050)
    soundfile.write(source / "damaged header.wav", tone(3), 3)
    soundfile.write(source / "loud.wav", np.clip(tone(5, amplitude=1.6), -1, 1), 22_050)
    soundfile.write(source / "another header.wav", tone(3), 10_000_000)
    soundfile.write(source / "one sample.wav", np.full(1, 0.5), 22_050)
    soundfile.write(source / "overflow.wav", 1e30 * tone(3), 22_050, subtype="FLOAT")
    half = np.stack([tone(3), np.full(66_150, np.nan)], axis=1)
    soundfile.write(source / "no numbers.wav", half, 22_050, subtype="FLOAT")
    soundfile.write(source / "infinite.wav", np.full(66_150, np.inf), 22_050, subtype="FLOAT")
    soundfile.write(source / "zz with a rest.wav", np.concatenate([tone(8, 900), np.zeros(22_050 * 8)]), 22_050)
    soundfile.write(source / "antiphase.wav", np.stack([tone(5, 500), -tone(5, 500)], axis=1), 22_050)
    soundfile.write(source / "used above full scale.wav", tone(5, 1500, amplitude=3), 22_050, subtype="FLOAT")
    soundfile.write(source / "used integers.wav", 8e6 * tone(5, 140), 22_050, subtype="FLOAT")
    soundfile.write(source / "used 8 bits.wav", tone(5, 150), 22_050, subtype="PCM_U8")
    soundfile.write(source / "used mu-law.au", tone(5, 160), 22_050, subtype="ULAW")
    (source / "broken.wav").symlink_to(tmp_path / "nowhere")
    (source / "folder").symlink_to(tmp_path)
    os.mkfifo(source / "pipe.wav")
    monkeypatch.setitem(sys.modules, "av", None)
    result = make()
    reasons = {reject.file: reject.reason for reject in result.rejected}
    assert sum(clip.title.startswith("used") for clip in result.clips) >= 4
    assert reasons == {
        "broken.wav": "expected a sound file, found a broken link; replace it by its content, or delete it",
        "folder": "expected a sound file, found a link to a folder; replace it by its content, or delete it",
        "pipe.wav": "expected a sound file, found no regular file; replace it by its content, or delete it",
        "copy.wav": "the same sound as Ada_Line/Tune A.wav",
        "damaged header.wav": "no sound: 3 Hz, not 1000 to 768000",
        "another header.wav": "no sound: 10000000 Hz, not 1000 to 768000",
        "one sample.wav": "too short: 0.00 seconds, fewer than 2",
        "overflow.wav": "no sound: a sample of 4e+29, not at most 2e+09 times full scale",
        "no numbers.wav": "expected finite samples, found infinite ones or NaN; export it again",
        "corrupt.flac": reasons["corrupt.flac"],
        "text.mp3": reasons["text.mp3"],
        "notes.m4a": "expected a sound file, found a .m4a file, which needs PyAV; "
        "install it (pip install -e '.[m4a]'), or convert the file to wav",
        "antiphase.wav": "antiphase: the channels cancel each other, their sum is silent; invert one channel",
        "silent.wav": "silent: never louder than -inf dB",
        "short.wav": "too short: 1.50 seconds, fewer than 2",
        "empty.wav": "too short: 0.00 seconds, fewer than 2",
        "loud.wav": reasons["loud.wav"],
        "infinite.wav": "expected finite samples, found infinite ones or NaN; export it again",
        "recordings/zz_with_a_rest": "silent from 8.0 to 16.0 seconds",
    }
    assert reasons["loud.wav"].startswith("clipped: ")
    for name in ("corrupt.flac", "text.mp3"):
        assert reasons[name].startswith("expected a sound file, found an unreadable file (")
    assert "19 rejected, the first: another header.wav" in in_words(result, tmp_path / "clips")[-1]
    assert str(tmp_path) not in (tmp_path / "clips" / "rejected.csv").read_text()


def test_a_folder_in_which_nothing_is_usable_is_an_error_and_leaves_the_old_clips(
    make: Make, source: Path, tmp_path: Path
) -> None:
    make()
    before = (tmp_path / "clips" / "clips.csv").read_bytes()
    for path in source.rglob("*.*"):
        path.unlink()
    (source / "only.m4a").write_bytes(b"another format")
    with pytest.raises(InputError, match=r"1 unusable, the first, only.m4a, because: expected a sound file, found"):
        make()
    assert (tmp_path / "clips" / "clips.csv").read_bytes() == before


def test_a_full_disk_leaves_the_old_clips_and_their_captions(
    make: Make, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    before = {path: path.read_bytes() for path in (tmp_path / "clips").rglob("*") if path.is_file()}
    assert {"captions.csv", "clips.csv"} < {path.name for path in before}
    soundfile.write(source / "new.wav", tone(9, 150), 22_050)

    def full(path: Path) -> AbstractContextManager[BinaryIO]:
        if path.name == "captions.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        return replacing(path)

    replacing = files.replacing_file
    monkeypatch.setattr(files, "replacing_file", full)
    with pytest.raises(OSError, match="No space left on device"):
        make()
    assert {path: path.read_bytes() for path in (tmp_path / "clips").rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "recordings"], "no draft remains"


def test_too_few_tunes_for_three_splits_are_an_error_before_listening(
    make: Make, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the error came after minutes of listening."""
    monkeypatch.delattr("yardbird.data.recordings.listen")
    for path in sorted(source.rglob("*.*"))[1:]:
        path.unlink()
    with pytest.raises(InputError, match="at least one tune in each split"):
        make()


def test_the_users_table_overrides_other_metadata(make: Make, source: Path) -> None:
    (source / "captions.csv").write_text(
        "file,caption,artist,title,key,form,qpm,first_beat_seconds,instrument\n"
        "Ada_Line/Tune A.wav,Smoky and slow,,,,,,,\n"
        "Ada_Line/Tune B.flac,,Bea Flat,,Cm,Minor blues,120,1.0,tenor saxophone\n"
        "gone.wav,,,,,,,,\n"
    )
    result = make()
    first, second = ([clip for clip in result.clips if clip.title == f"Tune {letter}"] for letter in "AB")
    assert first[0].captions == ("Smoky and slow",)
    assert second[0].captions[0] == "Be-bop tenor saxophone solo in C minor, minor blues, 120 bpm, by Bea Flat"
    assert [clip.start_seconds for clip in second] == [0.0, 5.0]  # a pickup of a second and two bars; two bars
    assert [(clip.first_bar, clip.bars) for clip in second] == [(0, 3), (3, 2)]
    assert (first[0].first_bar, first[0].qpm) == (None, None)
    assert [reject.file for reject in result.rejected] == ["gone.wav"]


def test_a_separator_leaves_only_its_stem_in_the_clips(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(sound: Waveform, model: str, stem: str) -> Waveform:
        assert (model, stem) == ("a model", "other")
        return Waveform(sound.samples[: len(sound.samples) // 2], sound.sample_rate)

    monkeypatch.setattr("yardbird.data.recordings.separated", half)
    monkeypatch.setattr("yardbird.data.cutting.check_stem", lambda model, stem: None)
    config = replace(CONFIG, source=str(source), separator=SeparatorConfig("a model", "other"))
    clips = make_clips(tmp_path / "none", tmp_path / "clips", config, SPLIT, 0).clips
    assert {round(clip.seconds) for clip in clips if clip.title != "Tune A"} <= {4, 5}


def test_a_recording_without_a_table_has_known_facts_only(make: Make, source: Path) -> None:
    soundfile.write(source / "zzz.wav", tone(5, 1234), 22_050)
    clip = next(clip for clip in make().clips if clip.title == "zzz")
    assert (clip.artist, clip.key, clip.form, clip.qpm) == ("", "", "", None)
    assert clip.captions == ("Be-bop solo", "Be-bop jazz solo")


def test_bars_are_counted_from_the_first_beat_in_both_directions() -> None:
    remark = replace(NO_REMARK, qpm=60.0, beats_per_bar=4.0, first_beat_seconds=5.0)
    assert bar_seconds(remark, 14.0) == (0.0, 1.0, 5.0, 9.0, 13.0)
    assert bar_seconds(replace(remark, first_beat_seconds=8.0), 9.0) == (0.0, 4.0, 8.0)
    assert bar_seconds(NO_REMARK, 9.0) == ()
    assert bar_seconds(replace(remark, first_beat_seconds=3.0), 2.5) == (0.0,)  # ends before its first whole bar


def test_the_warning_for_a_split_without_unnamed_artists_names_them_as_such(make: Make, source: Path) -> None:
    soundfile.write(source / "zzz.wav", tone(5, 1234), 22_050)
    assert any("has nothing by unnamed artists" in warning for warning in make().warnings)
