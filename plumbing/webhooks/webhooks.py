"""Which addresses are notified of what, and the sending beside the requests (`queue.py`: what is to be sent)."""

from __future__ import annotations

import base64
import hashlib
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Counter

from plumbing.clock import DAY, SECOND, Clock
from plumbing.people.sealing import Sealing
from plumbing.problem import Problem
from plumbing.storage.database import Database
from plumbing.webhooks.kinds import EVENTS
from plumbing.webhooks.queue import Message, Queue
from plumbing.webhooks.sending import AddressRefused, NotDelivered, checked, public_address, send
from plumbing.webhooks.signature import headers_of, new_secret

MOST = 10
"""Addresses of a tenant."""
LOOK_EVERY_S = 1.0
NEWS_EVERY_S = 5.0
KNOWN_S = 5.0
"""For so long a process believes that it knows who wants what: an order asks no database for it."""

ENDS = ("delivered", "removed", "refused", "given_up")
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


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened. The same `reference` is the same news; `data` names no person."""

    event: str
    reference: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Source:
    """Where news is looked for: `since` gives that of a tenant since a moment (microseconds)."""

    events: tuple[str, ...]
    since: Callable[[str, int], Iterable[News]]


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
        self.queue = Queue(passing, self._sealing, now_us)
        self.sources: list[Source] = []
        """What is looked at for news."""
        self._known: dict[str, tuple[float, list[Webhook]]] = {}
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
        self._known.pop(tenant, None)
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
        self._known.pop(tenant, None)
        self.queue.drop_all(tenant, webhook_id)
        return bool(gone)

    # --- messages

    def wanting(self, tenant: str, event: str) -> list[Webhook]:
        """The addresses that want `event`, as they were a few seconds ago at most."""
        read_s, known = self._known.get(tenant, (float("-inf"), []))
        if time.monotonic() - read_s > KNOWN_S:
            known = self.all(tenant)
            self._known[tenant] = time.monotonic(), known
        return [one for one in known if event in one.events]

    def tell(self, tenant: str, event: str, data: Mapping[str, object], reference: str = "") -> int:
        """Let every address that wants `event` know it; how many there are. `data` names no person. The same
        `reference` is queued once within two days, and makes the same message: who gets it twice can see that."""
        return self._queued(tenant, event, data, reference, refers=False)

    def refer(self, tenant: str, event: str, found_by: Mapping[str, object], reference: str) -> int:
        """As `tell`, for what concerns a person: the content is read when it is sent, by the queue's composer."""
        return self._queued(tenant, event, found_by, reference, refers=True)

    def _queued(
        self, tenant: str, event: str, content: Mapping[str, object], reference: str, *, refers: bool
    ) -> int:
        wanted = self.wanting(tenant, event)
        for one in wanted:
            self._put_once(tenant, one, News(event, reference, content), refers=refers)
        return len(wanted)

    def look(self) -> int:
        """Ask the sources for news since an address was added; how many messages there are to send."""
        found = 0
        for source in self.sources:
            for tenant in self._tenants():
                for one in self.wanting_any(tenant, source.events):
                    since = max(one.created_us, self._now_us() - DAY)
                    for news in source.since(tenant, since):
                        found += news.event in one.events and self._put_once(tenant, one, news)
        return found

    def wanting_any(self, tenant: str, events: Collection[str]) -> list[Webhook]:
        """The addresses that want one of `events`."""
        return [one for one in self.all(tenant) if set(events) & set(one.events)]

    def _tenants(self) -> list[str]:
        return [str(row["tenant"]) for row in self._lasting.rows("SELECT DISTINCT tenant FROM webhooks")]

    def _put_once(self, tenant: str, one: Webhook, news: News, *, refers: bool = False) -> bool:
        """Queue a message; False: news of this reference was queued before, by any process."""
        message = _message_id(one, news.event, news.reference)
        with self._passing.write():
            if news.reference and not self.queue.is_news(tenant, message):
                return False
            self.queue.put(tenant, message, one.webhook_id, news.event, news.data, refers=refers)
        return True

    def send_next(self) -> bool:
        """Send the message that has waited longest; False when none is due."""
        message = self.queue.take()
        if message is None:
            return False
        outcome = self._sent(message)
        if outcome in ("delivered", "removed", "refused"):
            self.queue.drop(message)
        elif not self.queue.again(message, outcome):
            outcome = "given_up"
        self._done.labels(outcome if outcome in ENDS else "again").inc()
        return True

    def _sent(self, message: Message) -> str:
        """Send one message: delivered, refused (the host may not be called any more), removed (nobody gets it, or
        nothing is to be said), or why it did not arrive."""
        tenant, webhook_id = message.tenant, message.webhook_id
        row = self._lasting.row(
            "SELECT url, secret FROM webhooks WHERE tenant = ? AND webhook_id = ?", (tenant, webhook_id)
        )
        content = None if row is None else self.queue.content(message)
        secret = None if row is None else self._sealing.open("webhook", (tenant, webhook_id), str(row["secret"]))
        if row is None or content is None or secret is None:
            return "removed"
        headers = headers_of(secret, message.message_id, self._now_us() // SECOND, content)
        try:
            self._send(str(row["url"]), content, headers, allowed=self.allowed)
        except NotDelivered as error:
            log.warning("webhook_not_delivered", webhook=webhook_id, why=str(error))
            return str(error)
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
        looked_s = float("-inf")
        while not self._ended.wait(LOOK_EVERY_S):
            try:
                if time.monotonic() - looked_s >= NEWS_EVERY_S:
                    looked_s = time.monotonic()
                    self.look()
                while not self._ended.is_set() and self.send_next():
                    pass
            except (Problem, sqlite3.Error, OSError) as error:
                log.warning("webhooks_cannot_be_sent", why=type(error).__name__)


def _message_id(one: Webhook, event: str, reference: str) -> str:
    if not reference:
        return "msg_" + secrets.token_urlsafe(18)
    seen = hashlib.blake2b("\n".join((one.webhook_id, event, reference)).encode(), digest_size=18)
    return "msg_" + base64.urlsafe_b64encode(seen.digest()).decode()
