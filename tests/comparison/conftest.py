"""The fixtures of these tests."""

from tiny_corpus import codec, corpus, data, make_walk  # noqa: F401
