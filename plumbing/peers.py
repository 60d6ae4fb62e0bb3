"""Signatures between the two halves of one installation, when they run as two processes.

Both have the keys of tokens, nobody else has: a keyed hash (HMAC-SHA256) under a key made from one of them shows
that the other half wrote something. Each use has a key of its own, so that no message passes for another kind.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from functools import lru_cache

CHALLENGE_BYTES = 32


def new_challenge() -> str:
    """Random text for one question: an answer that has it in its signature was not made before."""
    return secrets.token_urlsafe(CHALLENGE_BYTES)


def sign(token_keys: Sequence[bytes], use: str, *parts: object) -> str:
    """The signature of `parts` (values that JSON has), with the newest of `token_keys`, as 64 hex digits."""
    return _signed(token_keys[0], use, parts)


def is_signed(token_keys: Sequence[bytes], signature: object, use: str, *parts: object) -> bool:
    """Whether `signature` is one of `parts`, under any key that is valid. Whatever was sent, nothing is raised."""
    if not isinstance(signature, str) or not signature.isascii():
        return False
    return any(hmac.compare_digest(_signed(key, use, parts), signature) for key in token_keys)


def _signed(token_key: bytes, use: str, parts: tuple[object, ...]) -> str:
    content = json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()
    return hmac.digest(_key(token_key, use), content, hashlib.sha256).hex()


@lru_cache(maxsize=32)
def _key(token_key: bytes, use: str) -> bytes:
    return hmac.digest(token_key, f"usual peers 1: {use}".encode(), hashlib.sha256)
