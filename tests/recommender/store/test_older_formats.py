"""Databases of older versions: read, moved to the format of today, and nothing more precise left in them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plumbing.clock import HOUR
from recommender.assembly import RecommenderStores, open_stores
from recommender.config import RecommenderConfig
from recommender.scene import Event, OrderLine
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
