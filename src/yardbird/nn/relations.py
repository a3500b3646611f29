"""Embeddings and logits of tokens relative to other tokens, such as the interval from the previous pitch.

A softmax over unrelated labels has to learn the same step once for every starting point. A *relation* assigns pairs of
a reference token and a target token to classes, for example one class for each distance. All pairs of one class share
one embedding and one output:

    tokens                     r0   5   7   r2   6         targets 5, 6, 7; references r0, r2; class: their difference
    reference in force          0   0   0    2   2
    class of latest target      –   5   7    7   4          (`own`: relative to the reference before the target)
    class relative to present   –   5   7    5   4          (`present`: relative to the reference in force now)

Shaw et al. 2018 (arXiv 1803.02155) and Huang et al. 2018 (arXiv 1809.04281, §3.4) relate positions, inside attention.
Here we relate values, in the embedding and in the logits. There is still one softmax over all tokens, so masks and
sampling work as before:

    logits[target] += W h [class(reference in force, target)]
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

NOTHING = 0  # the row used before the first reference or target


@dataclass(frozen=True, eq=False)
class Relation:
    """How targets relate to the latest reference.

    Attributes:
        targets: T tokens. They may also be references; then a target relates to the target before it.
        references: R tokens.
        classes: (1 + R, T) classes, counted from 0. Row 0 applies before the first reference.
        inputs: add embeddings of the classes of the latest target to every token.
        outputs: add the outputs of the classes to the logits of the targets.
    """

    targets: Sequence[int]
    references: Sequence[int]
    classes: Sequence[Sequence[int]]
    inputs: bool
    outputs: bool


class RelationTerms(nn.Module):
    """The terms that one `Relation` adds to the embedding of each token and to the logits after it."""

    target_rows: Tensor  # (V,) 1 + index among the targets, else `NOTHING`
    reference_rows: Tensor  # (V,) 1 + index among the references, else `NOTHING`
    classes: Tensor  # (1 + R, T)
    targets: Tensor  # (T,)

    #: Number of rows that `follow` carries from one part of a sequence to the next.
    CARRIED = 3

    def __init__(self, vocab_size: int, width: int, relation: Relation) -> None:
        super().__init__()
        targets, references = torch.tensor(relation.targets), torch.tensor(relation.references, dtype=torch.long)
        classes = torch.tensor(relation.classes)
        assert classes.shape == (1 + len(references), len(targets)), "classes must have shape (1 + R, T)"
        for name, tokens in (("target_rows", targets), ("reference_rows", references)):
            rows = torch.full((vocab_size,), NOTHING)
            rows[tokens] = torch.arange(1, len(tokens) + 1)
            self.register_buffer(name, rows, persistent=False)
        self.register_buffer("classes", classes, persistent=False)
        self.register_buffer("targets", targets, persistent=False)
        count = int(classes.max()) + 1
        self.own = nn.Embedding(1 + count, width, padding_idx=NOTHING) if relation.inputs else None
        # If references are targets, the latest target would relate to itself, which carries no information.
        apart = relation.inputs and not set(relation.targets) & set(relation.references)
        self.present = nn.Embedding(1 + count, width, padding_idx=NOTHING) if apart else None
        self.output = nn.Linear(width, count, bias=False) if relation.outputs else None

    def follow(self, tokens: Int[Tensor, "B L"], before: Int[Tensor, "3 B"]) -> Int[Tensor, "3 B L"]:
        """For every position: the reference in force, the latest target, and 1 + the class of that target relative to
        the reference before it, or `NOTHING`. `before` holds the same rows for the position before the first."""
        reference = carry(self.reference_rows[tokens], before[0])
        marks = self.target_rows[tokens]
        target = carry(marks, before[1])
        earlier = torch.cat([before[0][:, None], reference[:, :-1]], dim=1)
        related = torch.where(marks == NOTHING, NOTHING, 1 + self.classes[earlier, (marks - 1).clamp(min=0)])
        return torch.stack([reference, target, carry(related, before[2])])

    def embed(self, followed: Int[Tensor, "3 B L"]) -> Float[Tensor, "B L d"] | None:
        """The term added to the embedding of every token, or None."""
        reference, target, own = followed
        if self.own is None:
            return None
        embedded: Tensor = self.own(own)
        if self.present is not None:
            present = 1 + self.classes[reference, (target - 1).clamp(min=0)]
            embedded = embedded + self.present(torch.where(target == NOTHING, NOTHING, present))
        return embedded

    def add_to(self, logits: Float[Tensor, "B L V"], hidden: Float[Tensor, "B L d"], reference: Tensor) -> Tensor:
        """Add the outputs of the classes to the logits of the targets. `reference` is (B, L)."""
        if self.output is None:
            return logits
        terms = self.output(hidden).gather(2, self.classes[reference])  # (B, L, T)
        return logits.index_add(2, self.targets, terms.to(logits.dtype))


def carry(rows: Int[Tensor, "... L"], before: Int[Tensor, "..."]) -> Int[Tensor, "... L"]:
    """Replace every `NOTHING` by the latest row before it, or by `before` if there is none."""
    places = torch.arange(rows.shape[-1], device=rows.device)
    latest = torch.where(rows == NOTHING, 0, places).cummax(-1).values
    found = rows.gather(-1, latest)
    return torch.where(found == NOTHING, before[..., None], found)
