"""Training speed of relative attention (forward and backward) and of a whole model, compared with peers.

Attention: the base is torch's causal attention without a relative term. Whole model: a step is forward, backward and
AdamW. The base is ours. The peers are Hugging Face's GPT-2 of the same size, which has no relative term, and gwinndr's
Music Transformer.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from gwinndr import GwinndrTransformer
from timing import Row, main, measure
from transformers import GPT2Config, GPT2LMHeadModel

from yardbird import MusicTransformer
from yardbird.nn.relative_attention import relative_attention
from yardbird.nn.transformer import rotated

Attention = Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def no_relative_term(query: Tensor, key: Tensor, value: Tensor, _: Tensor, dropout: float) -> Tensor:
    """torch's attention, which on a CPU is fused only without dropout."""
    return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True)


def skewed(query: Tensor, embedding: Tensor) -> Tensor:
    """S_rel by padding and reshaping, as in section 3.4.1 of the paper."""
    by_distance = query @ embedding.transpose(-1, -2)
    heads, batch, rows, columns = by_distance.shape
    return F.pad(by_distance, (1, 0)).view(heads, batch, columns + 1, rows)[:, :, 1:]


def padded_skew(query: Tensor, key: Tensor, value: Tensor, embedding: Tensor, dropout: float) -> Tensor:
    """The operations of the paper."""
    length, width = query.shape[-2:]
    scores = (query @ key.transpose(2, 3) + skewed(query, embedding[:, None])) / width**0.5
    future = torch.ones(length, length, dtype=torch.bool, device=query.device).triu(1)
    return F.dropout(scores.masked_fill(future, -torch.inf).softmax(-1), dropout) @ value


def skew_as_mask(query: Tensor, key: Tensor, value: Tensor, embedding: Tensor, dropout: float) -> Tensor:
    """The skewed term as an additive mask of torch's attention."""
    length, width = query.shape[-2:]
    future = torch.ones(length, length, dtype=torch.bool, device=query.device).triu(1)
    bias = (skewed(query, embedding[:, None]) / width**0.5).masked_fill(future, -torch.inf)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)


def rotary(query: Tensor, key: Tensor, value: Tensor, _: Tensor, dropout: float) -> Tensor:
    """Rotary positions with torch's attention."""
    return no_relative_term(rotated(query), rotated(key), value, _, dropout)


PEERS: dict[str, Attention] = {
    "torch, no relative term": no_relative_term,
    "pad and reshape": padded_skew,
    "skew as attention mask": skew_as_mask,
    "rotary": rotary,
    "ours": relative_attention,
}


def attention_rows(length: int, batch: int, dropout: float, rounds: int) -> list[Row]:
    heads, width = 8, 64
    parts = [torch.randn(heads, batch, length, width, device=DEVICE, requires_grad=True) for _ in range(3)]
    embedding = torch.randn(heads, length, width, device=DEVICE, requires_grad=True)
    upstream = torch.randn(heads, batch, length, width, device=DEVICE)

    def step(attention: Attention) -> None:
        for part in (*parts, embedding):
            part.grad = None
        query, key, value = parts
        attention(query, key, value, embedding, dropout).backward(upstream)  # type: ignore[no-untyped-call]  # torch leaves it unannotated

    variants = {name: (lambda attention=attention: step(attention)) for name, attention in PEERS.items()}
    return measure(f"attention, L {length}, dropout {dropout:g}", variants, rounds)


def model_rows(
    size: tuple[int, int, int], length: int, batch: int, dropout: float, rounds: int, *, gwinndr: bool = True
) -> list[Row]:
    width, heads, layers = size
    vocabulary = 512
    ours = MusicTransformer(vocabulary, width, heads, layers, dropout=dropout, context_length=length)
    config = GPT2Config(  # type: ignore[call-arg]  # passed on to the base class
        vocab_size=vocabulary,
        n_positions=length,
        n_embd=width,
        n_head=heads,
        n_layer=layers,
        activation_function="relu",
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        resid_pdrop=dropout,
        use_cache=False,
        attn_implementation="sdpa",
    )
    theirs = GPT2LMHeadModel(config)
    tokens = torch.randint(vocabulary, (batch, length + 1), device=DEVICE)

    models: dict[str, torch.nn.Module] = {"ours": ours, "Hugging Face GPT-2": theirs}
    if gwinndr:
        models["gwinndr"] = GwinndrTransformer(vocabulary, width, heads, layers, dropout=dropout, context_length=length)

    def stepping(model: torch.nn.Module) -> Callable[[], None]:
        model.to(DEVICE).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

        def step() -> None:
            optimizer.zero_grad(set_to_none=True)
            output = model(tokens[:, :-1])
            logits = output.logits if model is theirs else output
            F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            optimizer.step()

        return step

    variants = {name: stepping(model) for name, model in models.items()}
    return measure(f"model {width}/{heads}/{layers}, L {length}, batch {batch}, dropout {dropout:g}", variants, rounds)


def benchmark(rounds: int) -> Iterator[list[Row]]:
    sequences = ((256, 8), (512, 4), (1024, 2), (2048, 1))
    for dropout in (0.0, 0.1):
        yield model_rows((128, 4, 3), 256, 8, dropout, rounds)
    for length, batch in sequences:
        yield attention_rows(length, batch, 0.0, rounds)
    for dropout in (0.0, 0.1):
        yield model_rows((512, 8, 6), 1024, 1, dropout, rounds, gwinndr=False)
    for dropout in (0.0, 0.1):
        yield model_rows((512, 8, 6), 2048, 1, dropout, rounds)
    for length, batch in sequences:
        yield attention_rows(length, batch, 0.1, rounds)


if __name__ == "__main__":
    main(__doc__.splitlines()[0], benchmark, default_rounds=9)
