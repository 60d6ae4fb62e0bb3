"""The signals by which a candidate destination is scored."""
