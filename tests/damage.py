"""Seeded damage of bytes: what disks, cables and editors do to a file."""

import random


def damaged(content: bytes, seed: int) -> bytes:
    """Other bytes than `content`: the kind and the place of the damage depend on the seed."""
    rng = random.Random(seed)
    place, length = rng.randrange(len(content)), rng.choice((1, 4, 64, 4096))
    before, hit, after = content[:place], content[place : place + length], content[place + length :]
    changed = rng.choice(
        (
            lambda: content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :],  # a bit
            lambda: before + rng.randbytes(len(hit)) + after,
            lambda: before + bytes(len(hit)) + after,
            lambda: before,  # cut off
            lambda: before + after,
            lambda: before + hit + hit + after,
            lambda: content[::-1],
            lambda: rng.randbytes(len(content)),
        )
    )()
    return changed if changed != content else content + b"\n\n"
