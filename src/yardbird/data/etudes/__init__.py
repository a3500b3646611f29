"""The built-in corpus: original etudes by two invented players, so that a fresh clone runs without any data.

Synthetic throughout and named so. Nothing is quoted: the lines are drawn from textbook figures of bebop (Baker, How to
Play Bebop, 1985: enclosures, bebop scales; Galper, Forward Motion, 2003: lines lead to goals on strong beats).
"""
