"""The benchmark on chorales, run on synthetic chorales."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import chorale_tokens
import chorale_transformer
import chorales
import jsb
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from chorale_states import Voices

from yardbird.errors import InputError


def chorale(steps: int, key: int) -> list[list[int]]:
    """Every voice climbs by a tone per beat and starts again after an octave."""
    return [[base + key + 2 * (step // 4 % 6) for base in (65, 60, 53, 43)] for step in range(steps)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    splits = {"train": [chorale(20, 0), chorale(12, 5)], "valid": [chorale(16, 2)], "test": []}
    (tmp_path / "chorales.json").write_text(json.dumps(splits))
    return tmp_path / "chorales.json"


@pytest.mark.slow
def test_the_benchmark_prints_a_row_per_model_and_the_published_values(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = ["absolute", "relative, recall", "relative, pitch and time", "by intervals, no recall"]
    command = ["jsb.py", str(file), "--epochs", "1", "--seed", "3", "--variant", *variants]
    monkeypatch.setattr(sys, "argv", command)
    jsb.main()
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    assert [row[0] for row in rows][1:] == [f"| {variant}" for variant in variants]
    assert rows[0][0].startswith("| n-gram of tokens, order ")
    assert [row[1] for row in rows[1:]] == ["3"] * 4
    assert [row[5] for row in rows[1:]] == ["0.417", "0.357", "0.335", "0.335"]
    assert all(0 < float(row[3]) < 20 for row in rows)


def test_members_have_successive_seeds_and_the_mean_of_their_probabilities_is_scored(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = replace(jsb.BY_INTERVALS, d_model=32, hidden=16, epochs=1)
    jsb.report(file, {"by intervals": setting}, range(3, 6))
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| by intervals")]
    assert [row[1] for row in rows] == ["3", "4", "mean of 2", "5", "mean of 3"]
    nats = {row[1]: float(row[3]) for row in rows}
    assert len(set(nats.values())) == 5
    singles = [nats[seed] for seed in "345"]
    assert nats["mean of 2"] < sum(singles[:2]) / 2, "-log of a mean is less than the mean of -log"
    assert nats["mean of 3"] < sum(singles) / 3


def test_a_missing_file_gives_a_one_line_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["jsb.py", str(tmp_path / "chorales.json")])
    with pytest.raises(SystemExit) as ended:
        jsb.main()
    assert capsys.readouterr() == ("", "")
    remedy = "give the path of jsb-chorales-16th.json of github.com/czhuang/JSB-Chorales-dataset"
    assert ended.value.code == f"{tmp_path}/chorales.json: expected the JSB chorales, found no such file; {remedy}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1", "the JSB chorales, found something else"),
        ('{"train": [[[60]]]}', "the JSB chorales, found something else"),
        ('{"train": [[[20]]], "valid": [[[60]]]}', "at most four pitches a step, found something else"),
        ('{"train": [[[60, 61, 62, 63, 64]]], "valid": [[[60]]]}', "at most four pitches a step, found something else"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "chorales.json").write_text(text)
    with pytest.raises(InputError, match=rf"chorales\.json: expected {expected}; give the path"):
        chorales.read(tmp_path / "chorales.json")


def test_voices_are_ordered_from_the_highest_with_one_token_each() -> None:
    tokens = chorale_tokens.serialise(chorales.voices([[72, 67, 60, 48], [74, 67, 59, 43]]))
    assert tokens.tolist()[0] == chorale_tokens.START
    assert (tokens[1:] // chorale_tokens.SYMBOLS).tolist() == [0, 1, 2, 3] * 2
    assert (tokens[1:] % chorale_tokens.SYMBOLS + chorales.LOWEST).tolist() == [72, 67, 60, 48, 74, 67, 59, 43]


def test_fewer_than_four_pitches_go_to_the_voices_that_move_the_least() -> None:
    rest = chorales.LOWEST + chorale_tokens.REST
    pitches = chorales.voices([[72, 67, 60, 48], [71, 59, 50], [], [66, 59]])
    assert pitches.tolist()[1:] == [[71, rest, 59, 50], [rest] * 4, [rest, 66, 59, rest]]


def test_transpositions_keep_every_voice_in_its_range() -> None:
    pitches = chorales.voices([[70, 65, 58, 50], [72, 65], [74, 65, 58, 48]])
    low, high = np.array([60, 55, 48, 45]), np.array([79, 68, 69, 64])
    allowed = [
        by
        for by in range(-40, 40)
        if all(
            low[voice] <= pitch + by <= high[voice]
            for step in pitches
            for voice, pitch in enumerate(step)
            if pitch <= chorales.HIGHEST
        )
    ]
    assert chorale_tokens.shifts(pitches, low, high).tolist() == allowed == [-3, -2, -1, 0, 1, 2, 3]
    assert (chorale_tokens.transposed(pitches, 2) - pitches).tolist() == [[2] * 4, [2, 2, 0, 0], [2] * 4]


def test_an_epoch_cuts_every_piece_at_bar_lines_chosen_by_the_seed() -> None:
    pieces = [chorales.voices(chorale(steps, key)) for key, steps in enumerate((12, 20, 300, 16))]

    def epoch(window: int, seed: int) -> list[torch.Tensor]:
        return [batch.tokens for batch in chorale_tokens.TrainingPieces(pieces, seed).epoch(window)]

    def lengths(window: int) -> list[int]:
        return sorted(int(row.ge(0).sum()) for batch in epoch(window, 0) for row in batch)

    assert lengths(1024)[:3] == [49, 65, 81]
    assert len(lengths(1024)) == 4
    assert lengths(256)[3:] == [257] * 5
    assert all(torch.equal(one, other) for one, other in zip(epoch(256, 1), epoch(256, 1), strict=True))
    cuts = [row for seed in range(8) for batch in epoch(256, seed) for row in batch]
    assert {int(cut[1]) // chorale_tokens.SYMBOLS for cut in cuts} == {0}, "a cut begins with the soprano"
    assert sum(int(cut[0]) == chorale_tokens.START for cut in cuts) >= 8 * 4, "the opening is one of the cuts"


def test_every_token_is_scored_once_with_three_quarters_of_a_window_or_all_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chorale_transformer, "WINDOW", 128)
    monkeypatch.setattr(chorale_transformer, "STRIDE", 64)
    torch.manual_seed(0)
    model = chorale_transformer.TokenModel(replace(jsb.PLAIN, d_model=32, num_layers=1)).eval()
    for steps in (5, 50):
        tokens = chorale_tokens.serialise(chorales.voices(chorale(steps, 1)))
        (scored,) = chorale_transformer.nats(model, [tokens], [None])
        for place, each in enumerate(scored, 1):
            first = 0 if place <= 128 else 64 * -((128 - place) // 64)
            logits = model(torch.from_numpy(tokens[first:place])[None])[0, -1]
            expected = F.cross_entropy(logits[None], torch.tensor([tokens[place]])).item()
            assert each == pytest.approx(expected, abs=1e-4)


def test_relations_encode_the_interval_to_the_latest_token_of_each_voice() -> None:
    relations = chorale_transformer.pitch_relations()
    assert len(relations) == chorales.VOICES
    soprano, bass = (
        (lambda pitch: pitch - chorales.LOWEST),
        (lambda pitch: pitch - chorales.LOWEST + 3 * chorale_tokens.SYMBOLS),
    )
    to_bass = relations[3]

    def between(reference: int, target: int) -> int:
        return int(to_bass.classes[1 + to_bass.references.index(reference)][target])

    assert between(bass(48), soprano(72)) == between(bass(50), soprano(74)) != between(bass(48), soprano(71))
    assert between(bass(48), bass(60)) != between(bass(48), soprano(60)), "the voice of the target counts"
    assert between(chorale_tokens.REST + 3 * chorale_tokens.SYMBOLS, soprano(72)) == between(
        bass(48), chorale_tokens.REST
    )


@pytest.mark.parametrize("variant", [name for name in jsb.SETTINGS if not name.startswith("by")])
def test_no_token_is_predicted_from_itself_or_a_later_one(variant: str) -> None:
    """A change of one token changes the predictions of later tokens only, and those of the next one."""
    pitches = np.array(chorale(24, 1)) + np.arange(24)[:, None] % 3
    places = [1, 2, 7, 18, 40, 63, 95]
    changed = []
    for place in places:
        changed.append(pitches.copy())
        changed[-1].flat[place - 1] += 1
    setting, known = replace(jsb.SETTINGS[variant], d_model=32), [None] * 8
    if setting.recall:
        _, known = chorale_tokens.known_tokens([pitches, np.array(chorale(40, 3))], [pitches, *changed])
    pieces = zip([pitches, *changed], known, strict=True)
    batch = chorale_tokens.batch_of([chorale_tokens.window_of(*piece, semitones=0, start=0) for piece in pieces])
    torch.manual_seed(0)
    with torch.inference_mode():
        one, *others = chorale_transformer.build(setting).eval()(batch.tokens[:, :-1], batch.known)
    for place, other in zip(places, others, strict=True):
        assert torch.allclose(one[:place], other[:place], atol=1e-5), place
        assert not torch.allclose(one[place], other[place], atol=1e-5)


def test_an_n_gram_gives_its_probabilities_to_the_tokens_at_its_intervals() -> None:
    """Also in a transposed piece, of which a window begins at its second bar."""
    random = np.random.default_rng(0)
    pieces = [np.array([67, 62, 57, 50]) + random.integers(-3, 4, (40, 4)) for _ in range(2)]
    pieces[0][random.random((40, 4)) < 0.2] = chorales.RESTING
    known, _ = chorale_tokens.known_tokens(pieces, pieces)
    model = chorale_transformer.NGramsAlone()
    with torch.no_grad():
        model.recall.by_orders.copy_(torch.tensor([0.0, 0, 1, 0])[:, None])
        tokens, part = chorale_tokens.window_of(pieces[0], known[0], semitones=3, start=64, length=64)
        logits = model(tokens[None, :-1], part.batch())
    classes = torch.from_numpy(Voices(pieces[0]).classes.ravel())[64:128]
    expected = known[0].logarithms[64:128, 2].gather(1, classes[:, None])[:, 0]
    found = torch.log_softmax(logits[0], -1).gather(1, tokens[1:, None])[:, 0]
    assert torch.allclose(found, expected, atol=1e-3)
    assert len(set(expected.tolist())) > 10


def test_states_of_the_voices_are_those_of_a_reader_of_the_tokens() -> None:
    random = np.random.default_rng(0)
    steps = [[*map(int, random.choice([60, 62, 64, chorales.LOWEST + chorale_tokens.REST], 4))] for _ in range(12)]
    tokens = chorale_tokens.serialise(np.repeat(np.array(steps), random.integers(1, 4, 12), axis=0))
    found = chorale_transformer.voice_states(torch.from_numpy(tokens)[None])

    def interval(reference: int | None, pitch: int | None) -> int:
        if reference is None or pitch is None:
            return int(chorale_transformer.NONE)
        resting = chorale_tokens.REST in (reference, pitch)
        return int(chorale_transformer.RESTING) if resting else pitch - reference + int(chorale_transformer.WIDEST)

    read: list[list[int]] = [[] for _ in range(4)]
    for place, token in enumerate(tokens):
        if place:
            read[(place - 1) % 4].append(int(token) % chorale_tokens.SYMBOLS)
        latest = [pitches[-1] if pitches else None for pitches in read]
        for voice, pitches in enumerate(read):
            held = next((n for n, pitch in enumerate(reversed(pitches)) if pitch != pitches[-1]), len(pitches))
            before = pitches[-held - 1] if held < len(pitches) else None
            expected = (held, interval(before, latest[voice]), interval(latest[place % 4], latest[voice]))
            assert tuple(int(classes[0, place, voice]) for classes in found) == expected, (place, voice)
