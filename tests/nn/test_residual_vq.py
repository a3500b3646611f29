"""Residual vector quantisation, compared with loops and with the required behaviour of codebooks."""

from types import SimpleNamespace

import pytest
import torch

from yardbird.nn.residual_vq import QuantiseConfig, fit_codebooks, nearest, quantise

CONFIG = QuantiseConfig(decay=0.9, dead_share=0.05, dropout=0.0)


def codebooks(count: int = 3, size: int = 8, width: int = 4) -> list[SimpleNamespace]:
    torch.manual_seed(0)
    vectors = []
    for _ in range(count):
        embed = torch.randn(size, width)
        vectors.append(SimpleNamespace(embed=embed, embed_avg=embed.clone(), cluster_size=torch.ones(size)))
    return vectors


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_the_nearest_vector_is_the_one_a_loop_finds() -> None:
    vectors, embed = torch.randn(20, 4), torch.randn(8, 4)
    slow = [min(range(8), key=lambda code: float((vector - embed[code]).norm())) for vector in vectors]
    assert nearest(vectors, embed).tolist() == slow


def test_each_codebook_quantises_the_residual_of_the_previous_ones() -> None:
    latents, books = torch.randn(2, 4, 5), codebooks()
    before = [book.embed.clone() for book in books]
    found = quantise(latents, books, CONFIG, rng())
    for example in range(2):
        for frame in range(5):
            rest, total = latents[example, :, frame], torch.zeros(4)
            for number, embed in enumerate(before):
                code = int((rest - embed).square().sum(1).argmin())
                assert found.codes[number, example, frame] == code
                rest, total = rest - embed[code], total + embed[code]
            torch.testing.assert_close(found.latents[example, :, frame], total)


def test_the_gradient_passes_straight_through() -> None:
    latents = torch.randn(2, 4, 5, requires_grad=True)
    weights = torch.randn(2, 4, 5)
    (quantise(latents, codebooks(), CONFIG, rng()).latents * weights).sum().backward()
    torch.testing.assert_close(latents.grad, weights)


def test_commitment_moves_the_encoder_towards_its_codes() -> None:
    latents, books = torch.randn(1, 4, 6, requires_grad=True), codebooks(count=1)
    embed = books[0].embed.clone()
    quantise(latents, books, CONFIG, rng()).commitment.backward()
    vectors = latents.detach()[0].T
    expected = 2 * (vectors - embed[nearest(vectors, embed)]) / vectors.numel()
    torch.testing.assert_close(latents.grad[0].T, expected)


def test_codes_move_to_the_means_of_their_assigned_vectors() -> None:
    """Clusters of different sizes: a code must not depend on the size of its cluster."""
    torch.manual_seed(0)
    centres = torch.tensor([[5.0, 0, 0, 0], [0, 5, 0, 0], [0, 0, 5, 0]])
    latents = centres.repeat_interleave(torch.tensor([90, 30, 10]), 0) + 0.1 * torch.randn(130, 4)
    books = codebooks(count=1, size=3)
    books[0].embed.copy_(centres + 1)
    books[0].embed_avg.copy_(centres + 1)
    for _ in range(100):
        quantise(latents.T[None], books, CONFIG, rng())
    torch.testing.assert_close(books[0].embed, centres, atol=0.15, rtol=0)


def test_an_unused_code_is_restarted_at_a_vector_of_the_batch() -> None:
    books, latents = codebooks(count=1), torch.randn(1, 4, 200)
    books[0].embed[3] = books[0].embed_avg[3] = 100.0
    for _ in range(40):
        quantise(latents, books, CONFIG, rng())
    assert books[0].embed.abs().max() < 10


def test_with_dropout_some_examples_are_quantised_only_by_the_first_codebooks() -> None:
    books = codebooks()
    latents = torch.randn(64, 4, 3)
    first = [book.embed.clone() for book in books]
    found = quantise(latents, books, QuantiseConfig(0.9, 0.05, dropout=1.0), rng())
    sums = torch.stack([embed[codes] for embed, codes in zip(first, found.codes, strict=True)]).cumsum(0)
    used = [
        [torch.allclose(found.latents[example].T, sums[number, example], atol=1e-5) for number in range(3)]
        for example in range(64)
    ]
    assert all(sum(row) == 1 for row in used)
    assert all(any(row[number] for row in used) for number in range(3))


def test_each_fitted_codebook_reduces_the_residual() -> None:
    torch.manual_seed(0)
    vectors, books = torch.randn(2000, 4), codebooks(size=16)
    fit_codebooks(vectors, books, rng())
    left = []
    for book in books:
        vectors = vectors - book.embed[nearest(vectors, book.embed)]
        left.append(float(vectors.square().mean()))
    assert left[0] < 0.45
    assert left[1] < 0.6 * left[0]
    assert left[2] < 0.75 * left[1]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_generator_gives_the_same_codebooks(seed: int) -> None:
    found = []
    for _ in range(2):
        books = codebooks()
        fit_codebooks(torch.arange(400.0).view(100, 4).sin(), books, torch.Generator().manual_seed(seed))
        found.append(torch.stack([book.embed for book in books]))
    assert torch.equal(*found)
