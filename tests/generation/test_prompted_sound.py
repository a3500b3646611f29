import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_musicgen import tiny_musicgen
from tiny_vae import tiny_vae

from yardbird import files
from yardbird.audio.resampling import to_mono
from yardbird.audio.synth import render
from yardbird.audio.wave import read_wave
from yardbird.config import read_section
from yardbird.errors import ConfigError, InputError
from yardbird.generation.prompted_sound import (
    Sound,
    open_singer,
    read_melody,
    remarks,
    sing,
    write_sounds,
)
from yardbird.generation.sound_orders import SingConfig, file_names
from yardbird.music.keyfinding import estimate_key
from yardbird.music.midi import write_score
from yardbird.music.score import Score
from yardbird.music.score_frames import BEAT, NOTE, score_frames
from yardbird.seeds import derive_seed

ROOT = Path(__file__).resolve().parents[2]
FAMILY = tiny_musicgen()
CONFIG = SingConfig(
    prompts=("jazz solo in F",), seconds=0.3, guidance=3.0, temperature=1.0, top_k=9, melody=None, melody_seconds=0.1,
    follow=False,
)  # fmt: skip


@pytest.fixture
def tune(tmp_path: Path, make_score: Callable[..., Score]) -> Path:
    write_score(make_score([(beat, 1, 60 + beat) for beat in range(8)]), tmp_path / "tune.mid")
    return tmp_path / "tune.mid"


