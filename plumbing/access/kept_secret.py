"""What is kept of a secret that we made ourselves: of keys, pairing codes, sessions, one-time links."""

from __future__ import annotations

import hashlib


def hashed(secret: str) -> str:
    """Its SHA-256. With 128 random bits and more there is nothing to guess, and no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()
