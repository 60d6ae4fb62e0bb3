"""Consent: for each purpose on its own, all off by default, stored as events that never change.

A record stands for one purpose of one customer: it begins with "given" and ends for good with "withdrawn" or
"expired"; giving the purpose once more begins another record. Beside the purpose and the kind of event all is
sealed under the customer's key and ends with it; what stays after that are totals.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from identity.config import LEDGER_PURPOSES, PURPOSES, IdentityConfig
from identity.consent.notices import Notice
from identity.consent.records import Term, as_record
from identity.errors import CustomerLeft, KeyDestroyed, UnknownPurpose
from identity.store import IdentityStores
from identity.store.consents import ConsentDetails, ConsentLine, live_records
from identity.store.customers import CustomerRow
from identity.vault.vault import Holder, Vault
from plumbing.clock import DAY, Clock, left_of

PAUSE_US = 30 * DAY
REMIND_DAYS = 30  # before consent expires
DAYS_A_MONTH = 30.44
RECORD_BYTES = 16


@dataclass(frozen=True, slots=True)
class Standing:
    """What a customer's consent allows now.

    `given` are the purposes they agree to (LEDGER_PURPOSES). `purposes` are those of them for which somebody may
    be greeted (PURPOSES): none before the receipt is confirmed, in a pause and after the end of retention. Days
    count from 1970. `reminder` is set on the visit of somebody whose consent would have expired within
    REMIND_DAYS. `notice_version` is the oldest that any agreement is under.
    """

    purposes: tuple[str, ...]
    given: tuple[str, ...]
    confirmed: bool
    paused_until_us: int
    notice_version: str
    has_face: bool
    needs_second_factor: int
    expires_day: int
    expired: bool = False
    reminder: bool = False

    @property
    def paused(self) -> bool:
        """Whether the customer has a pause now: `paused_until_us` is 0 without one."""
        return self.paused_until_us > 0


def days_kept(months: int) -> int:
    """The days that a customer is kept after their last visit."""
    return round(months * DAYS_A_MONTH)


class Ended(Protocol):
    """What remembers ended records outside of the database: one that is put back gives nothing again."""

    def remember_record(self, tenant: str, record_id: str) -> None:
        """This record has ended. Raises OSError: it could not be stored."""

    def includes_record(self, tenant: str, record_id: str) -> bool:
        """Whether this record has ended."""

    def whose_records(self, records: Iterable[tuple[str, str, str]]) -> set[tuple[str, str]]:
        """(tenant, customer id) of those of many (tenant, customer id, record id) that have ended."""


class ConsentLedger:
    """The records of all customers.

    `ended` remembers what was taken back. `today` is the day (since 1970) from which retention counts back.
    `renew_thresholds` gets a tenant and the new sizes of its galleries by pack id, when templates went with their
    consent.
    """

    def __init__(
        self,
        config: IdentityConfig,
        stores: IdentityStores,
        vault: Vault,
        now_us: Clock,
        today: Callable[[], int],
        renew_thresholds: Callable[[str, Mapping[str, int]], None] = lambda tenant, sizes: None,
        ended: Ended | None = None,
    ) -> None:
        self._ended = ended
        self._settled = ended is None
        self._config = config
        self._stores = stores
        self._vault = vault
        self._now_us = now_us
        self._today = today
        self._renew_thresholds = renew_thresholds

    # --- give and withdraw

    def give(
        self,
        holder: Holder,
        purposes: Iterable[str],
        notice: Notice,
        *,
        language: str = "en",
        age_confirmed: bool = True,
    ) -> tuple[str, ...]:
        """Agree to purposes under a notice; those that changed. A purpose that is agreed to under this notice
        already stays as it is; under an older one its record gets another "given".

        Raises UnknownPurpose; CustomerLeft with nothing stored.
        """
        wanted = _known(purposes)
        details = ConsentDetails(
            self._now_us(),
            notice.version,
            notice.sha256,
            language,
            age_confirmed,
            notice.minimum_age,
            notice.retention_months,
            notice.controller or self._config.organisation,
            notice.contact,
        )
        with self._of(holder), self._stores.customers.writing():
            lines = self._lines(holder)
            live = live_records(lines)
            opened = {line.record_id: said for line, said in self._given(holder, lines)}
            fresh = []
            for purpose in wanted:
                said = opened.get(live.get(purpose, ""))
                if said is None or (said.notice_sha256, said.language) != (notice.sha256, language):
                    record_id = live.get(purpose) or secrets.token_hex(RECORD_BYTES)
                    fresh.append(self._next(holder, lines, record_id, "given", purpose, details))
            self._stores.consents.append(holder.tenant, holder.customer_id, fresh)
            elsewhere = [opened[live[name]].retention_months for name in live if name not in wanted]
            months = min([*elsewhere, notice.retention_months])
            self._stores.customers.agree_to_keep(holder.tenant, holder.customer_id, months)
            if self._is_confirmed(holder):
                for line in fresh:
                    self._stores.consents.count(holder.tenant, line.purpose, "given", notice.version)
        return tuple(line.purpose for line in fresh)

    def withdraw(
        self, holder: Holder, purposes: Iterable[str], *, event_type: str = "withdrawn"
    ) -> tuple[str, ...]:
        """Take purposes back; those that were agreed to until now. A second time changes nothing and is no error.

        With `face` the templates go in the same transaction, and their bytes with it. The customer stays in force
        when the last purpose goes: nothing is open then, and they decide about the rest themselves. Raises
        UnknownPurpose; CustomerLeft with nothing stored.
        """
        wanted = _known(purposes)
        left: dict[str, int] = {}
        with self._of(holder), self._stores.customers.writing():
            lines = self._lines(holder)
            live = live_records(lines)
            ending = [purpose for purpose in wanted if purpose in live]
            if "face" in ending:
                left = self._drop_templates(holder)
                self._stores.database.note_erased()
            details = ConsentDetails(self._now_us())
            ends = [self._next(holder, lines, live[name], event_type, name, details) for name in ending]
            if self._ended is not None and event_type == "withdrawn":
                for name in ending:
                    self._ended.remember_record(holder.tenant, live[name])
            self._stores.consents.append(holder.tenant, holder.customer_id, ends)
            if self._is_confirmed(holder):
                for purpose in ending:
                    self._stores.consents.count(holder.tenant, purpose, event_type)
        if left:
            self._renew_thresholds(holder.tenant, left)
            self._stores.database.scrub_soon()
        return tuple(ending)

    def settle(self) -> int:
        """Withdraw again what a restored database gives although it was taken back; for how many customers.

        Until then it opens nothing anyway: `standing` asks the same list. A database is put back while no server
        runs on it, so the first look of a process is enough.
        """
        if self._settled or self._ended is None:
            return 0
        found = 0
        for tenant, customer_id in self._ended.whose_records(self._stores.consents.each_record()):
            row = self._stores.customers.customer(tenant, customer_id)
            lines = [] if row is None else self._lines(row.holder)
            back = set(live_records(lines)) - set(self._live(tenant, lines))
            if row is not None and back:
                with suppress(CustomerLeft):
                    self.withdraw(row.holder, back)
                    found += 1
        self._settled = True
        return found

    def expire(self, row: CustomerRow) -> None:
        """Retention is over: every record ends with "expired", and the templates go. Who left already has none."""
        with suppress(CustomerLeft):
            self.withdraw(row.holder, LEDGER_PURPOSES, event_type="expired")

    def note(self, holder: Holder, event_type: str, *, until_us: int = 0) -> None:
        """Add an event that concerns the customer as a whole ("paused", "resumed", "confirmed", "reminded") to
        each record that has not ended. "confirmed" counts what was given into the totals. Raises CustomerLeft."""
        with self._of(holder), self._stores.customers.writing():
            lines = self._lines(holder)
            details = ConsentDetails(self._now_us(), until_us=until_us)
            fresh = [
                self._next(holder, lines, record_id, event_type, purpose, details)
                for purpose, record_id in live_records(lines).items()
            ]
            self._stores.consents.append(holder.tenant, holder.customer_id, fresh)
            if event_type == "confirmed":
                for line, said in self._given(holder, lines):
                    self._stores.consents.count(holder.tenant, line.purpose, "given", said.notice_version)

    def visited(self, row: CustomerRow, day: int) -> None:
        """Note the day of a visit (days since 1970): retention counts from it, and a consent that was about to
        expire goes on. Raises CustomerLeft."""
        with self._stores.customers.writing():
            if self.standing(row).reminder:
                self.note(row.holder, "reminded")
            self._stores.customers.visited(row.tenant, row.customer_id, day)

    # --- read

    def standing(self, row: CustomerRow) -> Standing:
        """What a customer's consent allows now. Raises KeyDestroyed.

        A pause that lies further ahead than a pause is long was set under another clock: it is bounded, for good.
        """
        lines = self._lines(row.holder)
        live = self._live(row.tenant, lines)
        given = tuple(name for name in LEDGER_PURPOSES if name in live)
        said = [details for line, details in self._given(row.holder, lines) if line.record_id in live.values()]
        oldest = min(said, key=lambda details: details.event_time_us, default=None)
        expires = row.last_day + self.days_kept(row)
        today = self._today()
        expired = today > expires
        paused_until = self._paused_until(row)
        greets = row.confirmed and not paused_until and not expired
        return Standing(
            purposes=tuple(name for name in PURPOSES if name in live) if greets else (),
            given=given,
            confirmed=row.confirmed,
            paused_until_us=paused_until,
            notice_version="" if oldest is None else oldest.notice_version,
            has_face="face" in live,
            needs_second_factor=int(row.needs_second_factor),
            expires_day=expires,
            expired=expired,
            reminder=bool(given) and not expired and today >= expires - REMIND_DAYS,
        )

    def days_kept(self, row: CustomerRow) -> int:
        """For how many days after the last visit this customer is kept: never for longer than they agreed to."""
        months = self._config.retention_months
        return days_kept(min(months, row.retention_months or months))

    def records(self, holder: Holder) -> list[dict[str, Any]]:
        """All records of a customer, the oldest first, in the fields of ISO/IEC TS 27560 (`records`).

        Raises CustomerLeft: their key was destroyed, which may happen while this is read.
        """
        with self._of(holder):
            row = self._stores.customers.customer(holder.tenant, holder.customer_id)
            if row is None:
                raise CustomerLeft
            found: dict[str, list[tuple[ConsentLine, ConsentDetails]]] = {}
            for line, said in self._opened(holder, self._lines(holder)):
                found.setdefault(line.record_id, []).append((line, said))
            term = Term(
                principal_id=self._principal(holder),
                controller=self._config.organisation,
                expires_us=(row.last_day + self.days_kept(row) + 1) * DAY,
            )
            return [as_record(events, term) for events in sorted(found.values(), key=_first_given)]

    # --- inside

    @contextmanager
    def _of(self, holder: Holder) -> Iterator[None]:
        """Raise CustomerLeft where the customer's key is gone, also in the middle."""
        try:
            self._vault.keys.key(holder.slot, holder.owner)
            yield
        except KeyDestroyed as error:
            raise CustomerLeft from error

    def _principal(self, holder: Holder) -> str:
        """A pseudonym for records alone: it leads to no other store."""
        return self._vault.pseudonym("consent records", holder)

    def _paused_until(self, row: CustomerRow) -> int:
        now = self._now_us()
        until = now + left_of(row.paused_until_us, now, PAUSE_US)
        if until < row.paused_until_us:
            self._stores.customers.shorten_pause(row, until)
        return until if until > now else 0

    def _live(self, tenant: str, lines: Sequence[ConsentLine]) -> dict[str, str]:
        """The live record of each purpose, without those that ended before a database was put back."""
        live = live_records(lines)
        if self._ended is None:
            return dict(live)
        return {name: one for name, one in live.items() if not self._ended.includes_record(tenant, one)}

    def _lines(self, holder: Holder) -> list[ConsentLine]:
        return self._stores.consents.lines(holder.tenant, holder.customer_id)

    def _opened(self, holder: Holder, lines: Sequence[ConsentLine]) -> list[tuple[ConsentLine, ConsentDetails]]:
        """Raises KeyDestroyed, or SealBroken when a line was altered or moved."""
        contents = self._vault.open_all(holder, "consent", [(line.sealed, line.bound) for line in lines])
        return [(line, ConsentDetails.opened(said)) for line, said in zip(lines, contents, strict=True)]

    def _given(self, holder: Holder, lines: Sequence[ConsentLine]) -> list[tuple[ConsentLine, ConsentDetails]]:
        """The latest "given" of each record."""
        latest = {line.record_id: line for line in lines if line.event_type == "given"}
        return self._opened(holder, list(latest.values()))

    def _next(
        self,
        holder: Holder,
        lines: Sequence[ConsentLine],
        record_id: str,
        event_type: str,
        purpose: str,
        details: ConsentDetails,
    ) -> ConsentLine:
        position = 1 + max((line.position for line in lines if line.record_id == record_id), default=-1)
        return details.line(self._vault, holder, ConsentLine(record_id, position, event_type, purpose, b""))

    def _is_confirmed(self, holder: Holder) -> bool:
        row = self._stores.customers.customer(holder.tenant, holder.customer_id)
        return row is not None and row.confirmed

    def _drop_templates(self, holder: Holder) -> dict[str, int]:
        """Delete a customer's templates and best scores; the new size of each gallery they were in."""
        packs = self._stores.galleries.delete_templates(holder.tenant, holder.customer_id)
        self._stores.thresholds.delete_customer(holder.tenant, holder.customer_id)
        self._stores.customers.set_second_factor(holder.tenant, holder.customer_id, 0)  # nobody looks like a code
        galleries = self._stores.galleries.galleries(holder.tenant)
        return {pack: state.size for _, pack, state in galleries if pack in packs}


def _known(purposes: Iterable[str]) -> tuple[str, ...]:
    """The purposes in the order of the notice, each once. Raises UnknownPurpose."""
    wanted = set(purposes)
    if wanted - set(LEDGER_PURPOSES):
        raise UnknownPurpose
    return tuple(name for name in LEDGER_PURPOSES if name in wanted)


def _first_given(events: Sequence[tuple[ConsentLine, ConsentDetails]]) -> tuple[int, int]:
    line, details = events[0]
    return details.event_time_us, LEDGER_PURPOSES.index(line.purpose)
