"""Toast's loyalty transactions: in its own form, once for each GUID, in any order; money, offers and voids."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doorway.dialects.users import account_of
from recommender.offers.discount import Discount
from recommender.offers.portfolio import Offer
from tests.doorway.dialects.tills import (
    RESTAURANT,
    TENANT,
    House,
    about_check,
    reversal,
    selection,
)
from tests.recommender.service_fixtures import Installation, installation

__all__ = ["installation"]

BURGER, COLA = selection("s1", "Burger", 9.5), selection("s2", "Cola", 6.0, 2)
TENTH = Offer(
    "tenth", "A tenth off", discount=Discount("percent", 10), min_spend=1_000, budget_count=1, redemption_cost=155
)
SAID = dict[str, Any]


@pytest.fixture
def house(installation: Installation, tmp_path: Path) -> Iterator[House]:
    made = House(installation, tmp_path / "state")
    made.agree_with_toast()
    yield made
    made.close()


def offering(house: House, *offers: Offer) -> None:
    store = house.world.half.service.stores.offers
    ended = [Offer(one.offer_id, one.name, status="ended") for one in store.offers(TENANT)]
    store.save_offers(TENANT, [*ended, *offers], house.world.now_us())


def spent(house: House, offer: str = "tenth") -> int:
    used = house.world.half.service.stores.offers.usage(TENANT)
    return used[offer].spent_count if offer in used else 0


def redemption(amount: float, offer: str = "tenth") -> SAID:
    return {
        "identifier": offer,
        "appliedDiscountGuid": "d1",
        "selectionGuid": None,
        "amount": amount,
        "quantity": 1,
    }


def lines(house: House) -> list[tuple[str, int, int | None, str]]:
    return house.lines("dialect:toast")


# --- who may call, and in which form it is refused


def test_errors_have_toasts_own_form(house: House) -> None:
    """A wrong key, an unknown restaurant, types that are not carried out, bodies that are none."""
    body = about_check("c1", BURGER)
    no_search = {"searchTransactionInformation": {"searchCriteria": {"phone": "1111111111"}}}
    for kind, headers, sent, status in (
        ("ACCRUE", {"Authorization": "wrong"}, body, "ERROR_INVALID_TOKEN"),
        ("ACCRUE", {"Authorization": "ü"}, body, "ERROR_INVALID_TOKEN"),
        ("ACCRUE", {"Toast_Restaurant_External_ID": "other"}, body, "ERROR_INVALID_RESTAURANT"),
        ("SEARCH", {}, no_search, "ERROR_INVALID_TOAST_TRANSACTION_TYPE"),
        ("TRANSFER", {}, {}, "ERROR_INVALID_TOAST_TRANSACTION_TYPE"),
        ("SIGNUP", {}, {}, "ERROR_INVALID_TOAST_TRANSACTION_TYPE"),
        ("VALIDATE", {}, {}, "ERROR_INVALID_TOAST_TRANSACTION_TYPE"),
        ("ACCRUE", {}, {}, "ERROR_INVALID_INPUT_PROPERTIES"),
        ("ACCRUE", {}, {"toastTransactionType": "LOYALTY_REDEEM"}, "ERROR_INVALID_INPUT_PROPERTIES"),
        ("ACCRUE", {"Toast_Transaction_GUID": "x" * 65}, body, "ERROR_INVALID_INPUT_PROPERTIES"),
        ("ACCRUE", {}, about_check("c1", selection("s", "Burger", -1)), "ERROR_INVALID_INPUT_PROPERTIES"),
        ("ACCRUE", {}, about_check("c1", BURGER, paidDate="soon"), "ERROR_INVALID_INPUT_PROPERTIES"),
        ("INQUIRE", {}, about_check("c1", account=None), "ERROR_ACCOUNT_INVALID"),
        ("INQUIRE", {}, about_check("c1", account="ann@shop.example"), "ERROR_ACCOUNT_INVALID"),
        ("INQUIRE", {}, about_check("c1", account="+491701234567"), "ERROR_ACCOUNT_INVALID"),
        ("REVERSE", {}, reversal("never-came"), "ERROR_TRANSACTION_DOES_NOT_EXIST"),
    ):
        code, said = house.transact(kind, "g1", sent, **headers)
        assert (code, said["transactionStatus"]) == (400, status), (kind, said)
        assert set(said) <= {"transactionStatus", "message"}
    assert "none is kept" in house.transact("SEARCH", "g1", no_search)[1]["message"]
    assert lines(house) == []


def test_another_tenant_and_one_that_switched_it_off_answer_nothing(house: House) -> None:
    reply = house.client.post(
        house.shared.peers.path("mill", "toast"), json={}, headers={"Authorization": "c75a2aa085d30a90"}
    )
    assert (reply.status_code, reply.get_json()) == (400, {"transactionStatus": "ERROR_INVALID_TOKEN"})
    house.shared.dialects.choose(TENANT, [])
    code, said = house.transact("ACCRUE", "g1", about_check("c1", BURGER))
    assert (code, said["transactionStatus"], "usual dialects on toast" in said["message"]) == (400, "ERROR", True)


# --- accrue


def test_a_check_is_an_order_of_the_account_and_names_are_nowhere(house: House) -> None:
    """Of the keyed hash of its identifier; neither that nor the guest's name, tab and telephone are kept."""
    assert house.transact("ACCRUE", "a1", about_check("c1", BURGER, COLA)) == (
        200,
        {"transactionStatus": "ACCEPT"},
    )
    assert lines(house) == [("burger", 1, 950, ""), ("cola", 2, 300, "")]
    assert house.history("card-4711") == ["burger", "cola"]
    house.world.half.service.database.scrub()
    files = [path.read_bytes() for path in house.world.home.rglob("*") if path.is_file()]
    assert not any(word in file for file in files for word in (b"card-4711", b"Ann Smith", b"1111111111"))


