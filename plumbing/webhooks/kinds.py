"""What an address is notified of, for how long a message is sent again, and what is kept if it never arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plumbing.clock import DAY, HOUR, MINUTE, SECOND


@dataclass(frozen=True, slots=True)
class Kind:
    """One event. `tried_us`: for so long it is sent again. `kept_us`: for so long a message that never arrived can
    be seen and sent again by hand; 0: nothing of it is kept."""

    says: str
    tried_us: int = DAY
    kept_us: int = 7 * DAY


DESTINATION, ORDER, REDEEMED = "destination.confirmed", "order.placed", "offer.redeemed"
PUBLISHED, REFUSED, ROLLED_BACK = "version.published", "version.refused", "version.rolled_back"
ERASED = "erasure.closed"

EVENTS: Mapping[str, Kind] = {
    DESTINATION: Kind("A rider confirmed a place.", HOUR, 0),
    ORDER: Kind("An order was recorded."),
    REDEEMED: Kind("An offer was redeemed."),
    PUBLISHED: Kind("A training published a version."),
    REFUSED: Kind("A training made a version that was refused."),
    ROLLED_BACK: Kind("An earlier version is in use again."),
    ERASED: Kind("An erasure is complete: nothing of the customer is left. It names the receipt alone."),
}
"""Each has a `version` in its data."""

LATER_US = (
    *(seconds * SECOND for seconds in (5, 30, 120, 600)),
    *(minutes * MINUTE for minutes in (20, 20, 60, 120, 240, 480, 480)),
)
"""After how long a message that did not arrive is sent again: a day in all."""
