"""The built-in corpus: etudes by two invented players, so that a fresh clone runs without other data.

All of it is synthetic and labelled as synthetic. It quotes no music: the lines are sampled from textbook figures of
bebop (Baker, How to Play Bebop, 1985: enclosures, bebop scales; Galper, Forward Motion, 2003: lines lead to goals on
strong beats).
"""
