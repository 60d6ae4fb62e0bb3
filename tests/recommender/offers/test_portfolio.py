"""Offers are checked field by field, and shown only when and where they run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbing.clock import DAY
from recommender.errors import BadRows, FileUnreadable
from recommender.exchange.checks import check_offers
from recommender.exchange.rows import read_rows
from recommender.offers.eligibility import Moment, Usage, screen
from recommender.offers.errors import InvalidOffer, TooManyOffers, UnknownOffer
from recommender.offers.portfolio import MAX_OFFERS, Offer, from_json, parse_offer, to_json
from tests.recommender.offers.world import NOON, NOW_US, TENANT, offer, open_store


def test_every_wrong_field_is_named() -> None:
    """An offer with nine wrong fields is refused once, with all nine names."""
    wrong = {
        "offer_id": "none",
        "name": "",
        "kind": "lottery",
        "items": ["latte", "unicorn"],
        "starts_on": "2026-12-01",
        "ends_on": "2026-11-01",
        "budget_count": -1,
        "budget_money": "-5",
        "cap_count": 0,
        "colour": "red",
    }

    with pytest.raises(InvalidOffer) as refused:
        parse_offer(wrong, items={"latte"})

    assert {name for name, _ in refused.value.fields} == set(wrong) - {"starts_on"}
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cap_days", 0),
        ("cap_days", 7),
        ("from_hour", 24),
        ("to_hour", 0),
        ("weekdays", ["someday"]),
        ("starts_on", "23.11.2026"),
        ("never_twice", "perhaps"),
        ("redemption_cost", 1.5),
        ("budget_money", True),
        ("window_hours", 0),
        ("status", "sleeping"),
        ("sites", 7),
        ("text", "x\x00"),
        ("budget_count", "1e3"),
    ],
)
def test_a_wrong_value_is_refused(field: str, value: object) -> None:
    """Each field refuses what it cannot mean."""
    with pytest.raises(InvalidOffer) as refused:
        parse_offer({"offer_id": "a", "name": "A", field: value})

    assert field in {name for name, _ in refused.value.fields}


def test_hours_that_leave_no_time_are_refused() -> None:
    """An offer from 9 to 9 would never run."""
    with pytest.raises(InvalidOffer, match="to_hour"):
        parse_offer({"offer_id": "a", "name": "A", "from_hour": 9, "to_hour": 9})


@settings(deadline=None)
@given(
    st.builds(
        offer,
        st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True).filter(lambda text: text != "none"),
        items=st.lists(st.sampled_from(["latte", "bagel"]), unique=True).map(tuple),
        weekdays=st.sets(st.integers(0, 6)).map(lambda days: tuple(sorted(days))),
        budget_money=st.none() | st.integers(0, 10**12),
        never_twice=st.booleans(),
    )
)
def test_what_is_stored_is_what_is_read(one: Offer) -> None:
    """JSON there and back gives the same offer, and the parser agrees with it."""
    assert from_json(to_json(one)) == one
    assert parse_offer({name: getattr(one, name) for name in one.__slots__}) == one


@pytest.mark.parametrize("days", ["mon|tue", "Monday|tuesday", "0|1", ["mon", 1], [0, "1"]])
def test_days_are_names_or_numbers(days: object) -> None:
    """As people write them, and as a file holds them that was written from here."""
    assert parse_offer({"offer_id": "a", "name": "A", "weekdays": days}).weekdays == (0, 1)


def test_ten_thousand_offers_are_refused_and_nothing_is_stored(tmp_path: Path) -> None:
    """A portfolio has a size at which every decision is still quick; beyond it the import is refused whole."""
    many = [offer(f"o{number}") for number in range(10_000)]
    store = open_store(tmp_path / "r.db")

    with pytest.raises(TooManyOffers, match=str(MAX_OFFERS)):
        store.save_offers(TENANT, many, NOW_US)

    assert store.offers(TENANT) == []


def test_an_unknown_offer_is_named(tmp_path: Path) -> None:
    """Asking for an offer that never was says which."""
    with pytest.raises(UnknownOffer, match="ghost"):
        open_store(tmp_path / "r.db").offer(TENANT, "ghost")


def moment(local: datetime = NOON, **fields: Any) -> Moment:
    values: dict[str, Any] = {"site": "mitte"} | fields
    return Moment(NOW_US, local, **values)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "paused"}, "paused"),
        ({"status": "ended"}, "ended"),
        ({"starts_on": "2026-11-24"}, "not_started"),
        ({"ends_on": "2026-11-22"}, "expired"),
        ({"weekdays": (1, 2)}, "weekday"),
        ({"from_hour": 13}, "hour"),
        ({"to_hour": 12}, "hour"),
        ({"from_hour": 22, "to_hour": 4}, "hour"),
        ({"sites": ("nord",)}, "site"),
        ({"items": ("cake",)}, "items_unavailable"),
        ({"budget_count": 0}, "budget_count"),
        ({"budget_money": 99, "redemption_cost": 100}, "budget_money"),
    ],
)
def test_each_offer_left_out_has_its_reason(fields: dict[str, Any], reason: str) -> None:
    """One offer is always fine, the other is left out for the reason that was written into it."""
    eligible, excluded = screen([offer("fine"), offer("other", **fields)], {}, moment(available={"latte"}))

    assert ([one.offer_id for one in eligible], excluded) == (["fine"], {"other": reason})


def test_an_evening_offer_runs_past_midnight() -> None:
    """Monday 22-4 covers Tuesday 2 o'clock and not Monday 2 o'clock."""
    late = [offer("late", from_hour=22, to_hour=4, weekdays=(0,), starts_on="2026-11-23", ends_on="2026-11-23")]

    assert screen(late, {}, moment(NOON + timedelta(hours=14)))[0] == late
    assert screen(late, {}, moment(NOON - timedelta(hours=10)))[1] == {"late": "not_started"}


def test_caps_count_within_their_days() -> None:
    """Twice in seven days: two recent showings close it, one old one does not count."""
    capped = [offer("a", cap_count=2, cap_days=7)]
    old, recent = NOW_US - 8 * DAY, NOW_US - DAY

    assert screen(capped, {}, moment(shown={"a": [old, recent]}))[0] == capped
    assert screen(capped, {}, moment(shown={"a": [recent, recent]}))[1] == {"a": "cap"}
    assert screen([offer("a", never_twice=True)], {}, moment(shown={"a": [old]}))[1] == {"a": "shown_before"}


def test_a_clock_set_back_opens_no_cap() -> None:
    """What was shown 'tomorrow' still counts today."""
    capped = [offer("a", cap_count=1, cap_days=1)]

    assert screen(capped, {}, moment(shown={"a": [NOW_US + DAY]}))[1] == {"a": "cap"}


def test_nobody_is_nagged() -> None:
    """Three offers of any kind within the week, and the rest of the portfolio rests as well."""
    eligible, excluded = screen([offer("a"), offer("b")], {}, moment(shown={"a": [NOW_US - DAY] * 3}, nag_count=3))

    assert (eligible, excluded) == ([], {"a": "nag_cap", "b": "nag_cap"})


@settings(deadline=None)
@given(spent=st.integers(0, 9), reserved=st.integers(0, 9), budget=st.integers(0, 20))
def test_a_budget_holds_whatever_is_open(spent: int, reserved: int, budget: int) -> None:
    """An offer runs exactly as long as one more redemption fits beside all that is spent and reserved."""
    used = {"a": Usage(spent, reserved, 0, 0)}

    eligible, _ = screen([offer("a", budget_count=budget)], used, moment())

    assert bool(eligible) == (spent + reserved + 1 <= budget)


def test_an_empty_portfolio_is_no_error() -> None:
    """Nothing to choose from: nothing eligible, nothing excluded."""
    assert screen([], {}, moment()) == ([], {})


def test_local_days_decide_not_utc() -> None:
    """At 23:30 UTC it is already the next day further east."""
    east = datetime(2026, 11, 23, 23, 30, tzinfo=UTC).astimezone(timezone(timedelta(hours=1)))

    assert screen([offer("a", starts_on="2026-11-24")], {}, moment(east))[1] == {}


def read_file(tmp_path: Path, text: str, known: set[str]) -> list[Offer]:
    """The offers of a CSV file, read and checked as `usual import offers` does."""
    path = tmp_path / "offers.csv"
    path.write_text(text, encoding="utf-8")
    numbers, rows = zip(*read_rows(path, "offers"), strict=True)
    return check_offers(rows, known, numbers)


def test_a_file_names_its_wrong_rows(tmp_path: Path) -> None:
    """Two bad rows, one of them a repeated id: both are named by their line in the file."""
    text = "offer_id,name,budget_money\na,A,500\nb,B,-1\na,A again,\n"

    with pytest.raises(BadRows) as refused:
        read_file(tmp_path, text, set())

    assert [row["row"] for row in refused.value.extra["rows"]] == [3, 4]


def test_a_file_is_read_with_its_lists_and_days(tmp_path: Path) -> None:
    """Lists are parted by |, days are written by name, an empty cell means the usual."""
    text = "offer_id,name,items,weekdays,cap_count,to_hour\nlunch,Lunch,latte|bagel,mon|tue,,\n"

    (lunch,) = read_file(tmp_path, text, {"latte", "bagel"})

    assert (lunch.items, lunch.weekdays, lunch.cap_count, lunch.to_hour) == (("latte", "bagel"), (0, 1), None, 24)


def test_a_file_without_names_is_refused(tmp_path: Path) -> None:
    """The header is checked before the rows."""
    with pytest.raises(FileUnreadable, match="lacks the columns name"):
        read_file(tmp_path, "offer_id\na\n", set())
