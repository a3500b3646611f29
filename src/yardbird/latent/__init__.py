"""Experiments in the latent space of a MusicVAE, and the moves that the command line offers."""
