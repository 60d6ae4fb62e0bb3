"""What a customer does about their own data: see it, take an order back, tie an account of the shop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plumbing.clock import MINUTE
from recommender.errors import (
    AccountUnusable,
    CustomerError,
    Erased,
    EventAmbiguous,
    LinkCodeWrong,
    NoSuchEvent,
    TooManyLinkCodes,
)
from recommender.exchange.files import import_file
from recommender.service import RecommenderService
from recommender.store.ties import LIFE_US
from recommender.tokens import Claims, open_token
from tests.recommender.service_fixtures import NOON, Installation, World
from tests.recommender.training.test_forgotten import ONE, PEOPLE, fill, n_rows, real, shelf, train

TIED = ["account", "orders"]
"""Purposes of somebody who agreed to the tie."""


def claims(world: World, who: str = "ann", level: str = "second_factor") -> Claims:
    """What a token for the customer's own page says."""
    token = world.token(who, level=level, purposes=["orders", "own_data"])
    return open_token(
        [world.token_key], token, tenant="grill", device="kiosk-1", purpose="own_data", now_us=world.time_us
    )


def service(world: World) -> RecommenderService:
    return world.half.service


@pytest.fixture
def kitchen(installation: Installation, tmp_path: Path) -> Iterator[World]:
    """Fourteen people and the real scenes."""
    made = installation.open(tmp_path / "state", real, least_people=5)
    fill(made, PEOPLE)
    yield made
    made.close()


def imported(world: World, tmp_path: Path, account: str = "card-17", n: int = 2) -> None:
    """Orders of an account that the shop's own system recorded."""
    rows = [
        {
            "event_id": f"till-{account}-{number}",
            "type": "ordered",
            "occurred_at": f"2026-11-1{number}T12:00:00+01:00",
            "customer": account,
            "items": [{"item_id": "burger"}],
        }
        for number in range(n)
    ]
    path = tmp_path / f"{account}.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert import_file(service(world), service(world).stores, "events", path, "grill", NOON) == n


# --- correct ---------------------------------------------------------------------------------------------


def test_an_order_that_was_taken_back_is_gone_and_stays_away(world: World) -> None:
    """Event, lines and purchase go at once, from the next suggestions too; sent again, nothing comes back."""
    for number, dish in enumerate(("burger", "cola")):
        assert world.order(dish, token=world.token(), event_id=f"e{number}").status_code == 201
    assert world.suggest(token=world.token()).json["items"][1]["reason"]["code"] == "usual"
    before = world.count("offer_purchases")
    service(world).correct(claims(world), "e0")
    usual = [row["item_id"] for row in world.suggest(token=world.token()).json["items"] if row["score"] >= 100]
    assert usual == ["cola"]
    assert (world.count("events"), world.count("lines"), world.count("offer_purchases")) == (1, 1, before - 1)
    assert world.order("burger", token=world.token(), event_id="e0").status_code == 201
    assert (world.count("events"), world.count("offer_purchases")) == (1, before - 1)
    with pytest.raises(NoSuchEvent):
        service(world).correct(claims(world), "e0")


def test_nobody_takes_back_anothers_order(world: World) -> None:
    """By no name of it: it looks as if it were missing."""
    world.order("burger", token=world.token("bob"), event_id="bobs")
    [event] = service(world).stores.own.of("grill", "bob")
    for name in ("bobs", event.reference):
        with pytest.raises(NoSuchEvent):
            service(world).correct(claims(world), name)
    assert world.count("events") == 1


def test_of_two_events_with_one_id_the_reference_says_which(world: World) -> None:
    """Two devices may choose the same event_id: then nothing is guessed."""
    world.order("burger", token=world.token(), event_id="same")
    service(world).database.change(
        "INSERT INTO events SELECT tenant, 'kiosk-2', event_id, type, scene, customer, time_us, hour, weekday, site,"  # noqa: E501 XX
        " region, origin, recommendation_id, 'x', received_us, import_id, '', '' FROM events"
        " WHERE event_id = 'same'"
    )
    with pytest.raises(EventAmbiguous):
        service(world).correct(claims(world), "same")
    own = service(world).stores.own.of("grill", "ann")
    service(world).correct(claims(world), next(one.reference for one in own if one.sender == "kiosk-2"))
    assert [one.sender for one in service(world).stores.own.of("grill", "ann")] == ["kiosk-1"]


