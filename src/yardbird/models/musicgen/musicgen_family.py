"""The MusicGen family, which generates sound codes from captions and scores."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from yardbird import files
from yardbird.audio.wave import Waveform
from yardbird.checksums import check_sums
from yardbird.config import read_section
from yardbird.errors import InputError
from yardbird.models.family import Batch, Datasets, Loss, Ratio
from yardbird.models.family_kinds import Codes, SoundFamily
from yardbird.models.musicgen import (
    code_decoding,
    code_windows,
    hub_checkpoint,
    melody_condition,
    score_condition,
    tokenizer,
)
from yardbird.models.musicgen.code_windows import ClipsConfig
from yardbird.models.musicgen.delay_pattern import delayed, undelayed
from yardbird.models.musicgen.hub_checkpoint import SCRATCH
from yardbird.models.musicgen.lora import ADAPTERS, Adaptation, merged, save_adapters, with_adapters
from yardbird.models.musicgen.score_condition import is_of_condition
from yardbird.models.musicgen.scratch_model import ModelConfig, build
from yardbird.music.caption_facts import frames_of_caption
from yardbird.music.score_frames import ScoreFrames
from yardbird.nn.evaluating import evaluating
from yardbird.nn.linear import accelerate
from yardbird.nn.sampling import SoundSampling

if TYPE_CHECKING:  # imported only where they are used: they are slow to import
    from peft import PeftModel
    from transformers import EncodecModel, MusicgenForConditionalGeneration, MusicgenMelodyFeatureExtractor
    from transformers import PreTrainedTokenizerBase as Tokenizer

_OURS = "musicgen.json"
_SCORED_AT_ONCE = 8
_WORDS_IN_FRONT = 64  # a multiple of this, in front of the codes of a melody checkpoint
_SAMPLE = "Be-bop jazz solo in F"


@dataclasses.dataclass(frozen=True)
class Origin:
    """The origin of the initial weights: a checkpoint, or `scratch` with sizes and a seed."""

    checkpoint: str
    model: ModelConfig
    seed: int


class MusicGenFamily(SoundFamily):
    """A `MusicgenForConditionalGeneration`, which contains its codec, and its tokenizer.

    Copet et al. 2023, arXiv 2306.05284. The codec and the text encoder are never trained, not even a text encoder with
    random weights (see `scratch`).
    """

    name: ClassVar[str] = "musicgen"
    codec_name: ClassVar[str] = "audio"
    watched: ClassVar[str] = "nats_per_frame"
    conditioned_on: ClassVar[tuple[str, ...]] = ("caption", "opening of a sound", "notes, chords and beats of a solo")
    model: "MusicgenForConditionalGeneration"

    def __init__(
        self,
        model: "MusicgenForConditionalGeneration",
        tokenizer: "Tokenizer",
        clips: ClipsConfig,
        origin: Origin,
        extractor: "MusicgenMelodyFeatureExtractor | None" = None,
    ) -> None:
        self.model, self.tokenizer, self.clips, self.origin = model, tokenizer, clips, origin
        self.codec = codec = hub_checkpoint.codec_of(model, extractor)
        self._adapted: PeftModel | None = None
        self._texts: dict[tuple[tuple[int, ...], tuple[int, ...], str], Tensor] = {}
        config: Any = model.config
        self.sample_rate, self.frame_rate = codec.sample_rate, int(config.audio_encoder.frame_rate)
        self.codebooks, self.channels, self.pad_id = codec.codebooks, codec.channels, int(config.decoder.pad_token_id)
        self.has_melody = codec.extractor is not None
        self.context_frames = max(1, round(clips.context_seconds * self.frame_rate))
        model.audio_encoder.requires_grad_(False)
        model.text_encoder.requires_grad_(False)
        accelerate(model.decoder)

    @classmethod
    def create(cls, encoded: Path, params: Path) -> "MusicGenFamily":
        name = read_section("musicgen.checkpoint", str, params)
        sizes = read_section("musicgen.model", ModelConfig, params)
        clips = read_section("musicgen.clips", ClipsConfig, params)
        adaptation = read_section("musicgen.adaptation", Adaptation, params)
        origin = Origin(name, sizes, seed=int(torch.randint(2**31, ())))
        if name == SCRATCH:
            captions = [caption for clip in code_windows.read_clips(encoded, "train") for caption in clip.captions]
            words = tokenizer.word_tokenizer(captions)
            family = cls(build(sizes, words, hub_checkpoint.open_codec(name).model, origin.seed), words, clips, origin)
        else:
            folder = hub_checkpoint.locate(name)
            model = hub_checkpoint.open_model(folder)
            score_condition.attach(model, deviation=0.0)
            words, extractor = hub_checkpoint.open_tokenizer(folder), hub_checkpoint.open_extractor(folder)
            family = cls(model, words, clips, origin, extractor)
            if adaptation.method == "lora":
                family._adapted = with_adapters(family.model, adaptation)
                score_condition.condition_of(family.model).requires_grad_(True)
        if read_section("musicgen.gradient_checkpointing", bool, params):
            family.model.decoder.activation_checkpointing_enable(
                activation_checkpointing_kwargs={"use_reentrant": False}
            )
        family._check(encoded)
        return family

    @classmethod
    def load(cls, folder: Path) -> "MusicGenFamily":
        check_sums(folder)
        ours = files.read_json(folder / _OURS)
        origin = Origin(**{**ours["origin"], "model": ModelConfig(**ours["origin"]["model"])})
        model, words = hub_checkpoint.open_model(folder), hub_checkpoint.open_tokenizer(folder)
        score_condition.load(model, folder)
        return cls(model, words, ClipsConfig(**ours["clips"]), origin, hub_checkpoint.open_extractor(folder))

    def save(self, folder: Path) -> None:
        """Write a checkpoint in the hub's layout, with adapters merged; the adapters alone; and `musicgen.json`."""

        from transformers import EncodecFeatureExtractor

        model = self.model if self._adapted is None else merged(self._adapted)
        weights = {name: each for name, each in model.state_dict().items() if not is_of_condition(name)}
        with hub_checkpoint.quiet():
            model.save_pretrained(folder, state_dict=weights)
        score_condition.save(model, folder)
        if self._adapted is not None:
            save_adapters(self._adapted, self.origin.checkpoint, folder / ADAPTERS)
        self.tokenizer.save_pretrained(folder)
        (self.codec.extractor or EncodecFeatureExtractor(self.channels, self.sample_rate)).save_pretrained(folder)
        ours = {"clips": dataclasses.asdict(self.clips), "origin": dataclasses.asdict(self.origin)}
        files.write_json(folder / _OURS, ours)

    def untrained(self) -> "MusicGenFamily":
        """The same model before training: the checkpoint, or the random initial weights.

        Raises:
            InputError: the checkpoint cannot be found any more.
        """
        if self.origin.checkpoint == SCRATCH:
            codec = cast("EncodecModel", self.model.audio_encoder)
            model = build(self.origin.model, self.tokenizer, codec, self.origin.seed)
        else:
            model = hub_checkpoint.open_model(hub_checkpoint.locate(self.origin.checkpoint))
            score_condition.attach(model, deviation=0.0)
        model.train(False)
        return MusicGenFamily(model, self.tokenizer, self.clips, self.origin, self.codec.extractor)

    def _check(self, encoded: Path) -> None:
        found = files.read_json(encoded / "codec.json")
        ours = {"codebooks": self.codebooks, "codebook_size": self.pad_id, "sample_rate": self.sample_rate}
        ours |= {"chroma": True} if self.has_melody else {}
        theirs = {name: found.get(name) for name in ours}
        if theirs != ours:
            raise InputError(
                encoded, expected=f"codes of {ours}", found=f"codes of {theirs}", remedy="run dvc repro encode_audio"
            )

    def datasets(self, encoded: Path, seed: int) -> Datasets:
        held_out, context = code_windows.read_clips(encoded, "validation"), self.context_frames
        return Datasets(
            train=code_windows.TrainingClips(encoded, context, self.clips, self.pad_id, self.text_ids, seed),
            validation=code_windows.MeasuringClips(
                code_windows.read_codes(encoded),
                code_windows.read_score_frames(encoded),
                held_out,
                context,
                self.pad_id,
                self.text_ids,
            ),
        )

    def text_ids(self, captions: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Token ids and mask, (captions, words) each, padded on the right.

        Where the codes follow the words, padding moves them; so captions of less than 64 words have equal lengths.
        """
        multiple = _WORDS_IN_FRONT if self.has_melody else None
        encoded = self.tokenizer(list(captions), padding=True, pad_to_multiple_of=multiple, return_tensors="pt")
        return encoded["input_ids"], encoded["attention_mask"]

    def unknown_words(self, caption: str) -> tuple[str, ...]:
        """The words of a caption that the text encoder does not know."""
        return tokenizer.unknown_words(self.tokenizer, caption)

    def text_states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The states that the decoder attends to, (B, words, d_model), zero where there is no word."""
        rows = zip(ids, mask, ids.tolist(), mask.tolist(), strict=True)
        states = torch.stack([self._encode_text(*row) for row in rows])
        if hasattr(self.model, "enc_to_dec_proj"):
            states = self.model.enc_to_dec_proj(states)
        return states * mask[..., None]

    def _encode_text(self, ids: Tensor, mask: Tensor, words: list[int], there: list[int]) -> Tensor:
        """States of the text encoder for one caption, (words, its width). Cached, because the encoder is frozen.

        Captions are encoded one at a time and in full precision, so that the result does not depend on the batch.
        """
        key = (tuple(words), tuple(there), str(ids.device))
        if key not in self._texts:
            encoder = self.model.text_encoder
            precise = torch.autocast(ids.device.type, enabled=False)
            with torch.inference_mode(False), torch.no_grad(), precise, evaluating(encoder):
                states = encoder(input_ids=ids[None], attention_mask=mask[None]).last_hidden_state
            self._texts[key] = states[0]
        return self._texts[key]

    def loss(self, batch: Batch, step: int) -> Loss:  # noqa: ARG002  # this loss has no warm-up
        """Nats of a frame: the sum of its codebooks' cross entropies. Drops some conditions and ignores padding."""
        states = self.text_states(batch["text"], batch["mask"])
        kept = torch.rand(len(states), device=states.device) >= self.clips.caption_dropout
        score = batch["score"] * kept[:, None, None]
        nats, _ = self._score(batch["codes"], states * kept[:, None, None], batch["mask"], score)
        there = batch["codes"] != self.pad_id
        frames = there[:, 0].sum()
        books = (nats * there).sum((0, 2)) / frames
        return Loss(books.sum(), {f"nats_codebook_{k}": each for k, each in enumerate(books.detach(), 1)}, frames)

    @torch.no_grad()
    def measure(self, batch: Batch) -> Mapping[str, Ratio]:
        """`nats_per_frame` is the sum of the codebooks' nats. Accuracies are top-1."""
        nats, correct = self._score(
            batch["codes"],
            self.text_states(batch["text"], batch["mask"]),
            batch["mask"],
            batch["score"],
            with_correct=True,
        )
        scored = batch["scored"][:, None].expand_as(nats)
        frames = float(batch["scored"].sum())
        measures = {"nats_per_frame": Ratio(float(nats[scored].double().sum()), frames)}
        for book in range(self.codebooks):
            where = scored[:, book]
            measures[f"nats_codebook_{book + 1}"] = Ratio(float(nats[:, book][where].double().sum()), frames)
            measures[f"accuracy_codebook_{book + 1}"] = Ratio(float(correct[:, book][where].sum()), frames)
        return measures

    def score_states(self, score: Tensor, steps: int) -> Tensor:
        """What a score (B, frames, columns) adds to the decoder's inputs: (B, steps, width)."""
        states: Tensor = score_condition.condition_of(self.model)(score_condition.steps_of(score, steps))
        return states

    def conditions(self, states: Tensor, mask: Tensor, score: Tensor) -> dict[str, Tensor]:
        """What the decoder attends to beside the codes: the words; in a melody checkpoint, in front, with the chroma.

        The mask keeps the words of a dropped caption: a softmax over nothing is NaN.
        """
        if self.codec.extractor is None:
            return {"encoder_hidden_states": states, "encoder_attention_mask": mask}
        hops = self.sample_rate // self.frame_rate, int(self.codec.extractor.hop_length)
        return {"encoder_hidden_states": melody_condition.prefix(self.model, score, states, hops)}

    def _score(
        self, codes: Tensor, states: Tensor, mask: Tensor, score: Tensor, *, with_correct: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Nats of each code (B, codebooks, frames), 0 at pads, and `with_correct`, whether each was most probable."""
        pads = int((codes[:, 0] == self.pad_id).all(0).sum())  # padding common to all rows
        targets = delayed(codes[..., : codes.shape[-1] - pads], self.pad_id, self.channels)
        rows, books, steps = targets.shape
        ids = F.pad(targets[..., :-1], (1, 0), value=self.pad_id)
        score = score[:, :steps]
        added = self.score_states(score, steps)
        with score_condition.adding(self.model, added):
            logits = (
                self.model.decoder(
                    input_ids=ids.reshape(rows * books, steps),
                    **self.conditions(states, mask, score),
                    use_cache=False,
                )
                .logits[:, -steps:]
                .float()
            )
        logits, flat = logits.flatten(0, 1), targets.flatten()
        nats = F.cross_entropy(logits, flat, reduction="none", ignore_index=self.pad_id)
        correct = logits.argmax(-1) == flat if with_correct else torch.zeros_like(flat, dtype=torch.bool)
        padded = [F.pad(undelayed(scores.view_as(targets), self.channels), (0, pads)) for scores in (nats, correct)]
        return padded[0], padded[1]

    def score_codes(
        self, codes: Codes, caption: str, score: ScoreFrames
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Score a clip of any length (codebooks, frames) in the windows of the validation, with its key and beats.

        Returns:
            Nats of each code, and whether it was the most probable, both with the shape of `codes`.
        """
        clip = code_windows.Clip(0, codes.shape[1], (caption,))
        items = code_windows.MeasuringClips(codes.T, score, [clip], self.context_frames, self.pad_id, self.text_ids)
        nats, correct = np.empty(codes.T.shape), np.empty(codes.T.shape, np.bool_)
        done = 0
        with evaluating(self.model), torch.inference_mode():
            for batch in DataLoader(items, batch_size=_SCORED_AT_ONCE):
                here = {name: value.to(self.model.device) for name, value in batch.items()}
                states = self.text_states(here["text"], here["mask"])
                scores = self._score(here["codes"], states, here["mask"], here["score"], with_correct=True)
                of_frames = [score.transpose(1, 2)[here["scored"]].cpu().numpy() for score in scores]
                until = done + len(of_frames[0])
                nats[done:until], correct[done:until] = of_frames
                done = until
        return nats.T, correct.T

    def generate(
        self,
        captions: Sequence[str],
        frames: int,
        sampling: SoundSampling,
        seed: int,
        primes: Sequence[Codes] | None = None,
        scores: Sequence[ScoreFrames] | None = None,
    ) -> Codes:
        """See `code_decoding.generate`; without scores, each sound follows the key and the tempo of its caption."""
        followed = scores or [frames_of_caption(caption, frames, self.frame_rate) for caption in captions]
        return code_decoding.generate(self, captions, frames, sampling, seed, primes, followed)

    def encode_sound(self, samples: NDArray[np.float32]) -> Codes:
        """(n,) at `sample_rate` → (codebooks, frames), with the model's codec."""
        return self.codec.encode(samples)

    def sound_latents(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) at `sample_rate` → (frames, dimensions), with the model's codec."""
        return self.codec.latents(samples)

    def melody_chroma(self, samples: NDArray[np.float32]) -> NDArray[np.uint16]:
        """(n,) at `sample_rate` → the strongest pitch class of each frame, of a melody checkpoint."""
        return self.codec.chroma(samples)

    def decode_channels(self, codes: Codes) -> NDArray[np.float32]:
        """(codebooks, frames) → (n, channels) at `sample_rate`."""
        return self.codec.decode(codes)

    def sample(self, seed: int) -> Any:
        """A `Waveform` of one context: "Be-bop jazz solo in F"."""
        codes = self.generate([_SAMPLE], self.context_frames, SoundSampling(3.0, 1.0, 50), seed)[0]
        return Waveform(self.decode_channels(codes), self.sample_rate)
