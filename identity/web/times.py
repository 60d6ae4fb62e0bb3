"""Times as replies have them."""

from __future__ import annotations

from datetime import UTC, datetime

from plumbing.clock import SECOND


def iso(time_us: int) -> str:
    """Microseconds UTC as ISO 8601 with offset, always of the same length."""
    return datetime.fromtimestamp(time_us / SECOND, UTC).isoformat(timespec="microseconds")
