"""The n-grams that every model has to beat."""
