"""What the house's rules cost a request: the same question with and without them, in turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from bench.measure import Row, in_turn
from data.town.town import Town
from recommender.rules.document import RulesDocument
from recommender.rules.plan import NO_RULES, LiveRules
from recommender.rules.serving import answer_of
from recommender.scene import Context, Item, Request, TrainingInput
from recommender.scenes.orders import ORDERS

CUSTOMERS, ITEMS, EVENTS = 600, 500, 12_000
MOST_MS = 0.2
"""That ten rules may add to a request."""


def rules_of(items: list[Item], n: int) -> RulesDocument:
    """`n` rules: two pins, a sponsored place, a limit and hides; the last third of another time of the day."""
    rows: list[dict[str, object]] = [
        {"kind": "pin", "item": items[0].item_id, "position": 2},
        {"kind": "pin", "item": items[1].item_id, "position": 5},
        {"kind": "sponsored", "item": items[2].item_id, "position": 3, "sponsor": "Brewery"},
        {"kind": "limit", "category": items[3].category, "most": 2},
    ]
    for k in range(4, n):
        when = {"dayparts": ["night"]} if k > 2 * n // 3 else {}
        rows.append({"kind": "hide", "item": items[k].item_id, "when": when})
    return RulesDocument.model_validate({"rules": [{"id": f"r{k}"} | row for k, row in enumerate(rows[:n])]})


def rules(n: int) -> list[Row]:
    """The scene `orders` in this process, ten dishes for one customer."""
    interactions, catalogue = Town.scaled(CUSTOMERS, ITEMS, EVENTS, seed=1)
    trained = ORDERS.train(
        TrainingInput(interactions, tuple(catalogue)), seed=0, progress=lambda what, share: None
    )
    model = ORDERS.load(trained.arrays, trained.texts)
    starts = np.searchsorted(interactions.customer, np.arange(CUSTOMERS + 1))
    histories = [interactions.where(slice(starts[c], starts[c + 1])) for c in range(200)]
    dishes, by_id = tuple(catalogue), {item.item_id: item for item in catalogue}
    moment = datetime.fromtimestamp(int(np.max(interactions.time_us)) / 1e6, UTC).replace(hour=12)
    now_us = int(moment.timestamp() * 1e6)

    def asking(live: LiveRules) -> Callable[[int], object]:
        def ask(k: int) -> object:
            history, context = histories[k % len(histories)], Context(site="site-1", local_time=moment)
            request = Request(history, context, dishes, 10, now_us, np.random.default_rng(k))
            return answer_of(live, ORDERS, model, request, by_id)

        return ask

    few, many = (LiveRules([(1, rules_of(catalogue, k))]) for k in (10, 100))
    plain, ten, hundred = in_turn([asking(NO_RULES), asking(few), asking(many)], n, clock=time.thread_time)
    section = f"Rules of the house, orders of {ITEMS:,} items (p50)"
    return [
        Row(section, "without rules", plain.p50, "ms"),
        Row(section, "added by 10 rules", ten.p50 - plain.p50, "ms", MOST_MS, "less"),
        Row(section, "added by 100 rules", hundred.p50 - plain.p50, "ms"),
        Row(section, "with 10 rules / without", ten.p50 / plain.p50, "x"),
    ]
