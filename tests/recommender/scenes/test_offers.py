"""From request to log to outcome: what is decided, stored, booked and refused."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import pytest

from plumbing.clock import DAY, MINUTE
from plumbing.storage.database import DatabaseBusy
from recommender.offers.decision import FEATURES, HOLDOUT, NO_POLICY, OfferDecision, choose_arm
from recommender.offers.errors import InvalidOutcome, UnknownDecision
from recommender.offers.settings import OfferSettings
from recommender.scene import Event, OrderLine, RecordedEvents
from recommender.scenes import offer_decisions
from recommender.scenes.offer_outcomes import Credit, record_outcome, record_purchases
from recommender.scenes.offer_redemptions import Redemptions
from recommender.scenes.offers import answer_of
from recommender.store.offers import OfferStore
from tests.recommender.offers.world import HOUR, NOW_US, SALT, TENANT, no_holdout, offer, open_store, request

T = TypeVar("T")


@pytest.fixture
def store(tmp_path: Path) -> OfferStore:
    store = open_store(tmp_path / "recommender.db")
    store.save_settings(TENANT, no_holdout())
    return store


def decide(store: OfferStore, pseudonym: str | None = "p1", now_us: int = NOW_US, seed: int = 0) -> OfferDecision:
    rng = np.random.default_rng([seed, now_us, *(pseudonym or "").encode()])
    return offer_decisions.decide_offer(store, request(now_us, rng, pseudonym))


def shown(store: OfferStore, pseudonym: str = "p1", now_us: int = NOW_US) -> OfferDecision:
    """The first decision over seeds that shows something."""
    return next(d for seed in range(99) if (d := decide(store, pseudonym, now_us, seed)).offer)


def outcome(
    store: OfferStore,
    decision: OfferDecision,
    kind: str,
    event_id: str,
    minutes: float,
    cost: int | None = None,
) -> Credit:
    at = decision.decided_us + int(minutes * MINUTE)
    return record_outcome(store, TENANT, decision.decision_id, kind, event_id, at, at, cost=cost)


def test_an_empty_portfolio_gives_no_offer_and_no_error(store: OfferStore) -> None:
    """Nothing to show: `none` with propensity one, logged, answered as a fallback."""
    decision = decide(store)

    assert (decision.arm, decision.propensities, decision.why) == ("none", {"none": 1.0}, "nothing_eligible")
    assert answer_of(decision).fallback == "no_offer"
    assert store.decision(TENANT, decision.decision_id)["arm"] == "none"


def test_the_log_holds_all_that_judges_a_decision(store: OfferStore) -> None:
    """Propensities of every eligible arm, reasons for the rest, features, seed, windows; and it replays."""
    store.save_offers(TENANT, [offer("a"), offer("b"), offer("c", status="paused")], NOW_US)
    decision = decide(store)
    row = store.decision(TENANT, decision.decision_id)

    spread = json.loads(row["propensities"])
    context = json.loads(row["context"])
    features = np.array([context[name] for name in FEATURES])
    again, _, _ = choose_arm(row["cell"], ["a", "b"], NO_POLICY, features, no_holdout(), row["seed"])

    assert set(spread) == {"none", "a", "b"}
    assert sum(spread.values()) == pytest.approx(1)
    assert json.loads(row["excluded"]) == {"c": "paused"}
    assert again == row["arm"]
    assert row["reward_end_us"] == NOW_US + 72 * HOUR


def test_the_holdout_is_left_alone(store: OfferStore) -> None:
    """Half of the customers are in the holdout: they see nothing on any visit, and the log has their cell."""
    store.save_settings(TENANT, OfferSettings(SALT, holdout_share=0.5))
    store.save_offers(TENANT, [offer("a")], NOW_US)
    cells: dict[str, set[str]] = {}
    for visit in range(3):
        for person in range(20):
            decision = decide(store, f"p{person}", NOW_US + visit, seed=visit * 20 + person)
            cells.setdefault(f"p{person}", set()).add(decision.cell)
            assert decision.cell != HOLDOUT or decision.arm == "none"

    assert all(len(seen) == 1 for seen in cells.values())
    assert {"holdout"} in cells.values()
    assert {"policy"} in cells.values()


def test_guests_get_the_same_offer_with_its_budget_and_without_learning(store: OfferStore) -> None:
    """Guests get the best single offer; it is reserved and logged, and nothing is learned from it."""
    store.save_offers(TENANT, [offer("a", budget_count=2, never_twice=True), offer("b", status="paused")], NOW_US)

    arms = [decide(store, None, seed=seed).arm for seed in range(3)]

    assert arms == ["a", "a", "none"]
    assert store.with_outcomes(TENANT, NOW_US + 30 * DAY, 0) == []


def test_never_twice_means_never_twice(store: OfferStore) -> None:
    """Thirty visits, two offers that may be shown once each."""
    store.save_offers(TENANT, [offer("a", never_twice=True), offer("b", never_twice=True)], NOW_US)

    arms = [decide(store, now_us=NOW_US + visit * DAY, seed=visit).arm for visit in range(30)]

    assert sorted(arm for arm in arms if arm != "none") == ["a", "b"]


def test_a_reservation_goes_back_when_its_window_ends(store: OfferStore) -> None:
    """One redemption in the budget: shown, refused to the next, free again after window and lateness."""
    store.save_offers(TENANT, [offer("a", budget_count=1, window_hours=10)], NOW_US)
    outcome(store, shown(store), "viewed", "e1", 1)

    assert decide(store, "p2").excluded == {"a": "budget_count"}
    assert decide(store, "p2", NOW_US + 33 * HOUR).excluded == {"a": "budget_count"}
    assert shown(store, "p2", NOW_US + 34 * HOUR).arm == "a"


def test_a_completion_is_spent_once(store: OfferStore) -> None:
    """Shown, viewed, completed, and the completion twice more: one redemption booked, nothing left reserved."""
    store.save_offers(TENANT, [offer("a", budget_money=1_000, redemption_cost=300)], NOW_US)
    decision = shown(store)
    outcome(store, decision, "viewed", "e1", 1)

    first = outcome(store, decision, "completed", "e2", 5, cost=250)
    same = outcome(store, decision, "completed", "e2", 5, cost=250)
    other = outcome(store, decision, "completed", "e3", 6)

    assert [(c.stored, c.credited, c.why) for c in (first, same, other)] == [
        (True, True, "completed"),
        (False, False, "duplicate"),
        (True, False, "completed_before"),
    ]
    used = store.usage(TENANT)["a"]
    assert (used.spent_count, used.spent_money, used.reserved_count, used.reserved_money) == (1, 250, 0, 0)


def test_a_completion_without_a_view_earns_no_credit_until_the_view_arrives(store: OfferStore) -> None:
    """Out of order: the completion comes first, the earlier view late; the closed log counts both."""
    store.save_offers(TENANT, [offer("a", redemption_cost=100)], NOW_US)
    blind, late = shown(store), shown(store, "p2")
    assert outcome(store, blind, "completed", "e1", 10).why == "not_viewed_yet"
    assert outcome(store, late, "completed", "e2", 10).why == "not_viewed_yet"
    outcome(store, late, "viewed", "e3", 2)

    by_id = {row["decision_id"]: row for row in store.with_outcomes(TENANT, NOW_US + 30 * DAY, 0)}

    assert by_id[blind.decision_id]["viewed_us"] is None
    assert by_id[late.decision_id]["viewed_us"] < by_id[late.decision_id]["completed_us"]


def test_outcomes_after_the_window_count_nothing(store: OfferStore) -> None:
    """Redeemed after it had ended: stored, not booked, not credited."""
    store.save_offers(TENANT, [offer("a", window_hours=1, redemption_cost=100)], NOW_US)
    decision = shown(store)
    outcome(store, decision, "viewed", "e1", 5)

    late = outcome(store, decision, "completed", "e2", 61)

    assert (late.stored, late.credited, late.why) == (True, False, "outside_window")
    assert store.usage(TENANT)["a"].spent_count == 0


def test_an_outcome_of_a_decision_that_never_was_is_refused(store: OfferStore) -> None:
    """Unknown, another tenant's, another customer's: all three look the same, and nothing is stored."""
    store.save_offers(TENANT, [offer("a")], NOW_US)
    decision = shown(store)

    for tenant, wanted, who in (
        (TENANT, "dec_ghost", None),
        ("bistro", decision.decision_id, None),
        (TENANT, decision.decision_id, "p9"),
    ):
        with pytest.raises(UnknownDecision, match=wanted):
            record_outcome(store, tenant, wanted, "viewed", "e", NOW_US, NOW_US, pseudonym=who)
    assert store.outcomes(TENANT, decision.decision_id) == []


def test_impossible_outcomes_are_refused(store: OfferStore) -> None:
    """Before the decision, in the future, of a wrong kind, of nothing, or with a negative cost."""
    store.save_offers(TENANT, [offer("a")], NOW_US)
    decision = shown(store)
    store.save_offers(TENANT, [offer("a", status="ended")], NOW_US)
    nothing = decide(store, "p2")

    for decided, kind, at, cost in (
        (decision, "viewed", NOW_US - HOUR, None),
        (decision, "viewed", NOW_US + HOUR, None),
        (decision, "liked", NOW_US, None),
        (nothing, "viewed", NOW_US, None),
        (decision, "completed", NOW_US, -1),
    ):
        with pytest.raises(InvalidOutcome):
            record_outcome(store, TENANT, decided.decision_id, kind, "e", at, NOW_US, cost=cost)
    assert store.outcomes(TENANT, decision.decision_id) == []


def test_purchases_are_the_reward_of_every_open_window_once(store: OfferStore) -> None:
    """A purchase inside the window counts, one after it and one sent twice do not."""
    store.save_offers(TENANT, [offer("a")], NOW_US)
    decision = decide(store)
    inside = ("b1", "p1", NOW_US + HOUR, 700)

    assert record_purchases(store, TENANT, [inside, ("b2", "p1", NOW_US + 73 * HOUR, 900)], NOW_US + 4 * DAY) == 2
    assert record_purchases(store, TENANT, [inside], NOW_US + 4 * DAY) == 0

    (row,) = store.with_outcomes(TENANT, NOW_US + 4 * DAY, 0)
    assert (row["decision_id"], row["spent"]) == (decision.decision_id, 700)


@pytest.mark.parametrize("wrong", [("b", "p1", NOW_US, -1), ("b", "p1", NOW_US + DAY, 5), ("b", "", NOW_US, 5)])
def test_a_wrong_purchase_stores_nothing(store: OfferStore, wrong: tuple[str, str, int, int]) -> None:
    """The batch's good purchase is not stored either."""
    with pytest.raises(InvalidOutcome):
        record_purchases(store, TENANT, [("good", "p1", NOW_US, 5), wrong], NOW_US)

    assert store.purchases_before(TENANT, "p1", NOW_US + DAY, 0).n == 0


