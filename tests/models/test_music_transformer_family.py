from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from yardbird.codecs.events import EventCodec
from yardbird.codecs.grammar import EventGrammar
from yardbird.codecs.vocabulary import KINDS
from yardbird.errors import ConfigError
from yardbird.models.family import load_family
from yardbird.models.music_transformer.event_windows import read_sequences, read_tokens
from yardbird.models.music_transformer.transformer_family import ModelConfig, MusicTransformerFamily
from yardbird.music.chords import Chord
from yardbird.music.score import ChordChange
from yardbird.nn.sampling import Sampling

FREE = Sampling(temperature=1.0, top_k=None, top_p=0.95, min_p=None)


def test_training_on_windows_lowers_the_validation_measure(encoded: Path, family: MusicTransformerFamily) -> None:
    data = family.datasets(encoded, seed=0)
    optimiser = torch.optim.AdamW(family.model.parameters(), lr=3e-3)
    before = pooled(family, encoded)
    for epoch in range(6):
        data.train.set_epoch(epoch)  # type: ignore[attr-defined]  # promised by Family.datasets
        for batch in DataLoader(data.train, batch_size=8):
            loss = family.loss(batch, 0)
            optimiser.zero_grad()
            loss.total.backward()
            optimiser.step()
    after = pooled(family, encoded)
    assert after["nats_per_note"] < 0.7 * before["nats_per_note"]
    assert after["accuracy"] > before["accuracy"]


def pooled(family: MusicTransformerFamily, encoded: Path, batch_size: int = 4) -> dict[str, float]:
    """Validation measures as the trainer computes them: sums over batches, then the ratio."""
    sums: dict[str, np.ndarray] = {}
    family.model.eval()
    for batch in DataLoader(family.datasets(encoded, 0).validation, batch_size=batch_size):
        for name, ratio in family.measure(batch).items():
            sums[name] = sums.get(name, np.zeros(2)) + np.array([ratio.numerator, ratio.denominator])
    family.model.train()
    return {name: float(above / below) for name, (above, below) in sums.items()}


def test_validation_measures_equal_those_of_whole_solos(encoded: Path, family: MusicTransformerFamily) -> None:
    """The batches of training and the solos of evaluation give the same values for every token."""
    packed = read_tokens(encoded)
    solos = [packed[s.start : s.start + s.length] for s in read_sequences(encoded, "validation")]
    scores = [family.score_tokens(solo) for solo in solos]
    nats = np.concatenate([score.nats for score in scores])
    correct = np.concatenate([score.correct for score in scores])
    kinds = family.codec.kind_of[np.concatenate([solo[1:] for solo in solos])]
    assert [len(score.nats) for score in scores] == [len(solo) - 1 for solo in solos]
    expected = {
        "nats_per_note": nats.sum() / np.sum(kinds == KINDS.index("Pitch")),
        "nats_per_token": nats.mean(),
        "accuracy": correct.mean(),
        "pitch_accuracy": correct[kinds == KINDS.index("Pitch")].mean(),
        "position_accuracy": correct[kinds == KINDS.index("Position")].mean(),
        "duration_accuracy": correct[kinds == KINDS.index("Duration")].mean(),
    }
    for batch_size in (1, 64):
        assert pooled(family, encoded, batch_size) == pytest.approx(expected, rel=1e-5)
    assert family.watched in expected


def test_a_short_solo_is_scored_in_one_forward_pass(family: MusicTransformerFamily, codec: EventCodec) -> None:
    solo = np.array([codec.bos_id, *range(10, 40)])
    family.model.eval()
    with torch.no_grad():
        logits = family.model(torch.tensor(solo[None, :-1]))[0]
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(solo[1:]), reduction="none")
    scores = family.score_tokens(solo)
    np.testing.assert_allclose(scores.nats, expected.numpy(), rtol=1e-4)
    assert np.array_equal(scores.correct, logits.argmax(1).numpy() == solo[1:])


