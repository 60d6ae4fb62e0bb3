"""The synthetic town and the demo that walks through it. Nobody in here exists."""
