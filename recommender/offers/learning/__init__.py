"""Learns from the log of offers, and proves what was learned."""
