"""The present ride of each taxi: handed over, seen, accepted, ended."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plumbing.clock import HOUR, MINUTE, Clock, left_of
from plumbing.people.sealing import Sealing
from plumbing.rides.tables import migrations
from plumbing.storage.database import Database

__all__ = ["LONGEST_US", "UNANSWERED_US", "Ride", "Rides", "migrations", "rides_key"]

LONGEST_US = HOUR
"""No ride is kept for longer."""
UNANSWERED_US = 15 * MINUTE
"""A ride that no driver accepts is forgotten after so long."""
SWEEP_EVERY_US = MINUTE

SENT, SEEN, ACCEPTED, NONE = "sent", "seen", "accepted", "none"
"""States of a ride: handed over, shown on the driver's screen, the driver is on the way, there is none."""


@dataclass(frozen=True, slots=True)
class Ride:
    """What a tablet has handed over. `place` is empty where there is no ride (`state` NONE)."""

    state: str = NONE
    mark: int = 0
    ride_id: str = ""
    place: Mapping[str, object] | None = None
    confirmed_us: int = 0
    until_us: int = 0


def rides_key(replies: bytes) -> bytes:
    """The Fernet key of rides, derived from the secret of kept replies, which all machines have already."""
    return _derived(replies, b"usual rides")


def webhooks_key(replies: bytes) -> bytes:
    """The Fernet key of webhooks: another one, of the same origin."""
    return _derived(replies, b"usual webhooks")


def dialects_key(replies: bytes) -> bytes:
    """The Fernet key of what dialects keep sealed."""
    return _derived(replies, b"usual dialects")


def _derived(replies: bytes, use: bytes) -> bytes:
    return base64.urlsafe_b64encode(hmac.digest(replies, use, hashlib.sha256))


