"""Destinations on getting in."""
