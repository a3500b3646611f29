"""Validation nats a token on Bach chorales: transformers over tokens, and a model of voices by intervals.

Published: table 2 of Huang et al. 2018 (arXiv 1809.04281, section 4.1). `chorales.py` describes the data.

Serialised as in the paper: soprano, alto, tenor, bass of the first sixteenth, then of the second, and so on, one token
each. Our tokens include the voice, which also follows from the place in the sequence. A rest has a token in each voice.
Each piece is one sequence after a start token. Every token of the validation pieces is scored once, including rests,
given all tokens of its piece before it. In pieces longer than a window of 1024 tokens, windows overlap, and at least
768 tokens are given. Training pieces are transposed at random, as long as every voice stays within its range in the
training pieces. The validation nats are measured after every fourth epoch and after the last one; the weights are those
of the epoch with the lowest.

The model by intervals (`chorale_model.py`) predicts the same tokens from the same tokens before them, but it is no
transformer over tokens. It trains without transposed copies, and its weights are the moving average after the last
epoch; the validation nats choose none. `--members 4` trains each model with four seeds and also
scores the mean of the probabilities of the first two, three and four.
"""

import argparse
import copy
import math
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import chorale_batches
import chorale_model
from chorale_model import BY_INTERVALS, IntervalSetting
from chorales import HIGHEST, LOWEST, VOICES, Integers, read, voices
from timing import commit

from yardbird.baselines.ngram import NGram
from yardbird.errors import YardbirdError
from yardbird.nn.relations import Relation
from yardbird.nn.transformer import Transformer, TransformerConfig

REST = HIGHEST + 1 - LOWEST  # of every voice, after its pitches
SYMBOLS = REST + 1  # of each voice
START = VOICES * SYMBOLS
VOCABULARY = START + 1
WINDOW, STRIDE, SHORT, BAR = 1024, 256, 256, 64  # tokens
WIDEST = 36  # semitones; wider intervals share this class
RESTING, NONE = 2 * WIDEST + 1, 2 * WIDEST + 2  # classes of intervals: from or to a rest; no pitch yet
NOT_YET = -1  # in place of a pitch, before the first token of a voice
LONGEST = 32  # sixteenths that a pitch is held; longer ones share this class
ORDERS, ESCAPES = range(1, 25), (0.5, 1.0, 2.0, 5.0)  # of the n-grams

#: Huang et al. 2018, table 2, quoted from memory, not checked with the paper.
PUBLISHED = {"absolute": 0.417, "relative": 0.357, "relative, pitch and time": 0.335}
NEAREST = PUBLISHED | dict.fromkeys(["by intervals", "by intervals, no recall"], PUBLISHED["relative, pitch and time"])


@dataclass(frozen=True)
class Setting:
    """One model and its training."""

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


PLAIN = Setting(
    d_model=128,
    num_layers=4,
    dropout=0.1,
    epochs=16,
    whole=0.2,
    learning_rate=3e-3,
    weight_decay=0.1,
    averaging=0.998,
    any_key=False,
    without_pitch=0.0,
)
SETTINGS: dict[str, Setting | IntervalSetting] = {
    "absolute": PLAIN,
    "relative": PLAIN,
    # learns faster, and overfits sooner
    "relative, pitch and time": replace(PLAIN, num_layers=2, dropout=0.3, epochs=12, any_key=True, without_pitch=0.5),
    "by intervals": BY_INTERVALS,
    "by intervals, no recall": replace(BY_INTERVALS, recall=False),
}


def serialise(pitches: Integers) -> Integers:
    """(steps, voices) → start, then soprano, alto, tenor, bass of every step: (1 + 4 · steps,)."""
    return np.concatenate([[START], (pitches - LOWEST + SYMBOLS * np.arange(VOICES)).ravel()])