def test_the_default_settings_have_known_prompts_and_exceed_the_context() -> None:
    config = read_section("sing", SingConfig, ROOT / "params.yaml")
    assert {"Charlie Parker jazz solo", "Be-bop jazz solo in F"} <= set(config.prompts)
    assert config.seconds > read_section("musicgen.clips.context_seconds", float, ROOT / "params.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seconds": 0.0}, "sing.seconds: expected above 0, at most 600, found 0.0"),
        ({"seconds": 601.0}, "sing.seconds: expected above 0, at most 600, found 601.0"),
        ({"melody_seconds": -1.0}, "sing.melody_seconds: expected above 0, found -1.0"),
        ({"prompts": ()}, r"sing.prompts: expected one or more, found \[\]"),
        ({"prompts": ("F", " ")}, r"sing.prompts\[1\]: expected words, found ' '"),
        ({"guidance": -1.0}, "guidance: expected 0 or more, found -1.0"),
        ({"temperature": -1.0}, "temperature: expected 0 or more"),
        ({"top_k": 0}, "top_k: expected 1 to 1000000"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_impossible_settings_give_a_one_line_error(changes: dict[str, object], message: str) -> None:
    with pytest.raises((ConfigError, InputError), match=message):
        replace(CONFIG, **changes)


def test_a_sound_is_decoded_from_codes_of_its_prompt_in_the_length_requested() -> None:
    (sound,) = sing(FAMILY, ["solo in F"], CONFIG, seed=4)
    (codes,) = FAMILY.generate(["solo in F"], 15, CONFIG.sampling, derive_seed(4, "sing", 0))
    assert np.array_equal(sound.waveform.mono, FAMILY.decode_codes(codes))
    assert sound.waveform.seconds == 0.3
    assert sound.drawn_seconds == 0.3


def test_prompts_of_several_batches_keep_their_order_and_differ_in_sound() -> None:
    sounds = sing(FAMILY, ["solo"] * 10, replace(CONFIG, seconds=0.1), seed=0)
    assert [sound.index for sound in sounds] == list(range(10))
    assert [sound.name for sound in sounds] == ["solo", *(f"solo_{number}" for number in range(2, 11))]
    assert len({sound.waveform.samples.tobytes() for sound in sounds}) == 10


def test_unknown_words_are_named_without_an_error() -> None:
    sounds = sing(FAMILY, ["Charlie Mingus jazz solo", "jazz solo"], CONFIG, seed=0)
    assert [sound.unknown_words for sound in sounds] == [("Mingus",), ()]
    assert remarks(sounds) == ["'Charlie Mingus jazz solo': the training captions do not contain 'Mingus'"]


def test_a_melody_is_rendered_encoded_and_continued(tune: Path, make_score: Callable[..., Score]) -> None:
    melody = read_melody(FAMILY, tune, CONFIG)
    opening = to_mono(render(make_score([(beat, 1, 60 + beat) for beat in range(8)])), 16_000)[:1600]
    assert np.array_equal(melody.codes, FAMILY.encode_sound(opening))
    (sound,) = sing(FAMILY, ["solo"], CONFIG, 0, melody)
    frames = [melody.frames("solo", 15, 50)]
    assert frames[0][:5, NOTE].all()
    assert not frames[0][5:, NOTE].any()
    assert frames[0][:, BEAT].all()
    (codes,) = FAMILY.generate(["solo"], 15, CONFIG.sampling, derive_seed(0, "sing", 0), [melody.codes], frames)
    assert np.array_equal(sound.waveform.mono, FAMILY.decode_codes(codes))
    assert sound.primed_seconds == pytest.approx(0.1)
    assert sound.drawn_seconds == pytest.approx(0.2)


def test_a_followed_melody_gives_all_its_notes_and_no_opening(tune: Path, make_score: Callable[..., Score]) -> None:
    follow = replace(CONFIG, follow=True, seconds=4.0, melody_seconds=9.0)
    melody = read_melody(FAMILY, tune, follow)
    assert melody.codes is None
    score = make_score([(beat, 1, 60 + beat) for beat in range(8)])
    asked = score_frames(score, estimate_key(score.notes), 0.0, 200, 50)
    assert np.array_equal(melody.frames("solo in Gb", 200, 50), asked)
    assert (asked[::25, NOTE] == np.arange(62, 70)).all()
    (sound,) = sing(FAMILY, ["solo"], follow, 0, melody)
    (codes,) = FAMILY.generate(["solo"], 200, CONFIG.sampling, derive_seed(0, "sing", 0), None, [asked])
    assert np.array_equal(sound.waveform.mono, FAMILY.decode_codes(codes))
    assert sound.primed_seconds == 0


def test_a_melody_that_is_missing_or_leaves_nothing_to_draw_is_refused(tune: Path) -> None:
    with pytest.raises(InputError, match=r"none.mid: expected a music file, found no such file; correct the path"):
        read_melody(FAMILY, tune.with_name("none.mid"), CONFIG)
    with pytest.raises(InputError, match=r"tune.mid: expected a melody of less than 0.3 seconds, found 0.3; raise"):
        read_melody(FAMILY, tune, replace(CONFIG, melody_seconds=0.3))
    whole = read_melody(FAMILY, tune, replace(CONFIG, seconds=10.0, melody_seconds=9.0))
    assert whole.codes.shape[1] == 4 * 50  # the tune has only eight quarter notes at 120


@pytest.mark.parametrize(
    ("level", "found"),
    [(1e-4, "none"), (float("nan"), "infinite samples or NaN"), (float("inf"), "infinite samples or NaN")],
)
def test_a_recording_without_sound_is_refused(tmp_path: Path, level: float, found: str) -> None:
    path = tmp_path / "melody.wav"
    soundfile.write(path, np.full(8000, level, np.float32), 16_000, subtype="FLOAT")
    with pytest.raises(InputError, match=rf"melody\.wav: expected sound, found .*{found}"):
        read_melody(FAMILY, path, CONFIG)


def test_sounds_are_written_as_wav_picture_and_provenance(tmp_path: Path, tune: Path) -> None:
    melody = read_melody(FAMILY, tune, CONFIG)
    sounds = sing(FAMILY, ["solo in F", "Mingus"], CONFIG, 7, melody)
    folders = [tmp_path / name for name in ("once", "again")]
    for folder in folders:
        write_sounds(sounds, folder, CONFIG, 7, {"family": "musicgen", "sha256": "abc"}, {}, melody)
    names = {f"{stem}.{kind}" for stem in ("solo_in_f", "mingus") for kind in ("wav", "png", "json")}
    assert {path.name for path in folders[0].iterdir()} == names | {"manifest.csv"}
    assert files.sha256_folder(folders[0]) == files.sha256_folder(folders[1])
    read_back = read_wave(folders[0] / "solo_in_f.wav")
    assert (read_back.sample_rate, read_back.samples.shape) == (16_000, (4800, 1))
    assert np.abs(read_back.mono - np.clip(sounds[0].waveform.mono, -1, 1)).max() < 1 / 32000
    provenance = json.loads((folders[0] / "mingus.json").read_text())
    assert provenance["prompt"] == "Mingus"
    assert provenance["unknown_words"] == ["Mingus"]
    assert provenance["model"]["sha256"] == "abc"
    assert provenance["seed"] == 7
    assert provenance["melody"] == {"file": "tune.mid", "sha256": files.sha256(tune)}
    settings = {"seconds", "guidance", "temperature", "top_k", "melody", "melody_seconds", "follow"}
    assert provenance["settings"].keys() == settings
    rows = (folders[0] / "manifest.csv").read_text().splitlines()
    assert rows[1:] == ["solo_in_f,solo_in_f.wav,solo in F,,0.3,0.1,7,0", "mingus,mingus.wav,Mingus,Mingus,0.3,0.1,7,1"]


@settings(max_examples=20)
@given(st.lists(st.text(max_size=80), max_size=6))
def test_any_prompts_get_plain_and_distinct_file_names(prompts: list[str]) -> None:
    names = file_names(prompts)
    assert len(names) == len(prompts) == len(set(names))
    assert all(name and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_") for name in names)


def test_file_names_distinguish_sharps_and_number_repeated_names() -> None:
    prompts = ["In F#", "In F", "in B♭", "in f", "In F 2", "../..", "♪" * 300, "x" * 300]
    names = ["in_f_sharp", "in_f", "in_bb", "in_f_2", "in_f_2_2", "sound", "sound_2", "x" * 60]
    assert file_names(prompts) == names


def test_a_model_that_writes_no_sound_is_refused(tmp_path: Path) -> None:
    tiny_vae().save(tmp_path / "music_vae")
    with pytest.raises(
        InputError, match="expected a MusicGen, found a music_vae; name the folder of one; `yardbird gen"
    ):
        open_singer(tmp_path / "music_vae")


def test_a_loaded_model_draws_the_same_sound(tmp_path: Path) -> None:
    FAMILY.save(tmp_path / "musicgen")
    family, provenance = open_singer(tmp_path / "musicgen")
    family.model.cpu()
    assert provenance["sha256"] == files.sha256_folder(tmp_path / "musicgen")
    before: Sound
    before, after = (sing(each, ["jazz solo in F"], CONFIG, 0)[0] for each in (FAMILY, family))
    assert np.array_equal(before.waveform.samples, after.waveform.samples)
