"""Which addresses get which events, and what is still to be sent to them.

At least once, within an hour: a message waits in the store and is tried again, by any process. It lies among what
may be lost at any moment, so that a place is in no backup: a power cut can take a message that had not arrived.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry, Counter

from plumbing.clock import HOUR, MINUTE, SECOND, Clock
from plumbing.people.sealing import Sealing
from plumbing.problem import Problem
from plumbing.storage.database import Database
from plumbing.webhooks.sending import AddressRefused, NotDelivered, checked, public_address, send
from plumbing.webhooks.signature import headers_of, new_secret

EVENTS = ("destination.confirmed",)
"""What there is to be sent. Each has a `version` in its data."""
MOST = 10
"""Addresses of a tenant."""
LATER_US = tuple(seconds * SECOND for seconds in (5, 30, 120, 600, 1_200, 1_200))
"""After how long a message that did not arrive is sent again."""
GIVEN_UP_US = HOUR
AT_WORK_US = MINUTE
"""For so long no other process sends a message that one has taken up: longer than a send may last."""
LOOK_EVERY_S = 1.0

Send = Callable[..., None]
log = structlog.get_logger(__name__)


class TooManyWebhooks(Problem):
    """A tenant has as many addresses as it may."""

    code = "too_many_webhooks"
    status = 409
    title = "There are as many webhooks as there may be"
    says = f"At most {MOST}. Remove one first."


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address without its secret."""

    webhook_id: str
    url: str
    events: tuple[str, ...]
    created_us: int


