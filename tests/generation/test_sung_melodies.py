"""Melodies that are recordings, and models that follow the chroma of a melody."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_audio import create, write_encoded, write_hub_checkpoint
from tiny_musicgen import tiny_musicgen

from yardbird.audio.resampling import to_mono
from yardbird.audio.synth import render
from yardbird.audio.wave import Waveform, read_wave, write_wave
from yardbird.errors import InputError
from yardbird.generation.prompted_sound import read_melody, sing
from yardbird.generation.sound_orders import SingConfig
from yardbird.models.musicgen import MusicGenFamily
from yardbird.music.caption_facts import frames_of_caption
from yardbird.music.midi import write_score
from yardbird.music.score import Score
from yardbird.music.score_frames import CHROMA, NOTE
from yardbird.seeds import derive_seed

CONFIG = SingConfig(
    prompts=("jazz solo in F",), seconds=0.5, guidance=3.0, temperature=1.0, top_k=9, melody=None, melody_seconds=0.1,
    follow=False,
)  # fmt: skip
FOLLOW = replace(CONFIG, follow=True)


@pytest.fixture(scope="module")
def follower(tmp_path_factory: pytest.TempPathFactory) -> MusicGenFamily:
    """A stereo model like facebook/musicgen-stereo-melody."""
    folder = tmp_path_factory.mktemp("follower")
    hub = write_hub_checkpoint(folder / "hub", channels=2, melody=True)
    return create(str(hub), write_encoded(folder / "audio", 32, 32_000, codebooks=8, chroma=True), folder, "full")


@pytest.fixture
def tune(tmp_path: Path, make_score: Callable[..., Score]) -> Path:
    write_score(make_score([(beat, 1, 60 + 2 * beat) for beat in range(4)]), tmp_path / "tune.mid")
    return tmp_path / "tune.mid"


@pytest.fixture
def recording(tmp_path: Path, make_score: Callable[..., Score]) -> Path:
    write_wave(render(make_score([(beat, 1, 64 + beat) for beat in range(4)])), tmp_path / "take.wav")
    return tmp_path / "take.wav"


def samples_of(file: Path, make_score: Callable[..., Score], rate: int) -> NDArray[np.float32]:
    rendered = render(make_score([(beat, 1, 60 + 2 * beat) for beat in range(4)]))
    return to_mono(read_wave(file) if file.suffix == ".wav" else rendered, rate)


@pytest.mark.parametrize("kind", ["tune", "recording"])
def test_a_model_of_a_melody_checkpoint_follows_the_chroma_of_a_rendered_score_or_of_a_recording(
    follower: MusicGenFamily, make_score: Callable[..., Score], request: pytest.FixtureRequest, kind: str
) -> None:
    file: Path = request.getfixturevalue(kind)
    melody = read_melody(follower, file, FOLLOW)
    frames = melody.frames("jazz solo in F", 25, 50)
    chroma = follower.melody_chroma(samples_of(file, make_score, 32_000))
    assert np.array_equal(frames[:, CHROMA], chroma[:25])
    assert len(set(chroma.tolist())) > 2
    assert frames[:, NOTE].any() == (kind == "tune"), "the notes of a recording are not known"
    (sound,) = sing(follower, ["jazz solo in F"], FOLLOW, 0, melody)
    (codes,) = follower.generate(["jazz solo in F"], 25, FOLLOW.sampling, derive_seed(0, "sing", 0), None, [frames])
    assert np.array_equal(sound.waveform.samples, follower.decode_channels(codes))
    assert sound.waveform.samples.shape == (16_000, 2)
    assert sound.primed_seconds == 0


def test_after_the_end_of_a_melody_its_chroma_is_unknown(follower: MusicGenFamily, recording: Path) -> None:
    melody = read_melody(follower, recording, FOLLOW)
    assert melody.chroma is not None
    frames = melody.frames("solo", len(melody.chroma) + 5, 50)
    assert not frames[-5:, CHROMA].any()
    assert frames[:-5, CHROMA].all()


def test_every_model_continues_the_opening_of_a_recording(recording: Path, make_score: Callable[..., Score]) -> None:
    family = tiny_musicgen()
    melody = read_melody(family, recording, CONFIG)
    assert np.array_equal(melody.codes, family.encode_sound(samples_of(recording, make_score, 16_000)[:1600]))
    assert np.array_equal(melody.frames("solo in F, 200 bpm", 25, 50), frames_of_caption("solo in F, 200 bpm", 25, 50))
    (sound,) = sing(family, ["solo"], CONFIG, 0, melody)
    assert sound.primed_seconds == pytest.approx(0.1)


def test_a_recording_that_cannot_be_followed_or_leaves_nothing_to_draw_is_refused(
    recording: Path, tmp_path: Path
) -> None:
    family = tiny_musicgen()
    with pytest.raises(
        InputError, match=r"take\.wav: expected notes that the model can follow, found a recording; use"
    ):
        read_melody(family, recording, FOLLOW)
    with pytest.raises(InputError, match=r"take\.wav: expected a melody of less than 0\.5 seconds, found 1; raise"):
        read_melody(family, recording, replace(CONFIG, melody_seconds=1.0))
    write_wave(Waveform(np.zeros((0, 1), np.float32), 16_000), tmp_path / "empty.wav")
    with pytest.raises(InputError, match=r"empty\.wav: expected sound, found none in the first 600 seconds"):
        read_melody(family, tmp_path / "empty.wav", CONFIG)
