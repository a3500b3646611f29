"""A blind test: listeners judge clips that are all rendered by the same synthesizer.

`questions` are of three kinds: who plays, how good it is, which of two is better. `plan` chooses the excerpts,
`listening_clips` renders them alike, `bundle` stores them apart from the secret key of their sources, `app` serves the
test, `votes` keeps the votes, `offline` replaces the server by a file, `results` evaluates the votes, `training_pairs`
exports preferences.
"""
