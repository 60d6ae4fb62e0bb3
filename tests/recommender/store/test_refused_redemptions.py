"""How many redemptions were refused, on both engines."""

from __future__ import annotations

from plumbing.storage.state import State
from recommender.offers.portfolio import Offer
from recommender.store import open_database
from recommender.store.offer_redemptions import REMEMBERED_US, Refused
from recommender.store.offers import OfferStore


def test_each_is_counted_once_within_thirty_days(state: State) -> None:
    database = open_database(state)
    store = OfferStore(database)
    store.save_offers("grill", [Offer("lunch", "Lunch")], 1)
    store.count_refused("grill", [Refused("h1", "lunch", "offer_ended"), Refused("h2", "gone", "offer_ended")], 5)
    store.count_refused("grill", [Refused("h1", "lunch", "below_minimum_spend")], 6)
    assert store.refused("grill") == {"lunch": {"offer_ended": 1}}

    store.count_refused("grill", [Refused("h1", "lunch", "offer_ended")], 6 + REMEMBERED_US)
    assert store.refused("grill") == {"lunch": {"offer_ended": 2}}
    database.close()
