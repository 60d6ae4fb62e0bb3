"""The server's processes: how they start, end, count and log."""
