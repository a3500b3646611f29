"""Scores and sounds as pictures."""
