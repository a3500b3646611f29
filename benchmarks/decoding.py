"""Decoding speed with our key-value cache, compared with Hugging Face's GPT-2, which has one, and gwinndr's model.

All variants continue the same three tokens greedily to the same length, with heads of full size and random weights.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

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
    variants = {
        "ours, cached": lambda: ours.generate(start, length, temperature=0.0),
        "Hugging Face GPT-2, cached": lambda: theirs.generate(
            start, max_length=length, do_sample=False, use_cache=True
        ),
    }
    if uncached:
        gwinndr = GwinndrTransformer(512, width, heads, layers, context_length=length).to(DEVICE).eval()
        variants["gwinndr, no cache"] = lambda: gwinndr.generate(start, length)
    for variant in variants.values():
        assert variant().shape == (batch, length)  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
    if batch == 1 and DEVICE == "cpu":
        greedy = Sampling(0.0, None, None, None)
        variants["ours, weights of 8 bits"] = lambda: decode(ours, start.tolist(), greedy, 0, length, int8=True)
        # The lower limit: each weight of a matrix is read once for every token.
        weights = torch.ones(sum(part.numel() for name, part in ours.named_parameters() if "distances" not in name))
        variants["memory bandwidth: the weights summed once a token"] = lambda: [weights.sum() for _ in range(length)]
    return measure(f"{width}/{heads}/{layers}, batch {batch}, {length} tokens", variants, rounds)


def benchmark(rounds: int) -> Iterator[list[Row]]:
    yield decoding_rows((128, 4, 3), 1, 512, True, rounds)
    yield decoding_rows((128, 4, 3), 16, 512, False, rounds)
    yield decoding_rows((512, 8, 6), 1, 512, False, rounds)
    yield decoding_rows((512, 8, 6), 16, 512, False, rounds)
    yield decoding_rows((512, 8, 6), 1, 2048, False, rounds)


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=3)