def test_a_correction_takes_the_row_out_of_every_version_until_the_next_training(kitchen: World) -> None:
    """The whole row goes: it was made with the wrong order. The next training brings them in without it."""
    name = train(kitchen, "orders")
    service(kitchen).forget_event("grill", ONE, "o3-2")
    assert n_rows(kitchen, name) == 13
    assert service(kitchen).stores.rows.pending("grill") == ["orders"]
    again = train(kitchen, "orders")
    assert n_rows(kitchen, again) == 14
    assert service(kitchen).stores.rows.pending("grill") == []


def test_a_redemption_that_was_taken_back_is_booked_no_more(world: World) -> None:
    """The budget of the offer is as if it had not been redeemed."""
    stores = service(world).stores
    world.call("POST", "/offers", key="desk", json={"rows": [{"offer_id": "o", "name": "O", "budget_count": 9}]})
    database = service(world).database
    database.change("UPDATE offers SET spent_count = 1, spent_money = 300 WHERE offer_id = 'lunch'")
    database.change(
        "INSERT INTO offer_decisions VALUES ('grill', 'd', 1, 'ann', 'policy', 'lunch', '{}', '{}', '{}', 1, 1, 'v',"  # noqa: E501 XX
        " 'w', 9, 9)"
    )
    world.order("burger", token=world.token(), event_id="paid")
    database.change(
        "INSERT INTO offer_outcomes (tenant, event_id, decision_id, kind, occurred_us, received_us, cost)"
        " VALUES ('grill', ?, 'd', 'completed', 5, 5, 300)",
        ("kiosk-1\x1fpaid",),
    )
    service(world).correct(claims(world), "paid")
    assert stores.offers.all_usage("grill")["lunch"].spent_count == 0
    assert world.count("offer_outcomes") == 0


# --- account ---------------------------------------------------------------------------------------------


def test_an_account_counts_while_it_is_tied_and_not_a_moment_longer(world: World, tmp_path: Path) -> None:
    """Its orders make the customer's usual; nothing is written under the pseudonym; untied, it is as before."""
    imported(world, tmp_path)
    world.crowd("cola")
    assert world.suggest(token=world.token(purposes=TIED)).json["fallback"] == "no_history"
    code = service(world).new_link_code("grill", "card-17")
    assert service(world).tie_account(claims(world), code.code.lower().replace("-", " ")) == "card-17"
    assert world.suggest(token=world.token(purposes=TIED)).json["items"][0]["item_id"] == "burger"
    assert service(world).stores.own.of("grill", "ann") == []
    assert world.suggest(token=world.token("bob")).json["fallback"] == "no_history"
    assert service(world).untie(claims(world))
    assert world.suggest(token=world.token(purposes=TIED)).json["fallback"] == "no_history"
    assert not service(world).untie(claims(world))


def test_a_tie_counts_with_its_consent_alone(world: World, tmp_path: Path) -> None:
    """A token from after the withdrawal does not name it: the account's orders count no more, untied or not."""
    imported(world, tmp_path)
    world.crowd("cola")
    service(world).tie_account(claims(world), service(world).new_link_code("grill", "card-17").code)

    assert world.suggest(token=world.token(purposes=TIED)).json["items"][0]["item_id"] == "burger"
    assert world.suggest(token=world.token()).json["fallback"] == "no_history"


def test_a_code_ties_once_and_for_ten_minutes_alone(world: World, tmp_path: Path) -> None:
    """Used, expired, of another tenant, made up: one answer."""
    imported(world, tmp_path)
    first = service(world).new_link_code("grill", "card-17")
    service(world).tie_account(claims(world), first.code)
    late = service(world).new_link_code("grill", "card-17")
    foreign = service(world).new_link_code("mill", "card-17")
    world.time_us += LIFE_US
    for number, code in enumerate((first.code, late.code, foreign.code, "23456-23456")):
        with pytest.raises(LinkCodeWrong):
            service(world).tie_account(claims(world, f"guest-{number}"), code)


def test_codes_cannot_be_guessed(world: World, tmp_path: Path) -> None:
    """After five wrong ones a right one is wrong too, for ten minutes; and an account has few open codes."""
    imported(world, tmp_path)
    right = service(world).new_link_code("grill", "card-17")
    for _ in range(5):
        with pytest.raises(LinkCodeWrong):
            service(world).tie_account(claims(world), "AAAAA-AAAAA")
    with pytest.raises(LinkCodeWrong):
        service(world).tie_account(claims(world), right.code)
    service(world).tie_account(claims(world, "bob"), right.code)
    for _ in range(5):
        service(world).new_link_code("grill", "card-17")
    with pytest.raises(TooManyLinkCodes):
        service(world).new_link_code("grill", "card-17")
    world.time_us += 10 * MINUTE
    code = service(world).new_link_code("grill", "card-17")
    assert service(world).tie_account(claims(world), code.code) == "card-17"


