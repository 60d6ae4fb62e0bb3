"""The synthetic town: seeded, with habits that can be seen and a truth that can be checked."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import fields
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.town import menu
from data.town.town import Town
from recommender.exchange.checks import check_offers, check_rows
from recommender.exchange.rows import read_rows
from recommender.item import least_price, price_with, usual_choices


@pytest.fixture(scope="module")
def town() -> Town:
    return Town.build()


def test_the_same_seed_gives_the_same_town(town: Town) -> None:
    """Every visit and every ride is a function of the seed; another seed gives another town."""
    again, other = Town.build(), Town.build(seed=1)

    for name in ("visits", "rides"):
        for field in fields(getattr(town, name)):
            assert np.array_equal(
                getattr(getattr(town, name), field.name), getattr(getattr(again, name), field.name)
            )
    assert town.truth == again.truth
    assert town.truth != other.truth


def test_the_town_has_the_size_it_promises(town: Town) -> None:
    """200 customers, 60 dishes, 12 offers, 80 places, 4 sites, 90 days, thousands of visits and rides."""
    assert (len(town.customers), len(town.dishes), len(town.offers), len(town.places)) == (200, 60, 12, 80)
    assert len(menu.SITES) == 4
    assert np.min(town.visits.day) == 0
    assert np.max(town.visits.day) == 89
    assert len(np.unique(town.visits.order)) > 5_000
    assert len(town.rides) > 3_000


def test_names_in_the_catalogue_are_unique_and_priced_in_cents(town: Town) -> None:
    """Nobody orders one of two dishes of the same name; dishes cost 2 to 25 euros, places nothing."""
    for things in (town.dishes, town.places, town.offers):
        assert len({thing.name for thing in things}) == len(things)
    assert all(dish.price is not None and 200 <= dish.price <= 2500 for dish in town.dishes)
    assert all(place.price is None and place.lat is not None for place in town.places)


def test_dishes_are_eaten_when_they_are_served(town: Town) -> None:
    """Every ordered dish is served at a daypart within two hours of the order."""
    v = town.visits
    for code, dish in enumerate(town.dishes):
        hours = v.hour[v.dish == code]
        served = [menu.HOURS[part] for part in dish.dayparts or menu.DAYPARTS]
        assert (np.abs(hours[:, None] - np.array(served)) < 3.2).any(axis=1).all(), dish.name


def test_the_usual_is_what_a_customer_orders_most(town: Town) -> None:
    """Of the habits with ten visits since the change, 19 of 20 show the true usual as the most frequent dish."""
    v, right, seen = town.visits, 0, 0
    centres = np.array(list(menu.HOURS.values()))
    first = np.r_[True, v.order[1:] != v.order[:-1]]
    part = np.abs(v.hour[:, None] - centres).argmin(axis=1)
    for k, name in enumerate(town.customers):
        truth = town.truth[name]
        for daypart, dish in truth.usual.items():
            on = (
                (v.customer == k)
                & (part == menu.DAYPARTS.index(daypart))
                & (v.day >= (truth.changed or 0))
                & first
            )
            if on.sum() < 10:
                continue
            seen += 1
            right += Counter(town.dishes[d].item_id for d in v.dish[on]).most_common(1)[0][0] == dish

    assert seen > 50
    assert right >= 0.95 * seen


def test_tastes_change_in_the_middle_and_newcomers_come_at_the_end(town: Town) -> None:
    """Some customers change between day 36 and 54, some first come in the last two weeks, nobody does both."""
    changed = [t for t in town.truth.values() if t.changed is not None]
    newcomers = [t for t in town.truth.values() if t.joined > 0]

    assert 20 < len(changed) < 80
    assert all(36 <= (t.changed or 0) <= 54 for t in changed)
    assert any(t.usual != t.usual_before for t in changed)
    assert all(t.usual == t.usual_before for t in town.truth.values() if t.changed is None)
    assert 10 < len(newcomers) < 50
    assert all(t.joined >= 76 and t.changed is None for t in newcomers)
    for truth in newcomers:
        days = town.visits.day[town.visits.customer == town.customers.index(truth.customer)]
        assert (days >= truth.joined).all()


def test_truth_knows_the_usual_before_and_after_the_change(town: Town) -> None:
    """The usual of a day is the old one until the day of the change."""
    truth = next(t for t in town.truth.values() if t.changed is not None and t.usual != t.usual_before)
    assert truth.changed is not None
    part = next(p for p in truth.usual if truth.usual[p] != truth.usual_before[p])

    assert truth.usual_at(part, truth.changed - 1) == truth.usual_before[part]
    assert truth.usual_at(part, truth.changed) == truth.usual[part]


def test_rides_go_where_the_truth_says(town: Town) -> None:
    """Of the rides for which the truth names a destination, at least 85 % go there."""
    r = town.rides
    right = named = 0
    for k in range(0, len(r), 5):
        truth = town.truth[town.customers[r.customer[k]]]
        weekday = (town.first_day.weekday() + int(r.day[k])) % 7
        likely = truth.destination_at(weekday, float(r.hour[k]), town.places[r.pickup[k]].item_id)
        named += likely is not None
        right += likely == town.places[r.place[k]].item_id

    assert named > 500
    assert right >= 0.85 * named


def test_no_ride_ends_where_it_starts(town: Town) -> None:
    """A ride goes somewhere."""
    assert (town.rides.pickup != town.rides.place).all()


def test_guests_are_nobody(town: Town) -> None:
    """About one order in eight has no customer, and they are in no history."""
    share = (town.visits.customer < 0).mean()

    assert 0.08 < share < 0.2
    assert (town.orders().customer < 0).mean() == pytest.approx(share)


def test_arrays_and_events_agree(town: Town) -> None:
    """The order lines and rides as arrays are the events of the API, moment for moment and dish for dish."""
    for arrays, events in ((town.orders(), town.order_events()), (town.trips(), town.ride_events())):
        counted: Counter[tuple[str, str, int, int]] = Counter()
        for event in events:
            at = datetime.fromisoformat(event["occurred_at"])
            assert at.utcoffset() is not None
            lines = event.get("items") or [{"item_id": event["item_id"], "quantity": 1}]
            for line in lines:
                counted[event["customer"], line["item_id"], line["quantity"], round(at.timestamp() * 1e6)] += 1
        names = np.append(arrays.customers, "")
        rows = zip(names[arrays.customer], arrays.items[arrays.item], arrays.quantity, arrays.time_us, strict=True)
        assert counted == Counter((str(c), str(i), int(q), int(t)) for c, i, q, t in rows)


def test_local_hours_survive_the_change_of_clocks() -> None:
    """In the week when clocks go back, the hour in the arrays is the one on the town's clock."""
    town = Town.build(days=20, last_day=date(2026, 11, 1))
    orders = town.orders()

    zone = town.moment(0, 12.0).tzinfo
    for time_us, hour in zip(orders.time_us[::50], orders.hour[::50], strict=True):
        local = datetime.fromtimestamp(time_us / 1e6, zone)
        assert local.hour + local.minute / 60 == pytest.approx(hour, abs=0.02)
    assert {town.moment(d, 12.0).utcoffset() for d in range(20)} == {timedelta(hours=2), timedelta(hours=1)}


