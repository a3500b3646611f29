"""Transformers over the tokens of chorales: absolute or relative attention, relations of pitch and time, n-grams.

Shapes: windows B, tokens L, width d, vocabulary V, n-grams 4, classes of intervals C.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from chorale_batches import N_GRAMS
from chorale_recall import LEAST
from chorale_states import CLASSES, LEAP
from chorale_states import REST as REST_CLASS
from chorale_tokens import BAR, REST, START, SYMBOLS, VOCABULARY, WINDOW, Known, TrainingPieces
from chorale_training import Training, initialise
from chorales import VOICES, Integers
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from yardbird.nn.relations import NOTHING, Relation, RelationTerms
from yardbird.nn.transformer import Attention, Block, TransformerConfig

STRIDE, SHORT = 256, 256  # tokens
WIDEST = 36  # semitones; wider intervals share this class
RESTING, NONE = 2 * WIDEST + 1, 2 * WIDEST + 2  # classes of intervals: from or to a rest; no pitch yet
NOT_YET = -1  # in place of a pitch, before the first token of a voice
LONGEST = 32  # sixteenths that a pitch is held; longer ones share this class


@dataclass(frozen=True)
class Setting:
    """One model and its training."""

    attention: Attention | None  # None: the n-grams alone
    frame: bool  # embed the latest tokens of all voices, not only the latest token
    pitch_and_time: bool  # embed what all voices do; intervals in the logits
    recall: bool  # use the n-grams of intervals
    d_model: int
    num_layers: int
    dropout: float
    epochs: int
    whole: float  # share of the epochs, at the end, on windows of 1024 tokens; earlier epochs use short windows
    learning_rate: float
    weight_decay: float
    averaging: float  # decay of the moving average of the weights, which is scored
    any_key: bool  # transpose training pieces to all keys, or only where every voice stays within its range
    without_pitch: float  # share of the training windows in which only intervals are embedded, not the pitches
    bf16: bool = False  # in training; a third faster on a CPU with AVX-512 BF16, slow on others


class TokenModel(nn.Module):
    """Tokens (B, L) → logits (B, L, V) of the next token."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        assert setting.attention is not None, "without attention, use `NGramsAlone`"
        width = setting.d_model
        config = TransformerConfig(
            d_model=width,
            num_heads=width // 32,
            num_layers=setting.num_layers,
            d_ff=4 * width,
            dropout=setting.dropout,
            attention=setting.attention,
            max_distance=None,
            context_length=WINDOW,
            tie_embeddings=True,
        )
        self.setting = setting
        self.embedding, self.place = nn.Embedding(VOCABULARY, width), nn.Embedding(BAR, width)
        self.frame = nn.Embedding(VOCABULARY, width) if setting.frame else None
        # To project concatenated sinusoids and embedding is to add the projections of both.
        self.positions = nn.Linear(width, width, bias=False) if setting.attention == "absolute" else None
        self.voices = VoiceStates(width) if setting.pitch_and_time else None
        relations = pitch_relations() if setting.pitch_and_time else []
        self._terms = [RelationTerms(VOCABULARY, width, relation) for relation in relations]
        self.relations = nn.ModuleList(self._terms)
        self.recalled = nn.Linear(N_GRAMS * CLASSES, width, bias=False) if setting.recall else None
        self.recall = Recall(width) if setting.recall else None
        self.dropout = nn.Dropout(setting.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(setting.num_layers))
        self.norm = nn.LayerNorm(width)
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=width**-0.5)
        for terms in self._terms:
            if terms.own is not None and terms.output is not None:
                nn.init.zeros_(terms.own.weight[NOTHING])
                nn.init.zeros_(terms.output.weight)  # begins as the n-grams, if it has them
        initialise(self.blocks)

    def forward(self, tokens: Tensor, known: Known | None = None) -> Tensor:
        assert (known is None) == (self.recall is None)
        length = tokens.shape[1]
        x = self.embedding(tokens)
        if self.training and self.setting.without_pitch:
            x = x * (torch.rand(len(tokens), 1, 1) >= self.setting.without_pitch)
        x = x + self.place(torch.arange(length) % BAR)
        if self.frame is not None:
            latest = F.pad(self.frame(tokens), (0, 0, VOICES - 1, 0))
            x = x + sum(latest[:, back : back + length] for back in range(VOICES))
        if self.positions is not None:
            first = BAR * torch.randint(1 + (WINDOW - length) // BAR, (len(tokens), 1)) if self.training else 0
            x = x + self.positions(sinusoids(torch.arange(length) + first, self.setting.d_model))
        if self.voices is not None:
            x = x + self.voices(tokens)
        before = tokens.new_full((RelationTerms.CARRIED, len(tokens)), NOTHING)
        related = [(terms, terms.follow(tokens, before)) for terms in self._terms]
        for terms, followed in related:
            embedded = terms.embed(followed)
            x = x if embedded is None else x + embedded
        if self.recalled is not None and known is not None:
            x = x + self.recalled((known.logarithms / 2).exp().flatten(2))
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        logits = F.linear(x, self.embedding.weight)
        for terms, followed in related:
            logits = terms.add_to(logits, x, followed[0])
        if self.recall is not None and known is not None:
            logits = self.recall(logits, x, known)
        return logits


def sinusoids(positions: Tensor, width: int) -> Tensor:
    """(…, L) → (…, L, width), as in Vaswani et al. 2017, but with periods from 2 to 2 · `WINDOW` tokens."""
    periods = 2.0 * WINDOW ** torch.linspace(0, 1, width // 2)
    angles = 2 * math.pi * positions[..., None] / periods
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Recall(nn.Module):
    """Adds what the n-grams predict to logits. The hidden state decides, and the orders, how much each one counts."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.trust = nn.Linear(width, N_GRAMS)
        self.by_orders = nn.Parameter(torch.full((VOICES, N_GRAMS, 16), 0.15))
        nn.init.zeros_(self.trust.weight)
        nn.init.zeros_(self.trust.bias)

    def forward(self, logits: Tensor, hidden: Tensor, known: Known) -> Tensor:
        """Logits (B, L, V), to which the weighted logarithms of the probabilities are added."""
        batch, length, _ = hidden.shape
        voice = torch.arange(length) % VOICES
        by_orders = self.by_orders[voice].expand(batch, -1, -1, -1).gather(3, known.orders[..., None])[..., 0]
        # All other tokens are as improbable as a class that no context has seen: log `LEAST` there is 0 here.
        added = ((self.trust(hidden) + by_orders)[..., None] * (known.logarithms - math.log(LEAST))).sum(2)
        lowest = SYMBOLS * voice[:, None]
        tokens = known.base[..., None] + torch.arange(CLASSES) - LEAP
        tokens[..., REST_CLASS] = lowest[:, 0] + REST
        there = (tokens >= lowest) & (tokens < lowest + REST)
        there[..., REST_CLASS] = True
        return logits.scatter_add(2, torch.where(there, tokens, START), (added * there).to(logits.dtype))


class NGramsAlone(nn.Module):
    """The weighted product of the n-grams."""

    def __init__(self) -> None:
        super().__init__()
        self.recall = Recall(width=1)

    def forward(self, tokens: Tensor, known: Known) -> Tensor:
        added: Tensor = self.recall(torch.zeros(*tokens.shape, VOCABULARY), torch.zeros(*tokens.shape, 1), known)
        return added


class VoiceStates(nn.Module):
    """What all voices do at each token, embedded separately for each voice of the next token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.tables = nn.ParameterList(
            nn.init.normal_(torch.empty(VOICES, VOICES, size, width), std=width**-0.5)
            for size in (LONGEST + 1, NONE + 1, NONE + 1)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        following = torch.arange(tokens.shape[1])[:, None] % VOICES
        embedded = torch.zeros(())
        for table, classes in zip(self.tables, voice_states(tokens), strict=True):
            embedded = embedded + table[following, torch.arange(VOICES), classes].sum(2)
        return embedded


def pitch_relations() -> list[Relation]:
    """Relations to the latest token of each voice: the interval, with separate classes for each target voice."""
    pitch, voice = np.arange(START) % SYMBOLS, np.arange(START) // SYMBOLS
    count = NONE + 1
    relations = []
    for of in range(VOICES):
        references = np.arange(of * SYMBOLS, (of + 1) * SYMBOLS)
        steps = np.clip(pitch - pitch[references][:, None], -WIDEST, WIDEST) + WIDEST
        steps[(pitch == REST) | (pitch[references][:, None] == REST)] = RESTING
        classes = np.concatenate([np.full((1, START), NONE), steps]) + count * voice
        relations.append(Relation(range(START), references.tolist(), classes.tolist(), inputs=True, outputs=True))
    return relations


def voice_states(tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What every voice does at each token, from the tokens until then: classes (B, L, voices).

    Args:
        tokens: (B, L) from the start of a bar: the token before it, then soprano, alto, tenor, bass, soprano …

    Returns:
        The sixteenths for which the voice has had its pitch, 0 before its first; the interval by which it came to its
        pitch; the interval from the latest pitch of the voice whose token is next.
    """
    windows, length = tokens.shape
    steps = math.ceil((length - 1) / VOICES)
    pitches = F.pad(tokens[:, 1:] % SYMBOLS, (0, VOICES * steps - length + 1)).view(windows, steps, VOICES)
    changes = torch.ones_like(pitches, dtype=torch.bool)
    changes[:, 1:] = pitches[:, 1:] != pitches[:, :-1]
    places = torch.arange(steps)[:, None]
    began = torch.where(changes, places, -1).cummax(1).values
    held = (places - began).clamp(max=LONGEST - 1) + 1
    moved = torch.where(began == 0, NONE, interval(pitches, pitches.gather(1, (began - 1).clamp(min=0))))

    def at_tokens(values: Tensor, nothing: int) -> Tensor:
        """(B, steps, voices) → (B, L, voices): the latest value of each voice at each token."""
        latest = (torch.arange(length)[:, None] - 1 - torch.arange(VOICES)).div(VOICES, rounding_mode="floor")
        index = latest.clamp(min=0).expand(windows, -1, -1)
        return torch.where(latest < 0, nothing, values.gather(1, index))

    sounding = at_tokens(pitches, NOT_YET)
    following = (torch.arange(length) % VOICES)[:, None].expand(windows, -1, -1)
    return at_tokens(held, 0), at_tokens(moved, NONE), interval(sounding, sounding.gather(2, following))


def interval(pitch: Tensor, reference: Tensor) -> Tensor:
    """Class of the interval from the reference: semitones + `WIDEST`, `RESTING` or `NONE`."""
    classes = (pitch - reference).clamp(-WIDEST, WIDEST) + WIDEST
    classes = torch.where((pitch == REST) | (reference == REST), RESTING, classes)
    return torch.where((pitch == NOT_YET) | (reference == NOT_YET), NONE, classes)


def build(setting: Setting) -> nn.Module:
    return NGramsAlone() if setting.attention is None else TokenModel(setting)


def nats(model: nn.Module, sequences: Sequence[Integers], known: Sequence[Known | None]) -> list[NDArray[np.float64]]:
    """Nats of every token except the start token of each sequence."""
    model.eval()
    scored = []
    with torch.inference_mode():
        for tokens, each in zip(tqdm(sequences, desc="validation", leave=False), known, strict=True):
            found = np.empty(len(tokens) - 1)
            done = 0
            while done < len(found):
                last = BAR * max(0, math.ceil((len(found) - WINDOW) / BAR))  # start of the last window
                first = min(max(0, done - WINDOW + STRIDE), last)
                window = torch.from_numpy(tokens[first : first + WINDOW + 1])[None]
                part = None if each is None else each.part(first, first + WINDOW).batch()
                new = F.cross_entropy(model(window[:, :-1], part)[0], window[0, 1:], reduction="none")
                found[done : first + len(new)] = new[done - first :]
                done = first + len(new)
            scored.append(found)
    return scored


def trained(
    name: str,
    setting: Setting,
    pieces: TrainingPieces,
    held_out: Sequence[Integers],
    known: Sequence[Known | None],
    seed: int,
) -> nn.Module:
    """The moving average of the weights after the last epoch."""
    torch.manual_seed(seed)
    short = round((1 - setting.whole) * setting.epochs)  # epochs
    windows = [SHORT] * short + [WINDOW] * (setting.epochs - short)
    training = Training(
        build(setting),
        learning_rate=setting.learning_rate,
        weight_decay=setting.weight_decay,
        averaging=setting.averaging,
        steps=sum(pieces.batches(window) for window in windows),
        warm_up=200,
    )
    for epoch, window in enumerate(windows, 1):
        training.model.train()
        losses = []
        for tokens, recalled in tqdm(pieces.epoch(window), desc=f"{name}, epoch {epoch}", leave=False):
            with torch.autocast("cpu", torch.bfloat16, enabled=setting.bf16):
                logits = training.model(tokens[:, :-1].clamp(min=0), recalled)
            loss = F.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=-1)
            training.step(loss)
            losses.append(loss.item())
        if epoch % 4 == 0 and epoch < setting.epochs:
            found = np.concatenate(nats(training.averaged, held_out, known)).mean()
            print(f"{name}, epoch {epoch}: training {np.mean(losses):.4f}, validation {found:.4f}", file=sys.stderr)
    return training.averaged
