"""What a solo is like, in numbers: pure functions of one `Score`, at any ticks per beat, with no randomness.

A metric that has nothing to look at (no notes, too few notes, no chords) is None: a number there would be a claim.
A `Score` holds one melodic line and no percussion, so a file of drums only is an empty score here.
"""
