from dataclasses import dataclass, replace

import numpy as np
import pytest

from yardbird.audio.resampling import to_mono
from yardbird.audio.synth import render
from yardbird.audio.wave import Waveform
from yardbird.bootstrap_settings import Resampling
from yardbird.evaluation.listening import (
    key_figures,
    listen,
    plain,
    shuffled,
    sound_figures,
    try_following,
    try_transcriber,
)
from yardbird.metrics.estimates import flat
from yardbird.music.chords import Chord
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Score, Tempo, make_notes
from yardbird.music.score_frames import COLUMNS
from yardbird.nn.sampling import SoundSampling

SCALE = [0, 2, 4, 5, 7, 9, 11, 12]


def solo(tonic: int, qpm: float = 200.0, program: int = 65) -> Score:
    """Two bars up and down a major scale."""
    pitches = [60 + tonic + step for step in [*SCALE, *SCALE[::-1]]]
    rows = [(place * 6, 6, pitch, 90) for place, pitch in enumerate(pitches)]
    return Score(12, make_notes(rows), 96, tempos=(Tempo(0, qpm),), program=program)


def heard(score: Score, key: Key | None, group: str = "one"):
    return listen(render(score), "a solo", key, 200.0, group)


SILENCE = Waveform(np.zeros((16_000, 1), dtype=np.float32), 16_000)


@dataclass
class Lossless:
    """A lossless codec: its codes are 16-bit samples."""

    sample_rate: int = 16_000

    def encode_sound(self, samples):
        return (samples * 32767).astype(np.int16)[None]

    def decode_codes(self, codes):
        return codes[0].astype(np.float32) / 32767


@dataclass
class Deaf(Lossless):
    def decode_codes(self, codes):
        return np.zeros(codes.shape[1], dtype=np.float32)


def test_a_sound_is_transcribed_at_its_tempo():
    sound = heard(solo(3), None)
    assert sound.score.pitches.tolist() == solo(3).pitches.tolist()
    assert sound.score.mean_qpm == pytest.approx(200)
    assert len(listen(SILENCE, "", None, None, "one").score.notes) == 0


def test_shuffling_keeps_the_frames_and_not_their_order():
    codes = np.arange(40, dtype=np.int16).reshape(4, 10)
    mixed = shuffled(codes, 0, "clip")
    assert sorted(map(tuple, mixed.T.tolist())) == sorted(map(tuple, codes.T.tolist()))
    assert mixed.tolist() != codes.tolist()
    assert np.array_equal(mixed, shuffled(codes, 0, "clip"))
    assert not np.array_equal(mixed, shuffled(codes, 0, "another clip"))


def test_voiced_share_and_note_rate_are_pooled_over_all_sounds():
    sounds = [heard(solo(0), None), listen(SILENCE, "", None, None, "two")]
    seconds = sum(sound.heard.seconds for sound in sounds)
    figures = flat(sound_figures(sounds, Resampling(20, 0)))
    assert figures["notes_per_second"] == pytest.approx(16 / seconds)
    assert figures["voiced_share"] == pytest.approx(sounds[0].heard.voiced_seconds / seconds)
    assert figures["voiced_share_low"] <= figures["voiced_share"] <= figures["voiced_share_high"]


def test_solos_in_the_requested_keys_fit_them_and_transposed_ones_do_not():
    keys = [Key(tonic, "major") for tonic in range(12)]
    obeyed = flat(key_figures([heard(solo(key.tonic), key, str(key)) for key in keys], Resampling(50, 0)))
    assert obeyed["caption_key_margin"] == pytest.approx(5 / 11, abs=0.02)
    assert obeyed["caption_key_p"] < 0.01
    assert obeyed["caption_key_groups"] == 12
    ignored = flat(key_figures([heard(solo(0), key, str(key)) for key in keys], Resampling(50, 0)))
    assert ignored["caption_key_margin"] == pytest.approx(0, abs=1e-9)
    assert ignored["caption_key_p"] > 0.1


