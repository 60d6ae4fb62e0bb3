"""Experiments: what differs between variants, who gets which, and what can be said about them. No database."""
