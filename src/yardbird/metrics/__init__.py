"""Metrics of solos: pure functions of one `Score`, at any ticks per beat, without randomness.

A metric is None if it is undefined (no notes, too few notes, no chords). A `Score` has one melodic line and no
percussion, so a file with drums only is an empty score here.
"""
