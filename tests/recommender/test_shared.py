"""What everybody sees is made from enough different people: places, dishes, pairs, reasons, versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender.ranking.interactions import Interactions
from recommender.ranking.people import pairs_with_enough, shared_items
from recommender.scene import Context, Item, Request, TrainingInput
from recommender.scenes.destinations import DESTINATIONS
from recommender.scenes.orders import OrdersScene
from recommender.scenes.registry import Scenes
from recommender.store.event_arrays import person_of
from tests.recommender.service_fixtures import NOON, Installation, World

DAY = 86_400_000_000
HOME = "geo:52.511,13.421"
TOWN = tuple(Item(f"stop{k}", f"Stop {k}", lat=52.50 + k / 200, lon=13.40) for k in range(8))


def silent(_what: str, _share: float) -> None:
    """Progress that nobody reads."""


def rides(riders: int = 45, home_of: int = 1, place: str = HOME) -> Interactions:
    """Rides of many between stops; `home_of` of them also ride to and from `place`."""
    rows = []
    for rider in range(riders):
        for ride in range(8):
            begin, end = f"stop{(rider + ride) % 8}", f"stop{(rider + ride + 1) % 8}"
            if rider < home_of and ride % 2:
                begin, end = (place, end) if ride % 4 == 1 else (begin, place)
            rows.append((f"r{rider}", begin, end, NOON - (9 - ride) * DAY + rider * 60_000_000))
    who, begins, ends, at = zip(*rows, strict=True)
    columns = {"customer": who, "origin": begins, "item": ends, "time_us": at, "hour": [12.0] * len(at)}
    return Interactions.from_columns({name: np.array(values) for name, values in columns.items()})


def ask(model: Any, seen: Interactions | None, history: Interactions | None = None) -> list[Any]:
    context = Context(lat=52.511, lon=13.421)
    request = Request(history, context, TOWN, 50, NOON, np.random.default_rng(0), recent=seen)
    return list(DESTINATIONS.suggest(model, request).suggestions)


@pytest.fixture(scope="module")
def model() -> Any:
    trained = DESTINATIONS.train(TrainingInput(rides(), TOWN), seed=0, progress=silent)
    assert all(HOME not in str(array.tolist()) for array in trained.arrays.values() if array.dtype.kind == "U")
    assert HOME not in json.dumps(dict(trained.texts))
    return DESTINATIONS.load(trained.arrays, trained.texts)


def test_one_persons_home_is_offered_to_nobody_else(model: Any) -> None:
    """One ride with a pick-up position among 45 riders: no guest near by is offered it, with and without model."""
    assert ask(None, rides())
    assert ask(model, None)
    stranger = rides(home_of=0).of_customer("r40")
    for found in (ask(None, rides()), ask(model, None), ask(model, None, stranger)):
        assert HOME not in [one.item_id for one in found]


def test_the_owner_is_offered_it_in_words(model: Any) -> None:
    """One's own places are one's own; the label is words, and nothing has more than three decimals."""
    own = next(one for one in ask(model, None, rides().of_customer("r0")) if one.item_id == HOME)
    assert own.label is not None
    assert own.label.name.startswith("near Stop ")


@pytest.mark.parametrize(("people", "offered"), [(9, False), (10, True)])
def test_a_place_needs_ten_different_people(people: int, offered: bool) -> None:
    """Nine who rode there are too few, ten are enough: live and in a version."""
    seen = rides(home_of=people)
    trained = DESTINATIONS.train(TrainingInput(seen, TOWN), seed=0, progress=silent)
    loaded = DESTINATIONS.load(trained.arrays, trained.texts)
    for found in (ask(None, seen), ask(loaded, None)):
        assert (HOME in [one.item_id for one in found]) is offered
    named = [one.label.name for one in ask(loaded, None) if one.label]
    assert not any("geo:" in name for name in named)


def test_where_a_ride_begins_is_no_destination() -> None:
    """Thirty people are picked up at a position and nobody rides there: it is offered to nobody."""
    rows = [(f"r{k}", HOME, f"stop{k % 8}", NOON - k * 1_000_000) for k in range(30)]
    who, begin, end, at = zip(*rows, strict=True)
    seen = Interactions.from_columns(
        {"customer": np.array(who), "origin": np.array(begin), "item": np.array(end), "time_us": np.array(at)}
    )
    assert HOME not in [one.item_id for one in ask(None, seen)]


def test_places_of_the_catalogue_are_offered_without_saying_that_they_are_popular() -> None:
    """A new tenant with one ride: the guest gets the map, and no reason speaks of others."""
    found = ask(None, rides(riders=1, home_of=0))
    assert {one.item_id for one in found} >= {place.item_id for place in TOWN[:3]}
    assert {one.reason.code for one in found} == {"on_the_map"}


# --- orders ----------------------------------------------------------------------------------------------


def orders(people: int, others: int = 30) -> Interactions:
    """`others` order tea and cake; `people` of them order the rare pair too, each time."""
    rows = []
    for customer in range(others):
        for order in range(4):
            items = ["tea", "cake"] + (["truffle", "wine"] if customer < people else [])
            rows += [(f"c{customer}", order, item, NOON - order * DAY) for item in items]
    who, number, item, at = zip(*rows, strict=True)
    columns = {"customer": who, "order": number, "item": item, "time_us": at, "hour": [12.0] * len(at)}
    return Interactions.from_columns({name: np.array(values) for name, values in columns.items()})


MENU = tuple(Item(name, name.title(), price=500) for name in ("cake", "tea", "truffle", "wine"))


def said_of(item: str, people: int, basket: tuple[str, ...] = (), *, with_model: bool = True) -> str:
    scene = OrdersScene(explore_share=0.0)
    seen = orders(people)
    trained = scene.train(TrainingInput(seen, MENU), seed=0, progress=silent) if with_model else None
    loaded = scene.load(trained.arrays, trained.texts) if trained else None
    request = Request(None, Context(basket=basket), MENU, 4, NOON, np.random.default_rng(0), recent=seen)
    found = scene.suggest(loaded, request).suggestions
    return next(one.reason.code for one in found if one.item_id == item)


@pytest.mark.parametrize("with_model", [False, True])
def test_a_dish_of_few_people_is_on_the_menu_and_not_popular(with_model: bool) -> None:
    assert said_of("truffle", 9, with_model=with_model) == "on_the_menu"
    assert said_of("truffle", 10, with_model=with_model) == "popular_here"


def test_what_goes_with_a_basket_needs_as_many_people() -> None:
    """Truffle and wine together: nine people's habit is no advice to a tenth."""
    assert said_of("wine", 9, ("truffle",)) == "on_the_menu"
    assert said_of("wine", 20, ("truffle",)) == "with_basket"