def test_padding_adds_nothing_to_the_loss(family: MusicTransformerFamily, codec: EventCodec) -> None:
    family.model.eval()
    tokens = torch.randint(3, codec.vocab_size, (1, 20), generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(tokens, (0, 29), value=codec.pad_id)
    loss, expected = family.loss({"tokens": padded}, 0), family.loss({"tokens": tokens}, 0)
    torch.testing.assert_close(loss.total, expected.total)
    assert int(loss.weight) == int(expected.weight) == 19, "an epoch's mean counts batches by their targets"


def test_filling_windows_contain_every_bar_once_and_every_token_is_learnt(
    codec: EventCodec, config: ModelConfig, encoded: Path
) -> None:
    family = MusicTransformerFamily(codec, replace(config, context_length=160, fill_share=1.0))
    train = family.datasets(encoded, seed=0).train
    packed, mark = read_tokens(encoded), codec.ids("Fill").start
    solos = [packed[s.start : s.start + s.length] for s in read_sequences(encoded, "train")]
    filled = 0
    for index in range(len(train)):  # type: ignore[arg-type]  # a map-style set
        tokens = train[index]["tokens"].numpy()
        content = tokens[tokens != codec.pad_id]
        marks = np.flatnonzero(content == mark)
        if not len(marks):
            continue
        filled += 1
        after, stretch = content[marks[0] + 1 : marks[1]], np.concatenate([content[:2], content[marks[1] + 1 :]])
        pieces = [codec.decode(stretch), codec.decode(after)]
        joined = [pitch for piece in pieces for pitch in piece.pitches.tolist()]
        wholes = [codec.decode(solo).pitches.tolist() for solo in solos]
        assert any(joined == whole[at : at + len(joined)] for whole in wholes for at in range(len(whole)))
    assert filled == len(train) - 1, "all but the solo of one bar"  # type: ignore[arg-type]  # as above
    batch = next(iter(DataLoader(train, batch_size=4)))
    assert int(family.loss(batch, 0).weight) == int((batch["tokens"][:, 1:] != codec.pad_id).sum())


def test_a_family_fills_within_its_context_if_trained_to(codec: EventCodec, config: ModelConfig) -> None:
    assert MusicTransformerFamily(codec, config).fill_context == 48
    assert MusicTransformerFamily(codec, replace(config, fill_share=0.0)).fill_context == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fill_share": 1.5}, "fill_share: expected 0 to 1, found 1.5"),
        ({"background_epochs": -1}, "background_epochs: expected 0 or more, found -1"),
        ({"background_share": 1.0}, "background_share: expected 0 to below 1, found 1.0"),
        ({"background_share": -0.1}, "background_share: expected 0 to below 1, found -0.1"),
        ({"d_model": 31}, "d_model: expected a multiple of"),
    ],
)
def test_a_setting_that_makes_no_sense_gives_a_one_line_error(
    config: ModelConfig, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^params\.yaml: music_transformer\.model\.{message}"):
        replace(config, **change)


def test_a_saved_family_is_loaded_from_its_folder_alone_and_predicts_the_same(
    tmp_path: Path, family: MusicTransformerFamily
) -> None:
    family.save(tmp_path / "model")
    loaded = load_family("music_transformer").load(tmp_path / "model")
    assert isinstance(loaded, MusicTransformerFamily)
    solo = np.arange(3, 120)
    assert np.array_equal(loaded.score_tokens(solo).nats, family.score_tokens(solo).nats)
    assert loaded.codec.vocabulary == family.codec.vocabulary
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "codec.json",
        "config.json",
        "model.safetensors",
    ]
    loaded.save(tmp_path / "again")
    for path in (tmp_path / "model").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_solos_obey_the_grammar_and_the_seed(family: MusicTransformerFamily, codec: EventCodec) -> None:
    chords = (ChordChange(0, Chord.parse("F7")), ChordChange(96, Chord.parse("Bb7")))

    def solos(seed: int, count: int) -> list[list[int]]:
        grammars = [
            EventGrammar(codec, bars=4, pitch_range=(50, 80), chords=chords, meter=(4, 4), qpm=200.0)
            for _ in range(count)
        ]
        primes = [np.array([codec.bos_id])] * count
        return [tokens.tolist() for tokens in family.generate(primes, grammars, FREE, seed, max_tokens=2000)]

    rows = solos(0, 5)
    assert rows == solos(0, 5)
    assert len({tuple(row) for row in rows}) == 5
    for row in rows:
        score = codec.decode(row)
        assert (score.bar_count, score.chords, score.is_monophonic) == (4, chords, True)