def shifts(pitches: Integers, low: Integers, high: Integers) -> Integers:
    """Transpositions in semitones, including 0, that keep every voice within `low` … `high`, (voices,) each."""
    sounding = np.ma.masked_greater(pitches, HIGHEST)
    down, up = (low - sounding.min(0)).max(), (high - sounding.max(0)).min()
    return np.arange(min(int(down), 0), max(int(up), 0) + 1)


def transposed(pitches: Integers, semitones: int) -> Integers:
    return np.where(pitches > HIGHEST, pitches, pitches + semitones)


class TrainingPieces:
    """Every piece about once in each epoch, randomly transposed and cut, in batches of windows of similar length."""

    def __init__(self, pieces: Sequence[Integers], seed: int, any_key: bool = False) -> None:
        every = np.ma.masked_greater(np.concatenate(pieces), HIGHEST)
        self._pieces, self._random = pieces, np.random.default_rng(seed)
        self._shifts = [np.arange(-5, 7) if any_key else shifts(piece, every.min(0), every.max(0)) for piece in pieces]

    def epoch(self, window: int) -> list[Tensor]:
        """Batches (B, length + 1) of about `WINDOW` tokens, right-padded with −1; length is at most `window`."""
        cuts = []
        for piece, allowed in zip(self._pieces, self._shifts, strict=True):
            tokens = serialise(transposed(piece, self._random.choice(allowed)))
            last = max(0, math.ceil((len(tokens) - 1 - window) / BAR))  # last bar where a cut may begin
            count = max(1, round(len(tokens) / window))
            starts = self._random.integers(last + 1, size=count)
            if count > 1:
                starts[0] = 0  # one of several cuts is the opening
            cuts += [torch.from_numpy(tokens[BAR * start : BAR * start + window + 1]) for start in starts]
        cuts.sort(key=lambda cut: len(cut) + self._random.uniform(0, BAR))
        size = WINDOW // window
        batches = [cuts[at : at + size] for at in range(0, len(cuts), size)]
        order = self._random.permutation(len(batches))
        return [pad_sequence(batches[index], batch_first=True, padding_value=-1) for index in order]


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


def nats(model: Transformer, sequences: Sequence[Integers]) -> list[NDArray[np.float64]]:
    """Nats of every token except the start token of each sequence."""
    model.eval()
    scored = []
    with torch.inference_mode():
        for tokens in tqdm(sequences, desc="validation", leave=False, file=sys.stderr):
            found = np.empty(len(tokens) - 1)
            done = 0
            while done < len(found):
                last = BAR * max(0, math.ceil((len(found) - WINDOW) / BAR))  # start of the last window
                first = min(max(0, done - WINDOW + STRIDE), last)
                window = torch.from_numpy(tokens[first : first + WINDOW + 1])[None]
                each = F.cross_entropy(model(window[:, :-1])[0], window[0, 1:], reduction="none")
                found[done : first + len(each)] = each[done - first :]
                done = first + len(each)
            scored.append(found)
    return scored


def mean(scored: Sequence[NDArray[np.float64]]) -> float:
    return float(np.concatenate(scored).mean())


def build(variant: str, setting: Setting) -> Transformer:
    config = TransformerConfig(
        d_model=setting.d_model,
        num_heads=setting.d_model // 32,
        num_layers=setting.num_layers,
        d_ff=4 * setting.d_model,
        dropout=setting.dropout,
        attention="absolute" if variant == "absolute" else "relative",
        max_distance=None,
        context_length=WINDOW,
        tie_embeddings=True,
    )
    related = "pitch" in variant
    model = Transformer(VOCABULARY, config, relations=pitch_relations() if related else ())
    if related:
        model.embedding = Sounding(VOCABULARY, setting.d_model, setting.without_pitch)
    elif variant != "absolute":
        model.embedding = Placed(VOCABULARY, setting.d_model)
    return model


