"""The codec of sound: what it learns from, its training, its quality, its card, and clips as codes."""
