import struct

import librosa
import numpy as np
import pytest

from yardbird.audio.compile_lock import compiled_alone
from yardbird.audio.soundfont import repaired, soundfont_path
from yardbird.audio.synth import SAMPLE_RATE, render
from yardbird.music.score import Score, make_notes

FONT = soundfont_path().read_bytes()


def test_a_repaired_file_is_not_changed_again() -> None:
    once = repaired(FONT)
    assert once != FONT
    assert repaired(once) == once


def test_the_repair_does_not_change_the_samples() -> None:
    once = repaired(FONT)
    sound = FONT.index(b"smpl")
    (size,) = struct.unpack_from("<I", FONT, sound + 4)
    assert FONT[sound : sound + 8 + size] == once[sound : sound + 8 + size]


def test_the_repaired_file_states_its_size() -> None:
    once = repaired(FONT)
    assert struct.unpack_from("<I", once, 4)[0] == len(once) - 8


@pytest.mark.parametrize(
    ("program", "lowest", "highest"),
    [(65, 50, 80), (66, 44, 76), (0, 48, 72), (32, 33, 55), (26, 45, 72), (56, 54, 78), (71, 52, 84)],
)
def test_every_note_sounds_at_its_pitch(program: int, lowest: int, highest: int) -> None:
    """Regression: the synthesizer ignored the root key of a sample, and the walking bass was a minor third flat."""
    keys = np.arange(lowest, highest + 1, 2)
    notes = make_notes([(index * 480, 470, int(key), 90) for index, key in enumerate(keys)])  # half a second each
    wave = render(Score(480, notes, 480 * len(keys), program=program))
    yin = compiled_alone(lambda *args, **options: librosa.yin(*args, **options))
    hertz = yin(wave.mono, sr=SAMPLE_RATE, fmin=40, fmax=1800, frame_length=4096, hop_length=SAMPLE_RATE // 50)
    for index, key in enumerate(keys):
        found = np.median(hertz[25 * index + 5 : 25 * index + 20])
        assert abs(12 * np.log2(found / 440) + 69 - key) < 0.3, key