def test_a_chord_is_in_force_until_the_next_one_and_nc_ends_it(
    family: MusicTransformerFamily, codec: EventCodec
) -> None:
    silence, f7, pitch = codec.chord_ids(None), codec.chord_ids(Chord.parse("F7")), codec.ids("Pitch").start + 60
    tokens = torch.tensor([[codec.bos_id, *f7, pitch, *silence, pitch]])
    root, quality, *_ = family.model._follow(tokens, None)[0][:, 0].tolist()
    row_of = [rows.tolist() for rows in family.model.rows]
    (nothing,), (f, seventh) = [row_of[0][token] for token in silence], [row_of[g][token] for g, token in enumerate(f7)]
    assert root == [0, f, f, f, nothing, nothing]
    assert quality == [0, 0, seventh, seventh, nothing, nothing]
    assert len({0, nothing, f, seventh}) == 4
    without = MusicTransformerFamily(codec, replace(family.config, hold_chords=False)).model
    held = {codec.kind_of[token] for token in without.rows.any(0).nonzero()[:, 0].tolist()}
    assert held == {KINDS.index("Left"), KINDS.index("Fill")}, "no chord is held"


def test_the_countdown_is_in_force_until_a_gap(family: MusicTransformerFamily, codec: EventCodec) -> None:
    pitch, bar, fill = codec.ids("Pitch").start, codec.ids("Bar").start, codec.ids("Fill").start
    one, two = codec.ids("Left").start, codec.ids("Left").start + 1
    tokens = torch.tensor([[codec.bos_id, fill, bar, one, pitch, fill, pitch, bar, two, pitch, bar, one]])
    *_, left, gap = family.model._follow(tokens, None)[0][:, 0].tolist()
    mark, first, second = (family.model.rows[-2][token].item() for token in (fill, one, two))
    assert left == [0, mark, mark, first, first, mark, mark, mark, second, second, second, first]
    assert gap == [0, *[mark] * 11]
    assert len({0, mark, first, second}) == 4


def test_a_sample_solo_has_eight_bars_and_depends_only_on_the_seed(family: MusicTransformerFamily) -> None:
    assert family.sample(1).bar_count == 8
    assert family.sample(1) == family.sample(1)
    assert family.sample(1) != family.sample(2)


def test_a_family_is_sized_by_its_section_of_the_parameters(encoded: Path, root: Path, tmp_path: Path) -> None:
    family = MusicTransformerFamily.create(encoded, root / "params.yaml")
    assert family.model.embedding.num_embeddings == family.codec.vocab_size
    assert family.model.config.context_length == family.config.context_length
    text = (root / "params.yaml").read_text().replace("attention: relative", "attention: sideways")
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(
        ConfigError, match=r"music_transformer\.model\.attention: expected 'relative', 'rotary' or 'absolute'"
    ):
        MusicTransformerFamily.create(encoded, tmp_path / "params.yaml")


def test_the_ablation_trains_too(codec: EventCodec, config: ModelConfig, encoded: Path) -> None:
    family = MusicTransformerFamily(codec, replace(config, attention="absolute"))
    batch = next(iter(DataLoader(family.datasets(encoded, 0).train, batch_size=2)))
    family.loss(batch, 0).total.backward()
    assert family.model.positions is not None
    assert family.model.positions.grad is not None
