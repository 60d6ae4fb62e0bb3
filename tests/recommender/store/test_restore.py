"""A database that is put back brings nobody back: no event is served, counted or learned from again."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from plumbing.storage.tombstones import TombstonesUnusable
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from recommender.errors import ErasureNotRemembered
from tests.engines import needs_files
from tests.recommender.service_fixtures import Installation, World


def order(world: World, who: str, *names: str) -> None:
    for name in names:
        assert world.order("salad", token=world.token(who), event_id=name).status_code in (200, 201), name


def erase(world: World, who: str) -> None:
    world.half.erase(world.token(who, purposes=["erasure"], device=""))


def backup(world: World, path: Path) -> None:
    with closing(sqlite3.connect(world.home / "recommender.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(path),))


def put_back(home: Path, copy: Path) -> None:
    for path in home.glob("recommender.db*"):
        path.unlink()
    shutil.copy(copy, home / "recommender.db")


@needs_files
def test_a_restored_database_is_without_the_erased_before_anything_is_served_or_trained(
    installation: Installation, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    world = installation.open(home)
    order(world, "ann", "a1", "a2")
    order(world, "ben", "b1")
    backup(world, tmp_path / "copy.db")
    erase(world, "ann")
    token = world.token("ann")
    world.close()
    put_back(home, tmp_path / "copy.db")

    stores = open_stores(RecommenderConfig(home=home, token_keys=()))
    try:
        assert stores.events.customers() == [("grill", "ben")]
        assert stores.events.everything("grill", "ordered").customers.tolist() == ["ben"]
        assert stores.events.is_erased("grill", "ann")
    finally:
        stores.database.close()
    world = installation.open(home)
    assert world.suggest(token=token).json["code"] == "erased"
    assert world.order("salad", token=token, event_id="late").json["code"] == "erased"
    assert world.suggest(token=world.token("ben")).status_code == 200
    world.close()


@needs_files
def test_it_is_noticed_in_a_server_that_runs(installation: Installation, tmp_path: Path) -> None:
    """`.restore` of sqlite3 puts a database back under a server without stopping it."""
    world = installation.open(tmp_path / "home")
    order(world, "ann", "a1")
    backup(world, tmp_path / "copy.db")
    erase(world, "ann")
    source, target = sqlite3.connect(tmp_path / "copy.db"), sqlite3.connect(tmp_path / "home" / "recommender.db")
    source.backup(target)
    source.close()
    target.close()
    assert world.half.service.events.customers() == [("grill", "ann")]

    world.suggest()

    assert world.half.service.events.customers() == []
    assert world.suggest(token=world.token("ann")).json["code"] == "erased"
    world.close()


@needs_files
def test_offers_of_the_erased_do_not_come_back_either(installation: Installation, tmp_path: Path) -> None:
    world = installation.open(tmp_path / "home")
    world.suggest("offers", token=world.token("ann"))
    world.half.service.database.change(
        "INSERT INTO offer_purchases VALUES (?, ?, ?, ?, ?)", ("grill", "p1", "ann", 1, 100)
    )
    backup(world, tmp_path / "copy.db")
    erase(world, "ann")
    world.close()
    put_back(tmp_path / "home", tmp_path / "copy.db")

    world = installation.open(tmp_path / "home")

    assert world.half.service.stores.offers.customers() == []
    world.close()


@needs_files
def test_erasures_of_an_older_release_are_taken_into_the_file(installation: Installation, tmp_path: Path) -> None:
    """The file is new: what the database remembers goes there at the first start."""
    home = tmp_path / "home"
    world = installation.open(home)
    order(world, "ann", "a1")
    backup(world, tmp_path / "copy.db")
    erase(world, "ann")
    world.half.service.database.change("DELETE FROM generations WHERE name = 'tombstones'")
    world.close()
    (home / "recommender-tombstones").unlink()
    installation.open(home).close()
    put_back(home, tmp_path / "copy.db")

    world = installation.open(home)

    assert world.half.service.events.customers() == []
    world.close()


@needs_files
def test_an_import_after_a_restore_brings_nobody_back(installation: Installation, tmp_path: Path) -> None:
    world = installation.open(tmp_path / "home")
    backup(world, tmp_path / "copy.db")
    erase(world, "ann")
    world.close()
    put_back(tmp_path / "home", tmp_path / "copy.db")

    stores = open_stores(RecommenderConfig(home=tmp_path / "home", token_keys=()))

    assert stores.events.erased_among("grill", ["ann", "ben"]) == {"ann"}
    stores.database.close()


def test_a_folder_that_is_away_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(TombstonesUnusable):
        open_stores(RecommenderConfig(home=tmp_path, token_keys=(), tombstones=tmp_path / "away"))


def test_an_erasure_that_could_not_be_remembered_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, so that identity hands it over again; the events are gone all the same."""
    order(world, "ann", "a1")

    def away(*_: object) -> int:
        raise OSError("the disk is away")

    with monkeypatch.context() as patch:
        patch.setattr("plumbing.storage.tombstones.Tombstones.add", away)
        with pytest.raises(ErasureNotRemembered):
            erase(world, "ann")
    assert world.half.service.events.customers() == []
    erase(world, "ann")
    assert world.half.service.events.is_erased("grill", "ann")