def test_one_transaction_counts_once_and_one_check_is_one_order(house: House) -> None:
    """Sent again, paid in two parts, paid by somebody without an account."""
    for guid in ("a1", "a1", "a2"):
        assert house.transact("ACCRUE", guid, about_check("c1", BURGER))[0] == 200
    assert lines(house) == [("burger", 1, 950, "")]
    house.transact("ACCRUE", "a3", about_check("c2", COLA, account=None))
    assert len(lines(house)) == 2
    assert house.history("card-4711") == ["burger"]


def test_modifiers_combos_voids_and_gift_cards_are_kept_right(house: House) -> None:
    """Oat milk is a choice, a combo's cola a dish with its own price, what was struck off none; money adds up."""
    oat, cola = selection("m1", "Oat milk", 1.2), selection("m2", "Cola", 1.5)
    latte = selection("s1", "Latte (Large)", 10.8, 2, modifiers=[oat, selection("m3", "extra hot", 0)])
    check = about_check(
        "c1",
        latte,
        selection("s2", "Burger", 11.0, modifiers=[cola]),
        selection("s3", "Salad", 7.9, voided=True),
        selection("s4", "Gift card", 50, deferred=True),
        selection("s5", "Soup of a street stall", 5),
        selection("s6", "Salad", 3.95, 0.5, unitOfMeasure="LB"),
    )
    house.transact("ACCRUE", "a1", check)
    assert lines(house) == [
        ("latte", 2, 540, '["oat"]'),
        ("burger", 1, 950, ""),
        ("cola", 1, 150, ""),
        ("salad", 1, 395, ""),
    ]
    house.transact("ACCRUE", "a2", about_check("c2", BURGER, voided=True))
    assert len(lines(house)) == 4


# --- reverse


def test_a_reversal_takes_the_order_back_once(house: House) -> None:
    house.transact("ACCRUE", "a1", about_check("c1", BURGER))
    assert house.transact("REVERSE", "r1", reversal("a1", None)) == (200, {"transactionStatus": "ACCEPT"})
    assert lines(house) == []
    assert house.transact("REVERSE", "r1", reversal("a1"))[0] == 200  # sent again
    again = house.transact("REVERSE", "r2", reversal("a1"))
    assert (again[0], again[1]["transactionStatus"]) == (400, "ERROR_TRANSACTION_CANNOT_BE_REVERSED")
    assert house.transact("ACCRUE", "a1", about_check("c1", BURGER))[0] == 200  # late
    assert lines(house) == []


def test_a_reversal_may_come_before_what_it_reverses(house: House) -> None:
    """Tills that were offline send what they kept in any order."""
    assert house.transact("REVERSE", "r1", reversal("a1"))[0] == 400
    assert house.transact("ACCRUE", "a1", about_check("c1", BURGER)) == (200, {"transactionStatus": "ACCEPT"})
    assert lines(house) == []


def test_a_changed_payment_is_a_reversal_and_an_accrual_of_the_same_order(house: House) -> None:
    """In either order of arrival there is one order at the end."""
    house.transact("ACCRUE", "a1", about_check("c1", BURGER))
    house.transact("REVERSE", "r1", reversal("a1"))
    house.transact("ACCRUE", "a2", about_check("c1", BURGER))
    assert lines(house) == [("burger", 1, 950, "")]
    house.transact("ACCRUE", "a3", about_check("c1", BURGER))
    house.transact("REVERSE", "r2", reversal("a2"))
    assert lines(house) == [("burger", 1, 950, "")]
    house.transact("REVERSE", "r3", reversal("a3"))
    assert lines(house) == []


# --- inquire and redeem


