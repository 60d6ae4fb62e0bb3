"""Favourite orders end to end in a toy world: training, serving, filters, reasons, exploring."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from recommender.orders.model import LEARNED
from recommender.orders.signals.crowd import ItemCrowd
from recommender.ranking.interactions import Interactions
from recommender.scene import Answer, Context, Item, Request, Trained, TrainingInput
from recommender.scenes.orders import OrdersScene, ServedOrders
from tests.recommender.orders.worlds import DAY_US, habits, menu, of, orders

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOW = 20_100 * DAY_US
QUIET = OrdersScene(explore_share=0.0)


def silent(_what: str, _share: float) -> None:
    """Progress nobody looks at."""


@pytest.fixture(scope="module")
def trained() -> Trained:
    return OrdersScene().train(TrainingInput(habits(), menu()), seed=0, progress=silent)


@pytest.fixture(scope="module")
def served(trained: Trained) -> ServedOrders:
    return QUIET.load(trained.arrays, trained.texts)


def suggest(
    model: ServedOrders | None,
    history: Interactions | None,
    *,
    n: int = 5,
    catalogue: tuple[Item, ...] | None = None,
    recent: Interactions | None = None,
    scene: OrdersScene = QUIET,
    seed: int = 0,
    **context: Any,
) -> Answer:
    fields: dict[str, Any] = {"site": "s0", "local_time": NOON} | context
    rng = np.random.default_rng(seed)
    items = menu() if catalogue is None else catalogue
    return scene.suggest(model, Request(history, Context(**fields), items, n, NOW, rng, recent))


def ids(answer: Answer) -> list[str]:
    return [suggestion.item_id for suggestion in answer.suggestions]


def test_everybody_gets_their_usual_first(served: ServedOrders) -> None:
    """In a world where customer k orders dish k % 12, that dish comes first for each of them."""
    seen = habits()
    first = [ids(suggest(served, of(seen, f"c{k:03d}"), site=f"s{k % 2}"))[0] for k in range(40)]

    assert sum(dish == f"i{k % 12:02d}" for k, dish in enumerate(first)) >= 38


def test_the_reason_counts_visits(served: ServedOrders) -> None:
    """Seven of ten visits: the sentence says so."""
    history = orders(*[("x", k, "i05" if k < 7 else "i01") for k in range(10)])
    answer = suggest(served, history)
    usual = next(s for s in answer.suggestions if s.item_id == "i05")

    assert usual.reason.code == "usual"
    assert usual.reason.text == "you ordered this on 7 of your last 10 visits"
    assert answer.fallback is None


def test_an_order_placed_a_second_ago_counts(served: ServedOrders) -> None:
    """Without retraining, five orders of another dish change what comes first."""
    before = orders(*[("x", k, "i05") for k in range(3)])
    after = orders(*[("x", k, "i05") for k in range(3)], *[("x", k, "i08") for k in range(3, 9)])

    assert ids(suggest(served, before))[0] == "i05"
    assert ids(suggest(served, after))[0] == "i08"


def test_a_guest_and_a_newcomer_get_what_is_popular(served: ServedOrders) -> None:
    """Nobody's history, an empty one, no model: each says which, and each still has an answer."""
    seen = habits()
    empty = seen.where(slice(0, 0))

    assert suggest(served, None).fallback == "no_token"
    assert suggest(served, empty).fallback == "no_history"
    assert suggest(None, of(seen, "c003"), recent=seen).fallback == "no_model"
    for answer in (suggest(served, None), suggest(served, empty), suggest(None, None, recent=seen)):
        assert len(ids(answer)) == 5
        assert answer.suggestions[0].reason.code == "popular_here"
    assert ids(suggest(None, of(seen, "c003"), recent=seen))[0] == "i03"