class Rides:
    """Of all tenants, in tables that all processes share. `taxi` is the `Caller.device` of a tablet."""

    def __init__(self, database: Database, key: bytes, now_us: Clock) -> None:
        """`key`: see `rides_key`."""
        self._database, self._key, self._now_us = database, key, now_us
        self._sealing = Sealing(key, now_us)
        self._swept_us: int | None = None

    def topic(self, tenant: str, taxi: str) -> str:
        """What a request names that waits for a change of this taxi's ride: no device can guess another one's."""
        return hmac.new(self._key, f"{tenant}\0{taxi}".encode(), hashlib.sha256).hexdigest()[:32]

    def hand_over(self, tenant: str, taxi: str, place: Mapping[str, object]) -> Ride:
        """The tablet's new ride; the one before is over."""
        ride_id, now = secrets.token_urlsafe(16), self._now_us()
        sealed = self._sealing.seal("ride", (tenant, taxi, ride_id), json.dumps(dict(place)))
        until = now + UNANSWERED_US

        def put() -> int:
            mark = self._next_mark(now)
            self._database.change(
                "INSERT INTO rides VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, taxi) DO UPDATE SET"
                " ride_id = excluded.ride_id, state = excluded.state, place = excluded.place,"
                " confirmed_us = excluded.confirmed_us, until_us = excluded.until_us, mark = excluded.mark",
                (tenant, taxi, ride_id, SENT, sealed, now, until, mark),
            )
            return mark

        self.sweep()
        return Ride(SENT, self._database.together(put), ride_id, place, now, until)

    def of(self, tenant: str, taxi: str) -> Ride:
        """The present ride of a tablet; one of the state NONE where there is none, or none any more."""
        row = self._database.row("SELECT * FROM rides WHERE tenant = ? AND taxi = ?", (tenant, taxi))
        if row is None:
            return Ride()
        ride_id, mark = str(row["ride_id"]), int(row["mark"])
        over = not left_of(int(row["until_us"]), self._now_us(), LONGEST_US)
        text = None if over else self._sealing.open("ride", (tenant, taxi, ride_id), str(row["place"]))
        if text is None:
            return Ride(mark=mark)
        return Ride(
            str(row["state"]), mark, ride_id, json.loads(text), int(row["confirmed_us"]), int(row["until_us"])
        )

    def seen(self, tenant: str, taxi: str, ride: Ride) -> Ride:
        """Note that the driver's screen shows the ride; nothing when that is known."""
        if ride.state != SENT or not self._change(tenant, taxi, ride.ride_id, (SENT,), SEEN, ride.until_us):
            return ride
        return self.of(tenant, taxi)

    def accept(self, tenant: str, taxi: str, ride_id: str) -> bool:
        """The driver is on the way: from now on the ride lives an hour after it was confirmed. False when there is
        no such ride any more."""
        ride = self.of(tenant, taxi)
        if ride.ride_id != ride_id or ride.state == NONE:
            return False
        until = ride.confirmed_us + LONGEST_US
        return ride.state == ACCEPTED or self._change(tenant, taxi, ride_id, (SENT, SEEN), ACCEPTED, until)

    def end(self, tenant: str, taxi: str, ride_id: str = "") -> bool:
        """Forget the ride (whichever it is, without `ride_id`); False when there was none."""

        def clear() -> bool:
            rows = self._database.change(
                "UPDATE rides SET ride_id = '', state = ?, place = '', confirmed_us = 0, until_us = 0, mark = ?"
                " WHERE tenant = ? AND taxi = ? AND state <> ? AND (ride_id = ? OR ? = '') RETURNING 1",
                (NONE, self._next_mark(self._now_us()), tenant, taxi, NONE, ride_id, ride_id),
            )
            return bool(rows)

        return self._database.together(clear)

    def sweep(self) -> None:
        """Forget rides whose time is over, once a minute at most: a screen that never asks again leaves none."""
        now = self._now_us()
        if self._swept_us is not None and 0 <= now - self._swept_us < SWEEP_EVERY_US:
            return
        self._swept_us = now

        def clear() -> None:
            self._database.change(
                "UPDATE rides SET ride_id = '', state = ?, place = '', confirmed_us = 0, until_us = 0, mark = ?"
                " WHERE state <> ? AND until_us NOT BETWEEN ? AND ?",
                (NONE, self._next_mark(now), NONE, now, now + 2 * LONGEST_US),
            )

        self._database.together(clear)

    def changed_since(self, mark: int) -> tuple[int, Sequence[tuple[str, int]]]:
        """The highest mark of all, and (topic, mark) of what has changed after `mark`."""
        rows = self._database.rows("SELECT tenant, taxi, mark FROM rides WHERE mark > ?", (mark,))
        head = self._database.row("SELECT mark FROM ride_marks WHERE only_row = 1")
        highest = 0 if head is None else int(head["mark"])
        return highest, [(self.topic(row["tenant"], row["taxi"]), int(row["mark"])) for row in rows]

    def _change(
        self, tenant: str, taxi: str, ride_id: str, earlier: tuple[str, ...], state: str, until_us: int
    ) -> bool:
        first, last = earlier[0], earlier[-1]

        def change() -> bool:
            rows = self._database.change(
                "UPDATE rides SET state = ?, until_us = ?, mark = ? WHERE tenant = ? AND taxi = ? AND ride_id = ?"
                " AND state IN (?, ?) RETURNING 1",
                (state, until_us, self._next_mark(self._now_us()), tenant, taxi, ride_id, first, last),
            )
            return bool(rows)

        return self._database.together(change)

    def _next_mark(self, now: int) -> int:
        """Higher than every one before, also after the tables were lost. Inside a transaction."""
        [(mark,)] = self._database.change(
            "INSERT INTO ride_marks VALUES (1, ?) ON CONFLICT (only_row) DO UPDATE SET mark ="
            " CASE WHEN ride_marks.mark >= excluded.mark THEN ride_marks.mark + 1 ELSE excluded.mark END"
            " RETURNING mark",
            (now,),
        )
        return int(mark)