def test_an_inquiry_shows_the_offer_of_the_house_and_what_it_takes_off(house: House) -> None:
    """The same for every account; not yet applicable under its minimum; nothing is redeemed by asking."""
    offering(house, TENTH)
    code, said = house.transact("INQUIRE", "i1", about_check("c1", BURGER))
    assert (code, said["transactionStatus"]) == (200, "ACCEPT")
    shown = said["checkResponse"]
    assert shown["accountInfo"] == {"identifier": "card-4711"}
    assert [(one["identifier"], one["applicable"]) for one in shown["offers"]] == [("tenth", False)]
    [offer] = house.transact("INQUIRE", "i2", about_check("c1", BURGER, COLA))[1]["checkResponse"]["offers"]
    assert offer == {
        "identifier": "tenth",
        "name": "A tenth off",
        "applicable": True,
        "selectionType": "CHECK",
        "amount": 1.55,
        "quantity": 1,
    }
    assert spent(house) == 0
    assert house.history("card-4711") == []


def test_a_redemption_is_booked_once_and_another_check_gets_none(house: House) -> None:
    """By its GUID; a budget of one redemption is spent by one."""
    offering(house, TENTH)
    body = about_check("c1", BURGER, COLA, redemptions=[redemption(1.55)])
    house.transact("INQUIRE", "i1", body)
    for _ in range(2):
        code, said = house.transact("REDEEM", "g1", body)
        assert (code, said["transactionStatus"]) == (200, "ACCEPT")
        assert said["checkResponse"]["appliedRedemptions"] == [redemption(1.55)]
        assert said["checkResponse"]["rejectedRedemptions"] == []
    assert spent(house) == 1
    house.transact("ACCRUE", "a1", body)
    assert lines(house) == [("burger", 1, 950, ""), ("cola", 2, 300, "")]
    assert spent(house) == 1
    house.transact("INQUIRE", "i2", about_check("c2", BURGER, COLA))
    code, said = house.transact("REDEEM", "g2", about_check("c2", BURGER, COLA, redemptions=[redemption(1.55)]))
    assert (code, said["checkResponse"]["appliedRedemptions"]) == (200, [])
    assert [one["redemption"]["appliedDiscountGuid"] for one in said["checkResponse"]["rejectedRedemptions"]] == [
        "d1"
    ]


@pytest.mark.parametrize(
    "asked",
    [
        [redemption(9.0)],  # more than it takes off
        [redemption(1.55, "another")],
        [redemption(1.55), redemption(1.55)],  # twice on one check
    ],
)
def test_what_does_not_hold_is_rejected_with_a_sentence(house: House, asked: list[SAID]) -> None:
    offering(house, TENTH)
    house.transact("INQUIRE", "i1", about_check("c1", BURGER, COLA))
    code, said = house.transact("REDEEM", "g1", about_check("c1", BURGER, COLA, redemptions=asked))
    rejected = said["checkResponse"]["rejectedRedemptions"]
    assert (code, said["transactionStatus"], len(rejected)) == (200, "ACCEPT", 1)
    assert rejected[0]["message"]
    assert spent(house) == len(asked) - 1


def test_an_offer_that_ended_meanwhile_is_rejected_and_nothing_is_half_done(house: House) -> None:
    offering(house, TENTH)
    body = about_check("c1", BURGER, COLA, redemptions=[redemption(1.55)])
    house.transact("INQUIRE", "i1", body)
    offering(house)
    for _ in range(2):
        said = house.transact("REDEEM", "g1", body)[1]["checkResponse"]
        assert (said["appliedRedemptions"], len(said["rejectedRedemptions"])) == ([], 1)
    assert lines(house) == []


def test_a_reversed_redemption_frees_the_budget_and_the_order_stays_while_it_is_paid(house: House) -> None:
    """The discounted dish is struck off; then the whole check."""
    offering(house, TENTH)
    body = about_check("c1", BURGER, COLA, redemptions=[redemption(1.55)])
    house.transact("INQUIRE", "i1", body)
    house.transact("REDEEM", "g1", body)
    house.transact("ACCRUE", "a1", body)
    assert house.transact("REVERSE", "r1", reversal("g1"))[0] == 200
    assert spent(house) == 0
    assert lines(house) == [("burger", 1, 950, ""), ("cola", 2, 300, "")]
    assert house.history("card-4711") == ["burger", "cola"]
    house.transact("REVERSE", "r2", reversal("a1"))
    assert lines(house) == []


def test_a_payment_that_failed_leaves_neither_order_nor_redemption(house: House) -> None:
    offering(house, TENTH)
    body = about_check("c1", BURGER, COLA, redemptions=[redemption(1.55)])
    house.transact("INQUIRE", "i1", body)
    house.transact("REDEEM", "g1", body)
    house.transact("REVERSE", "r1", reversal("g1"))
    assert (spent(house), lines(house)) == (0, [])
    assert house.transact("REDEEM", "g2", body)[1]["checkResponse"]["appliedRedemptions"] == [redemption(1.55)]
    assert spent(house) == 1


