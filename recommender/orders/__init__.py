"""Favourite orders."""