def test_events_of_one_customer_are_a_part_of_all(town: Town) -> None:
    """Choosing a customer chooses their events and nothing else; "" chooses the guests."""
    everybody = list(town.order_events())

    assert list(town.order_events("c007")) == [e for e in everybody if e["customer"] == "c007"]
    assert list(town.order_events("")) == [e for e in everybody if e["customer"] == ""]
    assert list(town.ride_events("c007")) == [e for e in town.ride_events() if e["customer"] == "c007"]


def test_files_for_a_bulk_import_hold_the_town(town: Town, tmp_path: Path) -> None:
    """Each dish, place, offer, order and ride is one row; the offers are read back by the portfolio itself."""
    files = town.write(tmp_path)
    rows = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in files.items()}

    assert rows["items"] == 61
    assert rows["places"] == 81
    assert rows["orders"] == len(np.unique(town.visits.order))
    assert rows["rides"] == len(town.rides)
    assert json.loads(files["orders"].read_text(encoding="utf-8").splitlines()[0])["type"] == "ordered"
    known = {dish.item_id for dish in town.dishes}
    rows_of_offers = [row for _, row in read_rows(files["offers"], "offers")]
    assert tuple(check_offers(rows_of_offers, known)) == town.offers
    assert check_rows([row for _, row in read_rows(files["items"], "items")], "item") == list(town.dishes)
    assert check_rows([row for _, row in read_rows(files["places"], "places")], "place") == list(town.places)


