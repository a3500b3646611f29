"""The Music Transformer family, which reads and writes event tokens."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from yardbird import files
from yardbird.checksums import check_sums
from yardbird.codecs.events import EventCodec
from yardbird.codecs.fill_stream import MOST_BARS, gap_at, gap_of
from yardbird.codecs.grammar import EventGrammar
from yardbird.codecs.vocabulary import KINDS
from yardbird.config import NonNegativeInt, PositiveInt, Share, ShareBelowOne, read_section
from yardbird.models.family import Batch, Datasets, Loss, Mixture, Ratio, TokenScores
from yardbird.models.family_kinds import TokenFamily
from yardbird.models.music_transformer import event_windows
from yardbird.models.music_transformer.pitch_relations import RELATIONS, Use, make_relations
from yardbird.models.music_transformer.transformer_model import MusicTransformer
from yardbird.music.score import Score
from yardbird.nn.decoding import decode
from yardbird.nn.evaluating import evaluating
from yardbird.nn.sampling import Constraint, Sampling
from yardbird.nn.transformer import TransformerConfig

#: The token kinds whose accuracy is reported separately.
_MEASURED = {"pitch": "Pitch", "position": "Position", "duration": "Duration"}
_SCORED_AT_ONCE = 16


@dataclass(frozen=True)
class ModelConfig(TransformerConfig, section="music_transformer.model"):
    """Section `music_transformer.model`. `windows_per_epoch` null: about one pass over the sequences in each epoch."""

    windows_per_epoch: PositiveInt | None
    background_epochs: NonNegativeInt | None  # the first epochs, which mix in background windows; null: all epochs
    background_share: ShareBelowOne  # share of the windows of these epochs
    hold_chords: bool  # add the chord in force to every token, besides the tokens where it changes
    interval: Use  # use of this relation (see `relations`), as below
    degree: Use
    motion: Use
    pulse: Use
    gap: Use
    release: Use
    fill_share: Share  # share of the training windows that train filling

    @property
    def mixture(self) -> Mixture:
        return Mixture(self.background_epochs, self.background_share)


class MusicTransformerFamily(TokenFamily):
    """A `MusicTransformer` over the tokens of an `EventCodec`."""

    name: ClassVar[str] = "music_transformer"
    codec_name: ClassVar[str] = "events"
    watched: ClassVar[str] = "nats_per_note"
    conditioned_on: ClassVar[tuple[str, ...]] = ("chord changes", "tempo", "artist", "opening bars")
    model: MusicTransformer

    def __init__(self, codec: EventCodec, config: ModelConfig) -> None:
        self.codec, self.config = codec, config
        sizes = {field.name: getattr(config, field.name) for field in dataclasses.fields(TransformerConfig)}
        chords = [("ChordRoot", "Chord"), ("ChordQuality", "Chord")]  # Chord is N.C. and ends both
        # The countdown, and whether a Fill token came before. Fill also ends the countdown of the bars after the gap.
        kinds = [*(chords if config.hold_chords else []), ("Left", "Fill"), ("Fill",)]
        held = [np.flatnonzero(np.isin(codec.kind_of, [KINDS.index(kind) for kind in group])) for group in kinds]
        related = make_relations(codec, {name: getattr(config, name) for name in RELATIONS})
        groups = [group.tolist() for group in held]
        self.model = MusicTransformer(codec.vocab_size, **sizes, held=groups, relations=related)

    @classmethod
    def create(cls, encoded: Path, params: Path) -> "MusicTransformerFamily":
        config = read_section("music_transformer.model", ModelConfig, params)
        return cls(EventCodec.load(encoded / "codec.json"), config)

    @classmethod
    def load(cls, folder: Path) -> "MusicTransformerFamily":
        check_sums(folder)
        family = cls(EventCodec.load(folder / "codec.json"), ModelConfig(**files.read_json(folder / "config.json")))
        family.model.load_state_dict(safetensors.torch.load_file(folder / "model.safetensors"))
        family.model.eval()
        return family

    def save(self, folder: Path) -> None:
        weights = {name: weight.detach().cpu().contiguous() for name, weight in self.model.state_dict().items()}
        files.write_bytes(folder / "model.safetensors", safetensors.torch.save(weights))
        files.write_json(folder / "config.json", dataclasses.asdict(self.config))
        self.codec.save(folder / "codec.json")

    def datasets(self, encoded: Path, seed: int) -> Datasets:
        config, pad = self.config, self.codec.pad_id
        held_out = event_windows.read_sequences(encoded, "validation")
        train = event_windows.TrainingWindows(
            encoded,
            config.context_length,
            pad,
            config.windows_per_epoch,
            seed,
            mixture=config.mixture,
            rearrange=self._gap,
            share=config.fill_share,
        )
        return Datasets(
            train=train,
            validation=event_windows.MeasuringWindows(
                event_windows.read_tokens(encoded), held_out, config.context_length, pad
            ),
            mixed_epochs=train.mixed_epochs,
        )

    @property
    def fill_context(self) -> int:
        """The context in tokens for filling bars; 0 if the model was not trained to fill."""
        return self.config.context_length if self.config.fill_share else 0

    def _gap(self, solo: NDArray[np.uint16], place: int, random: np.random.Generator) -> NDArray[np.uint16] | None:
        """A training window that fills one to `MOST_BARS` bars near a place; None if the stream does not fit."""
        gap, named = gap_at(self.codec, solo, place, int(random.integers(1, MOST_BARS + 1))), bool(random.integers(2))
        longest = self.config.context_length + 1
        arranged = gap_of(self.codec, solo, gap, longest, named=named) if gap else None
        return None if arranged is None else np.concatenate([arranged.prompt, arranged.middle])

    def loss(self, batch: Batch, step: int) -> Loss:  # noqa: ARG002  # this loss has no warm-up
        """Cross entropy of each token, without padding."""
        pad, targets = self.codec.pad_id, batch["tokens"][:, 1:].flatten()
        logits = self.model(batch["tokens"][:, :-1])
        nats = F.cross_entropy(logits.flatten(0, 1).float(), targets, ignore_index=pad)
        return Loss(nats, {"nats_per_token": nats.detach()}, weight=(targets != pad).sum())

    @torch.no_grad()
    def measure(self, batch: Batch) -> Mapping[str, Ratio]:
        """`nats_per_note` is nats of all tokens / notes, so that tokenizers can be compared. Accuracies are top-1."""
        targets, scored = batch["tokens"][:, 1:], batch["scored"]
        nats, correct = self._score(batch["tokens"])
        kinds = torch.from_numpy(np.asarray(self.codec.kind_of)).to(targets.device)[targets]
        total = float(nats[scored].double().sum())
        of_kind = {name: scored & (kinds == KINDS.index(kind)) for name, kind in _MEASURED.items()}
        accuracies = {f"{name}_accuracy": _share(correct, where) for name, where in of_kind.items()}
        return {
            "nats_per_note": Ratio(total, float(of_kind["pitch"].sum())),
            "nats_per_token": Ratio(total, float(scored.sum())),
            "accuracy": _share(correct, scored),
            **accuracies,
        }

    def _score(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Nats of the targets of windows (B, context + 1), and whether each was most probable: (B, context) each."""
        logits = self.model(tokens[:, :-1]).float()
        targets = tokens[:, 1:]
        nats = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
        return nats, logits.argmax(-1) == targets

    def score_tokens(self, tokens: ArrayLike) -> TokenScores:
        """Score a whole solo of any length, in the overlapping windows of the validation."""
        solo = np.asarray(tokens, dtype=np.uint16)
        whole = event_windows.Sequence(0, len(solo))
        items = event_windows.MeasuringWindows(solo, [whole], self.config.context_length, self.codec.pad_id)
        device = self.model.embedding.weight.device
        nats, correct = [], []
        with evaluating(self.model), torch.inference_mode():
            for batch in DataLoader(items, batch_size=_SCORED_AT_ONCE):
                batch_nats, batch_correct = self._score(batch["tokens"].to(device))
                nats.append(batch_nats.cpu()[batch["scored"]].double())
                correct.append(batch_correct.cpu()[batch["scored"]])
        return TokenScores(torch.cat(nats).numpy(), torch.cat(correct).numpy())

    def generate(
        self,
        primes: Sequence[ArrayLike],
        constraints: Sequence[Constraint],
        sampling: Sampling,
        seed: int,
        max_tokens: int,
        *,
        int8: bool = False,
    ) -> list[NDArray[np.uint16]]:
        """Continue all primes, each until its constraint is finished or it has `max_tokens` tokens, prime included.

        Constraints must be new; this method advances them over the primes. A constraint that is not `finished`
        afterwards ran out of tokens. Solo i depends on the model, its prime, the seed and i (see `decode` for primes
        longer than the context).
        """
        rows = [np.asarray(prime).astype(int).tolist() for prime in primes]
        drawn = decode(self.model, rows, sampling, seed, max_tokens, constraints, int8=int8)
        return [np.array(row, np.uint16) for row in drawn]

    def sample(self, seed: int) -> Score:
        """Eight bars without given chords, in 4/4 at 200 qpm, with temperature 1 and top-p 0.95."""
        grammar = EventGrammar(
            self.codec, bars=8, pitch_range=(49, 81), chords=None, meter=(4, 4), qpm=200.0, artist=None
        )
        prime = np.array([self.codec.bos_id], np.uint16)
        (tokens,) = self.generate([prime], [grammar], Sampling(1.0, None, 0.95, None), seed, max_tokens=4096)
        return self.codec.decode(tokens)


def _share(correct: Tensor, where: Tensor) -> Ratio:
    return Ratio(float(correct[where].sum()), float(where.sum()))