def test_offers_of_dishes_name_the_selections_that_they_reduce(house: House) -> None:
    """An amount off colas on two selections, split; and something free that is on the check."""
    off = Offer("off", "2 off colas", items=("cola",), discount=Discount("amount", 200))
    offering(house, off)
    more = selection("s3", "Cola", 3.0)
    [offer] = house.transact("INQUIRE", "i1", about_check("c1", BURGER, COLA, more))[1]["checkResponse"]["offers"]
    assert (offer["selectionType"], offer["amount"]) == ("MULTI_ITEM", 2.0)
    assert offer["itemApplication"] == [
        {"selectionIdentifier": "s2", "amount": 1.33},
        {"selectionIdentifier": "s3", "amount": 0.67},
    ]
    offering(house, Offer("gift", "A free cola", discount=Discount("free_item", item="cola")))
    [offer] = house.transact("INQUIRE", "i2", about_check("c2", BURGER, COLA))[1]["checkResponse"]["offers"]
    assert (offer["selectionType"], offer["amount"], offer["itemApplication"]) == (
        "ITEM",
        3.0,
        [{"selectionIdentifier": "s2", "amount": 3.0}],
    )
    [offer] = house.transact("INQUIRE", "i3", about_check("c3", BURGER))[1]["checkResponse"]["offers"]
    assert (offer["applicable"], offer["amount"]) == (False, 0.0)


def test_without_an_offer_the_account_is_answered_with_none(house: House) -> None:
    offering(house)
    said = house.transact("INQUIRE", "i1", about_check("c1", BURGER))[1]
    lists: SAID = {"offers": [], "appliedRedemptions": [], "rejectedRedemptions": []}
    assert said["checkResponse"] == {"accountInfo": {"identifier": "card-4711"}} | lists
    assert house.transact("REDEEM", "g1", about_check("c1", BURGER))[0] == 200
    assert house.transact("REVERSE", "r1", reversal("i1"))[1]["transactionStatus"].startswith("ERROR_TRANSACTION")


def test_an_erased_account_is_invalid_and_its_reversal_brings_nothing_back(house: House) -> None:
    offering(house, TENTH)
    body = about_check("c1", BURGER, COLA, redemptions=[redemption(1.55)])
    house.transact("INQUIRE", "i1", body)
    house.transact("REDEEM", "g1", body)
    house.transact("ACCRUE", "a1", body)
    service = house.world.half.service
    service.erase_customer(TENANT, account_of(service.stores.key("accounts"), TENANT, "card-4711"))
    assert lines(house) == []
    code, said = house.transact("ACCRUE", "a2", about_check("c2", BURGER))
    assert (code, said["transactionStatus"]) == (400, "ERROR_ACCOUNT_INVALID")
    assert house.transact("REVERSE", "r1", reversal("g1"))[0] == 200
    assert (lines(house), house.history("card-4711")) == ([], [])


def test_yen_has_no_decimals(house: House) -> None:
    """Amounts are those of the tenant's currency."""
    tenants = house.world.half.service.stores.tenants
    tenants.save(TENANT, replace(tenants.get(TENANT), currency="JPY"))
    house.transact("ACCRUE", "a1", about_check("c1", selection("s1", "Burger", 950)))
    assert lines(house) == [("burger", 1, 950, "")]


def test_the_restaurant_is_the_site(house: House) -> None:
    peer = house.shared.peers.get(TENANT, "toast")
    house.shared.access.create_key(TENANT, ["event"], site="mill")
    house.shared.peers.put(TENANT, "toast", type(peer)(peer.secret, sites={RESTAURANT: "mill"}))
    house.transact("ACCRUE", "a1", about_check("c1", BURGER))
    assert house.world.half.service.database.row("SELECT site FROM events")["site"] == "mill"


def test_each_transaction_is_answered_within_half_a_second_on_average(house: House) -> None:
    """As Toast asks for; about 50 ms were measured on a busy machine."""
    offering(house, replace(TENTH, budget_count=None))
    began = time.perf_counter()
    for i in range(3):
        body = about_check(f"c{i}", BURGER, COLA, redemptions=[redemption(1.55)])
        for kind, guid in (("INQUIRE", "i"), ("REDEEM", "g"), ("ACCRUE", "a")):
            assert house.transact(kind, f"{guid}{i}", body)[0] == 200
        assert house.transact("REVERSE", f"r{i}", reversal(f"g{i}"))[0] == 200
    assert (time.perf_counter() - began) / 12 < 0.5
