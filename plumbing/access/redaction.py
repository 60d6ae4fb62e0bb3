"""What of a change is kept: never a secret, and of something large only that it changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

MOST_BYTES = 8_000
"""Of what is kept of one side of a change; of a larger one its size and its hash."""

HIDDEN = "(not kept)"

_SECRET_NAME = re.compile(
    r"(^|[_-])(password|passwd|passphrase|secret|totp|otp|pin|pins|token|tokens|cookie|authorization|receipt|"
    r"recovery|invitation|code|codes|credential|credentials)($|[_-])"
    r"|(^|[_-])(api|private|secret|signing|access|master)[_-]?key$|^key$",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"usual-k1-[A-Za-z0-9_-]+"  # an API key
    r"|(?<=#)(?:pair|invitation|code)=[A-Za-z0-9_-]+"  # a one-time link
    r"|(?<=://)[^/\s@]+:[^/\s@]+(?=@)"  # who connects to an address
    r"|\$argon2\w*\$\S+"
    r"|otpauth://\S+"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"  # a signed token
)


def cleaned(value: Any) -> Any:
    """`value` (JSON) without secrets: by the name of a field, and by how a text looks."""
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if _SECRET_NAME.search(str(name)) and entry not in (None, "", [], {}) else cleaned(entry)
            for name, entry in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [
            cleaned(entry) for entry in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)
        ]
    return _SECRET_TEXT.sub(HIDDEN, value) if isinstance(value, str) else value


def kept(value: Any) -> str:
    """`value` as it is stored: JSON without secrets."""
    text = json.dumps(cleaned(value), sort_keys=True, default=str)
    if len(text) <= MOST_BYTES:
        return text
    return json.dumps({"bytes": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()})
