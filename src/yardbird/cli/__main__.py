"""`python -m yardbird.cli`: the command `yardbird`."""

from yardbird.cli import app

app()