def test_pairs_are_counted_by_people_and_not_by_orders() -> None:
    """One person with a hundred orders makes no pair; two people with one each make one of two."""
    from scipy import sparse

    rows = np.array([[1, 1, 0]] * 100 + [[0, 1, 1], [0, 1, 1]])
    left = sparse.csr_array(rows.astype(np.float32))
    person = np.array([0] * 100 + [1, 2])
    found = pairs_with_enough(left, left, person, 2).toarray()
    assert found[1, 2]
    assert found[2, 1]
    assert not found[0, 1]


# --- guests, the desk, older versions --------------------------------------------------------------------


def test_one_kiosk_alone_makes_nothing_popular_in_a_day(world: World) -> None:
    """A hundred guests' orders of one kiosk count as one person that day."""
    for number in range(100):
        world.order("salad", event_id=f"g{number}")
    assert world.suggest().json["items"][0]["item_id"] == "burger"


def test_no_device_counts_as_more_people_by_the_times_that_it_gives(world: World) -> None:
    """Guests of forty hours, all sent now, are one person."""
    events = world.half.service.events
    before = set(events.everything("grill", "ordered").person)
    for hours in range(40):
        at = world.moment(minutes=-60 * hours)
        assert world.order("cola", event_id=f"e{hours}", occurred_at=at).status_code == 201

    assert len(set(events.everything("grill", "ordered").person) - before) == 1


