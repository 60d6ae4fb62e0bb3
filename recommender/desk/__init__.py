"""What the marketer's desk shows."""
