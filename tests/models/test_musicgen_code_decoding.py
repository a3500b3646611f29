from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_musicgen import tiny_musicgen

from yardbird.errors import ConfigError, InputError
from yardbird.models.family_kinds import Codes
from yardbird.models.musicgen import MusicGenFamily, code_decoding
from yardbird.models.musicgen.code_decoding import window_starts
from yardbird.models.musicgen.score_condition import adding
from yardbird.music.caption_facts import frames_of_caption
from yardbird.music.score_frames import AGE, CHORD, COLUMNS, KEY, NOTE, SIZES, ScoreFrames
from yardbird.nn.sampling import SoundSampling, choose, row_generators

GREEDY = SoundSampling(guidance=3.0, temperature=0.0, top_k=None)
DRAWN = SoundSampling(guidance=2.0, temperature=1.3, top_k=9)
CAPTIONS = ["Be-bop blues in F, 220 bpm", "Charlie Parker", "solo"]
FAMILY = tiny_musicgen()
CODEBOOKS, CODEBOOK_SIZE = FAMILY.codebooks, FAMILY.pad_id


@pytest.fixture
def family() -> MusicGenFamily:
    return FAMILY


def codes_of(frames: int, seed: int = 0) -> Codes:
    return np.random.default_rng(seed).integers(0, CODEBOOK_SIZE, (CODEBOOKS, frames)).astype(np.int16)


def random_score(frames: int, seed: int) -> ScoreFrames:
    highest = [SIZES.get(column, 1 << 12) for column in range(len(COLUMNS))]
    return np.random.default_rng(seed).integers(highest, size=(frames, len(COLUMNS))).astype(np.uint16)


def generate(
    family: MusicGenFamily, captions: list[str], frames: int, sampling: SoundSampling, seed: int,
    primes: list[Codes] | None = None, scores: list[ScoreFrames] | None = None,
) -> Codes:  # fmt: skip
    """Without scores, nothing of them is known."""
    unknown = np.zeros((frames, len(COLUMNS)), dtype=np.uint16)
    return code_decoding.generate(family, captions, frames, sampling, seed, primes, scores or [unknown] * len(captions))


def slowly(
    family: MusicGenFamily, caption: str, frames: int, sampling: SoundSampling, draw: torch.Generator, prime: Codes,
    score: ScoreFrames,
) -> Codes:  # fmt: skip
    """One caption, code by code, without a cache: the model's forward pass on all codes so far."""
    beats = score.copy()
    beats[:, [NOTE, AGE, KEY, CHORD]] = 0
    ids, mask = family.text_ids([caption])
    known = {(book, frame): int(code) for book, row in enumerate(prime) for frame, code in enumerate(row)}

    def scores(start: int, positions: int, text_mask: torch.Tensor, shown: ScoreFrames) -> torch.Tensor:
        grid = torch.full((CODEBOOKS, positions), family.pad_id)
        for (book, frame), code in known.items():
            if 0 <= frame - start < family.context_frames and 1 + book + frame - start < positions:
                grid[book, 1 + book + frame - start] = code
        window = torch.from_numpy(shown[start : start + family.context_frames].astype(np.int64))[None]
        steps = window.shape[1] + CODEBOOKS
        with adding(family.model, family.score_states(window, steps)[:, :positions]):
            output = family.model(input_ids=ids, attention_mask=text_mask, decoder_input_ids=grid, use_cache=False)
        last: torch.Tensor = output.logits[:, -1]
        return last

    start = 0
    while True:
        stop = min(frames, start + 10)
        for position in range(1, stop - start + CODEBOOKS):
            frame_of = {book: start + position - 1 - book for book in range(CODEBOOKS)}
            open_books = [b for b, frame in frame_of.items() if start <= frame < stop and (b, frame) not in known]
            if open_books:
                under, without = scores(start, position, mask, score), scores(start, position, 0 * mask, beats)
                guided = without + sampling.guidance * (under - without)
            for book in open_books:
                known[book, frame_of[book]] = int(choose(guided[book][None], sampling.tokens, draw))
        if stop == frames:
            return np.array([[known[book, frame] for frame in range(frames)] for book in range(CODEBOOKS)])
        start += 5


