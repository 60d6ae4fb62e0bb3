"""What rules do to a list: in their order, for everybody alike, and never so that nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from recommender.ranking.interactions import Interactions
from recommender.rules.apply import Ruled, is_sponsored
from recommender.rules.document import RulesDocument
from recommender.rules.plan import LiveRules, plan_of
from recommender.rules.serving import answer_of, rows_of, ruled
from recommender.rules.why_not import why_not
from recommender.scene import Context, Item, Request
from recommender.scenes.destinations import DestinationsScene
from recommender.scenes.orders import OrdersScene
from tests.recommender.orders.worlds import habits, menu, of

MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
Rule = dict[str, Any]


def document(*rules: Rule, **more: Any) -> RulesDocument:
    numbered = [{"id": f"r{n}"} | rule for n, rule in enumerate(rules, 1)]
    return RulesDocument.model_validate({"rules": numbered} | more)


def pin(item: str, position: int, **when: Any) -> Rule:
    return {"kind": "pin", "item": item, "position": position, "when": when}


def hide(item: str, **when: Any) -> Rule:
    return {"kind": "hide", "item": item, "when": when}


def sponsored(item: str, position: int = 2, **when: Any) -> Rule:
    return {"kind": "sponsored", "item": item, "position": position, "sponsor": "Brewery", "when": when}


def limit(category: str, most: int) -> Rule:
    return {"kind": "limit", "category": category, "most": most}


def request(
    n: int = 5,
    catalogue: Sequence[Item] = (),
    history: Interactions | None = None,
    moment: datetime = MONDAY_NOON,
    **context: Any,
) -> Request:
    now_us = int(moment.timestamp() * 1e6)
    return Request(
        history,
        Context(local_time=moment, **context),
        tuple(catalogue) or menu(),
        n,
        now_us,
        np.random.default_rng(0),
        recent=habits(),
    )


def shown(rules: RulesDocument, asked: Request) -> Ruled:
    """What orders shows without a model: the most popular first, in a fixed order."""
    plan = plan_of(rules, "orders", asked.context.local_time or MONDAY_NOON, asked.context.site)
    return ruled(plan, OrdersScene(), None, asked, {item.item_id: item for item in asked.catalogue})


def ids(found: Ruled) -> list[str]:
    return [one.item_id for one in found.answer.suggestions]


def plain(asked: Request) -> list[str]:
    return ids(shown(document(), asked))


def test_a_pin_has_its_place_for_guests_and_customers() -> None:
    """The rest keeps its order around it; nobody is read to decide it."""
    for history in (None, of(habits(), "c003")):
        asked = request(history=history)
        before = plain(asked)
        last = next(item.item_id for item in menu() if item.item_id not in before)
        after = shown(document(pin(last, 2)), asked)
        assert ids(after) == [before[0], last, *before[1:4]]
        assert [(m.rule, m.what, m.place) for m in after.moves] == [("r1", "pinned", 2)]


def test_a_hidden_item_is_gone_and_another_one_comes() -> None:
    """The list stays as long as it was."""
    asked = request()
    before = plain(asked)
    after = shown(document(hide(before[0])), asked)
    assert ids(after)[:4] == before[1:]
    assert len(ids(after)) == 5
    assert before[0] not in ids(after)


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({}, True),
        ({"dayparts": ["lunch"]}, True),
        ({"dayparts": ["dinner", "night"]}, False),
        ({"weekdays": [0]}, True),
        ({"weekdays": [5, 6]}, False),
        ({"sites": ["s0"]}, True),
        ({"sites": ["s1"]}, False),
        ({"from_date": "2026-11-23", "until_date": "2026-11-23"}, True),
        ({"from_date": "2026-11-24"}, False),
        ({"until_date": "2026-11-22"}, False),
    ],
)
def test_a_rule_holds_where_and_when_it_says(when: dict[str, Any], holds: bool) -> None:
    asked = request(site="s0")
    first = plain(asked)[0]
    assert (first not in ids(shown(document(hide(first, **when)), asked))) == holds


def test_a_rule_of_a_site_does_not_hold_where_no_site_is_known() -> None:
    first = plain(request())[0]
    assert first in ids(shown(document(hide(first, sites=["s0"])), request()))


def test_a_paused_rule_does_nothing() -> None:
    first = plain(request())[0]
    assert ids(shown(document(hide(first) | {"active": False}), request())) == plain(request())


def test_a_sponsored_item_is_labelled_and_never_first() -> None:
    """Also where it would be first by itself, and where the list has nothing else."""
    asked = request()
    before = plain(asked)
    after = shown(document(sponsored(before[0], 3)), asked)
    rows = list(rows_of(after, {item.item_id: item for item in asked.catalogue}))
    assert ids(after) == [before[1], before[2], before[0], *before[3:]]
    assert [row.get("sponsored") for row in rows] == [None, None, "Brewery", None, None]
    assert rows[2]["propensity"] == 1.0
    alone = shown(document(sponsored("i00", 2), least=0), request(catalogue=menu(1)))
    assert ids(alone) == []
    assert [m.why for m in alone.moves] == ["never_first"]
    assert not any(one.sponsor for one in shown(document(sponsored(before[4])), request(n=1)).answer.suggestions)


def test_the_answer_names_its_sponsored_item() -> None:
    """Orders of it are recognised by the id of the answer, also when it is in the basket already."""
    item = plain(request())[3]
    after = shown(document(sponsored(item)), request())
    assert is_sponsored("rec_00" + after.mark, item)
    assert not is_sponsored("rec_00" + after.mark, "i01" if item != "i01" else "i02")
    assert not is_sponsored("rec_00", item)
    again = shown(document(sponsored(item)), request(basket=(item,)))
    assert item not in ids(again)
    assert is_sponsored("rec_00" + again.mark, item)
    assert shown(document(hide("i00")), request()).mark == ""


def test_at_most_so_many_of_one_category() -> None:
    """Pins count too; the list is filled up from other categories."""
    asked = request()
    category = {item.item_id: item.category for item in asked.catalogue}
    after = shown(document(limit("cat0", 1)), asked)
    assert sum(category[one] == "cat0" for one in ids(after)) == 1
    assert len(ids(after)) == 5
    both = shown(document(limit("cat0", 1), pin("i09", 4)), asked)
    assert [one for one in ids(both) if category[one] == "cat0"] == ["i09"]


def test_the_strictest_of_two_limits_holds() -> None:
    after = shown(document(limit("cat0", 3), limit("cat0", 1)), request())
    assert sum(one in ("i00", "i03", "i06", "i09") for one in ids(after)) == 1


def test_rules_never_leave_a_list_empty() -> None:
    """Where hiding would leave fewer than `least`, the most popular hidden ones come back, and it is said."""
    asked = request(catalogue=menu(6))
    before = plain(asked)
    everything = [hide(f"i{k:02d}") for k in range(6)]
    after = shown(document(*everything, least=3), asked)
    assert ids(after) == before[:3]
    assert {m.what for m in after.moves} == {"gave_way"}
    assert set(after.hidden.values()) == {f"r{k}" for k in range(1, 7)}
    assert ids(shown(document(*everything, least=0), asked)) == []
    limited = shown(document(limit("cat0", 1), limit("cat1", 1), limit("cat2", 1), least=5), asked)
    assert len(ids(limited)) == 5


@pytest.mark.parametrize(
    ("changes", "context", "why"),
    [
        ({"available": False}, {}, "unavailable"),
        ({"dayparts": ("breakfast",)}, {}, "daypart"),
        ({"sites": ("s1",)}, {"site": "s0"}, "site"),
        ({"allergens": ("Nuts",)}, {"without_allergens": ("nuts ",)}, "allergen"),
        ({}, {"basket": ("i11",)}, "basket"),
        ({}, {"max_price": 600}, "price"),
    ],
)
def test_what_cannot_be_had_gets_no_place(changes: dict[str, Any], context: dict[str, Any], why: str) -> None:
    """The rule steps back; the list is as long as without it."""
    free: dict[str, Any] = {f"i{k:02d}": {"allergens": ()} for k in range(11)}
    asked = request(n=2, catalogue=menu(i11={"allergens": ()} | changes, **free), **context)
    after = shown(document(pin("i11", 1)), asked)
    assert ids(after) == plain(asked)
    assert [(m.what, m.why) for m in after.moves] == [("skipped", why)]


def test_an_item_that_left_the_catalogue_gets_no_place() -> None:
    after = shown(document(pin("gone", 1), pin("i00", 9)), request())
    assert ids(after)[:5] == plain(request())
    assert [m.why for m in after.moves] == ["not_in_catalogue", "behind_the_list"]


def test_unknown_allergens_are_said_or_left_out() -> None:
    """A visit that excludes allergens hears which dishes nobody stated anything about; a rule leaves them out."""
    catalogue = menu(4, i00={"allergens": ()}, i01={"allergens": ("milk",)}, i02={"allergens": None})
    asked = request(catalogue=catalogue, without_allergens=("milk",))
    by_id = {item.item_id: item for item in catalogue}
    rows = list(rows_of(shown(document(), asked), by_id))
    assert {row["item_id"]: row.get("allergens_unknown", False) for row in rows} == {
        "i00": False,
        "i02": True,
        "i03": True,
    }
    strict = shown(document({"kind": "allergens", "unknown": "leave_out"}, least=5), asked)
    assert ids(strict) == ["i00"]  # gives way to nothing
    nobody_asked = shown(document({"kind": "allergens", "unknown": "leave_out"}), request(catalogue=catalogue))
    assert len(ids(nobody_asked)) == 4


def test_a_misspelt_allergen_makes_every_dish_unknown() -> None:
    """Nobody is told that a dish is free of something that nobody knows by this name."""
    catalogue = menu(2, i00={"allergens": ()}, i01={"allergens": ("milk",)})
    found = shown(document(), request(catalogue=catalogue, without_allergens=("mlik",)))
    assert set(found.unknown) == {"i00", "i01"}
    assert not shown(document(), request(catalogue=catalogue, without_allergens=("celery",))).unknown


def test_nobody_pays_for_a_dish_that_the_visit_may_not_have() -> None:
    catalogue = menu(3, i00={"allergens": ()}, i01={"allergens": ()}, i02={"allergens": None})
    found = shown(document(sponsored("i02")), request(catalogue=catalogue, without_allergens=("milk",)))
    assert not any(one.sponsor for one in found.answer.suggestions)


def test_a_usual_basket_is_not_torn_apart() -> None:
    """A whole basket of this person stays where it is; the rule for a part of it steps back."""
    history = Interactions.from_columns(
        {"customer": ["x"] * 8, "order": [k // 2 for k in range(8)], "item": ["i01", "i02"] * 4}
    )
    asked = request(history=history)
    before = shown(document(), asked).answer.suggestions
    assert before[0].bundle
    after = shown(document(sponsored(before[0].item_id, 3)), asked)
    assert after.answer.suggestions[0].bundle == before[0].bundle
    assert [m.why for m in after.moves] == ["in_usual_basket"]
    hidden = shown(document(hide("i02")), asked)
    assert not any(one.bundle for one in hidden.answer.suggestions)


def test_exploring_goes_on_beside_pins() -> None:
    """The explored dish keeps the last place of the model's own list, and its propensity."""
    asked = replace(request(), rng=np.random.default_rng(0))
    scene = OrdersScene(explore_share=1.0)
    plan = plan_of(document(pin("i11", 1)), "orders", MONDAY_NOON, "")
    found = ruled(plan, scene, None, asked, {item.item_id: item for item in asked.catalogue})
    explored = [one for one in found.answer.suggestions if one.explored]
    assert len(explored) == 1
    assert explored[0].propensity < 0.2


