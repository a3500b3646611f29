"""Clips that differ only in their notes, and a folder that keeps their sources secret."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torchaudio

from yardbird import files
from yardbird.audio.wave import read_wave
from yardbird.blindtest.bundle import KEY, PUBLIC, clip_path, excerpt_path, read_test
from yardbird.blindtest.listening_clips import LEAD_SECONDS, check_score, prepare, render_clips
from yardbird.blindtest.plan import BlindTestConfig, Excerpt, Plan
from yardbird.config import read_section
from yardbird.errors import InputError
from yardbird.music.midi import read_score
from yardbird.music.score import Score, Tempo, make_notes


def solo(velocity: int, foot: int, *, beats: int = 8) -> Score:
    notes = make_notes([(6 * step, 6, foot + step % 7, velocity) for step in range(2 * beats)])
    return Score(12, notes, 12 * beats, tempos=(Tempo(0, 160.0),))


def test_loud_and_quiet_and_high_and_low_solos_become_equally_loud(config: BlindTestConfig) -> None:
    clips = render_clips([solo(20, 56), solo(120, 56), solo(60, 49), solo(60, 74), check_score(True, 0, 3.0)], config)
    assert {len(wave.samples) for wave in clips.waveforms} == {round(3.0 * config.sample_rate)}
    rms = []
    for wave in clips.waveforms:
        loudness = torchaudio.functional.loudness(torch.from_numpy(wave.samples.T), wave.sample_rate)
        assert float(loudness) == pytest.approx(config.loudness, abs=0.05)
        assert wave.peak <= 10 ** (-1 / 20) + 1e-6
        rms.append(20 * np.log10(np.sqrt(np.mean(wave.samples**2))))
    assert np.ptp(rms) < 4, "and nearly so by plain power, which no ear weighs"


def test_if_one_clip_would_exceed_the_ceiling_all_are_quieter(config: BlindTestConfig) -> None:
    clips = render_clips([solo(90, 56), solo(90, 49)], replace(config, loudness=-10.0))
    assert clips.loudness < -10
    assert max(wave.peak for wave in clips.waveforms) == pytest.approx(10 ** (-1 / 20), rel=1e-4)
    levels = [
        float(torchaudio.functional.loudness(torch.from_numpy(w.samples.T), w.sample_rate)) for w in clips.waveforms
    ]
    assert levels == pytest.approx([clips.loudness] * 2, abs=0.05)


def test_the_first_sound_of_every_clip_is_at_the_same_moment(config: BlindTestConfig) -> None:
    """Solos with a rest of up to half a second first, low notes with a slow attack and high ones, and a piano."""
    scores = [check_score(True, 0, 3.0), check_score(False, 1, 3.0)]
    for rest, foot, program in ((0, 49, 65), (5, 52, 65), (11, 60, 65), (12, 76, 65), (3, 60, 73), (7, 50, 32)):
        score = solo(90, foot)
        notes = score.notes.copy()
        notes["onset_tick"] += rest
        scores.append(replace(score, notes=notes, end_tick=score.end_tick + rest, program=program))
    onsets = []
    for wave in render_clips(scores, config).waveforms:
        level = np.abs(wave.mono)
        onsets.append(np.flatnonzero(level > level.max() / 100)[0] / wave.sample_rate)
    assert np.ptp(onsets) <= 0.001
    assert onsets == pytest.approx([LEAD_SECONDS] * len(onsets), abs=0.0005)


def test_every_clip_ends_in_the_same_silence(config: BlindTestConfig) -> None:
    short, long = render_clips([solo(90, 56, beats=4), solo(90, 56, beats=40)], config).waveforms
    assert np.abs(short.samples[-50:]).max() < 0.001
    assert np.abs(long.samples[-50:]).max() < 0.001


@pytest.fixture(scope="module")
def config(root: Path) -> BlindTestConfig:
    config = read_section("blind_test", BlindTestConfig, root / "params.yaml")
    return replace(config, seconds=3.0, least_seconds=0.5)


def excerpt(source: str, number: int = 0) -> Excerpt:
    chart = "Blues in F" if source == "vae" else None
    return Excerpt(source, f"s{number}", "", number, solo(90, 50 + number), Path(__file__), chart)


@pytest.fixture(scope="module")
def folder(config: BlindTestConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real clips, two of a family, four checks, an example and the sound for the volume."""
    excerpts = [excerpt(source, number) for source in ("real", "vae") for number in range(2)]
    questions = tuple((one,) for one in excerpts)
    plan = Plan("Bird", None, questions, (replace(excerpts[0], source="example"),), ("decoy: none",))
    folder = tmp_path_factory.mktemp("blind") / "test"
    prepare(folder, plan, config, seed=0)
    return folder


def test_files_reveal_nothing_by_size_time_order_or_metadata(folder: Path) -> None:
    paths = sorted((folder / "clips").iterdir())
    contents = [path.read_bytes() for path in paths]
    assert len(paths) == 10
    assert len({(path.stat().st_size, path.stat().st_mtime) for path in paths}) == 1
    for content in contents:
        assert (content[12:16], content[36:40]) == (b"fmt ", b"data")  # a header, and the samples at once
        assert len(content) == 44 + int.from_bytes(content[40:44], "little")


def test_the_order_of_the_names_differs_each_time(config: BlindTestConfig, tmp_path: Path) -> None:
    """Names in the order of creation would reveal the sources, which are rendered one after the other."""
    orders = set()
    for number in range(3):
        questions = tuple((excerpt(source),) for source in ("real", "vae") for _ in range(4))
        prepare(tmp_path / str(number), Plan("Bird", None, questions, (), ()), replace(config, seconds=1.0), seed=0)
        test, key = read_test(tmp_path / str(number))
        names = tuple(question[0] for question in test.questions)
        orders.add(tuple(key.clips[clip].source for clip in names))
        assert tuple(key.clips) != names, "the order is random"
    assert len(orders) > 1


