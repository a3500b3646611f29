import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from table_rows import filled
from tiny_audio import create, write_encoded, write_hub_checkpoint
from tiny_musicgen import CAPTIONS, tiny_musicgen

from yardbird.audio.resampling import to_mono
from yardbird.audio.synth import render
from yardbird.audio.wave import Waveform, read_wave, write_wave
from yardbird.config import read_section
from yardbird.errors import ConfigError
from yardbird.evaluation.evaluate_audio import EvaluateAudioConfig, evaluate_audio, headlines, unknown_words
from yardbird.evaluation.originality import JUDGED, ORIGINAL, Compared
from yardbird.files import write_json
from yardbird.metrics.estimates import Estimate, Results, as_csv, flat, merged
from yardbird.metrics.set_rows import SELF
from yardbird.music.midi import write_score
from yardbird.music.score_frames import COLUMNS
from yardbird.tables.clip_tables import EncodedClipRow, read_clip_index, write_clip_index
from yardbird.tables.generated_tables import GeneratedSolo, write_generated_solos

CONFIG = EvaluateAudioConfig(
    prompts=3,
    caption="Be-bop solo in {key}, {tempo} bpm",
    tempos=(200.0, 120.0),
    followed=3,
    modes=("major",),
    seconds=1.0,
    guidance=3.0,
    temperature=1.0,
    top_k=8,
    bootstrap_samples=5,
    clap=None,
)


@pytest.fixture(scope="module")
def family():
    return tiny_musicgen(context_seconds=0.5)


@pytest.fixture(scope="module")
def sounding(data, family, make_walk, tmp_path_factory) -> Path:
    """The folder `data` with clips, their codes and solos of the baseline."""
    folder = tmp_path_factory.mktemp("sounding")
    shutil.copytree(data, folder, dirs_exist_ok=True)
    rows, codes, start = [], [], 0
    for number in range(8):
        samples = to_mono(render(make_walk(number, 1)), 16_000)[:20_000]
        name = f"clip{number}"
        write_wave(Waveform(samples[:, None], 16_000), folder / f"clips/audio/{name}.wav")
        codes.append(family.encode_sound(samples).T)
        split = "test" if number < 5 else "train"
        rows.append(
            filled(EncodedClipRow, clip=name, path=f"audio/{name}.wav", kind="rendered", split=split, tune_group=name,
                   key="F major", qpm=120.0, captions=tuple(CAPTIONS[1:]), start=start, length=len(codes[-1]))
        )  # fmt: skip
        start += len(codes[-1])
    encoded = folder / "encoded/audio"
    encoded.mkdir()
    np.save(encoded / "codes.npy", np.concatenate(codes))
    np.save(encoded / "score_frames.npy", np.zeros((start, len(COLUMNS)), dtype=np.uint16))
    write_clip_index(encoded, rows)
    write_json(encoded / "codec.json", {"codebook_size": 16})
    write_score(make_walk(9, 8), folder / "baseline/measured/one.mid")
    write_generated_solos(folder / "baseline/measured", [filled(GeneratedSolo, path="one.mid")])
    return folder


@pytest.fixture(scope="module")
def evaluated(sounding, family) -> tuple[Results, Results, list[Compared]]:
    return evaluate_audio("musicgen", family, sounding, CONFIG, 0)


