"""MusicGen from scratch: training, measures, and its folder as a plain checkpoint."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML
from tiny_audio import CODES, FORMS, write_encoded
from torch.utils.data import DataLoader
from transformers import AutoProcessor, AutoTokenizer, MusicgenForConditionalGeneration

from yardbird.errors import ConfigError, InputError
from yardbird.models.family import Family, load_family
from yardbird.models.musicgen import MusicGenFamily
from yardbird.models.musicgen.code_windows import read_clips, read_codes, read_score_frames
from yardbird.models.musicgen.delay_pattern import delayed
from yardbird.models.musicgen.score_condition import condition_of
from yardbird.nn import encodec
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.fit import InterruptedTrainingError, fit
from yardbird.training.training_config import TrainingConfig

SETTINGS: dict[str, Any] = {
    "checkpoint": "scratch",
    "gradient_checkpointing": False,
    "model": {"d_model": 16, "num_heads": 2, "num_layers": 2, "d_ff": 32, "dropout": 0.1, "text_layers": 1},
    "adaptation": {"method": "lora", "rank": 2, "alpha": 4.0, "dropout": 0.0},
    "clips": {
        "context_seconds": 0.4,
        "per_epoch": None,
        "caption_dropout": 0.3,
        "notes_shown": 0.5,
        "key_shown": 0.5,
        "chords_shown": 0.5,
        "beats_shown": 0.5,
    },
}
TRAINING = TrainingConfig(
    batch_size=4, accumulate=1, max_epochs=3, patience=3, learning_rate=0.01, min_learning_rate=0.001, warmup_steps=2,
    weight_decay=0.01, gradient_clip=1.0, precision="32-true", sample_every_epochs=None, threads=1,
    processes=1, devices=1, num_nodes=1, strategy="auto",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository's root with a codec, encoded clips and params.yaml."""
    root = tmp_path_factory.mktemp("place")
    sizes = encodec.NetworkConfig(
        num_filters=2, upsampling_ratios=(8, 8, 5), residual_layers=1, kernel_size=3, latent_dim=4, codebooks=4,
        codebook_size=CODES,
    )  # fmt: skip
    torch.manual_seed(0)
    encodec.save(encodec.build(sizes), root / "codec")
    write_encoded(root / "audio")
    with (root / "params.yaml").open("w") as file:
        YAML().dump({"musicgen": SETTINGS}, file)
    return root


@pytest.fixture
def family(place: Path, monkeypatch: pytest.MonkeyPatch) -> MusicGenFamily:
    monkeypatch.chdir(place)
    torch.manual_seed(0)
    return MusicGenFamily.create(Path("audio"), Path("params.yaml"))


def make_captions_matter(family: MusicGenFamily) -> None:
    """Make a new model depend on captions: initially, its cross-attention outputs zero."""
    with torch.no_grad():
        for layer in family.model.decoder.model.decoder.layers:
            layer.encoder_attn.out_proj.weight.normal_(std=1.0)


def batch_of(family: MusicGenFamily, split: str = "train", rows: int = 3) -> dict[str, torch.Tensor]:
    data = family.datasets(Path("audio"), seed=0)
    batch: dict[str, torch.Tensor] = next(iter(DataLoader(getattr(data, split), batch_size=rows)))
    return batch


def test_the_family_is_found_by_name_and_sized_by_its_section_and_its_codec(family: MusicGenFamily) -> None:
    assert load_family("musicgen") is MusicGenFamily
    assert isinstance(family, Family)
    assert (family.sample_rate, family.frame_rate, family.codebooks, family.pad_id) == (16_000, 50, 4, CODES)
    assert family.context_frames == 20
    decoder: Any = family.model.config.decoder
    assert (decoder.hidden_size, decoder.num_hidden_layers, decoder.vocab_size) == (16, 2, CODES)
    trained = {name.split(".")[0] for name, weight in family.model.named_parameters() if weight.requires_grad}
    assert trained == {"decoder"}