def test_an_open_window_is_censored(store: OfferStore) -> None:
    """A decision of yesterday has no reward yet; it is open, not zero."""
    store.save_offers(TENANT, [offer("a")], NOW_US)
    decide(store)

    assert [store.with_outcomes(TENANT, NOW_US + days * DAY, DAY)[0]["open"] for days in (1, 3, 4)] == [1, 1, 0]


def test_features_are_strictly_before_the_decision(store: OfferStore) -> None:
    """A purchase of the same instant is not known yet; one of an hour ago is."""
    rows = [("b1", "p1", NOW_US - HOUR, 400), ("b2", "p1", NOW_US, 9_999)]
    record_purchases(store, TENANT, rows, NOW_US)

    context = decide(store).context

    assert (context["n_tx"], context["spend"], context["last_tx_h"], context["max_tx"]) == (1, 400, 1, 400)


def test_nothing_but_these_features_is_read(store: OfferStore) -> None:
    """The context holds the listed features and the site: no item, no tag, nothing of the face or the person."""
    store.save_offers(TENANT, [offer("a", items=("latte",))], NOW_US)

    assert set(decide(store).context) == {*FEATURES, "site"}


def test_a_clock_set_back_shows_nothing_twice(store: OfferStore) -> None:
    """Shown tomorrow by a wrong clock, and today the clock is right again."""
    store.save_offers(TENANT, [offer("a", never_twice=True)], NOW_US)
    shown(store, now_us=NOW_US + DAY)

    assert decide(store, now_us=NOW_US).excluded == {"a": "shown_before"}


