"""Destinations: logs of rides, what they say about the next one, the model, its fit and its evaluation."""