class Placed(nn.Embedding):
    """The embedding of a token and of its place in the bar. Every window begins with a bar. Relative positions need it,
    because they do not determine the place in the bar, as absolute positions do."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__(tokens, width)
        self.place = nn.Embedding(BAR, width)
        for weight in self.parameters():
            nn.init.normal_(weight, std=width**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        embedded: Tensor = self.token(tokens) + self.place(torch.arange(tokens.shape[-1]) % BAR)
        return embedded

    def token(self, tokens: Tensor) -> Tensor:
        return super().forward(tokens)


class Sounding(Placed):
    """`Placed`, plus what all voices do at each token, embedded separately for each voice of the next token.

    In training, a share of the windows has no embedding of the tokens, so that the model learns intervals.
    """

    def __init__(self, tokens: int, width: int, without_pitch: float) -> None:
        super().__init__(tokens, width)
        self.without_pitch = without_pitch
        self.states = nn.ParameterList(
            nn.init.normal_(torch.empty(VOICES, VOICES, size, width), std=width**-0.5)
            for size in (LONGEST + 1, NONE + 1, NONE + 1)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        embedded = super().forward(tokens)
        following = torch.arange(tokens.shape[1])[:, None] % VOICES
        for table, classes in zip(self.states, voice_states(tokens), strict=True):
            embedded = embedded + table[following, torch.arange(VOICES), classes].sum(2)
        return embedded

    def token(self, tokens: Tensor) -> Tensor:
        embedded = super().token(tokens)
        if not self.training:
            return embedded
        return embedded * (torch.rand(len(tokens), 1, 1) >= self.without_pitch)


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


def trained(
    variant: str, setting: Setting, pieces: TrainingPieces, held_out: Sequence[Integers], seed: int
) -> Transformer:
    """The model of the best measured epoch by the nats of `held_out`."""
    torch.manual_seed(seed)
    model = build(variant, setting)
    decay = get_ema_multi_avg_fn(setting.averaging)  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    averaged = AveragedModel(model, multi_avg_fn=decay)
    scored: Transformer = averaged.module  # type: ignore[assignment]
    groups = [
        {"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": setting.weight_decay},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
    warm_up = 200  # steps
    step, best, weights = 0, math.inf, model.state_dict()
    for epoch in range(1, setting.epochs + 1):
        model.train()
        short = variant != "absolute" and epoch <= (1 - setting.whole) * setting.epochs
        losses, batches = [], pieces.epoch(SHORT if short else WINDOW)
        for index, batch in enumerate(tqdm(batches, desc=f"{variant}, epoch {epoch}", leave=False)):
            progress = (epoch - 1 + index / len(batches)) / setting.epochs
            rate = min(1.0, (step + 1) / warm_up) * (1 + math.cos(math.pi * progress)) / 2
            for group in optimizer.param_groups:
                group["lr"] = setting.learning_rate * rate
            with torch.autocast("cpu", torch.bfloat16, enabled=setting.bf16):
                logits = model(batch[:, :-1].clamp(min=0))
            loss = F.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten(), ignore_index=-1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            averaged.update_parameters(model)
            losses.append(loss.item())
            step += 1
        if epoch % 4 == 0 or epoch == setting.epochs:
            found = mean(nats(scored, held_out))
            print(f"{variant}, epoch {epoch}: training {np.mean(losses):.4f}, validation {found:.4f}", file=sys.stderr)
            if found < best:
                best, weights = found, copy.deepcopy(scored.state_dict())
    model.load_state_dict(weights)
    return model


def best_ngram(training: Sequence[Integers], held_out: Sequence[Integers]) -> tuple[float, int, float]:
    """Validation nats of the best Witten–Bell n-gram, its order and its escape weight, without transposition."""
    counted = NGram.fit(training, VOCABULARY, max(ORDERS))
    rows = []
    for escape in ESCAPES:
        model = counted.tuned(max(ORDERS), escape)
        by_order = np.concatenate([model.nats_by_order(tokens) for tokens in held_out], axis=1).mean(1)
        rows += [(float(found), order, escape) for order, found in zip(ORDERS, by_order, strict=True)]
    return min(rows)


def members(
    variant: str, chorales: Mapping[str, list[Integers]], setting: Setting | IntervalSetting, seeds: Sequence[int]
) -> Iterator[tuple[NDArray[np.float64], nn.Module]]:
    """For each seed: nats of every validation token, and the model."""
    if isinstance(setting, IntervalSetting):
        training, held_out = chorale_batches.prepare(chorales["train"], chorales["valid"])
        for seed in seeds:
            learnt = chorale_model.trained(training, held_out, setting, seed)
            yield np.concatenate(chorale_model.nats(learnt, held_out)), learnt
        return
    sequences = [serialise(piece) for piece in chorales["valid"]]
    for seed in seeds:
        pieces = TrainingPieces(chorales["train"], seed, setting.any_key)
        model = trained(variant, setting, pieces, sequences, seed)
        yield np.concatenate(nats(model, sequences)), model


def report(path: Path, settings: Mapping[str, Setting | IntervalSetting], seeds: Sequence[int]) -> None:
    chorales = {name: [voices(piece) for piece in pieces] for name, pieces in read(path).items()}
    training, held_out = ([serialise(piece) for piece in chorales[name]] for name in ("train", "valid"))
    sounding = np.concatenate([piece[1:] % SYMBOLS != REST for piece in held_out])
    start = time.process_time()
    found, order, escape = best_ngram(training, held_out)
    print(
        f"{__doc__.splitlines()[0]}\n`{shlex.join(['python', *sys.argv])}`, commit {commit() or 'unknown'}, "
        f"seeds {', '.join(map(str, seeds))}"
    )
    print(f"torch {torch.__version__}, CPU, 1 thread")
    for variant, setting in settings.items():
        print(f"- {variant}: {setting}")
    print(f"\n{len(training)} pieces to train, {len(held_out)} for validation: {len(sounding)} tokens\n")
    print("| model | seed | parameters | nats a token | without rests | published | processor seconds |")
    print("|---|---|---|---|---|---|---|")
    seconds = time.process_time() - start
    print(f"| n-gram, order {order}, escape {escape:g} | – | – | {found:.4f} | – | – | {seconds:.0f} |", flush=True)
    for variant, setting in settings.items():
        scored, start, total = [], time.process_time(), 0.0
        for seed, (each, model) in zip(seeds, members(variant, chorales, setting, seeds), strict=True):
            seconds = time.process_time() - start - total
            total += seconds
            size = sum(weight.numel() for weight in model.parameters())
            row(variant, str(seed), size, each, sounding, seconds)
            scored.append(each)
            if len(scored) > 1:
                mixed = -np.log(np.exp(-np.stack(scored)).mean(0))
                row(variant, f"mean of {len(scored)}", len(scored) * size, mixed, sounding, total)


def row(
    variant: str, seed: str, size: int, scored: NDArray[np.float64], sounding: NDArray[np.bool_], seconds: float
) -> None:
    found = f"{scored.mean():.4f} | {scored[sounding].mean():.4f} | {NEAREST[variant]:.3f}"
    print(f"| {variant} | {seed} | {size:,} | {found} | {seconds:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chorales", type=Path, help="jsb-chorales-16th.json")
    parser.add_argument("--variant", choices=list(SETTINGS), nargs="*", default=list(SETTINGS))
    parser.add_argument("--epochs", type=int, help="instead of each variant's number")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--members", type=int, default=1, help="models of each variant, with this seed and the next")
    parser.add_argument("--bf16", action="store_true", help="train in mixed precision, if the CPU supports bf16")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    settings = {}
    for variant in options.variant:
        setting = SETTINGS[variant]
        if isinstance(setting, Setting):
            setting = replace(setting, bf16=options.bf16)
        settings[variant] = replace(setting, epochs=options.epochs or setting.epochs)
    try:
        report(options.chorales, settings, range(options.seed, options.seed + options.members))
    except YardbirdError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
