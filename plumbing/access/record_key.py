"""The secret of the record's chain."""

from __future__ import annotations

import hashlib
import hmac

REPLIES = "replies.key"
"""The file of the state folder with the secret of kept replies."""


def record_key(replies: bytes) -> bytes:
    """The secret, derived from that of kept replies (`replies.key`), which never changes and which all machines of
    an installation have already."""
    return hmac.digest(replies, b"usual record of changes", hashlib.sha256)
