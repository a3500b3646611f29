from collections import Counter
from math import log

import numpy as np
import pytest

from yardbird.baselines.ngram import NGram
from yardbird.nn.sampling import Sampling

VOCABULARY = 11


def random_sequences(count: int, seed: int = 0) -> list[list[int]]:
    """Sequences with structure: the next token depends on the two before it."""
    random = np.random.default_rng(seed)
    table = random.integers(1, VOCABULARY - 1, (VOCABULARY, VOCABULARY))
    sequences = []
    for _ in range(count):
        sequence = [0]
        for _ in range(int(random.integers(1, 60))):
            known = table[sequence[-1], sequence[-2] if len(sequence) > 1 else 0]
            sequence.append(int(known) if random.random() < 0.7 else int(random.integers(1, VOCABULARY - 1)))
        sequences.append(sequence)
    return sequences


class SlowNGram:
    """The recursion of the docstring, implemented with dictionaries."""

    def __init__(self, sequences: list[list[int]], order: int, escape: float = 1.0) -> None:
        self.order, self.escape = order, escape
        self.counts: dict[tuple[int, ...], Counter[int]] = {}
        for sequence in sequences:
            for place in range(1, len(sequence)):
                for length in range(min(order - 1, place) + 1):
                    context = tuple(sequence[place - length : place])
                    self.counts.setdefault(context, Counter())[sequence[place]] += 1

    def probability(self, token: int, context: tuple[int, ...]) -> float:
        context = context[max(0, len(context) - self.order + 1) :]
        lower = self.probability(token, context[1:]) if context else 1 / VOCABULARY
        after = self.counts.get(context)
        if after is None:
            return lower
        weight = self.escape * len(after)
        return (after[token] + weight * lower) / (after.total() + weight)


@pytest.fixture(scope="module")
def training() -> list[list[int]]:
    return random_sequences(40)


@pytest.mark.parametrize(("order", "escape"), [(1, 1), (2, 1), (3, 1), (5, 1), (8, 1), (2, 7.5), (5, 0.3), (8, 20)])
def test_nats_equal_those_of_dictionaries(training, order, escape):
    fast = NGram.fit(training, VOCABULARY, order).tuned(order, escape)
    slow = SlowNGram(training, order, escape)
    for sequence in random_sequences(5, seed=1) + training[:3] + [[0, 10, 10, 3]]:
        expected = [
            -log(slow.probability(sequence[place], tuple(sequence[:place]))) for place in range(1, len(sequence))
        ]
        assert fast.nats(sequence) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("order", "escape"), [(1, 1), (2, 1), (4, 1), (8, 1), (4, 20)])
def test_probabilities_sum_to_one_and_agree_with_the_nats(training, order, escape):
    model = NGram.fit(training, VOCABULARY, order).tuned(order, escape)
    sequence = random_sequences(1, seed=2)[0]
    nats = model.nats(sequence)
    for place in range(1, len(sequence)):
        log_probs = model.next_log_probs(sequence[:place])
        assert np.exp(log_probs).sum() == pytest.approx(1)
        assert -log_probs[sequence[place]] == pytest.approx(nats[place - 1])


def test_one_fit_contains_every_lower_order(training):
    model = NGram.fit(training, VOCABULARY, 6)
    sequence = random_sequences(1, seed=3)[0]
    for order, nats in enumerate(model.nats_by_order(sequence), start=1):
        assert nats == pytest.approx(NGram.fit(training, VOCABULARY, order).nats(sequence))
        assert nats == pytest.approx(model.tuned(order, 1.0).nats(sequence))


def test_several_escape_weights_give_the_nats_of_each(training):
    model, escapes, sequence = NGram.fit(training, VOCABULARY, 5), [1, 7.5, 20], random_sequences(1, seed=3)[0]
    nats = model.nats_by_escape(sequence, escapes)
    single = [model.tuned(5, escape).nats_by_order(sequence) for escape in escapes]
    np.testing.assert_array_equal(nats, single)