def test_every_row_has_its_metrics(evaluated):
    figures, solos, _ = evaluated
    by_row = {row: set(flat(own)) for row, own in merged(figures, solos).items()}
    codes = {"nats_per_frame", "nats_per_frame_low", "nats_codebook_4", "accuracy_codebook_1"}
    sound = {"frechet_distance", "frechet_distance_high", "kernel_distance", "voiced_share", "notes_per_second"}
    key = {"caption_key_margin", "caption_key_p", "caption_key_groups", "caption_tempo_share"}
    music = {"pitch_entropy", "notes_per_bar", "grooving_similarity"}
    followed = {"note_f1", "chroma_cosine", "chroma_cosine_high"}
    assert codes | sound | key | music | {"gain_on_unigram", "gain_on_untrained"} <= by_row["musicgen"]
    assert codes | sound | key <= by_row["untrained"]
    assert codes <= by_row["unigram"] & by_row["bigram"]
    assert sound <= by_row["shuffled_tokens"] & by_row["codec"] & by_row["floor"]
    assert {"note_f1", "note_f1_low", "note_precision"} <= by_row["transcriber"]
    assert followed <= by_row["codec"] & by_row["another_solo"]
    assert {"note_f1_high", "note_recall"} | followed <= by_row["musicgen"]
    assert music <= by_row["real"] & by_row["real_transcribed"] & by_row["floor"] & by_row["ngram"]
    assert "longest_run" in by_row["musicgen"] & by_row["real"] & by_row["real_transcribed"]
    assert {"coherent_phrases", "phrase_notes"} <= by_row["real_transcribed"]
    assert not {"coherent_changes", "coherent_traits"} & by_row["real_transcribed"], "sound has no chords"
    assert {"voiced_share", *key} <= by_row["real"]
    assert not {"frechet_distance", "kernel_distance"} & by_row["real"]
    assert {"vendi_score", "vendi_score_low"} <= by_row["real"] & by_row["floor"] & by_row["ngram"]


def test_counts_are_those_of_clips_sounds_and_solos(evaluated):
    figures, *_ = evaluated
    counts = {(row, metric): estimate.n for row, own in figures.items() for metric, estimate in own.items()}
    assert counts["musicgen", "nats_per_frame"] == 5
    assert counts["musicgen", "voiced_share"] == CONFIG.prompts
    assert counts["codec", "voiced_share"] + counts["real", "voiced_share"] == 5  # no sound is compared with itself
    assert counts["transcriber", "note_f1"] == 2


def test_solos_are_compared_without_chords(evaluated):
    """Otherwise the distance of the floor would include metrics that sound does not have."""
    _, solos, _ = evaluated
    named = ("chord_tone_rate", "harmony_margin", "enclosure_rate")
    chords = [own[metric] for own in solos.values() for metric in named if metric in own]
    assert chords
    assert all(np.isnan(mean.value) and mean.distance is None for mean in chords)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_table(evaluated, sounding, family):
    again = evaluate_audio("musicgen", family, sounding, CONFIG, 0)
    assert as_csv(merged(*again[:2])) == as_csv(merged(*evaluated[:2]))


def test_the_headlines_are_short_and_have_the_intervals_that_matter(evaluated):
    content = headlines(*evaluated[:2])
    assert next(iter(content)) == "musicgen"
    ours = content["musicgen"]
    assert {"nats_per_frame", "nats_per_frame_low", "frechet_distance_high", "pitch_entropy"} <= ours.keys()
    assert "accuracy_codebook_1" in ours
    assert "accuracy_codebook_1_low" not in ours
    assert "swing_ratio" not in ours
    assert "distance_to_real" in content["floor"]
    assert "distance_to_real" not in content["real"]
    assert {"longest_run", "coherent_phrases", "real_phrase_p90"} <= content["real_transcribed"].keys()
    json.dumps(content, allow_nan=False)


def test_the_headlines_have_the_values_of_the_originality_verdict(evaluated):
    figures, solos, _ = evaluated
    yardstick = {metric: Estimate(3.0, 2.0, 3.0, 3) for metric in JUDGED}
    without = {
        row: {key: value for key, value in own.items() if key != ORIGINAL} for row, own in solos.items() if row != SELF
    }
    content = headlines(figures, merged(without, {"musicgen": {ORIGINAL: Estimate(1.0, n=3)}, SELF: yardstick}))
    assert content["musicgen"]["original"] == 1
    assert content[SELF] == {name: 3 for metric in JUDGED for name in (metric, f"{metric}_high")}


