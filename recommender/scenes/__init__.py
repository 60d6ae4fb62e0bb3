"""The three scenes behind one protocol."""
