"""`usual screen show|set`: what the desk's form does, at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app import assemble
from plumbing.init_cli import begin
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig

DRAWN = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    open_stores(RecommenderConfig(tmp_path, ())).close()
    return tmp_path


def screen(home: Path, *words: str) -> Result:
    begin(home)
    return CliRunner().invoke(assemble(), ["screen", *words, "--home", str(home), "--tenant", "grill"])


def test_what_is_named_changes_and_the_rest_stays(home: Path) -> None:
    logo = home / "logo.svg"
    logo.write_text(DRAWN.format("<path/>"))
    done = screen(home, "set", "--name", "Grill & Co", "--accent", "#005a9c", "--logo", str(logo), "--sound")
    assert done.exit_code == 0, done.output
    assert done.output.endswith("Saved for grill: name, accent, sound, logo.\n")
    assert screen(home, "set", "--theme", "dark", "--idle-seconds", "30").exit_code == 0
    shown = json.loads(screen(home, "show").output)
    assert (shown["name"], shown["accent"], shown["theme"]) == ("Grill & Co", "#005a9c", "dark")
    assert shown["sound"] is True
    assert shown["idle_seconds"] == 30
    assert shown["logo"]
    assert "base64" not in json.dumps(shown)  # of a logo its kind and length

    assert screen(home, "set", "--accent", "none", "--no-logo").exit_code == 0
    shown = json.loads(screen(home, "show").output)
    assert (shown["name"], shown["accent"], shown["logo"]) == ("Grill & Co", None, None)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--accent", "#ffcc00"], "the nearest colour that has it is #"),
        (["--accent", "yellow"], "accent"),
        (["--name", "x" * 25], "24"),
        (["--idle-seconds", "1"], "15"),
    ],
)
def test_what_is_refused_is_said_and_changes_nothing(home: Path, words: list[str], named: str) -> None:
    before = screen(home, "show").output
    refused = screen(home, "set", *words)
    assert refused.exit_code == 1
    assert named in refused.output
    assert screen(home, "show").output == before


def test_a_logo_that_is_more_than_a_picture_is_refused(home: Path) -> None:
    logo = home / "logo.svg"
    logo.write_text(DRAWN.format("<script>alert(1)</script>"))
    refused = screen(home, "set", "--logo", str(logo))
    assert (refused.exit_code, "logo" in refused.output) == (1, True)
    assert json.loads(screen(home, "show").output)["logo"] is None
