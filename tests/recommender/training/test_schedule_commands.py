"""`usual schedule`, `usual runs` and `usual train --dry-run`: what the page does, at the command line."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app import assemble
from plumbing.init_cli import begin
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig


@pytest.fixture
def home(tmp_path: Path) -> Path:
    open_stores(RecommenderConfig(tmp_path, ())).close()
    return tmp_path


def usual(home: Path, *words: str) -> Result:
    begin(home)
    return CliRunner().invoke(assemble(), [*words, "--home", str(home), "--tenant", "grill"])


def test_a_schedule_is_set_shown_paused_and_resumed(home: Path) -> None:
    done = usual(
        home, "schedule", "set", "orders", "montags 4 Uhr", "--timezone", "Europe/Berlin", "--language", "de"
    )
    assert done.exit_code == 0, done.output
    assert "orders: jeden Montag um 04:00 (Europe/Berlin)" in done.output
    assert done.output.count("\n  Montag, ") == 3, done.output
    assert usual(home, "schedule", "set", "offers", "every 6 hours").exit_code == 0
    shown = json.loads(usual(home, "schedule", "show", "--json").output)
    assert [(row["scene"], row["lines"]) for row in shown["rows"]] == [
        ("offers", "0 0,6,12,18 * * *"),
        ("orders", "0 4 * * mon"),
    ]
    assert "paused until somebody resumes it" in usual(home, "schedule", "pause", "--scene", "orders").output
    assert "paused" not in usual(home, "schedule", "resume").output
    assert "offers" not in usual(home, "schedule", "set", "offers", "never").output


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["set", "orders", "every 31st at 25:00"], "25:00"),
        (["set", "orders", "every night at 3", "--timezone", "Mars/Olympus"], "Mars/Olympus"),
        (["pause", "--until", "2020-01-01T00:00Z"], "2020-01-01"),
        (["pause", "--until", "tomorrow"], "ISO 8601"),
    ],
)
def test_what_is_refused_is_one_line_and_changes_nothing(home: Path, words: list[str], named: str) -> None:
    refused = usual(home, "schedule", *words)
    assert (refused.exit_code, named in refused.output) == (1, True)
    assert json.loads(usual(home, "schedule", "show", "--json").output)["rows"] == []


def test_runs_are_listed_and_one_is_shown(home: Path) -> None:
    assert "No training yet" in usual(home, "runs").output
    tried = usual(home, "train", "orders", "--dry-run")
    assert (tried.exit_code, "no items yet" in tried.output) == (1, True)
    (run,) = json.loads(usual(home, "runs", "--state", "refused", "--json").output)
    assert (run["kind"], run["by"]) == ("dry run", getpass.getuser())
    whole = json.loads(usual(home, "runs", run["run_id"], "--language", "de").output)
    assert (whole["why"].startswith("Die Speisekarte"), whole["log"] != []) == (True, True)
    ended = usual(home, "runs", run["run_id"], "--cancel")
    assert (ended.exit_code, "refused" in ended.output) == (1, True)
    assert usual(home, "runs", "nothing").exit_code == 1
