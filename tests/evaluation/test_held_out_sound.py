from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from table_rows import filled

from yardbird.bootstrap_settings import Resampling
from yardbird.errors import InputError
from yardbird.evaluation.held_out_sound import EncodedClip, bigram, measure_codes, read_clips, score_clips, unigram
from yardbird.metrics.estimates import flat
from yardbird.music.pitch import Key
from yardbird.music.score_frames import COLUMNS
from yardbird.tables.clip_tables import EncodedClipRow, write_clip_index

BOOKS, SIZE = 2, 8
UNKNOWN = np.zeros((0, len(COLUMNS)), dtype=np.uint16)


def clip(number: int, codes: list[list[int]], caption: str = "a solo") -> EncodedClip:
    return EncodedClip(
        f"clip {number}",
        "",
        "rendered",
        f"tune {number}",
        None,
        None,
        caption,
        np.array(codes, dtype=np.int16),
        UNKNOWN,
    )


TRAINING = [clip(0, [[1, 2, 1, 2, 1], [3, 3, 3, 3, 3]]), clip(1, [[2, 1, 2], [3, 4, 3]])]
HELD_OUT = [clip(2, [[1, 2, 5], [3, 3, 4]]), clip(3, [[2, 2], [0, 3]])]


@dataclass
class Sure:
    """Gives every code of codebook k the same nats, and predicts only the first frame correctly."""

    nats: float

    def score_codes(self, codes, caption, score):
        correct = np.zeros(codes.shape, dtype=bool)
        correct[:, 0] = True
        return np.full(codes.shape, self.nats) * np.arange(1, BOOKS + 1)[:, None], correct


def test_the_unigram_counts_each_codebook_with_add_one_smoothing():
    nats, correct = unigram(TRAINING, SIZE)(HELD_OUT[0].codes, "", UNKNOWN)
    first = {1: 5, 2: 5, 5: 1}  # 8 codes counted, 8 more
    second = {3: 8, 4: 2}
    assert nats == pytest.approx(
        -np.log([[first[code] / 16 for code in (1, 2, 5)], [second[code] / 16 for code in (3, 3, 4)]])
    )
    assert correct.tolist() == [[True, False, False], [True, True, False]]


def test_no_code_is_impossible():
    for model in (unigram(TRAINING, SIZE), bigram(TRAINING, SIZE)):
        nats, _ = model(np.tile(np.arange(SIZE, dtype=np.int16), (BOOKS, 1)), "", UNKNOWN)
        assert np.isfinite(nats).all()


def test_the_bigram_uses_the_previous_code_and_needs_fewer_nats():
    codes = TRAINING[0].codes
    one, two = (model(codes, "", UNKNOWN)[0] for model in (unigram(TRAINING, SIZE), bigram(TRAINING, SIZE)))
    assert two.shape == codes.shape
    assert two.sum() < one.sum()
    assert bigram(TRAINING, SIZE)(codes, "", UNKNOWN)[1][0, 1:].all()


def test_nats_of_a_frame_are_the_sum_over_its_codebooks():
    figures = score_clips(Sure(2.0).score_codes, HELD_OUT, "sure")
    assert [solo.tune_group for solo in figures] == ["tune 2", "tune 3"]
    ratios = figures[0].ratios
    parts = [ratios[f"nats_codebook_{book}"].numerator for book in (1, 2)]
    assert (sum(parts), ratios["nats_per_frame"].denominator) == (ratios["nats_per_frame"].numerator, 3)
    assert parts == [6, 12]
    assert ratios["accuracy_codebook_1"].numerator == 1


def test_a_model_is_compared_with_its_untrained_self_and_simpler_models():
    rows = measure_codes(
        "ours", Sure(0.5).score_codes, Sure(1.0).score_codes, TRAINING, HELD_OUT, SIZE, Resampling(50, 0)
    )
    rows = {row: flat(own) for row, own in rows.items()}
    assert list(rows) == ["ours", "untrained", "unigram", "bigram"]
    ours = rows["ours"]
    assert ours["nats_per_frame"] == pytest.approx(1.5)
    assert [ours[f"gain_on_untrained{end}"] for end in ("", "_low", "_high")] == pytest.approx([1.5, 1.5, 1.5])
    assert ours["gain_on_unigram"] == pytest.approx(rows["unigram"]["nats_per_frame"] - 1.5)
    assert ours["accuracy_codebook_2"] == ours["code_accuracy"] == pytest.approx(2 / 5)
    assert ours["code_perplexity"] == pytest.approx(np.exp(1.5 / BOOKS))
    assert rows["unigram"]["nats_per_frame_low"] <= rows["unigram"]["nats_per_frame_high"]


def test_clips_are_read_back_with_their_metadata(tmp_path: Path):
    codes = np.arange(20, dtype=np.int16).reshape(10, 2)
    rows = [
        filled(
            EncodedClipRow, clip="a", kind="rendered", key="Bb minor", qpm=200.0, captions=("full", "short"),
            split="test", start=0, length=4,
        ),
        filled(EncodedClipRow, clip="b", kind="recording", captions=("words",), split="train", start=4, length=6),
    ]  # fmt: skip
    frames = np.arange(60, dtype=np.uint16).reshape(10, 6)
    np.save(tmp_path / "codes.npy", codes)
    np.save(tmp_path / "score_frames.npy", frames)
    write_clip_index(tmp_path, rows)
    (known,) = read_clips(tmp_path, "test")
    assert (known.clip, known.key, known.qpm, known.caption) == ("a", Key.parse("Bb minor"), 200.0, "full")
    assert known.codes.tolist() == codes[:4].T.tolist()
    assert known.score.tolist() == frames[:4].tolist()
    (unknown,) = read_clips(tmp_path, "train")
    assert (unknown.kind, unknown.key, unknown.qpm) == ("recording", None, None)
    with pytest.raises(InputError, match="expected clips of the validation split, found none"):
        read_clips(tmp_path, "validation")