def test_the_loss_is_that_of_transformers_on_delayed_labels(family: MusicGenFamily) -> None:
    make_captions_matter(family)
    batch = batch_of(family)
    batch["score"].zero_()  # transformers' model has no score
    family.model.train(False)
    family.clips = replace(family.clips, caption_dropout=0.0)
    labels = delayed(batch["codes"], family.pad_id).transpose(1, 2)
    theirs = family.model(input_ids=batch["text"], attention_mask=batch["mask"], labels=labels).loss.detach()
    with torch.no_grad():
        ours = family.loss(batch, 0)
    assert float(ours.total) == pytest.approx(4 * float(theirs), rel=1e-6)
    assert sum(map(float, ours.terms.values())) == pytest.approx(float(ours.total), rel=1e-6)
    assert int(ours.weight) == int((batch["codes"][:, 0] != family.pad_id).sum())


def test_padding_changes_no_score(family: MusicGenFamily) -> None:
    """A short clip in a wide window, in a batch with longer captions, has the same scores as alone."""
    make_captions_matter(family)
    family.model.train(False)
    codes = torch.randint(0, CODES, (1, 4, 9))
    padded = torch.cat([codes, torch.full((1, 4, 6), family.pad_id)], 2)
    with torch.no_grad():
        ids, mask = family.text_ids([FORMS[2]])
        long_ids, long_mask = family.text_ids([FORMS[2], FORMS[0]])
        score = torch.from_numpy(read_score_frames(Path("audio"))[:9].astype(np.int64))[None]
        wide = torch.nn.functional.pad(score, (0, 0, 0, 6))
        alone, _ = family._score(codes, family.text_states(ids, mask), mask, score)
        in_batch, _ = family._score(padded, family.text_states(long_ids[:1], long_mask[:1]), long_mask[:1], wide)
    torch.testing.assert_close(in_batch[..., :9], alone, rtol=1e-4, atol=1e-5)
    assert bool((in_batch[..., 9:] == 0).all())


def test_no_code_is_predicted_from_codes_after_it_in_the_delay_pattern(family: MusicGenFamily) -> None:
    """Only later steps may depend on code (k, t): the code (k', t') is an input of it if t' + k' < t + k."""
    family.model.train(False)
    frames = 7
    embedded: list[torch.Tensor] = []
    for embedding in family.model.decoder.model.decoder.embed_tokens:
        embedding.register_forward_hook(lambda _, __, out: (out.retain_grad(), embedded.append(out))[0])
    ids, mask = family.text_ids([FORMS[1]])
    for book in range(4):
        for frame in range(frames):
            embedded.clear()
            codes, score = torch.randint(0, CODES, (1, 4, frames)), torch.zeros((1, frames, 6), dtype=torch.int64)
            nats, _ = family._score(codes, family.text_states(ids, mask), mask, score)
            nats[0, book, frame].backward()
            for tensor in embedded:
                seen = (tensor.grad[0] != 0).any(-1)  # type: ignore[index]  # retained above
                assert seen.tolist() == [step <= frame + book for step in range(frames + 3)]


def test_a_random_share_of_captions_is_dropped_and_their_words_have_no_effect(
    family: MusicGenFamily, monkeypatch: pytest.MonkeyPatch
) -> None:
    text_states: list[torch.Tensor] = []
    scores_shown: list[torch.Tensor] = []
    score = family._score
    monkeypatch.setattr(
        family,
        "_score",
        lambda codes, states, mask, shown: (
            text_states.append(states),
            scores_shown.append(shown),
            score(codes, states, mask, shown),
        )[2],
    )
    make_captions_matter(family)
    batch = batch_of(family)
    batch["score"] = torch.ones_like(batch["score"])
    torch.manual_seed(0)
    with torch.no_grad():
        for _ in range(100):
            family.loss(batch, 0)
    dropped = torch.stack([(states == 0).all(-1).all(-1) for states in text_states])
    assert float(dropped.float().mean()) == pytest.approx(0.3, abs=0.08)
    assert not bool(dropped.all(1).all())
    assert torch.equal(dropped, torch.stack([(shown == 0).all(-1).all(-1) for shown in scores_shown]))
    unknown = torch.zeros_like(batch["score"][:1])
    family.model.train(False)
    with torch.no_grad():
        (ids, mask), (others, other_mask) = family.text_ids([FORMS[0]]), family.text_ids([FORMS[1]])
        codes = batch["codes"][:1]
        both = ((ids, mask), (others, other_mask))
        zero = [score(codes, 0 * family.text_states(i, m), m, unknown)[0] for i, m in both]
        scores = [score(codes, family.text_states(i, m), m, unknown)[0] for i, m in both]
    torch.testing.assert_close(zero[0], zero[1])
    assert not torch.allclose(scores[0], scores[1], rtol=0.01)
    assert bool(zero[0].isfinite().all())


