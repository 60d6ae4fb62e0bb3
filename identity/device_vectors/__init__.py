"""Vectors that a device made itself: the sealed message, the tenant's keys, and from a message to captures."""
