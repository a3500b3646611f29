import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_musicgen import tiny_musicgen

from yardbird.models.musicgen.delay_pattern import delayed, undelayed

PAD = 99


@given(rows=st.integers(1, 3), codebooks=st.integers(1, 5), frames=st.integers(1, 7))
def test_the_pattern_equals_a_loop_and_can_be_reversed(rows: int, codebooks: int, frames: int) -> None:
    codes = torch.randint(0, 50, (rows, codebooks, frames))
    ids = delayed(codes, PAD)
    assert ids.shape == (rows, codebooks, frames + codebooks - 1)
    for row in range(rows):
        for book in range(codebooks):
            for step in range(ids.shape[2]):
                frame = step - book
                expected = codes[row, book, frame] if 0 <= frame < frames else PAD
                assert ids[row, book, step] == expected
    assert torch.equal(undelayed(ids), codes)


def test_the_codebooks_of_two_channels_have_the_delays_of_one() -> None:
    left, right = torch.randint(0, 50, (2, 3, 4, 7))
    both = torch.stack([left, right], dim=2).flatten(1, 2)
    ids = delayed(both, PAD, channels=2)
    assert torch.equal(ids[:, ::2], delayed(left, PAD))
    assert torch.equal(ids[:, 1::2], delayed(right, PAD))
    assert torch.equal(undelayed(ids, channels=2), both)


def test_it_is_the_pattern_of_transformers() -> None:
    family = tiny_musicgen()
    codes = torch.randint(0, family.pad_id, (1, 4, 9))
    started = torch.cat([torch.full((4, 1), family.pad_id), codes[0]], 1)
    _, theirs = family.model.decoder.build_delay_pattern_mask(started, family.pad_id, max_length=13)
    assert torch.equal(delayed(codes, family.pad_id)[0], theirs[:, 1:])
