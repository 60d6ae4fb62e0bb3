"""Orders, destinations and offers each keep the promises of every scene (scene_suite.py)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import numpy as np

from plumbing.clock import DAY, HOUR, MINUTE
from recommender.ranking.interactions import Interactions
from recommender.scene import Context, Item, OrderLine, Trained, TrainingInput
from recommender.scenes.destinations import DestinationsScene
from recommender.scenes.offer_decisions import decide_offer
from recommender.scenes.offers import OffersScene
from recommender.scenes.orders import OrdersScene
from tests.recommender.offers.world import MENU, NOON, NOW_US, TENANT, no_holdout, offer, open_store, request
from tests.recommender.scenes.scene_suite import ORDER, REGULAR, Case, SceneSuite, Who, silent

ORDINARY: Mapping[tuple[Who, bool], str | None] = {
    ("guest", False): "no_token",
    ("guest", True): "no_token",
    ("newcomer", False): "no_history",
    ("newcomer", True): "no_history",
    ("regular", False): "no_model",
    ("regular", True): None,
}


def visits(things: list[str], rng: np.random.Generator, *, customers: int, each: int) -> Interactions:
    """Customer k chooses thing k four times in five, else any of them; two visits a day, all from thing 0."""
    rows = []
    for k, t in itertools.product(range(customers), range(each)):
        usual = things[k % len(things)] if rng.random() < 0.8 else str(rng.choice(things))
        rows.append((REGULAR if k == 0 else f"c{k}", usual, t))
    times = [NOW_US - (each - t) * DAY // 2 + k * MINUTE for k, (_, _, t) in enumerate(rows)]
    return Interactions.from_columns(
        {
            "customer": [row[0] for row in rows],
            "item": [row[1] for row in rows],
            "origin": [things[0]] * len(rows),
            "time_us": times,
            "hour": [datetime.fromtimestamp(t / 1e6, UTC).hour for t in times],
            "weekday": [datetime.fromtimestamp(t / 1e6, UTC).weekday() for t in times],
        }
    )


class TestOrders(SceneSuite):
    """Forty customers, ten dishes, one of them sold out."""

    fallbacks: ClassVar[Mapping[tuple[Who, bool], str | None]] = ORDINARY

    @classmethod
    def case(cls, folder: Path) -> Case:
        menu = tuple(Item(f"dish{k}", f"Dish {k}", price=500 + k, available=k != 3) for k in range(10))
        names = [item.item_id for item in menu]
        seen = visits(names, np.random.default_rng(0), customers=40, each=8)
        data = TrainingInput(seen, menu, TENANT, NOW_US)
        return Case(OrdersScene(), data, Context(site="mitte", local_time=NOON), NOW_US, frozenset({"dish3"}))


class TestDestinations(SceneSuite):
    """Forty riders, ten places, one of them closed; the pick-up is at none of them."""

    fallbacks: ClassVar[Mapping[tuple[Who, bool], str | None]] = ORDINARY

    @classmethod
    def case(cls, folder: Path) -> Case:
        places = tuple(
            Item(f"place{k}", f"Place {k}", lat=52.5 + k / 100, lon=13.4, available=k != 3) for k in range(10)
        )
        names = [place.item_id for place in places]
        seen = visits(names, np.random.default_rng(0), customers=40, each=12)  # enough to fit a ranker
        context = Context(lat=52.5, lon=13.41, local_time=NOON)
        return Case(
            DestinationsScene(),
            TrainingInput(seen, places, TENANT, NOW_US),
            context,
            NOW_US,
            frozenset({"place3"}),
        )

    def test_events_may_name_positions(self, tmp_path: Path) -> None:
        """A ride may end where no place of the catalogue is; half a position is none."""
        known = DestinationsScene().known(TENANT, {})
        assert "geo:52.5,13.4" in known.ids
        assert "geo:52.5" not in known.ids
        assert "geo:99,13" not in known.ids


class TestOffers(SceneSuite):
    """Two offers that run and one that is paused; the training data are decisions in the log."""

    fallbacks: ClassVar[Mapping[tuple[Who, bool], str | None]] = {
        ("guest", False): "no_token",
        ("guest", True): "no_token",
        ("newcomer", False): "no_model",
        ("newcomer", True): None,
        ("regular", False): "no_model",
        ("regular", True): None,
    }

    @classmethod
    def case(cls, folder: Path) -> Case:
        folder.mkdir(exist_ok=True)
        store = open_store(folder / "recommender.db")
        store.save_settings(TENANT, no_holdout())
        store.save_offers(TENANT, [offer("good"), offer("poor"), offer("paused", status="paused")], NOW_US)
        data = TrainingInput(catalogue=MENU, tenant=TENANT, now_us=NOW_US)
        return Case(
            OffersScene(store), data, Context(site="mitte", local_time=NOON), NOW_US, frozenset({"paused"})
        )

    @classmethod
    def train(cls, case: Case) -> Trained:
        """After 300 visits whose windows have closed; `good` earns most."""
        for visit in range(300):
            at = NOW_US + visit
            customer = REGULAR if visit == 0 else f"c{visit}"
            answer = case.scene.suggest(None, request(at, np.random.default_rng(visit), customer))
            shown = answer.suggestions[0].item_id if answer.suggestions else "none"
            price = {"good": 900, "poor": 300, "none": 400}[shown]
            bought = replace(
                ORDER,
                event_id=f"b{visit}",
                customer=customer,
                time_us=at + 1,
                lines=(OrderLine("latte", price=price),),
            )
            case.scene.record(case.batch(bought, ("offers",)))
        later = replace(case.data, now_us=NOW_US + 10 * DAY)
        return case.scene.train(later, seed=0, progress=silent)

    def test_an_outcome_is_in_the_marketers_figures(self, tmp_path: Path) -> None:
        """Shown, viewed, redeemed: reported as one redemption after a view."""
        case = self.case(tmp_path)
        seeds = (case.scene.suggest(None, case.request("regular", seed=seed)) for seed in range(99))
        answer = next(answer for answer in seeds if answer.suggestions)
        for minutes, event_type in enumerate(("shown", "redeemed"), 1):
            event = replace(
                ORDER,
                event_id=event_type,
                type=event_type,
                scene="offers",
                time_us=NOW_US + minutes * MINUTE,
                lines=(OrderLine(answer.suggestions[0].item_id),),
                recommendation_id=answer.decision_id or "",
            )
            case.scene.record(case.batch(event))
        figures = case.scene.report(TENANT, NOW_US + 10 * DAY, None)
        assert (figures["completed_aware"], figures["completed_blind"]) == (1, 0)

    def test_a_purchase_needs_consent(self, tmp_path: Path) -> None:
        """Without the purpose `offers` nothing of an order is in the log."""
        case = self.case(tmp_path)
        bought = replace(ORDER, time_us=NOW_US - HOUR, lines=(OrderLine("latte"),))
        store = open_store(tmp_path / "recommender.db")
        for purposes, spend in ((("orders",), 0), (("orders", "offers"), 390)):
            case.scene.record(case.batch(bought, purposes))
            assert decide_offer(store, case.request("regular", seed=spend)).context["spend"] == spend
