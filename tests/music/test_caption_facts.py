import numpy as np
import pytest

from yardbird.music.caption_facts import frames_of_caption, spoken_key, spoken_tempo
from yardbird.music.score_frames import AGE, BAR_BEAT, BEAT, CHORD, KEY, NOTE


def test_a_tempo_is_read_from_a_caption() -> None:
    assert spoken_tempo("Be-bop alto saxophone solo in F, 12-bar blues, 220 bpm, by Otto Cascade") == 220
    assert spoken_tempo("Be-bop, 182.5 BPM") == 182.5
    assert spoken_tempo("Be-bop jazz solo in F, 12-bar blues") is None
    assert spoken_tempo("0 bpm") is None


@pytest.mark.parametrize(
    ("caption", "key"),
    [
        ("Be-bop jazz solo in F", "F major"),
        ("Minor blues in C minor", "C minor"),
        ("Be-bop alto saxophone solo in Bb, rhythm changes, 220 bpm", "Bb major"),
        ("solo in F# minor, slow", "F# minor"),
        ("a solo in Dm", "D minor"),
        ("Charlie Parker jazz solo", None),
        ("A tune in Paris", None),
        ("in Cool style", None),
    ],
)
def test_a_key_is_read_from_a_caption(caption: str, key: str | None) -> None:
    found = spoken_key(caption)
    assert (found and str(found)) == key


def test_a_caption_asks_for_its_key_and_its_tempo_alone() -> None:
    rows = frames_of_caption("solo in A minor, 120 bpm", 100, 50.0)  # a beat has 25 frames
    assert set(rows[:, KEY]) == {1 + 9 + 12}
    assert np.flatnonzero(np.diff(rows[:, BAR_BEAT].astype(int))).tolist() == [24, 49, 74]
    assert rows[:, BAR_BEAT].max() == 4
    assert rows[[0, 12, 24], BEAT].tolist() == [1, 7, 12]
    assert not rows[:, [NOTE, AGE, CHORD]].any()
    assert not frames_of_caption("jazz solo", 100, 50.0).any()