def test_whom_a_guest_counts_as() -> None:
    """At a kiosk one person for each day, in a taxi one for all days, at a position nobody."""
    assert person_of("ann", "k", "ordered", 0, "tea") == "ann"
    assert person_of("", "k", "ordered", 0, "tea") != person_of("", "k", "ordered", DAY, "tea")
    assert person_of("", "k", "rode", 0, "station") == person_of("", "k", "rode", DAY, "station")
    assert person_of("", "k", "rode", 0, HOME) == ""


def test_guests_of_a_fresh_tenant_get_the_menu(installation: Installation, tmp_path: Path) -> None:
    """Two orders of one person: a guest gets the whole menu in its order, and no sentence about others."""
    world = installation.open(tmp_path / "state", Scenes)
    world.order("salad", token=world.token())
    reply = world.suggest(local_time="2026-11-23T12:00:00Z").json
    assert [one["item_id"] for one in reply["items"]] == ["burger", "cola", "salad"]
    assert {one["reason"]["code"] for one in reply["items"]} == {"on_the_menu"}
    world.close()


def test_the_marketer_sets_the_number_and_never_below_the_floor(world: World) -> None:
    """Five at least, in force with the next request; a screen's key may neither read nor set it."""
    world.crowd("salad", n=7)
    world.time_us += 60_000_000
    assert world.suggest().json["items"][0]["item_id"] == "burger"
    assert world.call("GET", "/desk/sharing").status_code == 403
    assert world.call("GET", "/desk/sharing", key="desk").json == {"least_people": 10, "floor": 5, "usual": 10}
    for wrong in (4, 0, -1, "many", None, 10_000):
        assert world.call("PUT", "/desk/sharing", key="desk", json={"least_people": wrong}).status_code == 422
    assert world.call("PUT", "/desk/sharing", key="desk", json={"least_people": 7}).json["least_people"] == 7
    assert world.suggest().json["items"][0]["item_id"] == "salad"
    assert world.call("GET", "/desk/sharing", key="stranger").json["least_people"] == 10


def test_a_version_of_fewer_people_is_not_served(world: World) -> None:
    """After a higher number, and for a version from before people were counted: skipped, and the desk says so."""
    for number in range(3):
        world.order("cola", token=world.token(), event_id=f"c{number}")
    world.call("POST", "/models/orders/train", key="desk")
    world.run_trainings()
    version = world.suggest().json["model_version"]
    assert version is not None
    world.call("PUT", "/desk/sharing", key="desk", json={"least_people": 11})
    assert world.suggest().json["model_version"] is None
    row: Mapping[str, Any] = world.call("GET", "/models", key="desk").json["scenes"][0]
    assert row["skipped"] == [version]


def test_a_mean_of_few_customers_is_not_on_the_desk() -> None:
    """Nine customers left alone: how many they are, not what they spend."""
    from recommender.offers.report import _Groups

    ones = np.ones(20)
    table = _Groups(ones, ones, np.arange(20) >= 9, np.zeros((20, 5))).table()
    assert [row["value"] is None for row in table] == [False, True]


def test_shared_items_count_people() -> None:
    seen = Interactions.from_columns({"customer": ["a", "a", "b", ""], "item": ["x", "x", "y", "y"]})
    assert shared_items(seen, 1).all()
    assert not shared_items(seen, 2).any()
    both = replace(seen, item=np.zeros(4, np.int32))
    assert shared_items(both, 2).tolist() == [True, False]