@pytest.fixture
def places() -> tuple[Item, ...]:
    return tuple(Item(f"p{k}", f"Place {k}", lat=52.5 + k / 100, lon=13.4) for k in range(5))


def test_places_are_ruled_too(places: tuple[Item, ...]) -> None:
    """Pins and hides of a taxi; the place where the rider is never comes first, whatever a rule says."""
    asked = request(n=3, catalogue=places, pickup="p0")
    by_id = {item.item_id: item for item in places}

    def of_taxi(*rules: Rule) -> list[str]:
        plan = plan_of(
            document(*[rule | {"scene": "destinations"} for rule in rules]), "destinations", MONDAY_NOON, ""
        )
        return ids(ruled(plan, DestinationsScene(), None, replace(asked, recent=None), by_id))

    before = of_taxi()
    assert of_taxi(pin("p4", 1))[0] == "p4"
    assert before[0] not in of_taxi(hide(before[0]))
    assert of_taxi(pin("p0", 1))[0] != "p0"
    paid = of_taxi(sponsored("p3", 2))
    assert paid[1] == "p3"


def test_without_a_local_time_the_tenants_clock_decides() -> None:
    """Berlin's evening is not UTC's afternoon."""
    from zoneinfo import ZoneInfo

    asked = request(catalogue=menu())
    asked = replace(
        asked, context=Context(), now_us=int(datetime(2026, 11, 23, 17, 30, tzinfo=UTC).timestamp() * 1e6)
    )
    by_id = {item.item_id: item for item in asked.catalogue}
    rules = document(pin("i11", 1, dayparts=["dinner"]))
    first = {
        zone: answer_of(LiveRules([(1, rules)], "", ZoneInfo(zone)), OrdersScene(), None, asked, by_id)
        .answer.suggestions[0]
        .item_id
        for zone in ("Europe/Berlin", "UTC")
    }
    assert first["Europe/Berlin"] == "i11"
    assert first["UTC"] != "i11"


