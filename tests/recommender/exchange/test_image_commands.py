"""`usual images`: a picture for a dish, the list of pictures, and none again."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

import app
from plumbing.storage.state import State
from recommender.scene import Item
from recommender.store import open_database
from recommender.store.catalogue import CatalogueStore
from tests import pictures


def run(home: Path, *words: str) -> Result:
    """The command in a home."""
    return CliRunner().invoke(app.assemble(), ["images", *words, "--home", str(home), "--tenant", "mill"])


def test_a_picture_is_added_listed_and_removed(tmp_path: Path) -> None:
    home = tmp_path / "state"
    home.mkdir()
    database = open_database(State(home))
    CatalogueStore(database).put("mill", "item", [Item("pie", "Pie", "cakes", 390)])
    database.close()
    photo = tmp_path / "pie.jpg"
    photo.write_bytes(pictures.encoded(".jpg"))

    assert "mill has no pictures." in run(home, "list").output
    added = run(home, "add", str(photo), "pie")
    assert (added.exit_code, added.output.split(":")[0]) == (0, "pie has a picture")
    assert "600 x 300" in added.output
    assert run(home, "list").output.rstrip().endswith("bytes  pie")
    assert run(home, "remove", "pie").exit_code == 0
    assert "mill has no pictures." in run(home, "list").output


def test_what_is_no_picture_or_no_dish_is_named_in_one_sentence(tmp_path: Path) -> None:
    home = tmp_path / "state"
    home.mkdir()
    database = open_database(State(home))
    CatalogueStore(database).put("mill", "item", [Item("pie", "Pie", "cakes", 390)])
    database.close()
    text, photo = tmp_path / "pie.txt", tmp_path / "pie.jpg"
    text.write_text("this is no picture")
    photo.write_bytes(pictures.encoded(".jpg"))

    for words, said in (
        (("add", str(text), "pie"), "picture"),
        (("add", str(photo), "cake"), "cake"),
        (("add", str(tmp_path / "missing.jpg"), "pie"), "missing.jpg"),
        (("remove", "cake"), "cake"),
    ):
        result = run(home, *words)
        assert result.exit_code != 0
        assert said in result.output
        assert "Traceback" not in result.output
    assert "mill has no pictures." in run(home, "list").output
