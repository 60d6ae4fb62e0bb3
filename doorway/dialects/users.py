"""Accounts of a tenant's own: people whom its own systems name, by ids of their own.

The id itself is stored nowhere. What is kept is kept under a keyed hash of tenant and id, which is no pseudonym of
identity's and can never be one: no token leads to it, and it leads to no face.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

PREFIX = "account-"


def account_of(key: bytes, tenant: str, user_id: str) -> str:
    """Under what an account is kept; `key` never leaves the house."""
    digest = hmac.digest(key, f"{tenant}\n{user_id}".encode(), hashlib.sha256)[:16]
    return PREFIX + base64.urlsafe_b64encode(digest).decode().rstrip("=")
