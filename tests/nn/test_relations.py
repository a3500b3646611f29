from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from yardbird.nn.relations import NOTHING, Relation, RelationTerms
from yardbird.nn.transformer import Transformer, TransformerConfig

NUMBERS, BASES = range(5), (5, 6, 7)
SELF = Relation(NUMBERS, NUMBERS, [[9] * 5, *([n - r + 4 for n in NUMBERS] for r in NUMBERS)], True, True)
OTHER = Relation(NUMBERS, BASES, [[3] * 5, *([(n - b) % 3 for n in NUMBERS] for b in range(3))], True, True)
RELATIONS = {"to the one before": SELF, "to another kind": OTHER}


def followed_slowly(tokens: list[int], relation: Relation) -> list[list[int]]:
    """By a loop: 1 + the place of the reference in force and of the latest target, and 1 + that target's class."""
    reference = target = own = NOTHING
    rows = []
    for token in tokens:
        if token in relation.targets:
            target = 1 + list(relation.targets).index(token)
            own = 1 + relation.classes[reference][target - 1]
        if token in relation.references:
            reference = 1 + list(relation.references).index(token)
        rows.append([reference, target, own])
    return rows


@pytest.mark.parametrize("relation", RELATIONS.values(), ids=RELATIONS)
@given(tokens=st.lists(st.integers(0, 9), min_size=1, max_size=20), cut=st.integers(1, 20))
def test_the_rows_of_a_relation_equal_those_of_a_loop_also_in_parts(
    relation: Relation, tokens: list[int], cut: int
) -> None:
    terms = RelationTerms(10, 4, relation)
    before, parts = torch.zeros(3, 1, dtype=torch.long), []
    for part in torch.tensor([tokens]).split(cut, dim=1):
        parts.append(terms.follow(part, before))
        before = parts[-1][..., -1]
    found = torch.cat(parts, dim=2)[:, 0].T.tolist()
    assert found == followed_slowly(tokens, relation)


def test_every_target_gets_the_output_of_its_class_and_no_other_token_changes() -> None:
    torch.manual_seed(0)
    terms = RelationTerms(10, 4, OTHER)
    hidden, reference = torch.randn(1, 4, 4), torch.tensor([[0, 1, 2, 3]])
    added = terms.add_to(torch.zeros(1, 4, 10), hidden, reference)
    assert terms.output is not None
    for place in range(4):
        outputs = terms.output.weight @ hidden[0, place]
        for target in NUMBERS:
            torch.testing.assert_close(added[0, place, target], outputs[OTHER.classes[place][target]])
    assert torch.all(added[..., 5:] == 0)


def test_a_model_with_relations_only_gives_a_moved_line_the_same_scores(relative: TransformerConfig) -> None:
    """The embeddings and the head of the targets are zero, so that only relations remain: moving targets and references
    together by one moves the probabilities by one and changes nothing else."""
    torch.manual_seed(0)
    numbers, bases = range(12), range(12, 24)
    circle = [[(n - r) % 12 for n in numbers] for r in range(12)]
    relations = [Relation(numbers, group, [[12] * 12, *circle], True, True) for group in (numbers, bases)]
    model = Transformer(26, replace(relative, tie_embeddings=False), (), relations).eval()
    assert model.head is not None
    with torch.no_grad():
        model.embedding.weight[:24] = 0
        model.head.weight[:24] = 0
    line = torch.tensor([[24, 14, 3, 25, 7, 24, 17, 0, 25]])
    moved = torch.where(line < 12, (line + 1) % 12, torch.where(line < 24, 12 + (line - 11) % 12, line))
    logits, shifted = model(line), model(moved)
    torch.testing.assert_close(logits[..., :12].roll(1, dims=-1)[:, 2:], shifted[..., :12][:, 2:])
    assert not torch.allclose(logits[..., :12], shifted[..., :12])


@pytest.mark.parametrize(("inputs", "outputs"), [(True, False), (False, True), (False, False)])
def test_each_side_of_a_relation_can_be_left_out(inputs: bool, outputs: bool) -> None:
    terms = RelationTerms(10, 4, replace(OTHER, inputs=inputs, outputs=outputs))
    names = {name.partition(".")[0] for name, _ in terms.named_parameters()}
    assert names == ({"own", "present"} if inputs else set()) | ({"output"} if outputs else set())
    followed = terms.follow(torch.tensor([[5, 1]]), torch.zeros(3, 1, dtype=torch.long))
    assert (terms.embed(followed) is None) is not inputs
    logits = torch.randn(1, 2, 10)
    assert torch.equal(terms.add_to(logits, torch.randn(1, 2, 4), followed[0]), logits) is not outputs