def test_a_known_context_lowers_the_nats(training):
    """Tokens depend on two previous tokens, so order 3 predicts new sequences better than order 1."""
    nats = np.concatenate([NGram.fit(training, VOCABULARY, 3).nats_by_order(row) for row in random_sequences(20, 0)], 1)
    assert nats[2].mean() < nats[1].mean() < nats[0].mean()


def test_the_escape_weight_compensates_repetition_of_the_corpus(training):
    """As with augmentation, counts grow tenfold but distinct tokens do not."""
    repeated = NGram.fit(training * 10, VOCABULARY, 5).tuned(5, 10.0)
    sequence = random_sequences(1, seed=5)[0]
    assert repeated.nats(sequence) == pytest.approx(NGram.fit(training, VOCABULARY, 5).nats(sequence))


def test_contexts_do_not_cross_from_one_sequence_to_the_next():
    apart, together = NGram.fit([[0, 1, 2], [0, 3, 4]], 5, 3), NGram.fit([[0, 1, 2, 0, 3, 4]], 5, 3)
    assert apart.nats([0, 2, 0]) != pytest.approx(together.nats([0, 2, 0]))
    assert SlowNGram([[0, 1, 2], [0, 3, 4]], 3).counts.get((2,)) is None


def test_the_likeliest_token_is_scored_as_correct(training):
    """Also in contexts of sequences that were scored before: the model keeps the likeliest token of a context."""
    model = NGram.fit(training, VOCABULARY, 3)
    for sequence in [*random_sequences(3, seed=4), [0, 10, 10, 3]]:
        scores = model.score_tokens(sequence)
        likeliest = [int(np.argmax(model.next_log_probs(sequence[:place]))) for place in range(1, len(sequence))]
        assert model.likeliest(sequence).tolist() == likeliest
        assert scores.correct.tolist() == (np.array(likeliest) == sequence[1:]).tolist()
        assert scores.nats == pytest.approx(model.nats(sequence))


class UpTo:
    """Allows only even tokens and is finished after `length` tokens, including the prime."""

    def __init__(self, length: int) -> None:
        self.length, self.tokens = length, []

    @property
    def finished(self) -> bool:
        return len(self.tokens) >= self.length

    def allowed(self) -> np.ndarray:
        return np.arange(VOCABULARY) % 2 == 0

    def advance(self, token: int) -> None:
        assert not self.finished
        self.tokens.append(token)


def test_generation_meets_its_constraints_and_starts_with_its_prime(training):
    model = NGram.fit(training, VOCABULARY, 3)
    primes = [[0], [0, 4, 2], [0]]
    rows = model.generate(primes, [UpTo(20), UpTo(9), UpTo(500)], Sampling(1.0, None, None, None), 0, max_tokens=40)
    assert [len(row) for row in rows] == [20, 9, 40]
    assert all(row[: len(prime)].tolist() == prime for row, prime in zip(rows, primes, strict=True))
    assert all((row % 2 == 0).all() for row in rows)


def test_a_solo_depends_only_on_its_seed_and_position(training):
    model = NGram.fit(training, VOCABULARY, 3)

    def generate(count: int, seed: int) -> list[list[int]]:
        constraints = [UpTo(30) for _ in range(count)]
        rows = model.generate([[0]] * count, constraints, Sampling(1.0, None, 0.95, None), seed, max_tokens=99)
        return [row.tolist() for row in rows]

    assert generate(2, seed=0) == generate(3, seed=0)[:2]
    assert generate(2, seed=0) != generate(2, seed=1)
    assert generate(2, seed=0)[0] != generate(2, seed=0)[1]


def test_generated_tokens_have_the_frequencies_of_the_model(training):
    model = NGram.fit(training, VOCABULARY, 1)

    class Two(UpTo):
        def allowed(self) -> np.ndarray:
            return np.ones(VOCABULARY, dtype=bool)

    rows = model.generate([[0]] * 4000, [Two(2) for _ in range(4000)], Sampling(1.0, None, None, None), 0, max_tokens=2)
    shares = np.bincount([row[1] for row in rows], minlength=VOCABULARY) / 4000
    assert shares == pytest.approx(np.exp(model.next_log_probs([0])), abs=0.03)
