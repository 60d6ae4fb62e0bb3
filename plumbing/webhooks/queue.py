"""What is still to be sent, and what never arrived: at least once, by any process.

It lies among what may be lost at any moment, so that it is in no backup: a power cut can take a message that had
not arrived. What concerns a person is not in it: such a message is a reference, and its content is read when it is
sent. Whoever was erased meanwhile is in no message, also not in one that is sent again by hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from plumbing.clock import DAY, MINUTE, Clock, as_text
from plumbing.people.sealing import Sealing
from plumbing.storage.database import Database
from plumbing.webhooks.kinds import EVENTS, LATER_US

WAITING, DEAD = "waiting", "dead"
AT_WORK_US = MINUTE
"""For so long no other process sends a message that one has taken up: longer than a send may last."""
NEWS_US = 2 * DAY
"""What was seen for so long is no news again."""

Compose = Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]
"""The content of a message of a tenant by its reference; None: there is nothing to be said any more."""


@dataclass(frozen=True, slots=True)
class Message:
    """One that is being sent, or never arrived. `why`: what the last try said."""

    tenant: str
    message_id: str
    webhook_id: str
    event: str
    needs: str
    body: str
    made_us: int
    until_us: int
    tries: int
    why: str


class Queue:
    """Of all tenants. `composers` give the contents of the events that this process can read."""

    def __init__(self, passing: Database, sealing: Sealing, now_us: Clock) -> None:
        self._database, self._sealing, self._now_us = passing, sealing, now_us
        self.composers: dict[str, Compose] = {}

    def put(
        self,
        tenant: str,
        message_id: str,
        webhook_id: str,
        event: str,
        content: Mapping[str, Any],
        *,
        refers: bool,
    ) -> None:
        """Queue a message once. `content` is its data, or what its data is found by."""
        now = self._now_us()
        body = json.dumps({"type": event, "timestamp": as_text(now), "ref" if refers else "data": dict(content)})
        sealed = self._sealing.seal("message", (tenant, message_id), body)
        self._database.change(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '')"
            " ON CONFLICT (tenant, message_id) DO NOTHING",
            (
                *(tenant, message_id, webhook_id, event, event if refers else "", sealed),
                *(now, now, now + EVENTS[event].tried_us, WAITING),
            ),
        )

    def is_news(self, tenant: str, news_id: str) -> bool:
        """Whether this is seen for the first time, by any process. Inside a transaction, with what follows."""
        return bool(
            self._database.change(
                "INSERT INTO news VALUES (?, ?, ?) ON CONFLICT (tenant, news_id) DO NOTHING RETURNING 1",
                (tenant, news_id, self._now_us()),
            )
        )

    def take(self) -> Message | None:
        """The message that has waited longest, for this process alone for a minute; None when none is due."""
        now = self._now_us()
        if self._database.row("SELECT 1 FROM messages LIMIT 1") is None:
            return None
        self._sweep(now)
        able = ["", *self.composers]
        marks = ", ".join("?" for _ in able)
        taken = self._database.change(
            "UPDATE messages SET due_us = ?, tries = tries + 1"  # noqa: S608 - question marks
            " WHERE state = ? AND due_us <= ? AND message_id ="
            f" (SELECT message_id FROM messages WHERE state = ? AND due_us <= ? AND needs IN ({marks})"
            " ORDER BY due_us LIMIT 1) RETURNING *",
            (now + AT_WORK_US, WAITING, now, WAITING, now, *able),
        )
        return _message(taken[0]) if taken else None

    def content(self, message: Message) -> bytes | None:
        """What is sent; None: nothing of it is left."""
        sealed = self._sealing.open("message", (message.tenant, message.message_id), message.body)
        if sealed is None or not message.needs:
            return None if sealed is None else sealed.encode()
        said = json.loads(sealed)
        data = self.composers[message.needs](message.tenant, said.pop("ref"))
        return None if data is None else json.dumps(said | {"data": dict(data)}).encode()

    def again(self, message: Message, why: str) -> bool:
        """Try it later; False when it is given up: then it is dead, or gone, as its event says."""
        name, now = (message.tenant, message.message_id), self._now_us()
        wait = LATER_US[message.tries - 1] if message.tries <= len(LATER_US) else None
        if wait is not None and now + wait < message.until_us:
            self._database.change(
                "UPDATE messages SET due_us = ?, why = ? WHERE tenant = ? AND message_id = ?",
                (now + wait, why, *name),
            )
            return True
        kept = EVENTS[message.event].kept_us
        if not kept:
            self.drop(message)
            return False
        self._database.change(
            "UPDATE messages SET state = ?, until_us = ?, why = ? WHERE tenant = ? AND message_id = ?",
            (DEAD, now + kept, why, *name),
        )
        return False

    def drop(self, message: Message) -> None:
        """It arrived, or nobody gets it any more."""
        name = (message.tenant, message.message_id)
        self._database.change("DELETE FROM messages WHERE tenant = ? AND message_id = ?", name)

    def drop_all(self, tenant: str, webhook_id: str) -> None:
        """Nothing is sent to this address any more."""
        self._database.change("DELETE FROM messages WHERE tenant = ? AND webhook_id = ?", (tenant, webhook_id))

    def dead(self, tenant: str, most: int = 200) -> list[Message]:
        """The messages that never arrived, newest first."""
        rows = self._database.rows(
            "SELECT * FROM messages WHERE tenant = ? AND state = ? ORDER BY made_us DESC, message_id LIMIT ?",
            (tenant, DEAD, most),
        )
        return [_message(row) for row in rows]

    def replay(self, tenant: str, webhook_id: str, message_ids: Collection[str] | None = None) -> int:
        """Send dead messages of an address again, all or those named; how many there are."""
        rows = [row for row in self.dead(tenant, 10_000) if row.webhook_id == webhook_id]
        wanted = [row for row in rows if message_ids is None or row.message_id in message_ids]
        now = self._now_us()
        for row in wanted:
            self._database.change(
                "UPDATE messages SET state = ?, due_us = ?, until_us = ?, tries = 0"
                " WHERE tenant = ? AND message_id = ? AND state = ?",
                (WAITING, now, now + EVENTS[row.event].tried_us, tenant, row.message_id, DEAD),
            )
        return len(wanted)

    def _sweep(self, now: int) -> None:
        """Remove what is kept no longer. What may be kept for an hour goes also when a clock jumped."""
        self._database.change("DELETE FROM messages WHERE state = ? AND until_us < ?", (DEAD, now))
        self._database.change("DELETE FROM news WHERE seen_us < ?", (now - NEWS_US,))
        for event, kind in EVENTS.items():
            if not kind.kept_us:
                self._database.change(
                    "DELETE FROM messages WHERE event = ? AND until_us NOT BETWEEN ? AND ?",
                    (event, now, now + 2 * kind.tried_us),
                )


def _message(row: Any) -> Message:
    names = ("tenant", "message_id", "webhook_id", "event", "needs", "body", "made_us", "until_us", "tries", "why")
    return Message(**{name: row[name] for name in names})
