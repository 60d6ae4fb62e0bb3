"""The doorway: the only file that knows both halves."""
