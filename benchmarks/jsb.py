"""Validation nats a token on Bach chorales: transformers over tokens, and a model of voices by intervals.

Published: table 2 of Huang et al. 2018 (arXiv 1809.04281, section 4.1). `chorales.py` describes the data.

Every token of the validation pieces is scored once, including rests, given all tokens of its piece before it. In pieces
longer than a window of 1024 tokens, windows overlap, and at least 768 tokens are given. Training pieces are transposed
at random, as long as every voice stays within its range in the training pieces.

The transformers (`chorale_transformer.py`) have the attention that their name says. They read tokens only, or also what
the n-grams of intervals (`chorale_recall.py`) predict from the same tokens before them ("recall"). Those of pitch and
time have intervals in the embedding and in the logits, too. "n-grams of intervals" is the weighted product of the
n-grams alone.

The model by intervals (`chorale_model.py`) predicts the same tokens from the same tokens before them, but it is no
transformer over tokens, and it trains without transposed copies.

All weights are the moving average after the last epoch; the validation nats choose none. `--members 4` trains each
model with four seeds and also scores the mean of the probabilities of the first two, three and four.
"""

import argparse
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import chorale_batches
import chorale_model
import chorale_transformer
from chorale_model import BY_INTERVALS, IntervalSetting
from chorale_tokens import REST, SYMBOLS, VOCABULARY, Known, TrainingPieces, known_tokens, serialise
from chorale_transformer import Setting
from chorales import Integers, read, voices
from timing import commit

from yardbird.baselines.ngram import NGram
from yardbird.errors import YardbirdError

ORDERS, ESCAPES = range(1, 25), (0.5, 1.0, 2.0, 5.0)  # of the n-grams of tokens

#: Huang et al. 2018, table 2, quoted from memory, not checked with the paper. The name of a variant begins with the
#: published one; all others are compared with the last one.
PUBLISHED = {"absolute": 0.417, "relative": 0.357, "relative, pitch and time": 0.335}

PLAIN = Setting(
    attention="absolute",
    frame=False,
    pitch_and_time=False,
    recall=False,
    d_model=128,
    num_layers=4,
    dropout=0.1,
    epochs=16,
    whole=0.2,
    learning_rate=3e-3,
    weight_decay=0.1,
    averaging=0.99,
    any_key=False,
    without_pitch=0.0,
)
FRAME = replace(PLAIN, frame=True, num_layers=2, dropout=0.2, epochs=12)
# overfits sooner
INTERVALS = replace(
    PLAIN,
    attention="relative",
    pitch_and_time=True,
    num_layers=2,
    dropout=0.3,
    epochs=12,
    any_key=True,
    without_pitch=0.5,
)
RECALL = replace(FRAME, recall=True, epochs=3, whole=1 / 3)
SETTINGS: dict[str, Setting | IntervalSetting] = {
    "absolute": PLAIN,
    "relative": replace(PLAIN, attention="relative"),
    "absolute, frame": FRAME,
    "relative, frame": replace(FRAME, attention="relative"),
    "relative, pitch and time": INTERVALS,
    "n-grams of intervals": replace(RECALL, attention=None, epochs=1, learning_rate=0.03),
    "absolute, recall": RECALL,
    "relative, recall": replace(RECALL, attention="relative"),
    "relative, pitch and time, recall": replace(INTERVALS, recall=True, dropout=0.2, epochs=7),
    "by intervals": BY_INTERVALS,
    "by intervals, no recall": replace(BY_INTERVALS, recall=False),
}


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
    variant: str,
    chorales: Mapping[str, list[Integers]],
    recalled: tuple[list[Known], list[Known]],
    setting: Setting | IntervalSetting,
    seeds: Sequence[int],
) -> Iterator[tuple[NDArray[np.float64], nn.Module]]:
    """For each seed: nats of every validation token, and the model."""
    if isinstance(setting, IntervalSetting):
        training, held_out = chorale_batches.prepare(chorales["train"], chorales["valid"])
        for seed in seeds:
            learnt = chorale_model.trained(training, held_out, setting, seed)
            yield np.concatenate(chorale_model.nats(learnt, held_out)), learnt
        return
    sequences = [serialise(piece) for piece in chorales["valid"]]
    known, held_out_known = recalled if setting.recall else (None, [None] * len(sequences))
    for seed in seeds:
        pieces = TrainingPieces(chorales["train"], seed, setting.any_key, known)
        model = chorale_transformer.trained(variant, setting, pieces, sequences, held_out_known, seed)
        yield np.concatenate(chorale_transformer.nats(model, sequences, held_out_known)), model


def report(path: Path, settings: Mapping[str, Setting | IntervalSetting], seeds: Sequence[int]) -> None:
    chorales = {name: [voices(piece) for piece in pieces] for name, pieces in read(path).items()}
    training, held_out = ([serialise(piece) for piece in chorales[name]] for name in ("train", "valid"))
    sounding = np.concatenate([piece[1:] % SYMBOLS != REST for piece in held_out])
    start = time.process_time()
    recalled = known_tokens(chorales["train"], chorales["valid"])
    counting = time.process_time() - start
    found, order, escape = best_ngram(training, held_out)
    print(
        f"{__doc__.splitlines()[0]}\n`{shlex.join(['python', *sys.argv])}`, commit {commit() or 'unknown'}, "
        f"seeds {', '.join(map(str, seeds))}"
    )
    print(f"torch {torch.__version__}, CPU, 1 thread")
    for variant, setting in settings.items():
        print(f"- {variant}: {setting}")
    print(f"\n{len(training)} pieces to train, {len(held_out)} for validation: {len(sounding)} tokens")
    print(f"n-grams of intervals counted in {counting:.0f} processor seconds, not included below\n")
    print("| model | seed | parameters | nats a token | without rests | published | processor seconds |")
    print("|---|---|---|---|---|---|---|")
    seconds = time.process_time() - start
    print(
        f"| n-gram of tokens, order {order}, escape {escape:g} | – | – | {found:.4f} | – | – | {seconds:.0f} |",
        flush=True,
    )
    for variant, setting in settings.items():
        scored, start, total = [], time.process_time(), 0.0
        for seed, (each, model) in zip(seeds, members(variant, chorales, recalled, setting, seeds), strict=True):
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
    nearest = [value for name, value in PUBLISHED.items() if variant.startswith(name)] or list(PUBLISHED.values())
    found = f"{scored.mean():.4f} | {scored[sounding].mean():.4f} | {nearest[-1]:.3f}"
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
