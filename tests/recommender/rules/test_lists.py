"""Rules on lists that are made in bulk, and the commands."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import app
from plumbing.init_cli import begin
from recommender.rules.document import RulesDocument
from recommender.rules.lists import Asked, ruled_list
from recommender.scene import Item
from tests.recommender.service_fixtures import World

ITEMS = {name: Item(name, name, category="hot" if name in "abc" else "cold") for name in "abcdef"}


def ruled(*rules: dict[str, Any], asked: Asked | None = None, top: int = 3) -> list[tuple[str, str]]:
    document = RulesDocument.model_validate({"rules": [{"id": str(n)} | rule for n, rule in enumerate(rules)]})
    return ruled_list(document, "orders", list("abcdef"), top, asked or Asked(), ITEMS)


def names(*rules: dict[str, Any], asked: Asked | None = None) -> str:
    return "".join(name for name, _ in ruled(*rules, asked=asked))


def test_lists_in_bulk_follow_the_same_rules() -> None:
    assert names() == "abc"
    assert names({"kind": "hide", "item": "b"}) == "acd"
    assert names({"kind": "pin", "item": "f", "position": 1}) == "fab"
    assert names({"kind": "limit", "category": "hot", "most": 1}) == "ade"
    paid = ruled({"kind": "sponsored", "item": "a", "position": 2, "sponsor": "Brewery"})
    assert paid == [("b", ""), ("a", "Brewery"), ("c", "")]


def test_what_a_row_does_not_say_makes_a_rule_hold_not() -> None:
    at_noon = Asked(12.5, 0, date(2026, 11, 23), "north")
    for when in ({"dayparts": ["lunch"]}, {"weekdays": [0]}, {"sites": ["north"]}, {"from_date": "2026-11-01"}):
        rule = {"kind": "hide", "item": "a", "when": when}
        assert names(rule, asked=at_noon) == "bcd"
        assert names(rule) == "abc"


def run(home: Path, *given: str) -> Result:
    begin(home)
    return CliRunner().invoke(app.assemble(), [*given, "--home", str(home), "--tenant", "grill"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.json"
    rules = [{"id": "a", "kind": "hide", "item": "burger"}]
    path.write_text(json.dumps({"rules": rules}))
    return path


def test_the_commands_show_set_check_and_restore(world: World, file: Path) -> None:
    """What a command publishes holds in the running server from the next request on."""
    assert "No rule changes" in run(world.home, "rules", "show").output
    assert run(world.home, "rules", "check", str(file)).exit_code == 0
    published = run(world.home, "rules", "set", str(file))
    assert published.exit_code == 0, published.output
    assert "published as number 1" in published.output
    assert "burger" not in [item["item_id"] for item in world.suggest().json["items"]]
    shown = json.loads(run(world.home, "rules", "show", "--json").output)
    assert shown["rules"][0]["item"] == "burger"
    file.write_text(json.dumps({"rules": []}))
    assert "as the draft" in run(world.home, "rules", "set", str(file), "--draft").output
    run(world.home, "rules", "set", str(file))
    assert "hold again, as number 3" in run(world.home, "rules", "restore", "1").output
    lines = run(world.home, "rules", "history").output.splitlines()
    assert [line[:3] for line in lines] == ["* 3", "  2", "  1"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "cannot be read as JSON"),
        ('{"rules": [{"id": "a", "kind": "hide"}]}', "rule 1 (hide): the field 'item' is missing"),
        ('{"rules": [{"id": "a", "kind": "hide", "item": "pizza"}]}', "no “pizza” in the catalogue"),
    ],
)
def test_a_command_refuses_by_name(still: World, file: Path, content: str, says: str) -> None:
    file.write_text(content)
    for command in ("check", "set"):
        ended = run(still.home, "rules", command, str(file))
        assert ended.exit_code == 1
        assert says in ended.output
    assert still.count("scene_rules") == 0
