"""The fixtures of these tests."""

from lines import line, random_score  # noqa: F401
from tiny_corpus import codec, corpus, data, make_walk  # noqa: F401
