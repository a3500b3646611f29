"""Decoding speed with our key-value cache, compared with Hugging Face's GPT-2, which has one, and gwinndr's model.

All variants continue the same three tokens greedily to the same length, with heads of full size and random weights.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from gwinndr import GwinndrTransformer
from timing import Row, main, measure
from transformers import GPT2Config, GPT2LMHeadModel

from yardbird import MusicTransformer
from yardbird.nn.decoding import decode
from yardbird.nn.sampling import Sampling

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def decoding_rows(size: tuple[int, int, int], batch: int, length: int, uncached: bool, rounds: int) -> list[Row]:
    width, heads, layers = size
    ours = MusicTransformer(512, width, heads, layers, context_length=length).to(DEVICE).eval()
    config = GPT2Config(vocab_size=512, n_positions=length, n_embd=width, n_head=heads, n_layer=layers)
    theirs = GPT2LMHeadModel(config).to(DEVICE).eval()  # type: ignore[arg-type]  # transformers wraps it so that its types are lost
    theirs.generation_config.update(eos_token_id=None, pad_token_id=0, bos_token_id=None)
    start = torch.tensor([[60, 64, 67]] * batch, device=DEVICE)
    greedy = Sampling(0.0, None, None, None)
    variants: dict[str, Callable[[int], Any]] = {
        "ours, cached": lambda tokens: ours.generate(start, tokens, temperature=0.0),
        "Hugging Face GPT-2, cached": lambda tokens: theirs.generate(
            start, max_length=tokens, do_sample=False, use_cache=True
        ),
    }
    if uncached:
        gwinndr = GwinndrTransformer(512, width, heads, layers, context_length=length).to(DEVICE).eval()
        variants["gwinndr, no cache"] = lambda tokens: gwinndr.generate(start, tokens)
    for variant in variants.values():  # a few tokens, because a whole run takes as long as a timed round
        assert variant(5).shape == (batch, 5)
    if batch == 1 and DEVICE == "cpu":
        variants["ours, weights of 8 bits"] = lambda tokens: decode(ours, start.tolist(), greedy, 0, tokens, int8=True)
        variants["ours, weights of 8 bits"](5)  # compiles it
        # The lower limit: each weight of a matrix is read once for every token, from huge pages of NumPy as in ours.
        weight_count = sum(part.numel() for name, part in ours.named_parameters() if "distances" not in name)
        weights = torch.from_numpy(np.ones(weight_count, np.float32))
        variants["memory bandwidth: the weights summed once a token"] = lambda tokens: [
            weights.sum() for _ in range(tokens)
        ]
    timed = {name: partial(variant, length) for name, variant in variants.items()}
    return measure(f"{width}/{heads}/{layers}, batch {batch}, {length} tokens", timed, rounds)


def benchmark(rounds: int) -> Iterator[list[Row]]:
    yield decoding_rows((128, 4, 3), 1, 512, True, rounds)
    yield decoding_rows((128, 4, 3), 16, 512, False, rounds)
    yield decoding_rows((512, 8, 6), 1, 512, False, rounds)
    yield decoding_rows((512, 8, 6), 16, 512, False, rounds)
    yield decoding_rows((512, 8, 6), 1, 2048, False, rounds)


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=3)