def test_without_a_model_the_same_rows_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every guest of a minute has the same latest rows. With them goes what was counted: nobody is kept there."""
    counted: list[int] = []
    of_popularity = ItemCrowd.of_popularity

    def counting(seen: Interactions, n_items: int, least_people: int = 1) -> ItemCrowd:
        counted.append(len(seen))
        return of_popularity(seen, n_items, least_people)

    monkeypatch.setattr(ItemCrowd, "of_popularity", counting)
    scene, seen = OrdersScene(explore_share=0.0), habits()
    first = [ids(suggest(None, None, recent=seen, scene=scene)) for _ in range(3)]
    other = ids(suggest(None, None, recent=seen.where(slice(0, 40)), scene=scene))

    assert first[0] == first[1] == first[2] != other
    assert counted == [len(seen), 40]
    assert len(vars(scene)["_counted"]) == 1  # the forty are gone
    del seen
    gc.collect()
    assert not vars(scene)["_counted"]


def test_nothing_known_at_all_still_answers() -> None:
    """No model, no events: the menu, in a fixed order; no menu: nothing."""
    assert ids(suggest(None, None, n=3)) == ids(suggest(None, None, n=3))
    assert len(ids(suggest(None, None, n=3))) == 3
    assert ids(suggest(None, None, catalogue=())) == []
    assert ids(suggest(None, None, n=0)) == []


def test_each_filter_removes_and_is_named(served: ServedOrders) -> None:
    """Why not: unavailable, another site, another part of the day, allergen, price, in the basket already."""
    catalogue = menu(
        i01={"available": False},
        i02={"sites": ("elsewhere",)},
        i03={"dayparts": ("breakfast",)},
        i04={"allergens": ("nuts",)},
        i05={"price": None},
    )
    answer = suggest(
        served, None, n=12, catalogue=catalogue, without_allergens=("nuts",), max_price=1400, basket=("i00",)
    )

    assert answer.excluded == {
        "i01": "unavailable",
        "i02": "site",
        "i03": "daypart",
        "i04": "allergen",
        "i05": "price",
        "i10": "price",
        "i11": "price",
        "i00": "basket",
    }
    assert set(ids(answer)) == {"i06", "i07", "i08", "i09"}


def test_nan_and_missing_prices_never_pass_a_bound(served: ServedOrders) -> None:
    """What costs nobody knows what is not offered under a bound, and trains without error."""
    catalogue = menu(i01={"price": float("nan")})

    assert suggest(served, None, catalogue=catalogue, max_price=10**6).excluded == {"i01": "price"}
    assert (
        OrdersScene().train(TrainingInput(habits(8), catalogue), seed=0, progress=silent).report.in_force
        == "counting"
    )


def test_repeats_are_preferred_allowed_or_avoided(served: ServedOrders) -> None:
    """prefer: the usual first; avoid: none of the known items, each named; allow: known and new by turns."""
    history = orders(*[("x", k, f"i0{k % 3}") for k in range(9)])
    avoided = suggest(served, history, repeat="avoid")
    allowed = ids(suggest(served, history, repeat="allow", n=6))
    known = {"i00", "i01", "i02"}

    assert set(ids(suggest(served, history, n=3))) == known
    assert not known & set(ids(avoided))
    assert {avoided.excluded[item] for item in known} == {"repeat"}
    assert [item in known for item in allowed] == [True, False, True, False, True, False]


def test_the_basket_changes_the_ranking() -> None:
    """Where cola goes with burgers, a burger in the basket brings cola forward, and the reason says so."""
    rows = []
    for k in range(30):
        rows += [(f"c{k}", 0, "burger"), (f"c{k}", 0, "cola"), (f"c{k}", 1, "salad"), (f"c{k}", 1, "water")]
    catalogue = tuple(Item(name, name) for name in ("burger", "cola", "salad", "water"))
    model = QUIET.load(*_parts(QUIET.train(TrainingInput(orders(*rows), catalogue), seed=0, progress=silent)))
    history = orders(("x", 0, "salad"))
    plain = suggest(model, history, catalogue=catalogue)
    with_burger = suggest(model, history, catalogue=catalogue, basket=("burger",))

    assert ids(plain)[0] == "salad"
    assert ids(with_burger)[0] == "cola"
    assert with_burger.suggestions[0].reason.code == "with_basket"


def _parts(made: Trained) -> tuple[Any, Any]:
    return made.arrays, made.texts


def test_a_basket_that_recurs_is_one_suggestion(served: ServedOrders) -> None:
    """Two of i03 and one i07 on four visits: offered as one, at its best item; not when a part is sold out."""
    rows = [(k, item, quantity) for k in range(4) for item, quantity in (("i03", 2), ("i07", 1))]
    numbers, items, quantities = zip(*rows, strict=True)
    history = Interactions.from_columns(
        {"customer": ["x"] * 8, "order": numbers, "item": items, "quantity": quantities}
    )
    whole = [s for s in suggest(served, history).suggestions if s.bundle]
    apart = [s for s in suggest(served, history, catalogue=menu(i07={"available": False})).suggestions if s.bundle]

    assert [(set(s.bundle), s.reason.code) for s in whole] == [({("i03", 2), ("i07", 1)}, "usual_basket")]
    assert apart == []


def test_exploring_gives_the_last_place_away_with_a_known_chance(served: ServedOrders) -> None:
    """Over many requests the last place is explored as often as stated, only there, with something new."""
    history = orders(*[("x", k, f"i0{k % 5}") for k in range(10)])
    scene = OrdersScene(explore_share=0.3)
    answers = [suggest(served, history, scene=scene, n=4, seed=seed) for seed in range(300)]
    explored = [a.suggestions[-1] for a in answers if a.suggestions[-1].explored]
    kept = [a.suggestions[-1] for a in answers if not a.suggestions[-1].explored]

    assert 0.22 < len(explored) / 300 < 0.38
    assert all(s.propensity == 1 and not s.explored for a in answers for s in a.suggestions[:-1])
    assert {s.item_id for s in explored} <= {f"i{k:02d}" for k in range(5, 12)}
    assert all(s.propensity == pytest.approx(0.3 / 7) and s.reason.code == "new" for s in explored)
    assert all(s.propensity == pytest.approx(0.7) for s in kept)


def test_the_same_request_gets_the_same_answer(served: ServedOrders) -> None:
    """Same history, context and random state: the same answer, field by field."""
    history = of(habits(), "c007")
    scene = OrdersScene()

    assert suggest(served, history, scene=scene, seed=4) == suggest(served, history, scene=scene, seed=4)


def test_a_new_dish_can_be_suggested_and_is_called_new(served: ServedOrders) -> None:
    """A dish the model never saw stands on the menu at once."""
    catalogue = (Item("brand_new", "New", category="cat1", price=600), *menu()[:2])
    answer = suggest(served, None, catalogue=catalogue)

    assert "brand_new" in ids(answer)
    assert next(s for s in answer.suggestions if s.item_id == "brand_new").reason.text == "new on the menu"


def test_a_changed_menu_is_seen_at_once(served: ServedOrders) -> None:
    """A menu in a list that is changed in place is not mistaken for the old one."""
    catalogue = list(menu())
    context = Context(site="s0", local_time=NOON)
    rng = np.random.default_rng(0)
    before = QUIET.suggest(served, Request(None, context, catalogue, 12, NOW, rng))
    catalogue[3] = Item("i03", "Dish 3", available=False)
    after = QUIET.suggest(served, Request(None, context, catalogue, 12, NOW, rng))

    assert "i03" in ids(before)
    assert after.excluded == {"i03": "unavailable"}


def test_a_sensitive_item_gets_no_telling_reason(served: ServedOrders) -> None:
    """The usual that is sensitive is suggested without a word about the customer."""
    history = orders(*[("x", k, "i05") for k in range(6)])
    answer = suggest(served, history, catalogue=menu(i05={"sensitive": True}))

    assert answer.suggestions[0].item_id == "i05"
    assert answer.suggestions[0].reason.code == "suggested"


def test_the_report_says_what_is_in_force_and_why(trained: Trained) -> None:
    """In a world with habits and some noise the report names both methods, their figures and the verdict."""
    report = trained.report

    assert report.in_force in {"ranker", "counting"}
    assert report.n_validation == 40
    assert {"own frequency", "counting", *LEARNED} == {row["method"] for row in report.rows}
    assert report.why
    assert report.value >= report.baseline_value


def test_training_twice_gives_the_same_bytes(trained: Trained) -> None:
    """Same data, same seed: identical arrays and texts."""
    again = OrdersScene().train(TrainingInput(habits(), menu()), seed=0, progress=silent)

    assert again.texts == trained.texts
    assert again.arrays.keys() == trained.arrays.keys()
    assert all(again.arrays[name].tobytes() == trained.arrays[name].tobytes() for name in trained.arrays)


def test_no_customer_is_named_in_a_model(trained: Trained) -> None:
    """The published arrays and texts hold no pseudonym."""
    held = [str(values.tolist()) for values in trained.arrays.values() if values.dtype.kind in "US"]

    assert not any("c007" in text for text in (*held, *trained.texts.values()))


@pytest.mark.parametrize("part", ["items", "popular.here", "together.same.data", "orders.json"])
def test_a_model_with_a_missing_part_is_refused(trained: Trained, part: str) -> None:
    """Whatever is missing, loading raises ValueError."""
    arrays = {name: values for name, values in trained.arrays.items() if name != part}
    texts = {name: text for name, text in trained.texts.items() if name != part}

    with pytest.raises(ValueError):
        OrdersScene().load(arrays, texts)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("a", 0, "i01")],
        [("a", 0, "i01"), ("b", 0, "i01"), ("c", 0, "i01")],
        [("a", k, "i01") for k in range(30)],
        [("", k, f"i0{k % 3}") for k in range(30)],
        [(f"c{k}", t, "i01") for k in range(40) for t in range(5)],
        [("a", 0, f"i{k:05d}") for k in range(3000)],
    ],
    ids=["no events", "one event", "one order each", "one customer", "guests alone", "one item", "a huge order"],
)
def test_small_and_odd_histories_train_and_serve(rows: list[tuple[str, int, str]]) -> None:
    """Nothing to learn from publishes counting, says so, and answers; ties with counting are not a win."""
    seen = orders(*rows) if rows else Interactions.from_columns({"customer": [], "item": []})
    made = OrdersScene().train(TrainingInput(seen, menu()), seed=0, progress=silent)
    answer = suggest(QUIET.load(*_parts(made)), orders(("x", 0, "i02")))

    assert made.report.in_force == "counting"
    assert "counting stays in force" in made.report.why
    assert ids(answer)[0] == "i02"
