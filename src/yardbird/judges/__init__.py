"""Classifiers of style, which predict the player of a solo or of an excerpt."""