def test_the_score_of_a_frame_changes_its_prediction_two_steps_before_it_but_none_earlier(
    family: MusicGenFamily,
) -> None:
    """The convolution reaches two frames; a code of codebook k is predicted k steps after its frame."""
    family.model.train(False)
    with torch.no_grad():
        condition_of(family.model).around.weight.normal_()  # initially, a frame does not see those around it
        for head in family.model.decoder.lm_heads:
            head.weight.normal_()
    ids, mask = family.text_ids([FORMS[1]])
    codes, states = torch.randint(0, CODES, (1, 4, 9)), family.text_states(ids, mask)
    score = torch.from_numpy(read_score_frames(Path("audio"))[:9].astype(np.int64))[None]
    with torch.no_grad():
        before, _ = family._score(codes, states, mask, score)
        for frame in range(9):
            changed = score.clone()
            changed[0, frame] = 0
            after, _ = family._score(codes, states, mask, changed)
            for book in range(4):
                first = max(0, frame - 2 - book)
                assert torch.equal(before[0, book, :first], after[0, book, :first])
                assert not torch.isclose(before[0, book, first], after[0, book, first], rtol=1e-6), (frame, book)


def test_validation_measures_equal_those_of_whole_clips(family: MusicGenFamily) -> None:
    sums: dict[str, np.ndarray] = {}
    family.model.train(False)
    for batch in DataLoader(family.datasets(Path("audio"), 0).validation, batch_size=2):
        for name, ratio in family.measure(batch).items():
            sums[name] = sums.get(name, np.zeros(2)) + np.array([ratio.numerator, ratio.denominator])
    packed, frames, held_out = (
        read_codes(Path("audio")),
        read_score_frames(Path("audio")),
        read_clips(Path("audio"), "validation"),
    )
    scores = [
        family.score_codes(packed[place].T, clip.captions[0], frames[place])
        for clip, place in ((clip, slice(clip.start, clip.start + clip.length)) for clip in held_out)
    ]
    nats, correct = (np.concatenate(parts, axis=1) for parts in zip(*scores, strict=True))
    assert nats.shape == correct.shape == (4, 53)
    expected = {"nats_per_frame": nats.sum(0).mean()}
    for book in range(4):
        expected[f"nats_codebook_{book + 1}"] = nats[book].mean()
        expected[f"accuracy_codebook_{book + 1}"] = correct[book].mean()
    assert {name: above / below for name, (above, below) in sums.items()} == pytest.approx(expected, rel=1e-4)
    assert family.watched in expected