class Webhooks:
    """Of all tenants. `lasting` keeps the addresses, `passing` what is to be sent."""

    def __init__(
        self,
        lasting: Database,
        passing: Database,
        key: bytes,
        now_us: Clock,
        *,
        registry: CollectorRegistry,
        send: Send = send,
    ) -> None:
        """`key` is a Fernet key."""
        self._lasting, self._passing, self._now_us = lasting, passing, now_us
        self._sealing, self._send = Sealing(key, now_us), send
        self.allowed: Collection[str] = ()
        """Hosts that may be in a private network: the operator said so."""
        self._done = Counter("usual_webhooks", "Messages of webhooks", ["outcome"], registry=registry)
        self._ended = threading.Event()

    # --- addresses

    def add(self, tenant: str, url: str, events: Collection[str]) -> tuple[Webhook, str]:
        """A new address, and its secret, shown this once.

        Raises AddressRefused, TooManyWebhooks; ValueError: an event that there is not.
        """
        if not events or set(events) - set(EVENTS):
            raise ValueError(f"there are the events {', '.join(EVENTS)}")
        host, port, _ = checked(url)
        try:
            public_address(host, port, self.allowed)
        except OSError as error:
            raise AddressRefused(f"{host} has no network address.") from error
        if len(self.all(tenant)) >= MOST:
            raise TooManyWebhooks
        made = Webhook("wh_" + secrets.token_hex(8), url, tuple(sorted(set(events))), self._now_us())
        secret = new_secret()
        sealed = self._sealing.seal("webhook", (tenant, made.webhook_id), secret)
        self._lasting.change(
            "INSERT INTO webhooks VALUES (?, ?, ?, ?, ?, ?)",
            (tenant, made.webhook_id, url, " ".join(made.events), sealed, made.created_us),
        )
        return made, secret

    def all(self, tenant: str) -> list[Webhook]:
        """The addresses of a tenant, oldest first."""
        rows = self._lasting.rows(
            "SELECT * FROM webhooks WHERE tenant = ? ORDER BY created_us, webhook_id", (tenant,)
        )
        return [
            Webhook(row["webhook_id"], row["url"], tuple(row["events"].split()), row["created_us"]) for row in rows
        ]

    def remove(self, tenant: str, webhook_id: str) -> bool:
        """Send nothing there any more, also not what waits; False when there is no such address."""
        gone = self._lasting.change(
            "DELETE FROM webhooks WHERE tenant = ? AND webhook_id = ? RETURNING 1", (tenant, webhook_id)
        )
        self._passing.change("DELETE FROM deliveries WHERE tenant = ? AND webhook_id = ?", (tenant, webhook_id))
        return bool(gone)

    # --- messages

    def tell(self, tenant: str, event: str, data: Mapping[str, object]) -> int:
        """Let every address that wants `event` know it; how many there are. `data` names no person."""
        now, wanted = self._now_us(), [one for one in self.all(tenant) if event in one.events]
        moment = datetime.fromtimestamp(now // SECOND, UTC).isoformat().replace("+00:00", "Z")
        body = json.dumps({"type": event, "timestamp": moment, "data": dict(data)})
        for one in wanted:
            message = "msg_" + secrets.token_urlsafe(18)
            sealed = self._sealing.seal("message", (tenant, message), body)
            self._passing.change(
                "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, 0)",
                (tenant, message, one.webhook_id, sealed, now, now + GIVEN_UP_US),
            )
        return len(wanted)

    def send_next(self) -> bool:
        """Send the message that has waited longest; False when none is due."""
        now = self._now_us()
        if self._passing.row("SELECT 1 FROM deliveries LIMIT 1") is None:
            return False
        self._passing.change(
            "DELETE FROM deliveries WHERE until_us NOT BETWEEN ? AND ?", (now, now + 2 * GIVEN_UP_US)
        )
        taken = self._passing.change(
            "UPDATE deliveries SET due_us = ?, tries = tries + 1 WHERE due_us <= ? AND delivery_id ="
            " (SELECT delivery_id FROM deliveries WHERE due_us <= ? ORDER BY due_us LIMIT 1)"
            " RETURNING tenant, delivery_id, webhook_id, body, until_us, tries",
            (now + AT_WORK_US, now, now),
        )
        if not taken:
            return False
        [row] = taken
        tenant, message = str(row["tenant"]), str(row["delivery_id"])
        outcome = self._sent(tenant, message, str(row["webhook_id"]), str(row["body"]))
        tries = int(row["tries"])
        if outcome == "again" and tries <= len(LATER_US):
            due = self._now_us() + LATER_US[tries - 1]
            self._passing.change(
                "UPDATE deliveries SET due_us = ? WHERE tenant = ? AND delivery_id = ?", (due, tenant, message)
            )
        else:
            self._passing.change("DELETE FROM deliveries WHERE tenant = ? AND delivery_id = ?", (tenant, message))
            outcome = "given_up" if outcome == "again" else outcome
        self._done.labels(outcome).inc()
        return True

    def _sent(self, tenant: str, message: str, webhook_id: str, sealed: str) -> str:
        """Send one message: delivered, again, refused (the host may not be called any more), or removed."""
        row = self._lasting.row(
            "SELECT url, secret FROM webhooks WHERE tenant = ? AND webhook_id = ?", (tenant, webhook_id)
        )
        body = self._sealing.open("message", (tenant, message), sealed)
        secret = None if row is None else self._sealing.open("webhook", (tenant, webhook_id), str(row["secret"]))
        if row is None or body is None or secret is None:
            return "removed"
        content = body.encode()
        headers = headers_of(secret, message, self._now_us() // SECOND, content)
        try:
            self._send(str(row["url"]), content, headers, allowed=self.allowed)
        except NotDelivered as error:
            log.warning("webhook_not_delivered", webhook=webhook_id, why=str(error))
            return "again"
        except AddressRefused:
            log.warning("webhook_refused", webhook=webhook_id)
            return "refused"
        return "delivered"

    # --- beside the requests

    def start(self) -> Callable[[], None]:
        """Send from a thread of this process; returns what ends it."""
        thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        thread.start()

        def stop() -> None:
            self._ended.set()
            thread.join(2)

        return stop

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            try:
                while not self._ended.is_set() and self.send_next():
                    pass
            except (Problem, sqlite3.Error, OSError) as error:
                log.warning("webhooks_cannot_be_sent", why=type(error).__name__)
