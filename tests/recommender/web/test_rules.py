"""Rules through the front door: publish, draft, restore, preview; replies, learning and readiness."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plumbing.clock import DAY
from tests.recommender.service_fixtures import Installation, World

RULES = "/desk/rules"
Rule = dict[str, Any]


@pytest.fixture
def world(installation: Installation, tmp_path: Path) -> Iterator[World]:
    made = installation.open(tmp_path / "state")
    yield made
    made.close()


def document(*rules: Rule, **more: Any) -> dict[str, Any]:
    return {"rules": [{"id": f"r{n}"} | rule for n, rule in enumerate(rules, 1)]} | more


PIN: Rule = {"kind": "pin", "item": "salad", "position": 1}
HIDE: Rule = {"kind": "hide", "item": "burger"}
PAID: Rule = {"kind": "sponsored", "item": "cola", "position": 2, "sponsor": "Brewery"}


def publish(world: World, *rules: Rule, key: str = "desk", tag: str = "", **more: Any) -> Any:
    return changed(world, "PUT", RULES, document(*rules, **more), key=key, tag=tag)


def changed(
    world: World, method: str, path: str, body: Any, *, key: str = "desk", tag: str = "", lang: str = "en"
) -> Any:
    headers = {"X-API-Key": world.keys[key], "Accept-Language": lang} | ({"If-Match": tag} if tag else {})
    return world.client.open(f"/recommender/v1{path}", method=method, json=body, headers=headers)


def shown(world: World, **query: Any) -> list[str]:
    return [
        item["item_id"] for item in world.suggest(**({"local_time": "2026-11-23T12:00:00Z"} | query)).json["items"]
    ]


def test_published_rules_hold_from_the_next_request_on(world: World) -> None:
    """For guests and for customers, at a kiosk; the first line says what holds."""
    before = shown(world)
    reply = publish(world, PIN, HIDE)
    assert reply.status_code == 200, reply.json
    assert reply.json["number"] == 1
    assert reply.json["answer"] == "2 rules change what the screens show today."
    assert reply.json["rules"][0]["sentence"] == "Salad has place 1."
    after = shown(world)
    assert after[0] == "salad"
    assert "burger" in before
    assert "burger" not in after
    assert "burger" not in shown(world, token=world.token())
    assert world.order("burger").status_code == 201  # rules never block an order


def test_the_sponsored_place_is_labelled_in_the_reply(world: World) -> None:
    publish(world, PAID)
    items = world.suggest(local_time="2026-11-23T12:00:00Z").json["items"]
    assert [item.get("sponsored") for item in items] == [None, "Brewery", None]
    assert items[1]["item_id"] == "cola"
    assert items[1]["propensity"] == 1.0
    assert items[1]["price"] == 300


def test_what_somebody_paid_for_is_not_learned_from(world: World) -> None:
    """An order of the sponsored item counts in nobody's popularity and in no training; the customer keeps it."""
    publish(world, PAID)
    token = world.token()
    reply = world.suggest(token=token).json
    mark = reply["recommendation_id"]
    for number in range(12):
        token = world.token(f"c{number}")
        assert (
            world.order("cola", "salad", token=token, event_id=f"o{number}", recommendation_id=mark).status_code
            == 201
        )
    events = world.half.service.events
    learned = events.everything("grill", "ordered")
    assert set(learned.items[learned.item].tolist()) == {"salad"}
    popular = events.latest("grill", "ordered", 100, 5)
    assert set(popular.items[popular.item].tolist()) == {"salad"}
    own = events.history("grill", "c1", "ordered", 100)
    assert set(own.items[own.item].tolist()) == {"cola", "salad"}
    # A kiosk asks again with its basket before it orders: the item is in no list any more, and still known.
    again = world.suggest(token=token, basket=["cola"]).json["recommendation_id"]
    assert again[-10:] == mark[-10:]
    assert world.order("cola", event_id="free", recommendation_id="rec_0").status_code == 201
    assert "cola" in events.everything("grill", "ordered").items.tolist()


REFUSED: list[tuple[str, list[Rule], str]] = [
    ("two pins on one place", [PIN, {"kind": "pin", "item": "cola", "position": 1}], "same-place"),
    ("a pin and a sponsor on one place", [{"kind": "pin", "item": "salad", "position": 2}, PAID], "same-place"),
    ("pinned and hidden", [PIN, {"kind": "hide", "item": "salad"}], "placed-and-hidden"),
    ("sponsored and hidden", [PAID, {"kind": "hide", "item": "cola"}], "placed-and-hidden"),
    ("two places for one", [PIN, {"kind": "pin", "item": "salad", "position": 3}], "two-places"),
    (
        "two sponsors",
        [PAID, {"kind": "sponsored", "item": "salad", "position": 3, "sponsor": "X"}],
        "two-sponsored",
    ),
    ("not in the catalogue", [{"kind": "hide", "item": "pizza"}], "no-such-item"),
    ("no such category", [{"kind": "limit", "category": "pizza", "most": 1}], "no-such-category"),
    ("no such site", [HIDE | {"when": {"sites": ["moon"]}}], "no-such-site"),
    ("a dish in a taxi", [HIDE | {"scene": "destinations"}], "no-such-item"),
]


