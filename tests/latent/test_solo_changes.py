import numpy as np
import pytest
from moved_solos import line

from yardbird.latent.solo_changes import changes


def test_the_table_has_the_attributes_of_each_score_and_the_shares_kept():
    solo = line(np.array([[6, 0.8, 1, 0]] * 2))
    higher = line(np.array([[7, 0.8, 1, 0]] * 2))
    denser = line(np.array([[6, 1.6, 1, 0]] * 2))
    rows = {row["measure"]: row for row in changes(solo, higher, denser)}
    assert rows["register"]["reconstruction"] == rows["register"]["solo"] + 10
    assert rows["density"]["moved"] == 2 * rows["density"]["solo"]
    assert rows["rhythm_kept"] == {"measure": "rhythm_kept", "solo": 1, "reconstruction": 1, "moved": 0.5}
    assert rows["notes_kept"]["reconstruction"] == 0
    assert rows["rhythm_kept_of_reconstruction"]["moved"] == pytest.approx(0.5)
    assert rows["contour_kept"]["reconstruction"] == 1


def test_silence_has_empty_cells():
    silent = line(np.array([[6, 0.1, 0, 0]]))
    rows = {row["measure"]: row for row in changes(silent, silent, silent)}
    assert rows["chromaticism"]["moved"] is None
    assert rows["chord_tone_rate"]["solo"] is None
