"""A blind test: listeners judge who plays, on clips that all went through the same synthesizer.

`plan` chooses the excerpts, `clips` makes them sound alike, `bundle` keeps them apart from the key that tells what they
are, `app` asks the listeners, `store` keeps their votes, `offline` does both without a server, `results` reads them.
"""
