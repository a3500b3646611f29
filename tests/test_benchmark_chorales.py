"""The model of voices by intervals, which a benchmark compares with transformers, on synthetic chorales."""

from collections import Counter
from dataclasses import replace

import chorale_batches
import chorale_model
import chorale_recall
import numpy as np
import pytest
import torch
from chorale_states import LEAP, REST, Voices

from yardbird.errors import InputError


def chorale(steps: int, seed: int, rests: bool = True) -> np.ndarray:
    """Each voice moves within a fifth around its usual pitch, about every second sixteenth, and sometimes rests."""
    random = np.random.default_rng(seed)
    pitches = np.array([67, 62, 57, 50]) + random.integers(-3, 4, (steps, 4))
    for step in range(1, steps):
        holds = random.random(4) < 0.5
        pitches[step, holds] = pitches[step - 1, holds]
    if rests:
        pitches[random.random((steps, 4)) < 0.1] = 109
    return pitches


def small(pieces: list[np.ndarray], new: list[np.ndarray]) -> tuple:
    training, held_out = chorale_batches.prepare(pieces, new)
    torch.manual_seed(0)
    setting = replace(chorale_model.BY_INTERVALS, d_model=32, hidden=16)
    return chorale_model.IntervalModel(setting, training.known, training.eighths), training, held_out


def test_states_are_those_of_a_reader_of_the_pitches() -> None:
    pitches = chorale(40, seed=0)
    found = Voices(pitches)
    for voice, usual in enumerate((67, 62, 57, 50)):
        latest, held, present = usual, 0, None
        for step, pitch in enumerate(map(int, pitches[:, voice])):
            assert (found.latest[step, voice], found.held[step, voice]) == (latest, held)
            assert found.classes[step, voice] == (REST if pitch == 109 else pitch - latest + LEAP)
            held = held + 1 if pitch == present else 1
            present, latest = pitch, latest if pitch == 109 else pitch


def test_a_step_of_more_than_two_octaves_is_refused() -> None:
    with pytest.raises(
        InputError, match="the chorales: expected steps of at most 24 semitones in each voice, found a wider"
    ):
        Voices(np.array([[67, 62, 57, 50], [67, 62, 57, 80]]))


def test_no_token_is_predicted_from_itself_or_a_later_one() -> None:
    """A change of one token changes the predictions of later tokens only, at any place. The harmonies of the first
    sixteenth once contained its own pitches. The piece repeats itself, so that its echoes count."""
    pitches = np.concatenate([chorale(16, seed=1, rests=False)] * 2)
    places = [0, 3, 6, 17, 38, 64, 89, 126]
    changed = []
    for place in places:
        changed.append(pitches.copy())
        changed[-1].flat[place] += 1
    network, _, held_out = small([pitches + 2, chorale(40, 3)], [pitches, *changed])
    network.eval()
    with torch.inference_mode():
        one, *others = (
            network(chorale_batches.batch_of(held_out, [row])).transpose(0, 1).flatten(0, 1)
            for row in range(len(places) + 1)
        )
    for place, other in zip(places, others, strict=True):
        assert torch.allclose(one[: place + 1], other[: place + 1], atol=1e-5), place
        assert not torch.allclose(one[place + 1], other[place + 1], atol=1e-5)
        assert not torch.allclose(one[-1], other[-1], atol=1e-5)


@pytest.mark.parametrize("contexts", ["line_contexts", "tune_contexts", "harmony_contexts"])
@pytest.mark.parametrize("step", [0, 1, 4, 9])
def test_no_context_of_an_n_gram_contains_its_token_or_a_later_one(contexts: str, step: int) -> None:
    """The harmonies of the first sixteenth once contained its own pitches."""
    pitches = chorale(24, seed=1, rests=False)
    for voice in range(4):
        changed = pitches.copy()
        changed[step, voice] += 1
        one, other = (
            np.stack(getattr(chorale_recall, contexts)(Voices(each))).reshape(-1, 4, 24) for each in (pitches, changed)
        )
        different = (one != other).any(axis=0)
        assert not different[:, :step].any()
        assert not different[: voice + 1, step].any()
        assert different.any()


def test_a_model_without_recall_has_no_parameters_of_n_grams() -> None:
    chorales, _ = chorale_batches.prepare([chorale(8, 0)], [chorale(8, 1)])
    with_recall, without = (
        chorale_model.IntervalModel(
            replace(chorale_model.BY_INTERVALS, recall=recall), chorales.known, chorales.eighths
        )
        for recall in (True, False)
    )
    fewer = set(dict(with_recall.named_parameters())) - set(dict(without.named_parameters()))
    assert fewer == {"recalled.weight", "trust"}
    assert without(chorale_batches.batch_of(chorales, [0])).shape == (4, 8, chorale_batches.CLASSES)


