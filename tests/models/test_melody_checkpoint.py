"""A checkpoint like facebook/musicgen-melody compared with transformers: chroma, loss and codes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_audio import FORMS, create, write_encoded, write_hub_checkpoint
from torch.utils.data import DataLoader

from yardbird.errors import InputError
from yardbird.models.musicgen import MusicGenFamily
from yardbird.models.musicgen.delay_pattern import delayed
from yardbird.models.musicgen.hub_checkpoint import open_codec
from yardbird.music.caption_facts import frames_of_caption
from yardbird.music.score_frames import BAR_BEAT, BEAT, CHROMA, KEY
from yardbird.nn.sampling import SoundSampling

RATE, FRAMES, NOTE_SAMPLES = 32_000, 25, 3200  # a window of the model
STEPS = np.arange(FRAMES * 640) // NOTE_SAMPLES * 5  # semitones above C
SOUND = np.sin(2 * np.pi / RATE * np.cumsum(261.63 * 2 ** (STEPS / 12))).astype(np.float32)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> MusicGenFamily:
    folder = tmp_path_factory.mktemp("melody")
    hub = write_hub_checkpoint(folder / "hub", melody=True)
    encoded = write_encoded(folder / "audio", 32, RATE, chroma=True)
    made = create(str(hub), encoded, folder, "full")
    made.model.eval()
    with torch.no_grad():  # codes that depend on the chroma
        for weight in (*made.model.decoder.model.parameters(), *made.model.audio_enc_to_dec_proj.parameters()):
            weight.normal_(std=0.4)
        for weight in made.model.decoder.score_condition.parameters():
            weight.zero_()
    return made


def melodic(family: MusicGenFamily, caption: str) -> np.ndarray:
    return np.column_stack([frames_of_caption(caption, FRAMES, 50), family.melody_chroma(SOUND)])


def heard(family: MusicGenFamily) -> torch.Tensor:
    """Their chroma of the sound, (1, chroma frames, 12)."""
    extractor = family.codec.extractor
    assert extractor is not None
    given: torch.Tensor = extractor(SOUND, sampling_rate=RATE, return_tensors="pt")["input_features"]
    return given


def test_the_chroma_is_that_of_the_extractor_at_the_frames_of_the_codes(family: MusicGenFamily) -> None:
    theirs = heard(family)[0].argmax(-1).numpy()
    ours = family.melody_chroma(SOUND)
    assert len(ours) == FRAMES
    assert theirs.tolist() == [0, 5, 10, 3]
    places = np.minimum(np.round(np.arange(len(theirs)) * 4096 / 640).astype(int), FRAMES - 1)
    assert np.array_equal(ours[places] - 1, theirs)
    assert open_codec(family.origin.checkpoint).chroma(SOUND[:100]).shape == (1,)


@pytest.mark.parametrize("melody", [True, False])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_greedy_codes_are_those_of_transformers(
    family: MusicGenFamily, monkeypatch: pytest.MonkeyPatch, melody: bool, guidance: float
) -> None:
    model: Any = family.model
    decoded: list[torch.Tensor] = []
    decode: Any = model.audio_encoder.decode
    with monkeypatch.context() as patch:
        patch.setattr(
            model.audio_encoder, "decode", lambda codes, *_, **__: (decoded.append(codes[0]), decode(codes, [None]))[1]
        )
        ids, mask = family.text_ids(FORMS)
        given = {"input_features": heard(family).repeat(3, 1, 1)} if melody else {}
        model.generate(
            input_ids=ids, attention_mask=mask, **given, do_sample=False, guidance_scale=guidance,
            max_new_tokens=FRAMES + 3,
        )  # fmt: skip
    scores = [melodic(family, form) for form in FORMS] if melody else None
    ours = family.generate(FORMS, FRAMES, SoundSampling(guidance, 0.0, None), seed=0, scores=scores)
    assert np.array_equal(ours, decoded[0].numpy())


def test_a_melody_changes_the_sound_and_a_sound_depends_on_no_other_caption_of_its_batch(
    family: MusicGenFamily,
) -> None:
    greedy, captions = SoundSampling(3.0, 0.0, None), ["jazz solo", "Be-bop solo in F", "blues"]
    scores = [melodic(family, caption) for caption in captions]
    together = family.generate(captions, FRAMES, greedy, seed=0, scores=scores)
    alone = [
        family.generate([caption], FRAMES, greedy, 0, None, [own])[0]
        for caption, own in zip(captions, scores, strict=True)
    ]
    assert np.array_equal(together, alone)
    assert not np.array_equal(together, family.generate(captions, FRAMES, greedy, seed=0))


def test_the_loss_is_that_of_transformers(family: MusicGenFamily) -> None:
    score = torch.from_numpy(np.stack([melodic(family, form) for form in FORMS]).astype(np.int64))
    codes = torch.randint(0, 32, (3, 4, FRAMES), generator=torch.Generator().manual_seed(0))
    ids, mask = family.text_ids(FORMS)
    with torch.inference_mode():
        theirs = family.model(
            input_ids=ids, attention_mask=mask, input_features=heard(family).repeat(3, 1, 1),
            labels=delayed(codes, 32).transpose(1, 2),
        ).loss  # fmt: skip
        nats, _ = family._score(codes, family.text_states(ids, mask), mask, score)
    assert float(nats.sum((0, 1, 2)) / nats[:, 0].numel()) == pytest.approx(4 * float(theirs), rel=1e-5)


def test_training_shows_the_chroma_of_some_clips_and_validation_of_none(family: MusicGenFamily, tmp_path: Path) -> None:
    data = family.datasets(write_encoded(tmp_path / "audio", 32, RATE, chroma=True), seed=0)
    data.train.set_epoch(0)  # type: ignore[attr-defined]  # promised by Family.datasets
    rows = [data.train[index]["score"] for index in range(4)]
    rows += [(data.train.set_epoch(1), data.train[index]["score"])[1] for index in range(4)]  # type: ignore[attr-defined]
    shown = {bool((row[:, CHROMA] > 0).any()) for row in rows}
    assert shown == {True, False}
    (batch,) = DataLoader(data.validation, batch_size=9)
    assert not batch["score"][..., CHROMA].any()
    assert batch["score"][..., [KEY, BEAT, BAR_BEAT]].any()


def test_the_gradient_of_a_chroma_reaches_its_projection(family: MusicGenFamily) -> None:
    score = torch.from_numpy(melodic(family, FORMS[0]).astype(np.int64))[None]
    ids, mask = family.text_ids(FORMS[:1])
    nats, _ = family._score(torch.zeros(1, 4, FRAMES, dtype=torch.long), family.text_states(ids, mask), mask, score)
    nats.sum().backward()  # type: ignore[no-untyped-call]
    projection: Any = family.model.audio_enc_to_dec_proj
    seen = {int(place) for place in projection.weight.grad.abs().sum(0).nonzero()}
    family.model.zero_grad()
    assert seen == set((score[0, [0, 6, 13, 19], CHROMA] - 1).tolist())


def test_clips_encoded_for_another_checkpoint_and_a_folder_without_extractor_are_refused(tmp_path: Path) -> None:
    hub = write_hub_checkpoint(tmp_path / "hub", melody=True)
    with pytest.raises(InputError, match=r"expected codes of .*'chroma': True.*run dvc repro encode_audio"):
        create(str(hub), write_encoded(tmp_path / "audio", 32, RATE), tmp_path)
    (hub / "preprocessor_config.json").unlink()
    with pytest.raises(
        InputError, match=r"hub: expected a complete MusicGen with tokenizer, found Can.t load feature extractor"
    ):
        open_codec(str(hub))
