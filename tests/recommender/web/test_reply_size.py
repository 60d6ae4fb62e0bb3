"""The bound of a reply's size holds whatever the reply says, and says nothing about the customer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plumbing.clock import system_clock
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from recommender.rules.apply import Ruled
from recommender.rules.serving import rows_of
from recommender.scene import Answer, Item, Reason, Suggestion
from recommender.service import RecommenderService, SuggestReply, service_of
from recommender.web.reply_size import ReplySizes
from recommender.web.suggestions import reply_as_json

NAMES = ("Tea", "Ü" * 60, "龍" * 64, "a" * 200)


@pytest.fixture
def service(tmp_path: Path) -> RecommenderService:
    config = RecommenderConfig(home=tmp_path, token_keys=())
    stores = open_stores(config)
    items = [Item(f"{number:064d}", name, price=10**9) for number, name in enumerate(NAMES)]
    stores.catalogue.put("north", "item", items)
    made = service_of(config, stores, system_clock)
    made.caches.menu("north", "item")
    return made


@pytest.mark.parametrize("n", [1, 5, 20, 50])
def test_the_longest_reply_of_all_fits(service: RecommenderService, n: int) -> None:
    """Each row the longest there can be, and a usual basket of eight."""
    sizes, menu = ReplySizes(service), service.caches.menu("north", "item")
    longest = max(menu.items, key=lambda item: len(json.dumps(item.name))).item_id
    suggestion = Suggestion(
        longest, -0.1234567, Reason("recently_popular_x", "x" * 80), explored=True, propensity=0.1 + 0.2
    )
    basket = Suggestion(
        longest, -0.1234567, Reason("usual_basket", "your usual order"), bundle=8 * ((longest, 99),)
    )
    rows = tuple(rows_of(Ruled(Answer((basket, *[suggestion] * (n - 1))), unknown=menu.by_id), menu.by_id))
    reply = SuggestReply(
        "rec_" + 24 * "0", "orders", "0007-3f9a2c41d0be", "second_factor_required", rows, 12345.67, {}
    )

    size = len(json.dumps(reply_as_json(reply)))

    assert size <= sizes.bound("north", "orders", n)
    assert sizes.bound("north", "orders", n) % 1024 == 0


def test_a_longer_name_is_noticed(service: RecommenderService) -> None:
    sizes = ReplySizes(service)
    before = sizes.bound("north", "orders", 50)
    service.stores.catalogue.put("north", "item", [Item("x", "龍" * 200)])
    service.caches.menu("north", "item")

    assert sizes.bound("north", "orders", 50) > before
