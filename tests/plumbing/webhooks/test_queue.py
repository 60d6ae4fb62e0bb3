"""What waits, what never arrived, what is sent again by hand, and news that is seen once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlite_utils import Database as Utils

from plumbing.clock import DAY, HOUR, SECOND
from plumbing.webhooks.kinds import EVENTS, LATER_US, ORDER, PUBLISHED
from plumbing.webhooks.queue import NEWS_US
from plumbing.webhooks.tables import sending
from plumbing.webhooks.webhooks import News, Source, Webhooks
from tests.plumbing.webhooks.conftest import Clock, Make, Receiver

HERE = "https://till.example/hook"
FOUND_BY = {"event_id": "e1", "named": True}


def until_dead(webhooks: Webhooks, clock: Clock) -> None:
    """Let a day pass, try by try."""
    for wait in (0, *LATER_US):
        clock.now += wait
        webhooks.send_next()


def test_what_never_arrived_is_kept_a_week_and_is_sent_again_by_hand(make: Make) -> None:
    clock, receiver = Clock(), Receiver(fails=1_000)
    webhooks = make(clock, receiver)
    made, _ = webhooks.add("mill", HERE, [PUBLISHED])
    webhooks.tell("mill", PUBLISHED, {"version": 1, "scene": "orders"}, "run-1")
    until_dead(webhooks, clock)
    [dead] = webhooks.queue.dead("mill")
    assert (dead.event, dead.why, webhooks.queue.dead("quay")) == (PUBLISHED, "status 500", [])
    assert DAY - 2 * HOUR < sum(LATER_US) <= DAY

    tries = len(receiver.got)
    assert not webhooks.send_next()
    assert webhooks.queue.replay("quay", made.webhook_id) == 0
    assert webhooks.queue.replay("mill", made.webhook_id, ["msg_other"]) == 0
    receiver.fails = 0
    assert webhooks.queue.replay("mill", made.webhook_id, [dead.message_id]) == 1
    assert webhooks.send_next()
    assert webhooks.queue.dead("mill") == []
    assert [headers["webhook-id"] for _, _, headers in receiver.got[tries:]] == [dead.message_id]

    webhooks.tell("mill", PUBLISHED, {"version": 1}, "run-2")
    receiver.fails = 1_000
    until_dead(webhooks, clock)
    clock.now += EVENTS[PUBLISHED].kept_us + SECOND
    webhooks.send_next()
    assert webhooks.queue.dead("mill") == []


def test_what_concerns_a_person_is_read_when_it_is_sent_and_lies_nowhere(make: Make) -> None:
    """Whoever is gone meanwhile is in no message, also not in one that is sent again."""
    clock, receiver = Clock(), Receiver(fails=1)
    webhooks = make(clock, receiver)
    webhooks.add("mill", HERE, [ORDER])
    orders: dict[str, dict[str, Any]] = {"e1": {"customer": "p-ann", "items": ["burger"]}}

    def compose(tenant: str, found_by: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return orders.get(found_by["event_id"])

    webhooks.queue.composers[ORDER] = compose
    assert webhooks.refer("mill", ORDER, FOUND_BY, "till-1 e1") == 1
    stored = [str(dict(row)) for row in webhooks._passing.rows("SELECT * FROM messages")]
    assert "burger" not in stored[0]
    assert webhooks.send_next()
    clock.now += LATER_US[0] + SECOND
    del orders["e1"]  # erased
    assert webhooks.send_next()
    assert len(receiver.got) == 1
    assert json.loads(receiver.got[0][1])["data"]["customer"] == "p-ann"
    assert webhooks._passing.rows("SELECT * FROM messages") == []


def test_only_a_process_that_can_read_an_order_takes_its_message(make: Make) -> None:
    clock, receiver = Clock(), Receiver()
    other, here = make(clock, receiver), make(clock, receiver)
    here.add("mill", HERE, [ORDER])
    here.queue.composers[ORDER] = lambda tenant, found_by: {"items": []}
    here.refer("mill", ORDER, FOUND_BY, "e1")
    assert not other.send_next()
    assert here.send_next()


def test_the_same_order_is_one_message_however_often_it_is_recorded(make: Make) -> None:
    clock, receiver = Clock(), Receiver()
    webhooks = make(clock, receiver)
    webhooks.add("mill", HERE, [ORDER])
    webhooks.queue.composers[ORDER] = lambda tenant, found_by: {"items": []}
    for _ in range(2):
        webhooks.refer("mill", ORDER, FOUND_BY, "till-1 e1")
    assert webhooks.send_next()
    assert not webhooks.send_next()
    webhooks.refer("mill", ORDER, FOUND_BY, "till-1 e1")  # sent again by a till, after it had arrived
    assert not webhooks.send_next()
    clock.now += NEWS_US + SECOND
    for reference in ("till-1 e2", "till-1 e1"):  # nobody remembers: its receiver knows it by its id
        webhooks.refer("mill", ORDER, FOUND_BY, reference)
        assert webhooks.send_next()
    first, other, again = [headers["webhook-id"] for _, _, headers in receiver.got]
    assert first == again != other


def test_news_is_sent_once_to_each_address_and_only_what_is_newer_than_the_address(make: Make) -> None:
    clock, receiver = Clock(), Receiver()
    first, second = make(clock, receiver), make(clock, receiver)
    happened = [(clock.now - 5 * SECOND, "old"), (clock.now + 5 * SECOND, "new")]

    def since(tenant: str, since_us: int) -> list[News]:
        return [News(PUBLISHED, name, {"name": name}) for at, name in happened if at >= since_us]

    for webhooks in (first, second):
        webhooks.sources.append(Source((PUBLISHED,), since))
    assert first.look() == 0  # nobody wants it
    first.add("mill", HERE, [PUBLISHED])
    first.add("mill", "https://other.example/", [ORDER])
    clock.now += 10 * SECOND
    assert [first.look(), second.look(), first.look()] == [1, 0, 0]
    assert first.send_next()
    assert not first.send_next()
    assert json.loads(receiver.got[0][1])["data"] == {"name": "new"}


def test_messages_of_an_older_release_are_still_sent(tmp_path: Path) -> None:
    """The table of before: nothing that waits is lost with an update."""
    older = Utils(tmp_path / "access-moments.db")
    sending.apply(older, stop_before="messages_and_news")
    older.execute("INSERT INTO deliveries VALUES ('mill', 'msg_1', 'wh_1', 'sealed', 5, 9, 2)")
    older.conn.commit()
    sending.apply(older)
    [row] = older.query("SELECT * FROM messages")
    assert [row[name] for name in ("message_id", "state", "tries", "event")] == [
        *("msg_1", "waiting", 2, "destination.confirmed")
    ]
    older.close()
