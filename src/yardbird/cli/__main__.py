"""`python -m yardbird.cli`: the command `yardbird`."""

from yardbird.cli import app

if __name__ == "__main__":
    app()
