"""Whom the pictures of a press show: one customer, nobody, or several who look alike."""

from __future__ import annotations

from collections.abc import Sequence

from identity.capture.embed import Capture
from identity.customers.accounts import Account, Accounts
from identity.customers.visits.day_limits import DayLimits
from identity.matching.matcher import Matcher, Matchers
from identity.results import Device
from identity.vectors import Array


class Faces:
    """From the captures of a press to customers of its tenant."""

    def __init__(self, matchers: Matchers, accounts: Accounts, limits: DayLimits) -> None:
        self._matchers = matchers
        self._accounts = accounts
        self._limits = limits

    def who(self, device: Device, captures: Sequence[Capture]) -> tuple[str, Account | None]:
        """(decision, account), by a press at `device`. "ambiguous" has an account when one customer needs more
        than a face, else none.

        A covered face that matches nobody is "low_quality". Who is paused, or not in force yet, counts as if they
        had no template: they are nobody, and they keep nobody else from being greeted. Where one was matched too
        often here today (`DayLimits`), the press shows nobody.
        """
        matcher, vectors = self._judged(captures)
        nobody = "low_quality" if any(capture.quality.cover != "none" for capture in captures) else "unknown"
        quiet: set[str] = set()
        while True:
            match = matcher.judge(device.tenant, vectors, quiet, device.site)
            if match.outcome == "unknown":
                return nobody, None
            tie = match.customer_id is None
            ids = matcher.candidates(device.tenant, vectors, device.site) if tie else [str(match.customer_id)]
            found = {one: self._accounts.find(device.tenant, one) for one in ids if one not in quiet}
            greeted = [account for account in found.values() if account is not None and may_be_greeted(account)]
            if len(greeted) == len(found):
                if not self._limits.may_match(device.name, captures, [one.row for one in greeted]):
                    return nobody, None
                account = None if tie else greeted[0]
                needs_more = tie or greeted[0].row.needs_second_factor
                return "ambiguous" if needs_more else "matched", account
            quiet.update(one for one, account in found.items() if account is None or not may_be_greeted(account))

    def candidates(self, device: Device, captures: Sequence[Capture]) -> list[Account]:
        """Everybody whom the pictures may show, to end what is held of them: also who is paused, who took every
        purpose back, and all of those who look alike. One alone when it is surely them and a face is enough."""
        matcher, vectors = self._judged(captures)
        ids = matcher.candidates(device.tenant, vectors, device.site)
        known = (self._accounts.find(device.tenant, one) for one in ids)
        found = [account for account in known if account is not None]
        joined = [account for account in found if account.standing.confirmed]
        # Who has not confirmed is undone in a minute anyway, and must not stand in for somebody who has.
        pending = {account.row.customer_id for account in found} - {one.row.customer_id for one in joined}
        sure = matcher.judge(device.tenant, vectors, pending, device.site).customer_id
        for account in joined:
            if account.row.customer_id == sure and not account.row.needs_second_factor:
                return [account]
        return joined or found

    def _judged(self, captures: Sequence[Capture]) -> tuple[Matcher, list[Array]]:
        """What judges these pictures, and their vectors. When more of them are masked than not, the masked ones
        are judged, by the matcher for masks."""
        masked = [capture for capture in captures if capture.quality.cover == "mask"]
        clear = [capture for capture in captures if capture.quality.cover != "mask"]
        if self._matchers.masked is not None and len(masked) > len(clear):
            return self._matchers.masked, [capture.vector for capture in masked]
        return self._matchers.clear, [capture.vector for capture in clear or captures]


def may_be_greeted(account: Account) -> bool:
    """Whether something is open to this customer, and they agree to being recognised by their face."""
    return bool(account.purposes) and account.standing.has_face