@pytest.mark.parametrize("frames", [1, 10, 18], ids=lambda frames: f"{frames}_frames")
def test_batches_with_a_cache_equal_a_plain_loop_for_each_caption_alone_without_one(
    family: MusicGenFamily, frames: int
) -> None:
    primes = [codes_of(0), codes_of(min(3, frames), 1), codes_of(min(14, frames), 2)]
    followed = [random_score(frames, row) for row in range(3)]
    together = generate(family, CAPTIONS, frames, DRAWN, 5, primes, followed)
    with torch.no_grad():
        alone = [
            slowly(family, caption, frames, DRAWN, draw, prime, score)
            for caption, draw, prime, score in zip(CAPTIONS, row_generators(5, 3), primes, followed, strict=True)
        ]
    assert together.shape == (3, CODEBOOKS, frames)
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("primed", [0, 4])
def test_greedy_codes_equal_those_of_transformers_generate(
    family: MusicGenFamily, guidance: float, primed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[torch.Tensor] = []
    decode: Callable[..., Any] = family.model.audio_encoder.decode
    monkeypatch.setattr(
        family.model.audio_encoder, "decode", lambda codes, **kwargs: (decoded.append(codes), decode(codes, [None]))[1]
    )
    primes = [codes_of(primed, row) for row in range(3)]
    ids, mask = family.text_ids(CAPTIONS)
    given_codes = torch.from_numpy(np.concatenate(primes).astype(np.int64))
    family.model.generate(
        input_ids=ids, attention_mask=mask, do_sample=False, guidance_scale=guidance,
        max_new_tokens=10 - primed + CODEBOOKS - 1, **({"decoder_input_ids": given_codes} if primed else {}),
    )  # fmt: skip
    ours = generate(family, CAPTIONS, 10, SoundSampling(guidance, 0.0, None), seed=0, primes=primes)
    assert torch.equal(torch.from_numpy(ours.astype(np.int64)), decoded[0][0])


@settings(max_examples=10)
@given(frames=st.integers(1, 24), primed=st.integers(0, 24), seed=st.integers(0, 3))
def test_a_sound_has_the_requested_frames_begins_with_its_prime_and_has_only_codes(
    frames: int, primed: int, seed: int
) -> None:
    prime = codes_of(min(primed, frames))
    (codes,) = generate(FAMILY, ["Charlie Parker"], frames, DRAWN, seed, [prime])
    assert codes.shape == (CODEBOOKS, frames)
    assert codes.dtype == np.int16
    assert np.array_equal(codes[:, : prime.shape[1]], prime)
    assert codes.min() >= 0
    assert codes.max() < CODEBOOK_SIZE


def test_no_code_is_a_pad_or_outside_the_codebook() -> None:
    """A checkpoint's head may be wider than its codebooks. Here the surplus classes have the highest scores."""
    family = tiny_musicgen()
    for head in family.model.decoder.lm_heads:
        wide = torch.nn.Linear(head.in_features, CODEBOOK_SIZE + 3, bias=True)
        with torch.no_grad():
            wide.bias[CODEBOOK_SIZE:] = 1000.0
        head.weight, head.bias = wide.weight, wide.bias
    codes = generate(family, CAPTIONS, 12, DRAWN, seed=0)
    assert codes.max() < CODEBOOK_SIZE


@given(frames=st.integers(1, 200), context=st.integers(1, 40))
def test_windows_cover_the_sound_and_overlap_by_half_a_context(frames: int, context: int) -> None:
    done = 0
    for start in window_starts(frames, context):
        assert start == 0 or done - start == context // 2
        assert start + context > done
        done = min(frames, start + context)
    assert done == frames


def test_one_seed_gives_one_sound_another_seed_another(family: MusicGenFamily) -> None:
    first, again, other = (generate(family, CAPTIONS, 15, DRAWN, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_caption_matters_with_guidance_and_not_without(family: MusicGenFamily) -> None:
    captions = ["jazz solo in F", "Charlie Parker"]

    def likeliest(guidance: float) -> Codes:
        return generate(family, captions, 10, SoundSampling(guidance, 0.0, None), seed=0)

    assert np.array_equal(*likeliest(0.0))
    assert not np.array_equal(*likeliest(3.0))


def test_the_key_and_the_tempo_of_a_caption_are_followed_unless_a_score_is_given(family: MusicGenFamily) -> None:
    sung = family.generate(["solo in F, 220 bpm"], 10, GREEDY, 0)
    asked = frames_of_caption("solo in F, 220 bpm", 10, family.frame_rate)
    assert np.array_equal(sung, generate(family, ["solo in F, 220 bpm"], 10, GREEDY, 0, None, [asked]))
    assert not np.array_equal(sung, family.generate(["solo in F, 220 bpm"], 10, GREEDY, 0, None, [random_score(10, 1)]))


def test_the_mode_is_restored_and_dropout_is_off(family: MusicGenFamily) -> None:
    before = generate(family, CAPTIONS, 5, GREEDY, seed=0)
    family.model.train()
    assert np.array_equal(generate(family, CAPTIONS, 5, GREEDY, seed=0), before)
    assert family.model.training
    family.model.eval()


def test_scores_that_are_not_finite_are_a_one_line_error() -> None:
    family = tiny_musicgen()
    with torch.no_grad():
        family.model.text_encoder.get_input_embeddings().weight[:] = torch.nan
    with pytest.raises(InputError, match=r"^musicgen: .* found NaN or infinity with the caption; use other weights$"):
        generate(family, CAPTIONS, 5, DRAWN, seed=0)


def test_the_error_about_nan_without_a_caption_has_a_workaround(
    family: MusicGenFamily, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some checkpoints and kernels return NaN without text. With captions only (guidance 1) they work."""
    forward = family.model.decoder.forward

    def broken(**inputs: Any) -> Any:
        output = forward(**inputs)
        output.logits[len(CAPTIONS) * CODEBOOKS :] = torch.nan
        return output

    monkeypatch.setattr(family.model.decoder, "forward", broken)
    with pytest.raises(
        InputError, match="found NaN or infinity without a caption; use other weights, or set guidance to 1"
    ):
        generate(family, CAPTIONS, 5, GREEDY, seed=0)
    assert generate(family, CAPTIONS, 5, SoundSampling(1.0, 0.0, None), seed=0).shape == (3, CODEBOOKS, 5)


@pytest.mark.parametrize("guidance", [-0.1, float("nan"), float("inf")])
def test_impossible_guidance_is_refused(guidance: float) -> None:
    with pytest.raises(ConfigError, match=r"^SoundSampling: guidance: expected (0 or more|a finite number), found"):
        SoundSampling(guidance, 1.0, None)
