"""Many writers at once, on both engines: nothing twice, no budget overspent, nobody who left comes back."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from plumbing.clock import MINUTE
from plumbing.storage.state import State
from recommender.assembly import RecommenderStores, open_stores
from recommender.config import RecommenderConfig
from recommender.errors import Erased, EventConflict, TooManyEvents
from recommender.offers.decision import OfferDecision
from recommender.scenes.offer_outcomes import record_outcome
from recommender.store import quotas
from recommender.store.quotas import Quota
from tests.recommender.offers.world import offer
from tests.recommender.store.test_events import NOW, order

THREADS = 8
T = TypeVar("T")


@pytest.fixture
def stores(state: State) -> Iterator[RecommenderStores]:
    made = open_stores(RecommenderConfig(state.home, (), database=state.url))
    yield made
    made.models.close()
    made.database.close()


def at_once(work: Callable[[int], T], n: int = THREADS) -> list[T]:
    """What `n` threads return that begin at the same moment."""
    ready = threading.Barrier(n)

    def begin(number: int) -> T:
        ready.wait()
        return work(number)

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(begin, range(n)))


def test_a_batch_that_everybody_sends_is_stored_once(stores: RecommenderStores) -> None:
    """In another order each time: they wait for each other, and never in a circle."""
    batch = [order(f"e{n}", "tea", "bun") for n in range(30)]

    new = at_once(lambda number: stores.events.record("grill", batch[number:] + batch[:number], NOW))

    assert sum(new) == 30
    assert stores.events.counts("grill") == {"ordered": 30}
    assert len(stores.events.everything("grill", "ordered")) == 60


def test_who_is_erased_while_others_record_for_them_does_not_come_back(stores: RecommenderStores) -> None:
    def work(number: int) -> int:
        if number == 0:
            return -stores.events.erase("grill", "ann", NOW)
        done = 0
        for n in range(6):
            try:
                done += stores.events.record("grill", [order(f"{number}-{n}", "tea")], NOW)
            except Erased:
                break
        return done

    at_once(work)

    assert stores.events.counts("grill") == {}
    assert stores.events.is_erased("grill", "ann")


def test_a_budget_is_never_overspent(stores: RecommenderStores) -> None:
    stores.offers.save_offers("grill", [offer("lunch", budget_count=5)], NOW)
    lunch = stores.offers.offer("grill", "lunch")

    taken = at_once(
        lambda number: [stores.offers.reserve("grill", f"{number}-{n}", lunch, NOW + 9) for n in range(3)]
    )

    assert sum(map(sum, taken)) == 5
    assert stores.offers.usage("grill")["lunch"].reserved_count == 5


def test_a_redemption_that_everybody_reports_is_booked_once(stores: RecommenderStores) -> None:
    stores.offers.save_offers("grill", [offer("lunch", budget_count=5)], NOW)
    decision = OfferDecision(
        decision_id="d1",
        decided_us=NOW,
        pseudonym="ann",
        cell="policy",
        arm="lunch",
        propensities={"lunch": 1.0},
        excluded={},
        context={},
        schema_version=1,
        seed=1,
        policy_version="",
        why="",
        reward_end_us=NOW + 10**9,
        redeem_end_us=NOW + 10**9,
    )
    stores.offers.log("grill", decision)
    stores.offers.reserve("grill", "d1", stores.offers.offer("grill", "lunch"), NOW + 10**9)

    def report(number: int) -> str:
        with stores.database.write(shared=True):
            return record_outcome(stores.offers, "grill", "d1", "completed", f"e{number}", NOW + 1, NOW + 1).why

    reasons = at_once(report)

    assert sorted(reasons) == ["completed_before"] * (THREADS - 1) + ["not_viewed_yet"]
    assert stores.offers.usage("grill")["lunch"].spent_count == 1


def test_a_senders_quota_is_counted_exactly(stores: RecommenderStores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "QUOTAS", (Quota(MINUTE, events=20, lines=10_000, bytes=10**9),))

    def send(_: int) -> int:
        done = 0
        for _ in range(4):
            try:
                with stores.database.write(shared=True):
                    stores.quotas.add("grill", "kiosk", NOW, events=1, lines=1, size=1)
                done += 1
            except TooManyEvents:
                pass
        return done

    assert sum(at_once(send)) == 20


def test_a_batch_says_of_each_event_whether_it_is_new(stores: RecommenderStores) -> None:
    """Twice in one batch, stored without a sender before, and changed: as one by one."""
    plain = order("a", "tea")
    sent = dataclasses.replace(plain, sender="kiosk")
    more = [dataclasses.replace(order(f"n{n}", "tea"), sender="kiosk") for n in range(70)]

    assert stores.events.record("grill", [plain, sent, plain], NOW) == 1
    assert stores.events.record("grill", [sent, *more, *more], NOW) == 70
    changed = dataclasses.replace(more[69], time_us=NOW + 1)
    with pytest.raises(EventConflict) as conflict:
        stores.events.record(
            "grill", [dataclasses.replace(order("z", "tea"), sender="kiosk"), *more, changed], NOW
        )

    assert conflict.value.index == 71
    assert stores.events.counts("grill") == {"ordered": 71}
    assert len(stores.events.everything("grill", "ordered")) == 71