def test_sounds_of_one_group_count_once():
    """Regression: clips of one tune counted as independent, so a few tunes in many clips gave small p-values."""
    key = Key(0, "major")
    once = [heard(solo(tonic), key, f"tune {tonic}") for tonic in (0, 5, 7)]
    often, rarely = (flat(key_figures(sounds, Resampling(50, 0))) for sounds in (once * 8, once))
    assert often == rarely
    assert often["caption_key_groups"] == 3


def test_silence_fits_no_key():
    sounds = [listen(SILENCE, "", Key(tonic, "major"), None, "one") for tonic in range(6)]
    figures = flat(key_figures(sounds, Resampling(10, 0)))
    assert (figures["caption_key_margin"], figures["caption_key_p"]) == (0, 1)
    assert key_figures([listen(SILENCE, "", None, None, "one")], Resampling(10, 0)) == {}


def test_the_transcriber_is_tested_by_tempo_and_through_the_codec():
    solos = {"slow": solo(0, 120), "fast": solo(5, 250)}
    rows = {row: flat(own) for row, own in try_transcriber(solos, Lossless(), 2.0, Resampling(20, 0)).items()}
    assert rows["transcriber"]["note_f1"] > 0.95
    assert rows["codec"]["note_f1"] == pytest.approx(rows["transcriber"]["note_f1"], abs=0.05)
    assert rows["codec"]["chroma_cosine"] > 0.99
    assert "chroma_cosine_low" in rows["codec"]
    assert {"note_f1_slow", "note_f1_fast", "note_f1_low", "note_precision"} <= rows["transcriber"].keys()
    assert "note_f1_medium" not in rows["transcriber"]


def test_with_a_silent_codec_no_note_is_found():
    figures = flat(try_transcriber({"one": solo(0)}, Deaf(), 2.0, Resampling(20, 0))["codec"])
    assert (figures["note_f1"], figures["note_recall"], figures["chroma_cosine"]) == (0, 0, 0)
    assert "note_precision" not in figures


@dataclass
class Performer(Lossless):
    """Performs solos that it knows, one sample a frame."""

    solos: tuple[Score, ...] = ()
    has_melody: bool = False
    frame_rate: int = Lossless.sample_rate

    def melody_chroma(self, samples):
        return np.full(len(samples) // 2, 7, dtype=np.uint16)

    def generate(self, captions, frames, sampling, seed, *, scores):
        self.asked = scores
        sounds = [self.encode_sound(to_mono(render(solo), self.sample_rate))[:, :frames] for solo in self.solos]
        return [np.pad(sound, ((0, 0), (0, frames - sound.shape[1]))) for sound in sounds]


@pytest.mark.parametrize("has_melody", [False, True])
def test_a_model_that_performs_the_asked_notes_follows_them(has_melody):
    solos = {"one": solo(0, 120), "other": solo(6, 120)}
    family = Performer(solos=tuple(solos.values()), has_melody=has_melody)
    found = try_following("model", solos, family, SoundSampling(3.0, 1.0, 50), 4.0, 2, 0, Resampling(20, 0))
    rows = {row: flat(own) for row, own in found.items()}
    assert rows["model"]["note_f1"] > 0.95
    assert rows["model"]["chroma_cosine"] > 0.99
    assert rows["another_solo"]["note_f1"] < 0.2
    assert [score.shape[1] for score in family.asked] == [len(COLUMNS) + has_melody] * 2
    assert not has_melody or family.asked[0][[0, -1], -1].tolist() == [7, 0]


def test_no_excerpt_is_long_enough_to_follow():
    found = try_following("model", {}, Performer(), SoundSampling(3.0, 1.0, 50), 4.0, 2, 0, Resampling(20, 0))
    assert found == {"model": {}, "another_solo": {}}


def test_a_plain_score_has_notes_tempo_and_bars_only():
    score = replace(solo(0), chords=(ChordChange(0, Chord.parse("C7")),), phrases=(0, 24))
    assert plain(score) == solo(0)
