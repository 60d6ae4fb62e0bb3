"""Drawn people: faces that depict nobody."""
