"""What the scenes share: interactions, pairs, ranker, gate, metrics."""