def test_only_heights_distinguish_a_piece_from_its_transposition() -> None:
    training, _ = chorale_batches.prepare(
        [chorale(40, 4, rests=False), chorale(40, 4, rests=False) + 3], [chorale(8, 5)]
    )
    piece, moved = training.pieces
    later = slice(1, None)  # the first pitches are relative to fixed ones
    assert torch.equal(piece.classes[:, later], moved.classes[:, later])
    assert torch.equal(piece.known[:, 8:], moved.known[:, 8:])
    assert torch.equal(piece.degrees[:, later], moved.degrees[:, later])
    assert torch.equal(piece.eighths[4:], moved.eighths[4:])
    assert torch.allclose(piece.histograms, moved.histograms)
    assert torch.allclose(moved.height[:, later] - piece.height[:, later], torch.tensor(0.5))


def interpolated(counts: Counter[int], shorter: np.ndarray) -> np.ndarray:
    """Counts of an order with the probabilities of the next shorter one."""
    share = np.array([counts[each] for each in range(chorale_recall.CLASSES)])
    return (share + len(counts) * shorter) / (share.sum() + len(counts))


def test_probabilities_of_an_n_gram_are_those_of_counts_of_the_other_pieces() -> None:
    random = np.random.default_rng(0)
    contexts = [random.integers(0, size, 60).astype(np.uint64) for size in (2, 6)]
    classes, piece = random.integers(0, 4, 60), np.repeat([0, 1, 2], 20)
    found, seen = chorale_recall.predictions(contexts, classes, piece)
    for token in range(60):
        probability, orders = np.full(chorale_recall.CLASSES, 1 / chorale_recall.CLASSES), 0
        for context in contexts:
            same = (piece != piece[token]) & (context == context[token])
            counts = Counter(classes[same].tolist())
            if counts:
                orders += 1
                probability = interpolated(counts, probability)
        assert seen[token] == orders
        assert np.allclose(found[token], probability)
    new = [np.array([1, 99], np.uint64), np.array([2, 99], np.uint64)]
    assert chorale_recall.predictions(contexts, classes, piece, new)[1].tolist() == [2, 0]


def test_echoes_count_only_earlier_tokens_of_the_voice() -> None:
    random = np.random.default_rng(0)
    contexts = [random.integers(0, size, 80).astype(np.uint64) for size in (3, 9)]
    classes = random.integers(0, 4, 80)
    base = np.full((80, chorale_recall.CLASSES), 1 / chorale_recall.CLASSES, np.float32)
    found, seen = chorale_recall.echoes(contexts, classes, base)
    for token in range(80):
        probability, orders = base[token], 0
        for context in contexts:
            earlier = range(token // 20 * 20, token)
            counts = Counter(classes[each] for each in earlier if context[each] == context[token])
            if counts:
                orders += 1
                probability = interpolated(counts, probability)
        assert seen[token] == orders
        assert np.allclose(found[token], probability)


def test_a_training_sees_every_moving_token_and_weighs_the_others() -> None:
    pieces = [chorale(60, seed) for seed in range(3)]
    pieces[0][1::2] = pieces[0][::2]
    _, training, _ = small(pieces, [chorale(8, 9)])
    torch.manual_seed(0)
    batch = chorale_batches.batch_of(training, [0, 1], held_share=0.5)
    assert set(batch.weight.tolist()) == {1.0, 2.0}
    assert batch.weight.sum() == pytest.approx(120, abs=12)
    assert (batch.classes[:, batch.weight == 2] == LEAP).all()
    whole = chorale_batches.batch_of(training, [0, 1])
    assert whole.weight.tolist() == [1.0] * 120


def test_training_lowers_the_nats_of_its_pieces(capsys: pytest.CaptureFixture[str]) -> None:
    pieces = [np.repeat(chorale(8, seed, rests=False), 4, axis=0) for seed in range(6)]
    training, held_out = chorale_batches.prepare(pieces, pieces[:2])
    setting = replace(chorale_model.BY_INTERVALS, d_model=32, hidden=16, epochs=12, averaging=0.5)
    learnt = chorale_model.trained(training, held_out, setting, seed=0)
    untrained = chorale_model.IntervalModel(setting, training.known, training.eighths)
    before, after = (np.concatenate(chorale_model.nats(each, held_out)).mean() for each in (untrained, learnt))
    assert after < 0.7 * before
    assert "by intervals, epoch 12: training" in capsys.readouterr().err
