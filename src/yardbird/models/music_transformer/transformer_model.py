"""The Music Transformer (Huang et al. 2018, arXiv 1809.04281) with its sizes as keyword arguments."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from yardbird.errors import InputError
from yardbird.nn.decoding import decode
from yardbird.nn.relations import Relation
from yardbird.nn.sampling import Constraint, Sampling
from yardbird.nn.transformer import Attention, Transformer, TransformerConfig


class MusicTransformer(Transformer):
    """A decoder-only transformer with relative global attention: tokens (B, L) → logits (B, L, V).

    >>> model = MusicTransformer(vocab_size=128, d_model=64, num_heads=4, num_layers=2)
    >>> model.generate(start_tokens=torch.tensor([[60, 64, 67]]), max_len=8, temperature=0.9, top_k=40).shape
    torch.Size([1, 8])
    """

    def __init__(
        self,
        vocab_size: int = 128,
        d_model: int = 512,
        num_heads: int = 8,
        num_layers: int = 6,
        *,
        d_ff: int | None = None,
        dropout: float = 0.1,
        attention: Attention = "relative",
        max_distance: int | None = None,
        context_length: int = 2048,
        tie_embeddings: bool = True,
        held: Sequence[Sequence[int]] = (),
        relations: Sequence[Relation] = (),
    ) -> None:
        """`d_ff` None: four times `d_model`. For `held` and `relations` see `Transformer`, else `TransformerConfig`."""
        config = TransformerConfig(
            d_model=d_model,
            num_heads=num_heads,
            num_layers=num_layers,
            d_ff=4 * d_model if d_ff is None else d_ff,
            dropout=dropout,
            attention=attention,
            max_distance=max_distance,
            context_length=context_length,
            tie_embeddings=tie_embeddings,
        )
        super().__init__(vocab_size, config, held, relations)

    def generate(
        self,
        start_tokens: Int[Tensor, "..."],
        max_len: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        generator: torch.Generator | None = None,
        constraints: Sequence[Constraint] | None = None,
        pad_id: int = 0,
    ) -> Int[Tensor, "B length"]:
        """Continue `start_tokens` (B, prime) to `max_len` tokens, including the prime. The result is on their device.

        `temperature` 0 takes the most probable token. Each call takes one number from `generator` (on the CPU; None:
        torch's global one) as the seed of one random stream for each row. With `constraints`, a new one for each row, a
        row ends when its constraint is finished and is padded with `pad_id` on the right.

        Raises:
            InputError: `start_tokens` has no rows, is empty, is longer than `max_len`, or has a token outside the
                vocabulary.
        """
        if start_tokens.ndim != 2:
            found = f"shape {tuple(start_tokens.shape)}"
            raise InputError(
                "start_tokens", expected="shape (rows, length)", found=found, remedy="wrap it: tokens[None]"
            )
        batch, prime = start_tokens.shape
        if not batch or not 0 < prime <= max_len:
            found = f"{batch} rows of {prime}"
            raise InputError("start_tokens", expected=f"rows of 1 to {max_len} tokens", found=found, remedy="fix it")
        vocab_size = self.embedding.num_embeddings
        if int(start_tokens.min()) < 0 or int(start_tokens.max()) >= vocab_size:
            found = f"{int(start_tokens.min())} to {int(start_tokens.max())}"
            raise InputError(
                "start_tokens", expected=f"tokens from 0 to {vocab_size - 1}", found=found, remedy="fix it"
            )
        seed = int(torch.randint(2**62, (1,), generator=generator))
        sampling = Sampling(temperature, top_k, top_p, min_p)
        rows = decode(self, start_tokens.tolist(), sampling, seed, max_len, constraints)
        length = max(map(len, rows))
        padded = [row + [pad_id] * (length - len(row)) for row in rows]
        return torch.tensor(padded, dtype=start_tokens.dtype, device=start_tokens.device)
