"""A family without a method of its kind cannot be created, so that no metric is silently missing."""

import pytest
from fake_family import FakeFamily, FakeTokens

from yardbird.models.family import Family, load_family
from yardbird.models.family_kinds import LatentFamily, SoundFamily, TokenFamily
from yardbird.models.family_names import family_names

KINDS = {"music_transformer": TokenFamily, "music_vae": LatentFamily, "musicgen": SoundFamily}


@pytest.mark.parametrize("kind", KINDS.values())
@pytest.mark.parametrize("all_but_one", [False, True])
def test_a_family_without_the_methods_of_its_kind_cannot_be_created(kind: type[Family], all_but_one: bool) -> None:
    methods = sorted(kind.__abstractmethods__ - Family.__abstractmethods__)
    assert len(methods) >= 3
    for forgotten in methods:
        written = {name: lambda *_: None for name in methods if all_but_one and name != forgotten}
        incomplete = type("Incomplete", (FakeFamily, kind), written)
        with pytest.raises(TypeError, match=f"abstract method.*{forgotten}"):
            incomplete()


def test_a_class_with_a_renamed_method_cannot_be_created() -> None:
    class Renamed(FakeTokens):
        score_tokens = TokenFamily.score_tokens

        def score_all_tokens(self, tokens: object) -> None: ...

    with pytest.raises(TypeError, match="score_tokens"):
        Renamed(None, None)


def test_every_family_has_one_kind() -> None:
    kinds = {name: [kind for kind in KINDS.values() if issubclass(load_family(name), kind)] for name in family_names()}
    assert kinds == {name: [kind] for name, kind in KINDS.items()}
