from yardbird.seeds import derive_seed, generator


def test_streams_are_stable_and_differ_by_seed_and_by_every_name() -> None:
    assert derive_seed(0, "compose", 3) == 2741944770892511946
    assert len({derive_seed(0, "a"), derive_seed(1, "a"), derive_seed(0, "b"), derive_seed(0, "a", 0)}) == 4
    assert generator(7, "x").integers(1 << 30) == generator(7, "x").integers(1 << 30)
