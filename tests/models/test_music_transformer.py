import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import yardbird
from yardbird import MusicTransformer, save_to_midi
from yardbird.codecs.events import EventCodec
from yardbird.codecs.grammar import EventGrammar
from yardbird.errors import InputError
from yardbird.models.music_transformer.transformer_family import MusicTransformerFamily
from yardbird.music.midi import read_score
from yardbird.nn.sampling import Sampling


def small(vocab_size: int = 128) -> MusicTransformer:
    torch.manual_seed(0)
    return MusicTransformer(vocab_size, d_model=32, num_heads=4, num_layers=2, context_length=64)


def test_the_documented_example_runs(tmp_path: Path) -> None:
    model = MusicTransformer(vocab_size=128, d_model=512, num_heads=8, num_layers=6)
    start = torch.tensor([[60, 64, 67]])
    if torch.cuda.is_available():
        model, start = model.cuda(), start.cuda()
    generated = model.generate(start_tokens=start, max_len=40, temperature=0.9, top_k=40)
    save_to_midi(generated, tmp_path / "parker_ai_v1.mid")
    score = read_score(tmp_path / "parker_ai_v1.mid")
    assert generated.shape == (1, 40)
    assert generated.device == start.device
    assert score.pitches.tolist() == generated[0].tolist()
    assert score.pitches[:3].tolist() == [60, 64, 67]
    assert score.seconds == 40 * 0.25, "eighth notes at 120 quarter notes a minute"
    assert score.is_monophonic


def test_generation_depends_only_on_the_generator() -> None:
    model, start = small(), torch.tensor([[60], [60]])
    runs = [model.generate(start, 30, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    draw = torch.Generator().manual_seed(1)
    assert torch.equal(model.generate(start, 30, generator=draw), runs[0])
    assert not torch.equal(model.generate(start, 30, generator=draw), runs[0]), "the state of the generator advances"


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (torch.zeros(1, 0, dtype=torch.long), "expected rows of 1 to 4 tokens, found 1 rows of 0"),
        (torch.zeros(2, 5, dtype=torch.long), "expected rows of 1 to 4 tokens, found 2 rows of 5"),
        (torch.tensor([60, 64]), r"expected shape \(rows, length\), found shape \(2,\)"),
        (torch.tensor([[1, 128]]), "expected tokens from 0 to 127, found 1 to 128"),
        (torch.tensor([[-1, 3]]), "expected tokens from 0 to 127, found -1 to 3"),
    ],
)
def test_an_impossible_start_is_refused(start: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        small().generate(start, 4)


def test_rows_that_end_early_are_padded(codec: EventCodec) -> None:
    model = small(codec.vocab_size)
    grammars = [EventGrammar(codec, bars=bars, pitch_range=(60, 64)) for bars in (1, 3)]
    start = torch.full((2, 1), codec.bos_id)
    rows = model.generate(start, 500, constraints=grammars, pad_id=codec.pad_id)
    assert [codec.decode(row).bar_count for row in rows.tolist()] == [1, 3]


@pytest.mark.parametrize("shape", [(12,), (1, 12)])
def test_pitches_become_eighth_notes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pitches = np.arange(60, 72)
    for kind in (torch.tensor(pitches), pitches):
        save_to_midi(kind.reshape(shape), str(tmp_path / "scale.mid"))
        score = read_score(tmp_path / "scale.mid")
        assert score.pitches.tolist() == pitches.tolist()
        assert np.all(score.durations * 2 == score.ticks_per_beat)


def test_events_are_decoded_by_their_codec(tmp_path: Path, family: MusicTransformerFamily) -> None:
    codec = family.codec
    grammar = EventGrammar(codec, bars=4, pitch_range=(50, 80), meter=(4, 4), qpm=200.0)
    (tokens,) = family.generate([np.array([codec.bos_id])], [grammar], Sampling(1.0, None, None, None), 0, 1000)
    save_to_midi(torch.from_numpy(tokens.astype(np.int64))[None], tmp_path / "solo.mid", codec)
    score = read_score(tmp_path / "solo.mid")
    assert np.array_equal(score.notes, codec.decode(tokens).notes)
    assert score.bar_count == 4


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (
            torch.zeros(2, 5, dtype=torch.long),
            r"expected one sequence, found an array of shape \(2, 5\); write rows one",
        ),
        (torch.tensor([3, 200]), "expected pitches from 0 to 127, found 3 to 200; pass the codec of the tokens"),
    ],
)
def test_tokens_that_are_not_one_line_of_pitches_are_refused(
    tmp_path: Path, tokens: torch.Tensor, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        save_to_midi(tokens, tmp_path / "no.mid")
    assert not (tmp_path / "no.mid").exists()


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, yardbird; assert 'torch' not in sys.modules; print(yardbird.__all__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "MusicTransformer" in done.stdout


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'yardbird' has no attribute 'Charlie'"):
        _ = yardbird.Charlie  # type: ignore[attr-defined]