@pytest.mark.parametrize(("what", "rules", "code"), REFUSED)
def test_what_cannot_hold_together_is_refused_by_name(
    world: World, what: str, rules: list[Rule], code: str
) -> None:
    """Nothing is saved; each conflict names its rules, in the reader's language."""
    reply = publish(world, *rules)
    assert (reply.status_code, reply.json["code"]) == (422, "rules_conflict"), what
    assert [one["code"] for one in reply.json["conflicts"]] == [code]
    assert set(reply.json["conflicts"][0]["rules"]) <= {"r1", "r2"}
    german = changed(world, "PUT", RULES, document(*rules), lang="de").json["detail"]
    assert german != reply.json["detail"]
    assert world.call("GET", RULES, key="desk").json["number"] is None
    assert changed(world, "PUT", RULES + "/draft", document(*rules)).status_code == 200  # work in progress


APART: list[list[Rule]] = [
    [PIN | {"when": {"dayparts": ["lunch"]}}, {"kind": "hide", "item": "salad", "when": {"dayparts": ["dinner"]}}],
    [
        PIN | {"when": {"until_date": "2026-12-01"}},
        {"kind": "pin", "item": "cola", "position": 1, "when": {"from_date": "2026-12-02"}},
    ],
    [PIN, {"kind": "pin", "item": "cola", "position": 1, "active": False}],
    [PIN | {"when": {"weekdays": [0]}}, PIN | {"item": "cola", "when": {"weekdays": [1, 2]}}],
]


@pytest.mark.parametrize("rules", APART)
def test_rules_that_never_meet_do_not_contradict_each_other(world: World, rules: list[Rule]) -> None:
    assert publish(world, *rules).status_code == 200


BROKEN: list[tuple[str, Any]] = [
    ("sponsored first", document(PAID | {"position": 1})),
    ("no place", document(PIN | {"position": 0})),
    ("a place beyond any list", document(PIN | {"position": 51})),
    ("days in reverse", document(PIN | {"when": {"from_date": "2026-12-02", "until_date": "2026-12-01"}})),
    ("no such day of the week", document(PIN | {"when": {"weekdays": [7]}})),
    ("no such kind", document({"kind": "boost", "item": "cola"})),
    ("no sponsor", document(PAID | {"sponsor": " "})),
    ("by person", document(PIN | {"when": {"customer": "ann"}})),
    ("a price", document(PIN | {"price": 1})),
    ("one id twice", {"rules": [PIN | {"id": "a"}, HIDE | {"id": "a"}]}),
    ("another format", document(PIN, format=2)),
    ("too many", document(*[HIDE] * 101)),
    ("no document", []),
]


@pytest.mark.parametrize(("what", "body"), BROKEN)
def test_a_broken_document_is_refused(still: World, what: str, body: Any) -> None:
    """Boosts, prices and rules about persons do not exist."""
    assert changed(still, "PUT", RULES, body).status_code in (400, 422), what


def test_html_in_a_sponsor_stays_text(world: World) -> None:
    publish(world, PAID | {"sponsor": "<b>Brewery</b>"})
    reply = world.suggest(local_time="2026-11-23T12:00:00Z")
    assert reply.mimetype == "application/json"
    assert reply.json["items"][1]["sponsored"] == "<b>Brewery</b>"


def test_two_marketers_who_publish_at_once(world: World) -> None:
    """The second one hears of it, and nothing of the first is undone."""
    tag = world.call("GET", RULES, key="desk").headers["ETag"]
    assert publish(world, PIN, tag=tag).status_code == 200
    second = publish(world, HIDE, tag=tag)
    assert (second.status_code, second.json["code"]) == (412, "changed_meanwhile")
    assert shown(world)[0] == "salad"
    fresh = world.call("GET", RULES, key="desk").headers["ETag"]
    assert publish(world, HIDE, tag=fresh).status_code == 200
    drafts = world.call("GET", RULES + "/draft", key="desk").headers["ETag"]
    assert changed(world, "PUT", RULES + "/draft", document(PIN), tag=drafts).status_code == 200
    assert changed(world, "PUT", RULES + "/draft", document(HIDE), tag=drafts).status_code == 412


