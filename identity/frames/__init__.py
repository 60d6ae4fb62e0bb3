"""From bytes to checked pixels."""