WHY: list[tuple[str, list[Rule], dict[str, Any], str]] = [
    ("nothing", [], {}, "not-in-catalogue"),
    ("i05", [hide("i05")], {}, "hidden"),
    ("i04", [], {}, "filter-daypart"),
    ("i03", [], {}, "filter-unavailable"),
    ("i02", [], {"basket": ("i02",)}, "filter-basket"),
    ("i11", [pin("i11", 1)], {}, "shown-by-rule"),
    ("i01", [limit("cat1", 1), pin("i07", 1)], {}, "limited"),
]


@pytest.mark.parametrize(("item", "rules", "context", "code"), WHY)
def test_why_not(item: str, rules: list[Rule], context: dict[str, Any], code: str) -> None:
    """Every reason has its own code; the rule is named."""
    catalogue = menu(i03={"available": False}, i04={"dayparts": ("breakfast",)})
    asked = request(catalogue=catalogue, **context)
    by_id = {item.item_id: item for item in catalogue}
    ranked = OrdersScene().suggest(None, replace(asked, n=50)).suggestions
    found = why_not(item, shown(document(), asked), shown(document(*rules), asked), ranked, by_id, asked.n)
    assert found.code == code
    assert found.rule == ("r1" if rules else "")


def test_why_not_names_the_rank() -> None:
    asked = replace(request(n=2), least_people=1)
    ranked = OrdersScene().suggest(None, replace(asked, n=50)).suggestions
    by_id = {item.item_id: item for item in asked.catalogue}
    before, after = shown(document(), asked), shown(document(pin("i11", 1)), asked)
    ask: Callable[[str], Any] = lambda item: why_not(item, before, after, ranked, by_id, 2)  # noqa: E731
    assert (ask(ranked[5].item_id).code, ask(ranked[5].item_id).place_before) == ("ranked", 6)
    assert ask(ids(before)[1]).code == "pushed-out"