def test_a_draft_changes_nothing_until_it_is_published(world: World) -> None:
    before = shown(world)
    assert (
        changed(world, "PUT", RULES + "/draft", document(PIN)).json["rules"][0]["sentence"] == "Salad has place 1."
    )
    assert shown(world) == before
    assert "draft" in world.call("GET", RULES, key="desk").json["answer"]
    publish(world, PIN)
    assert world.call("GET", RULES + "/draft", key="desk").json["document"] is None
    changed(world, "PUT", RULES + "/draft", document(HIDE))
    assert world.call("DELETE", RULES + "/draft", key="desk").status_code == 204
    assert world.call("GET", RULES + "/draft", key="desk").json["document"] is None


def test_earlier_rules_are_kept_and_restored(world: World) -> None:
    """The last 20, with who and when."""
    for number in range(22):
        publish(world, PIN if number < 21 else HIDE)
    rows = world.call("GET", RULES + "/history", key="desk").json["rows"]
    assert [row["number"] for row in rows] == list(range(22, 2, -1))
    assert [row["holds"] for row in rows[:2]] == [True, False]
    assert rows[0]["who"] in {str(key["key_id"]) for key in world.access.keys("grill")}  # its name here
    assert rows[0]["published_at"].startswith("2026-11-23")
    restored = changed(world, "POST", RULES + "/restore", {"number": 21})
    assert (restored.status_code, restored.json["number"]) == (200, 23)
    assert shown(world)[0] == "salad"
    gone = changed(world, "POST", RULES + "/restore", {"number": 1})
    assert (gone.status_code, gone.json["code"]) == (404, "no_such_rules")


def test_rules_begin_and_end_by_themselves(world: World) -> None:
    """What was published before holds until then, and again afterwards."""
    publish(world, PIN)
    later = publish(world, HIDE, effective_from="2026-11-24", expires_on="2026-11-25")
    assert later.json["answer"] == "One rule changes what the screens show today. Other rules begin on Tuesday."

    def at(day: int) -> list[str]:
        return shown(world, local_time=f"2026-11-{day}T12:00:00Z")

    assert at(23)[0] == "salad"
    assert "burger" not in at(24)
    assert "burger" not in at(25)
    assert at(26)[0] == "salad"
    assert "burger" in at(26)
    world.time_us += 5 * DAY
    assert world.call("GET", RULES, key="desk").json["number_now"] == 1


@pytest.mark.parametrize("content", ["{", '{"format": 2}', "null", '{"rules": [{"kind": "boost"}]}'])
def test_rules_that_cannot_be_read_hold_nothing(world: World, installation: Installation, content: str) -> None:
    """Everybody is served, readiness says so, the page says so, and rules can be published again."""
    publish(world, PIN)
    world.half.service.database.change("UPDATE scene_rules SET document = ?", (content,))
    again = installation.open(world.home)  # another process
    assert again.suggest().status_code == 200
    assert shown(again)[0] != "salad"
    assert "cannot be read" in str(again.half.check())
    now = again.call("GET", RULES, key="desk").json
    assert "cannot be read" in now["trouble"]
    assert now["document"]["rules"] == []
    assert again.call("GET", RULES + "/history", key="desk").json["rows"][0]["readable"] is False
    assert publish(again, PIN).status_code == 200
    assert shown(again)[0] == "salad"
    assert again.half.check() is None
    again.close()


