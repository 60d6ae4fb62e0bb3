"""Small secrets of people, sealed with the key of this installation: a code app's secret, a browser's mark."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken

from plumbing.clock import SECOND, Clock

FILE = "people.key"


class Sealing:
    """Seals a text for one use and one person: moved to another row or another use it does not open."""

    def __init__(self, key: bytes, now_us: Clock) -> None:
        """`key` is a Fernet key."""
        self._fernet = Fernet(key)
        self._now_us = now_us

    def seal(self, use: str, whose: Sequence[str], text: str) -> str:
        """`text` sealed for `use` ("code app") and the person `whose` (tenant and id)."""
        content = json.dumps([use, *whose, text]).encode()
        return self._fernet.encrypt_at_time(content, self._now_us() // SECOND).decode()

    def open(self, use: str, whose: Sequence[str], sealed: str, *, life_us: int | None = None) -> str | None:
        """The inverse of `seal`; None for another use or person, an altered text, or one older than `life_us`."""
        life = None if life_us is None else life_us // SECOND
        try:
            if life is None:
                content = self._fernet.decrypt(sealed.encode())
            else:
                content = self._fernet.decrypt_at_time(sealed.encode(), life, self._now_us() // SECOND)
        except (InvalidToken, UnicodeError):
            return None
        *found, text = json.loads(content)
        return str(text) if found == [use, *whose] else None