def test_every_dish_has_its_names_and_texts_in_each_language(town: Town) -> None:
    """No name twice, nothing empty, each in its own script; a dish without milk or meat is vegan, and so on."""
    for language in ("de", "ja"):
        assert len({dish.names[language] for dish in town.dishes}) == 60
    for dish in town.dishes:
        assert set(dish.texts) == {"de", "en", "ja"}
        assert all(dish.texts.values())
        japanese = dish.names["ja"] + dish.texts["ja"]
        assert not re.search(r"[A-Za-z]", re.sub(r"\d+(ml|g)", "", japanese))
        assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", japanese)
        if "vegan" in dish.tags:
            assert not {"milk", "egg", "fish"} & set(dish.allergens or ())
        if "vegetarian" in dish.tags:
            assert "fish" not in (dish.allergens or ())
    margherita = next(dish for dish in town.dishes if dish.name == "Margherita")
    assert "vegetarian" in margherita.tags
    assert "salami" not in " ".join(margherita.texts.values()).lower()


def test_what_can_be_chosen_costs_what_the_menu_says_by_default(town: Town) -> None:
    """Nothing chosen, nothing added; the cheapest choices never bring a dish below nothing."""
    some = [dish for dish in town.dishes if dish.options]
    assert len(some) >= 15
    for dish in some:
        assert price_with(dish, usual_choices(dish, [])) == dish.price
        assert least_price(dish.price or 0, dish.options) > 0
        for group in dish.options:
            assert set(group.names) == {"de", "ja"}
            assert all(set(choice.names) == {"de", "ja"} for choice in group.choices)


def test_a_sensitive_place_begins_with_its_street_in_each_language(town: Town) -> None:
    """Screens show the first word alone before the rider has chosen it."""
    for place in town.places:
        assert set(place.names) == {"de", "ja"}
        if place.sensitive:
            first = [name.split()[0] for name in (place.name, *place.names.values())]
            assert not any(word in " ".join(first) for word in ("hospital", "Krankenhaus", "病院", "Gotteshaus"))


@settings(max_examples=25, deadline=None)
@given(
    customers=st.integers(1, 40),
    days=st.integers(1, 30),
    seed=st.integers(0, 2**32),
    last=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
)
def test_any_small_town_can_be_built(customers: int, days: int, seed: int, last: date) -> None:
    """For every size and calendar, no event lies outside the days of the town, and orders have no holes."""
    town = Town.build(seed, customers=customers, days=days, last_day=last)

    assert town.first_day + timedelta(days=days - 1) == last
    assert ((town.visits.day >= 0) & (town.visits.day < days)).all()
    assert ((town.rides.hour >= 5) & (town.rides.hour < 24)).all()
    assert np.array_equal(np.unique(town.visits.order), np.arange(len(np.unique(town.visits.order))))
    assert len(town.orders()) == len(town.visits)
    assert len(town.trips()) == len(town.rides)


def test_a_scaled_town_has_the_size_asked_for() -> None:
    """Lines, customers and items as asked; rows sorted by customer and order; orders numbered without holes."""
    arrays, items = Town.scaled(500, 80, 20_000, seed=3)

    assert len(arrays) == 20_000
    assert len(items) == 80
    assert np.max(arrays.customer) < 500
    keys = arrays.customer.astype(np.int64) * 100_000 + arrays.order
    assert (np.diff(keys) >= 0).all()
    for customer in range(0, 500, 50):
        orders = np.unique(arrays.order[arrays.customer == customer])
        assert np.array_equal(orders, np.arange(len(orders)))


def test_customers_of_a_scaled_town_have_favourites() -> None:
    """The most frequent item of a customer makes up a third or more of their lines, as habits do."""
    arrays, _ = Town.scaled(200, 300, 20_000, seed=4)
    shares = [
        np.max(np.bincount(arrays.item[arrays.customer == c])) / (arrays.customer == c).sum()
        for c in range(200)
        if (arrays.customer == c).sum() >= 20
    ]

    assert np.median(shares) > 0.33