def test_rules_hold_without_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they were read last: a busy database changes no rule."""
    from plumbing.storage.database import DatabaseBusy

    publish(world, HIDE)
    shown(world)

    def busy(*_: object, **__: object) -> Any:
        raise DatabaseBusy("busy")

    monkeypatch.setattr(world.half.service.stores.erased, "keep_erased", busy)
    reply = world.suggest(local_time="2026-11-23T12:00:00Z").json
    assert reply["fallback"] == "database_busy"
    assert "burger" not in [item["item_id"] for item in reply["items"]]


def test_tenants_share_no_rules(world: World) -> None:
    publish(world, PIN)
    assert world.call("GET", RULES, key="stranger").json["document"]["rules"] == []
    assert publish(world, PIN, key="stranger").json["code"] == "rules_conflict"  # their catalogue is empty


def test_a_screen_may_neither_read_nor_write_rules(still: World) -> None:
    for method, path in (("GET", RULES), ("PUT", RULES), ("POST", "/desk/preview"), ("GET", RULES + "/history")):
        assert changed(still, method, path, document(), key="kiosk").status_code == 403


def test_the_page_is_told_what_can_be_chosen(still: World) -> None:
    found = still.call("GET", RULES + "/choices", key="desk").json
    assert found["sites"] == ["north"]
    assert {"id": "cola", "name": "Cola", "category": "drinks", "can_be_placed": True} in found["scenes"][
        "orders"
    ]["items"]
    assert found["scenes"]["orders"]["categories"] == ["drinks", "green", "grill"]
    assert [one["name"] for one in found["people"]["orders"]] == ["newcomer", "morning", "noon", "evening"]


def preview(world: World, **body: Any) -> Any:
    return changed(world, "POST", "/desk/preview", body)


def test_a_preview_shows_both_lists_and_says_why(world: World) -> None:
    """Rank before and after, the rule that did it, and why something is not there."""
    body = document(PIN, {"kind": "hide", "item": "burger"}, PAID)
    found = preview(world, document=body, about=["burger", "soup", "pizza", "cola"]).json
    assert [row["item_id"] for row in found["after"]] == ["salad", "cola"]
    assert found["after"][0]["rule"]["id"] == "r1"
    assert found["after"][0]["place_before"] == 3
    assert found["after"][1]["sponsored"] == "Brewery"
    assert [row["place_before"] for row in found["before"]] == [1, 2, 3]
    assert [one["code"] for one in found["about"]] == [
        "hidden",
        "filter-unavailable",
        "not-in-catalogue",
        "shown-by-rule",
    ]
    assert found["about"][0]["text"] == "A rule hides Burger: Burger is not suggested."
    assert "score" not in found["after"][0]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_preview_is_of_a_day_of_the_calendar(world: World, day: str) -> None:
    assert preview(world, day=day, weekday=3).status_code == 422


def test_a_preview_leaves_nothing_behind(world: World) -> None:
    """Whoever it is for: nothing is stored, counted, drawn or learned from."""
    tables = ("events", "lines", "offer_decisions", "offer_outcomes", "offer_reservations", "scene_rules")
    before = {table: world.count(table) for table in tables}
    people: list[dict[str, Any]] = [{"kind": "guest"}, {"kind": "drawn", "name": "noon"}]
    people.append({"kind": "imaginary", "orders": [{"items": ["cola"], "days_ago": 2}] * 3})
    for who in people:
        reply = preview(world, customer=who, offer=True, document=document(PAID))
        assert reply.status_code == 200, reply.json
        assert reply.json["offers"] == [
            {"offer_id": "lunch", "name": "Lunch for two", "text": "A free cola with a burger"}
        ]
    assert {table: world.count(table) for table in tables} == before


def test_a_preview_imagines_a_history(world: World) -> None:
    orders = [{"items": ["salad"], "days_ago": day} for day in (1, 3, 5)]
    found = preview(world, customer={"kind": "imaginary", "orders": orders}, rules="none").json
    assert found["after"][0]["item_id"] == "salad"
    assert found["after"][0]["reason"]["code"] == "usual"
    assert preview(world, rules="none").json["after"][0]["item_id"] != "salad"


@pytest.mark.parametrize(
    "body",
    [
        {"customer": {"kind": "customer", "token": "usual-t1.x"}},
        {"customer": {"kind": "drawn", "name": "ann"}},
        {"customer": {"kind": "imaginary", "orders": [{"items": ["cola"], "customer": "ann"}]}},
        {"customer": {"pseudonym": "ann"}},
        {"token": "usual-t1.x"},
        {"site": "moon"},
        {"scene": "offers"},
    ],
)
def test_a_preview_knows_no_customer(still: World, body: dict[str, Any]) -> None:
    """There is no way to name one."""
    assert 400 <= preview(still, **body).status_code < 500


def test_a_token_beside_a_preview_is_not_looked_at(world: World) -> None:
    world.order("salad", token=world.token())
    headers = {"X-API-Key": world.keys["desk"], "Authorization": f"Bearer {world.token()}"}
    found: Any = world.client.post("/recommender/v1/desk/preview", json={"rules": "none"}, headers=headers).json
    assert found["after"] == preview(world, rules="none").json["after"]


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_sentences_are_in_the_language_of_the_reader(world: World, language: str) -> None:
    everything = [
        PIN
        | {
            "when": {
                "dayparts": ["lunch", "dinner"],
                "weekdays": [0, 4],
                "sites": ["north"],
                "from_date": "2026-12-01",
                "until_date": "2026-12-24",
            }
        },
        HIDE,
        {"kind": "limit", "category": "green", "most": 1},
        {"kind": "allergens", "unknown": "say"},
        PAID,
    ]
    reply = changed(world, "PUT", RULES, document(*everything), lang=language).json
    assert all("{" not in row["sentence"] and row["sentence"] for row in reply["rules"])
    texts = json.dumps(changed(world, "POST", "/desk/preview", {"about": ["burger"]}, lang=language).json)
    assert "rules-" not in texts
