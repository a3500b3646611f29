"""A blind test: listeners judge who plays, in clips that are all rendered by the same synthesizer.

`plan` chooses the excerpts, `listening_clips` renders them alike, `bundle` stores them apart from the secret key of
their sources, `app` serves the test, `votes` keeps the votes, `offline` replaces the server by a file, `results`
evaluates the votes.
"""