def test_forgetting_leaves_nothing_and_gives_the_budget_back(store: OfferStore) -> None:
    """Decisions, outcomes, purchases and the reservation of the forgotten are gone; the neighbour's stay."""
    store.save_offers(TENANT, [offer("a", budget_count=9)], NOW_US)
    mine, other = shown(store), shown(store, "p2")
    outcome(store, mine, "viewed", "e1", 1)
    record_purchases(store, TENANT, [("b1", "p1", NOW_US, 5)], NOW_US)
    before = store.usage(TENANT)["a"].reserved_count

    gone = store.forget(TENANT, "p1")

    assert gone["offer_outcomes"] == gone["offer_purchases"] == 1
    assert store.usage(TENANT)["a"].reserved_count == before - gone["offer_reservations"]
    assert [row["pseudonym"] for row in store.with_outcomes(TENANT, NOW_US, 0)].count("p1") == 0
    assert store.decision(TENANT, other.decision_id)["pseudonym"] == "p2"


def test_a_changed_portfolio_is_seen_at_once_by_another_process(tmp_path: Path, store: OfferStore) -> None:
    """Two stores on one file: what one pauses, the other no longer shows."""
    other = open_store(tmp_path / "recommender.db")
    store.save_offers(TENANT, [offer("a")], NOW_US)
    assert shown(other).arm == "a"

    store.save_offers(TENANT, [offer("a", status="paused")], NOW_US)

    assert decide(other, "p2").excluded == {"a": "paused"}


