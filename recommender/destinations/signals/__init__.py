"""What a candidate destination is scored by."""
