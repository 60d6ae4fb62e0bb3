"""Encryption of templates with keys that can be destroyed."""