def test_the_public_half_contains_nothing_of_the_key(folder: Path) -> None:
    test, key = read_test(folder)
    public = (folder / PUBLIC).read_text()
    assert list(test.questions) == sorted(test.questions), "an order without meaning"
    assert not any(word in public for word in ("real", "vae", "check", "s0", "seed"))
    assert key.sources == ("real", "vae")
    assert key.left_out == ("decoy: none",)
    assert (folder.stat().st_mode & 0o777) == 0o700


def test_checks_go_up_if_the_answer_is_yes_and_down_if_it_is_no(folder: Path) -> None:
    _, key = read_test(folder)
    assert sorted(key.right.values()) == ["no", "no", "yes", "yes"]
    for clip, answer in key.right.items():
        wave = read_wave(clip_path(folder, clip))
        half = wave.sample_rate // 2
        low, high = (np.abs(np.fft.rfft(wave.mono[start : start + half])).argmax() for start in (0, 4 * half))
        assert (low < high) == (answer == "yes")


def test_a_check_lasts_as_long_as_a_clip_and_its_scales_span_three_octaves() -> None:
    score = check_score(False, 1, 12.0)
    assert score.seconds == pytest.approx(12.0)
    assert (score.pitches.min(), score.pitches.max()) == (49, 85)
    assert score.pitches[0] == 85


def test_ids_differ_each_time_and_sounds_do_not(folder: Path, config: BlindTestConfig, tmp_path: Path) -> None:
    """If ids depended on the seed, they could be computed from the repository."""
    for name in ("a", "b"):
        prepare(tmp_path / name, Plan("Bird", None, ((excerpt("real"),),), (), ()), config, seed=0)
    (test_a, key_a), (test_b, key_b) = read_test(tmp_path / "a"), read_test(tmp_path / "b")
    assert not {test_a.id, *test_a.sounds} & {test_b.id, *test_b.sounds}
    sounds = [
        {files.sha256(clip_path(tmp_path / name, clip)) for clip in key.clips}
        for name, key in (("a", key_a), ("b", key_b))
    ]
    assert sounds[0] == sounds[1]


def test_a_pair_is_one_question_whose_order_reveals_nothing(config: BlindTestConfig, tmp_path: Path) -> None:
    first = set()
    for number in range(4):
        pairs = tuple((excerpt("real", n), excerpt("vae", n)) for n in range(3))
        folder = tmp_path / str(number)
        prepare(folder, Plan("Bird", None, pairs, (), ()), replace(config, mode="pairs", seconds=1.0), seed=0)
        test, key = read_test(folder)
        assert {len(question) for question in test.questions} == {2}
        assert len(test.questions) == 3 + config.attention_checks
        assert all(list(question) == sorted(question) for question in test.questions)
        first |= {key.clips[question[0]].source for question in test.questions}
        for question, answer in key.right.items():
            (pair,) = (pair for pair in test.questions if pair[0] == question)
            assert key.clips[pair["ab".index(answer)]].solo == "up"
        assert key.sources == ("real", "vae"), "the real one first"
    assert first == {"real", "vae", "check"}


def test_on_a_scale_the_right_answers_to_checks_are_its_ends(config: BlindTestConfig, tmp_path: Path) -> None:
    plan = Plan("Bird", None, ((excerpt("real"),),), (), ())
    prepare(tmp_path / "test", plan, replace(config, mode="scale", seconds=1.0), seed=0)
    _, key = read_test(tmp_path / "test")
    assert {(key.clips[question].solo, answer) for question, answer in key.right.items()} == {
        ("up", "5"),
        ("down", "1"),
    }


def test_the_notes_of_generated_excerpts_are_kept_with_the_hash_of_their_solos(folder: Path) -> None:
    _, key = read_test(folder)
    generated = {clip for clip, origin in key.clips.items() if origin.source == "vae"}
    assert {path.stem for path in (folder / "scores").iterdir()} == generated
    for clip in generated:
        assert read_score(excerpt_path(folder, clip)).pitches.tolist() in [
            solo(90, 50 + n).pitches.tolist() for n in (0, 1)
        ]
        assert key.clips[clip].sha256 == files.sha256(Path(__file__))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda f: (f / PUBLIC).write_text('{"id": "a", "artist": "Bird", "clips": [], "examples": []}'),
            "found one of an earlier version of Yardbird, without a mode; finish it with that version, or use another",
        ),
        (lambda f: (f / PUBLIC).write_text((f / PUBLIC).read_text().replace("yes_no", "stars")), "found broken files"),
        (
            lambda f: (f / PUBLIC).write_text((f / PUBLIC).read_text().replace("yes_no", "pairs")),
            "a key for other clips",
        ),
        (lambda f: (f / PUBLIC).unlink(), "expected a blind test, found no test.json; use another --folder"),
        (lambda f: (f / KEY).write_text("{"), "expected a blind test, found broken files"),
        (lambda f: (f / KEY).write_text("{}"), "expected a blind test, found broken files"),
        (lambda f: next((f / "clips").iterdir()).unlink(), "expected a complete blind test, found 1 clips missing"),
    ],
)
def test_an_incomplete_test_is_refused(folder: Path, tmp_path: Path, spoil, message: str) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    spoil(copy)
    with pytest.raises(InputError, match=message):
        read_test(copy)


def test_a_key_for_other_clips_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    key = json.loads((copy / KEY).read_text())
    key["clips"].popitem()
    files.write_json(copy / KEY, key)
    with pytest.raises(InputError, match="found a key for other clips"):
        read_test(copy)
