"""What a candidate item is scored by."""
