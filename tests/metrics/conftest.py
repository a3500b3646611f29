"""The fixtures of these tests."""

from lines import line, random_score, real_solos  # noqa: F401