def test_training_lowers_the_validation_measure_and_a_resumed_one_gives_the_same_weights(
    family: MusicGenFamily, tmp_path: Path
) -> None:
    class Stop:
        def on_start(self, curve: Any) -> None: ...

        def on_epoch(self, curve: Any, pace: Any) -> None:
            if len(curve) == 2:
                raise KeyboardInterrupt

        def on_sample(self, *_: Any) -> None: ...

    def train(family: MusicGenFamily, folder: str, *listeners: Any) -> Any:
        with CheckpointFolder(tmp_path / folder, "musicgen", "key") as checkpoint:
            return fit(family, Path("audio"), TRAINING, seed=3, checkpoint=checkpoint, listeners=listeners)

    result = train(family, "whole")
    watched = [row["validation_nats_per_frame"] for row in result.curve]
    assert watched[-1] < watched[0] < 4 * np.log(CODES) + 0.5
    layers = family.model.decoder.model.decoder.layers
    assert all(bool((layer.encoder_attn.out_proj.weight != 0).any()) for layer in layers), "cross-attention learns"
    torch.manual_seed(0)
    broken = MusicGenFamily.create(Path("audio"), Path("params.yaml"))
    with pytest.raises(InterruptedTrainingError):
        train(broken, "broken", Stop())
    torch.manual_seed(0)
    resumed = MusicGenFamily.create(Path("audio"), Path("params.yaml"))
    train(resumed, "broken")
    ours, theirs = resumed.model.state_dict(), family.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_the_saved_folder_is_a_plain_checkpoint_that_gives_the_same_logits(
    family: MusicGenFamily, tmp_path: Path
) -> None:
    make_captions_matter(family)
    batch = batch_of(family, rows=2)
    family.model.train(False)
    family.save(tmp_path / "one")
    family.save(tmp_path / "two")
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert [(tmp_path / "one" / name).read_bytes() for name in files] == [
        (tmp_path / "two" / name).read_bytes() for name in files
    ]
    assert not any(str(tmp_path).encode() in (tmp_path / "one" / name).read_bytes() for name in files)
    plain = MusicgenForConditionalGeneration.from_pretrained(tmp_path / "one")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "one")
    loaded = MusicGenFamily.load(tmp_path / "one")
    inputs = tokenizer(FORMS[:2], padding=True, return_tensors="pt")
    given = {**inputs, "decoder_input_ids": delayed(batch["codes"], family.pad_id).flatten(0, 1)}
    with torch.no_grad():
        logits = [model(**given).logits for model in (family.model, plain, loaded.model)]
    assert torch.equal(logits[0], logits[1])
    assert torch.equal(logits[0], logits[2])
    assert (loaded.clips, loaded.origin) == (family.clips, family.origin)
    assert loaded.unknown_words("Klezmer in F") == ("Klezmer",)
    score = batch["score"]
    assert torch.equal(loaded.score_states(score, 23), family.score_states(score, 23))
    samples = np.random.default_rng(0).standard_normal(3200).astype(np.float32)
    codes = family.encode_sound(samples)
    assert codes.shape == (4, 10)
    assert np.array_equal(codes, loaded.encode_sound(samples))
    assert np.array_equal(family.decode_codes(codes), loaded.decode_codes(codes))
    labels = delayed(batch["codes"], family.pad_id).transpose(1, 2)
    assert bool(plain(**inputs, labels=labels).loss.isfinite()), "its decoder names the token it starts from"
    assert type(AutoProcessor.from_pretrained(tmp_path / "one")).__name__ == "MusicgenProcessor"
    assert bool(plain.generate(**inputs, max_new_tokens=9, guidance_scale=3.0).isfinite().all())


def test_the_untrained_model_is_the_initial_model_of_the_training(family: MusicGenFamily, tmp_path: Path) -> None:
    given = read_codes(Path("audio"))[:30].T, FORMS[1], read_score_frames(Path("audio"))[:30]
    before = family.score_codes(*given)[0]
    with torch.no_grad():
        for weight in family.model.decoder.parameters():
            weight += 0.1
    family.save(tmp_path)
    untrained = MusicGenFamily.load(tmp_path).untrained()
    assert np.array_equal(untrained.score_codes(*given)[0], before)
    assert not np.allclose(family.score_codes(*given)[0], before)


def test_codes_of_another_codec_are_refused_in_one_line(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    other = write_encoded(place / "other", codebook_size=64)
    with pytest.raises(InputError, match=r"^other: expected codes of .*'codebook_size': 16.*, found codes of .*64.*;"):
        MusicGenFamily.create(other.relative_to(place), Path("params.yaml"))


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("model", "d_model", 18, r"musicgen\.model\.d_model: expected a multiple of twice num_heads \(4\), found 18"),
        ("model", "text_layers", 0, r"musicgen\.model\.text_layers: expected 1 to 256, found 0"),
        ("adaptation", "rank", 0, r"musicgen\.adaptation\.rank: expected 1 or more, found 0"),
        ("adaptation", "dropout", 1.0, r"musicgen\.adaptation\.dropout: expected 0 to below 1, found 1\.0"),
        ("adaptation", "method", "none", r"musicgen\.adaptation\.method: expected 'full' or 'lora', found 'none'"),
    ],
)
def test_an_invalid_setting_is_named(
    place: Path, tmp_path: Path, section: str, key: str, value: Any, message: str
) -> None:
    changed = json.loads(json.dumps(SETTINGS))
    changed[section][key] = value
    with (tmp_path / "params.yaml").open("w") as file:
        YAML().dump({"musicgen": changed}, file)
    with pytest.raises(ConfigError, match=message):
        MusicGenFamily.create(place / "audio", tmp_path / "params.yaml")