def test_no_code_opens_another_customers_history(world: World) -> None:
    """A pseudonym is no account: not one that has been here, and nothing that looks like one."""
    world.order("burger", token=world.token("bob"), event_id="bobs")
    for account in ("bob", "A1b2C3d4E5f6G7h8I9j0K1", ""):
        with pytest.raises(AccountUnusable):
            service(world).new_link_code("grill", account)


def test_no_code_is_in_any_file_and_an_erasure_ends_the_tie(world: World, tmp_path: Path) -> None:
    """The account and its events stay with the shop; nothing says who had it."""
    imported(world, tmp_path)
    code = service(world).new_link_code("grill", "card-17")
    service(world).database.scrub()
    plain = code.code.replace("-", "").encode()
    assert not any(plain in path.read_bytes() for path in world.home.rglob("*") if path.is_file())
    service(world).tie_account(claims(world, "somebody-tied"), code.code)
    world.half.erase(world.token("somebody-tied", purposes=["erasure"]))
    assert world.count("account_ties") == 0
    assert world.count("events") == 2
    assert not any(b"somebody-tied" in path.read_bytes() for path in world.home.rglob("*") if path.is_file())
    with pytest.raises(Erased):
        service(world).tie_account(claims(world, "somebody-tied"), code.code)


# --- see -------------------------------------------------------------------------------------------------


def test_a_customer_sees_all_that_is_held_and_nothing_of_anybody_else(kitchen: World, tmp_path: Path) -> None:
    """Events with items and names, decisions about offers, the account, the versions; it is plain JSON."""
    name = train(kitchen, "orders")
    imported(kitchen, tmp_path)
    code = service(kitchen).new_link_code("grill", "card-17")
    service(kitchen).tie_account(claims(kitchen, ONE), code.code)
    found = service(kitchen).own_data(claims(kitchen, ONE))
    assert json.loads(json.dumps(found)) == found
    assert (len(found["events"]), found["destinations"]["held"], len(found["destinations"]["events"])) == (6, 6, 6)
    assert found["events"][0]["items"][0]["name"] in ("Burger", "Cola", "Salad")
    assert len(found["offers"]["decisions"]) == len(found["offers"]["purchases"]) == 4
    assert {row["name"] for row in found["offers"]["decisions"]} == {"Lunch for two", None}
    assert found["account"] == {"account": "card-17", "held": 2}
    assert found["models"] == [{"scene": "orders", "version": name}]
    assert shelf(kitchen).current() == name
    others = [who for who in PEOPLE if who != ONE]
    assert not any(who in json.dumps(found) for who in others)


def test_what_is_held_is_named_in_every_language_of_the_catalogue(world: World) -> None:
    """A dish that is gone keeps its name."""
    burger = replace(service(world).stores.catalogue.get("grill", "item", "burger"), names={"de": "Hamburger"})
    service(world).stores.catalogue.put("grill", "item", [burger])
    world.order("burger", token=world.token(), event_id="e0")
    world.order("cola", token=world.token(), event_id="e1")
    service(world).stores.catalogue.delete("grill", "item", "cola")
    held = {event["event_id"]: event["items"][0] for event in service(world).own_data(claims(world))["events"]}
    assert (held["e0"]["name"], held["e0"]["names"]) == ("Burger", {"de": "Hamburger"})
    assert (held["e1"]["name"], "names" in held["e1"]) == ("Cola", False)


def test_rides_are_shown_with_the_second_factor_alone(kitchen: World) -> None:
    """A photograph of somebody must not say where they live; that something is held is said."""
    found = service(kitchen).own_data(claims(kitchen, ONE, level="face"))["destinations"]
    assert (found["held"], found["events"]) == (6, [])
    assert "PIN" in found["hidden_because"]


def test_the_erased_see_nothing_and_change_nothing(world: World) -> None:
    """Also with a token that was made before."""
    world.order("burger", token=world.token(), event_id="e0")
    before = claims(world)
    world.half.erase(world.token(purposes=["erasure"]))
    with pytest.raises(Erased):
        service(world).own_data(before)
    for event in ("e0", "other"):
        with pytest.raises((Erased, CustomerError)):
            service(world).correct(before, event)
