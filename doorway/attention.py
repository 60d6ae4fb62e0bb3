"""What identity knows that needs attention at the desk: erasures that wait, screens that have gone silent."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from identity.web.half import IdentityHalf
from plumbing.clock import DAY
from plumbing.shared import Shared
from plumbing.words import Message
from recommender.desk.attention import Item

SILENT_DAYS = 3
"""A screen that was used and has not been for so many days is named."""

FORGOTTEN_DAYS = 30
"""... and no longer after so many: it was put away."""


def of_identity(identity: IdentityHalf, shared: Shared) -> Callable[[str], Iterable[Item]]:
    """What `recommender.desk` asks for one tenant."""

    def items(tenant: str) -> Iterable[Item]:
        late = identity.service.erasures.overdue()
        if late:
            yield Item("erasures overdue", Message.of("attention-erasures", n=late), "/desk/customers")
        today = shared.now_us() // DAY
        last: dict[tuple[str, str], int] = {}
        for key in shared.access.keys(tenant):
            if key["page"] in ("kiosk", "taxi") and isinstance(key["last_day"], int):
                place = str(key["device"]), str(key["site"] or "")
                last[place] = max(key["last_day"], last.get(place, 0))
        for (device, site), day in sorted(last.items()):
            if SILENT_DAYS <= today - day <= FORGOTTEN_DAYS:
                message = Message.of("attention-screen-silent", device=device, days=today - day)
                yield Item(f"screen {device} silent", message, "/desk/operations", site=site)

    return items
