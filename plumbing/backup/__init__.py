"""Backups: a state folder copied while it is in use, sealed; and put back."""