def _visits(path: Path, worker: int, visits: int) -> None:
    """One of several processes: the same three customers again and again."""
    store = open_store(path)
    for visit in range(visits):
        now, name = NOW_US + visit, f"{worker}-{visit}"
        decision = _again(partial(decide, store, f"p{visit % 3}", now, worker))
        if decision.arm == "dear" and visit % 2:
            _again(partial(record_outcome, store, TENANT, decision.decision_id, "completed", name, now, now))


def _again(work: Callable[[], T], times: int = 20) -> T:
    """As a till does when a busy machine answers "send the request again": nothing was stored."""
    for _ in range(times - 1):
        with suppress(DatabaseBusy):
            return work()
    return work()


def test_four_processes_overspend_nothing_and_exceed_no_cap(tmp_path: Path) -> None:
    """160 visits from 4 processes: 7 redemptions of 100 fit into 790, and nobody sees `once` twice."""
    path = tmp_path / "recommender.db"
    store = open_store(path)
    store.save_settings(TENANT, no_holdout())
    store.save_offers(
        TENANT, [offer("dear", redemption_cost=100, budget_money=790), offer("once", never_twice=True)], NOW_US
    )
    context = multiprocessing.get_context("spawn")
    crew = [context.Process(target=_visits, args=(path, worker, 40)) for worker in range(4)]

    for process in crew:
        process.start()
    for process in crew:
        process.join(60)

    assert [process.exitcode for process in crew] == [0] * 4
    arms = [(row["pseudonym"], row["arm"]) for row in store.with_outcomes(TENANT, NOW_US, 0)]
    used = store.usage(TENANT)["dear"]
    assert len(arms) == 160
    assert sum(arm == "dear" for _, arm in arms) == used.spent_count + used.reserved_count == 7
    assert used.spent_money + used.reserved_money == 700
    assert all(arms.count((f"p{person}", "once")) == 1 for person in range(3))


def test_of_several_orders_in_a_batch_a_redemption_belongs_to_the_nearest() -> None:
    """A till that was offline for an hour sends the orders of several guests in one batch."""

    def happened(event_id: str, kind: str, minute: int) -> Event:
        lines = (OrderLine("meal" if kind == "redeemed" else "burger", 1, 1500),)
        return Event(event_id, kind, "offers", "", minute * MINUTE, 12.0, 0, lines, sender="till")

    orders = [happened(f"o{minute}", "ordered", minute) for minute in (0, 20, 40)]
    redemptions = [happened(f"r{minute}", "redeemed", minute) for minute in (1, 21, 41)]
    batch = RecordedEvents("grill", [*orders, *redemptions], 60 * MINUTE, (), {})
    found = [Redemptions(cast(OfferStore, None), batch).order_of(one) for one in redemptions]
    assert [one.key if one else "" for one in found] == [one.key for one in orders]
