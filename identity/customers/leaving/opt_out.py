"""Opting out by face, also when the face alone does not say who it is."""

from __future__ import annotations

from collections.abc import Sequence

from identity.customers.accounts import Account
from identity.customers.leaving.erasure import Erasures
from identity.customers.leaving.held import Held
from identity.customers.pins import Pins
from identity.results import OptedOut


class OptOuts:
    """Whoever is enrolled can always get out: sure matches, lookalikes, who said "not me", who has no PIN.

    A face that surely shows one customer is enough. Otherwise the PIN says which of the candidates it is, and
    where there is none everybody who may be meant is paused at once, until a member of staff ends it (`held`).
    """

    def __init__(self, pins: Pins, erasures: Erasures, held: Held) -> None:
        self._pins = pins
        self._erasures = erasures
        self._held = held

    def by_face(self, candidates: Sequence[Account], pin: str | None) -> OptedOut:
        """End what is held of the person among `candidates` (`Faces.candidates`).

        `pin` is None as long as nobody was asked for it, and "" from somebody who has none. Raises PinInvalid;
        PinWrong or PinLocked when it is the PIN of none of them, counted for each.
        """
        sure = len(candidates) == 1 and not candidates[0].row.needs_second_factor
        rows = [account.row for account in candidates]
        right = self._pins.right_of(() if sure else rows, pin) if pin else []
        if not candidates:
            return OptedOut("unknown")
        if pin is None and not sure and any(row.pin is not None for row in rows):
            return OptedOut("pin_needed")
        if sure or right:
            for row in rows if sure else right:
                self._erasures.erase(row, "face")
            return OptedOut("forgotten")
        return OptedOut("paused", self._held.hold(candidates))
