"""The customers of the demo: who opted in, and to what."""

from __future__ import annotations

from dataclasses import dataclass

PIN = "2468"


@dataclass(frozen=True, slots=True)
class Member:
    """A customer of the town who opted in at the kiosk."""

    customer: str
    person_seed: int
    purposes: tuple[str, ...]
    receipt: str


def purposes_of(k: int) -> tuple[str, ...]:
    """Not everybody agrees to everything: some to all three, some to two, every fourth to orders only.

    Nine at most agree to destinations: that needs a PIN, and a device sets ten in a minute.
    """
    if k % 4 == 3:
        return ("orders",)
    return ("orders", "offers", "destinations") if k % 2 == 0 and k < 18 else ("orders", "offers")