def test_the_overlap_of_each_sound_with_training_solos_is_listed_by_set(evaluated):
    *_, compared = evaluated
    rows = [found.row for found in compared]
    assert rows.count("musicgen") == CONFIG.prompts
    assert set(rows) == {"musicgen", "real_transcribed", "ngram", "real"}


def test_recordings_have_no_scores_and_no_originality(sounding, family, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(sounding, folder)
    index = folder / "encoded/audio/index.csv"
    index.write_text(index.read_text().replace("rendered", "recording"))
    _, solos, compared = evaluate_audio("musicgen", family, folder, CONFIG, 0)
    assert compared == []
    assert "longest_run" not in solos["musicgen"]
    assert solos["real"]["notes_per_bar"].value == solos["real_transcribed"]["notes_per_bar"].value


def test_keys_and_tempos_are_requested_in_turn_in_the_wording_of_the_corpus():
    requests = replace(CONFIG, prompts=50, modes=("major", "minor")).asked()
    captions = [caption for *_, caption in requests]
    assert captions[0] == captions[48] == "Be-bop solo in C, 200 bpm"
    assert captions[24] == "Be-bop solo in C, 120 bpm"
    assert captions[14] == "Be-bop solo in D minor, 200 bpm"
    assert len({(key, qpm) for key, qpm, _ in requests}) == 48


def test_unknown_words_are_named(family):
    assert {"C", "D"} <= set(unknown_words(family, CONFIG))
    assert "F" not in unknown_words(family, replace(CONFIG, prompts=12))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompts": 1}, "evaluate_audio.prompts: expected 2 or more, found 1"),
        ({"bootstrap_samples": 0}, "evaluate_audio.bootstrap_samples: expected 1 or more, found 0"),
        ({"seconds": 0.5}, "evaluate_audio.seconds: expected 1 or more, found 0.5"),
        ({"modes": ()}, "evaluate_audio.modes: expected major, minor or both"),
        (
            {"caption": "a solo in {key}"},
            "evaluate_audio.caption: expected a text that contains {key} and {tempo}, found 'a solo in {key}'",
        ),
        ({"tempos": ()}, "evaluate_audio.tempos: expected one or more"),
    ],
)
def test_a_wrong_setting_gives_a_one_line_error(change, words):
    with pytest.raises(ConfigError, match=words):
        replace(CONFIG, **change)


def test_the_default_settings_request_every_major_key_equally_often(root):
    config = read_section("evaluate_audio", EvaluateAudioConfig, root / "params.yaml")
    keys = [key for key, *_ in config.asked()]
    assert len(keys) >= 24
    assert {keys.count(key) for key in keys} == {len(keys) // 12}


@pytest.mark.slow
@pytest.mark.parametrize(("channels", "melody"), [(2, False), (1, True), (2, True)])
def test_models_of_stereo_and_melody_checkpoints_have_the_same_metrics(sounding, tmp_path, channels, melody):
    hub = write_hub_checkpoint(tmp_path / "hub", channels=channels, melody=melody)
    clips = write_encoded(tmp_path / "audio", 32, 32_000, codebooks=4 * channels, chroma=melody)
    family = create(str(hub), clips, tmp_path)
    shutil.copytree(sounding, tmp_path / "data")
    encoded = tmp_path / "data/encoded/audio"
    codes = [
        family.encode_sound(to_mono(read_wave(sounding / "clips" / row.path), 32_000)).T
        for row in read_clip_index(sounding / "encoded/audio")
    ]
    np.save(encoded / "codes.npy", np.concatenate(codes))
    write_json(encoded / "codec.json", {"codebook_size": 32})
    figures, *_ = evaluate_audio("musicgen", family, tmp_path / "data", CONFIG, 0)
    assert np.isfinite(figures["musicgen"]["nats_per_frame"].value)
    assert f"nats_codebook_{4 * channels}" in figures["musicgen"]
    assert {"frechet_distance", "note_f1"} <= figures["musicgen"].keys()
