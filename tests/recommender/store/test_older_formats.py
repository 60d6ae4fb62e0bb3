"""Databases of older versions: read, moved to the format of today, and nothing more precise left in them."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from plumbing.clock import HOUR
from recommender.assembly import RecommenderStores, open_stores
from recommender.config import RecommenderConfig
from recommender.exchange.checks import check_offers
from recommender.scene import Choice, Event, Item, OptionGroup, OrderLine
from tests.engines import needs_files

pytestmark = needs_files
FIXTURE = Path(__file__).parents[2] / "fixtures" / "recommender-events-0.2.0.db"
NOON = 1_795_435_200_000_000


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[RecommenderStores]:
    """Five events, two of rides with precise positions, and a reservation, as version 0.2.0 wrote them."""
    shutil.copy(FIXTURE, tmp_path / "recommender.db")
    made = open_stores(RecommenderConfig(tmp_path, ()))
    yield made
    made.database.close()


def test_events_and_their_lines_are_kept(stores: RecommenderStores) -> None:
    """All events, with their lines, as events of no known sender."""
    assert stores.events.counts("town") == {"ordered": 2, "rode": 3}
    history = stores.events.history("town", "pseudonym-a", "ordered", 10)
    assert (history.items.tolist(), history.quantity.tolist()) == (["dish-01"], [2.0])
    assert {row["sender"] for row in stores.events.export("town")} == {""}


def test_precise_positions_become_cells(stores: RecommenderStores, tmp_path: Path) -> None:
    """As destinations and as pick-ups; no byte of them is left in any file."""
    rows = stores.database.rows("SELECT origin FROM events WHERE type = 'rode' ORDER BY event_id")
    assert [row["origin"] for row in rows] == ["geo:54.459,6.955", "geo:54.800,7.399", "place-01"]
    assert (
        stores.database.rows("SELECT item FROM lines WHERE event_id = 'ride-1'")[0]["item"] == "geo:54.800,7.399"
    )
    stores.database.scrub()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for piece in (b"54.80047", b"7.39949", b"54.458531"):
        assert piece not in content


def test_an_event_that_is_sent_again_is_still_the_same(stores: RecommenderStores) -> None:
    """A retry across the update is a duplicate; another event under its id is one of its sender's own."""
    lines = (OrderLine("dish-01", 2, 520),)
    again = Event(
        *("order-1", "ordered", "orders", "pseudonym-a", NOON + 3, 12.0, 0, lines, "market", "north", ""),
        sender="kiosk-1",
    )
    assert stores.events.record("town", [again], NOON) == 0
    other = Event("order-1", "ordered", "orders", "", NOON, 12.0, 0, lines, sender="kiosk-1")
    assert stores.events.record("town", [other], NOON) == 1


def test_a_reservation_from_before_is_kept_for_its_window(stores: RecommenderStores) -> None:
    """It was made for what was asked for; it ends as it would have ended."""
    assert stores.offers.usage("town")["soup-day"].reserved_count == 1
    assert stores.offers.release_expired("town", NOON + 71 * HOUR) == 0
    assert stores.offers.release_expired("town", NOON + 72 * HOUR) == 1
    assert stores.offers.usage("town")["soup-day"].reserved_count == 0


def test_an_offer_from_before_keeps_its_meaning(stores: RecommenderStores) -> None:
    """Nobody wrote what it gives, so a till has nothing to apply; it may be redeemed twice in a visit."""
    (soup,) = stores.offers.offers("town")
    assert (soup.offer_id, soup.discount, soup.once_per_visit, soup.categories, soup.terms) == (
        *("soup-day", None, False, ()),
        "",
    )
    rows = [json.loads(line) for line in (FIXTURE.parent / "offers-0.2.0.jsonl").read_text().splitlines()]
    offers = check_offers(rows, {"dish-01"})
    assert [(one.min_spend, one.status) for one in offers] == [(0, "active"), (500, "paused")]
    assert [one.discount for one in offers] == [None, None]


def test_opening_it_twice_changes_nothing(stores: RecommenderStores, tmp_path: Path) -> None:
    before = [tuple(row) for row in stores.database.rows("SELECT * FROM events ORDER BY 1, 2, 3")]
    again = open_stores(RecommenderConfig(tmp_path, ()))
    assert [tuple(row) for row in again.database.rows("SELECT * FROM events ORDER BY 1, 2, 3")] == before
    again.database.close()


def test_tombstones_lose_their_times_and_their_order(tmp_path: Path) -> None:
    """They are kept; beside identity's database their times and the order of their rows would say who is who."""
    shutil.copy(FIXTURE, tmp_path / "recommender.db")
    hashes = [f"{number:064x}" for number in (9, 3, 7, 1)]
    with closing(sqlite3.connect(tmp_path / "recommender.db")) as older, older:
        older.executemany("INSERT INTO tombstones VALUES ('town', ?, ?)", [(one, NOON) for one in hashes])
    made = open_stores(RecommenderConfig(tmp_path, ()))
    assert made.events.tombstones() == sorted(hashes)
    for table in ("tombstones", "forgotten", "version_rows", "account_ties", "corrections"):
        columns = [row["name"] for row in made.database.rows(f"PRAGMA table_info({table})")]
        assert not [name for name in columns if name.endswith(("_us", "_at"))]
        with pytest.raises(sqlite3.OperationalError, match="rowid"):
            made.database.rows(f"SELECT rowid FROM {table}")
    made.database.close()


def test_items_from_before_languages_pictures_and_options(tmp_path: Path) -> None:
    """Dishes and places are what they were and have none of these; they take them from now on."""
    packed = FIXTURE.with_name("recommender-items-0.2.0.db.gz").read_bytes()
    (tmp_path / "recommender.db").write_bytes(gzip.decompress(packed))
    made = open_stores(RecommenderConfig(tmp_path, ()))
    pie = Item("pie", "Pie", "cakes", 430, allergens=("gluten", "milk"), tags=("sweet",))
    soup = Item("soup", "Soup", "soups", 520, allergens=(), sites=("harbour",), available=False)
    assert made.catalogue.all("grill", "item") == (pie, soup)
    assert made.catalogue.all("grill", "place") == (Item("quay", "Old quay", "station", lat=54.4501, lon=6.9502),)
    sizes = OptionGroup(
        "size", "Size", {"de": "Größe"}, "one", (Choice("s", "Small", {}, -50), Choice("l", "Large"))
    )
    later = replace(
        soup, names={"de": "Suppe"}, texts={"ja": "スープ"}, image="a" * 32 + "-960x720", options=(sizes,)
    )
    made.catalogue.put("grill", "item", [later])
    assert made.catalogue.get("grill", "item", "soup") == later
    assert made.images.all("grill") == []
    made.database.close()


def test_a_catalogue_from_before_allergens_could_be_unknown(tmp_path: Path) -> None:
    """An empty list becomes "nobody said", a full one stays; lines of before were sponsored by nobody."""
    shutil.copy(FIXTURE.with_name("recommender-catalogue-0.2.0.db"), tmp_path / "recommender.db")
    made = open_stores(RecommenderConfig(tmp_path, ()))
    found = {item.item_id: item.allergens for item in made.catalogue.all("grill", "item")}
    assert found == {"pie": ("gluten", "milk"), "soup": None}
    made.catalogue.put("grill", "item", [Item("soup", "Soup", "soups", 520, allergens=())])
    assert made.catalogue.get("grill", "item", "soup").allergens == ()
    assert len(made.events.everything("grill", "ordered")) == 2
    assert made.rules.history("grill") == []
    made.database.close()
