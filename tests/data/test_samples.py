"""The sample files are what the bulk import reads, and the README says so."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner

from data.town.town import Town
from plumbing.init_cli import begin
from recommender.cli import commands as cli
from recommender.exchange.rows import REQUIRED, What
from tests.conftest import ROOT

SAMPLES = ROOT / "data" / "samples"
COUNTS = {"items": 5, "places": 3, "offers": 2, "events": 3}


def take_in(home: Path, what: str, file: Path) -> Any:
    begin(home)
    return CliRunner().invoke(cli.import_command, [what, str(file), "--home", str(home)])


def test_the_samples_can_be_taken_in(tmp_path: Path) -> None:
    """In the order items, places, offers, events each file goes in whole."""
    for what, count in COUNTS.items():
        done = take_in(tmp_path, what, SAMPLES / f"{what}.csv")

        assert done.exit_code == 0, done.output
        assert f"{count} {what} stored" in done.output


def test_events_before_the_catalogue_are_refused(tmp_path: Path) -> None:
    """Events about dishes that are not known go in not at all, and the rows are named."""
    file = tmp_path / "events.csv"  # wrong rows are listed beside it
    file.write_bytes((SAMPLES / "events.csv").read_bytes())
    done = take_in(tmp_path / "home", "events", file)

    assert done.exit_code == 1
    assert "dish-01" in done.output


@pytest.mark.parametrize("what", get_args(What))
def test_the_readme_names_the_needed_columns(what: Any) -> None:
    """Every column that an import needs stands in its row of the table, and in the sample."""
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in readme.splitlines() if line.startswith(f"| {what} |")]
    header = next(csv.reader((SAMPLES / f"{what}.csv").read_text(encoding="utf-8").splitlines()))

    for name in REQUIRED[what]:
        assert f"`{name}`" in row
        assert name in header
    assert all(f"`{name}`" in row for name in header)


def test_the_whole_town_can_be_taken_in(tmp_path: Path) -> None:
    """Everything that `Town.write` writes goes through the bulk import, row for row."""
    town = Town.build(customers=12, days=20)
    files = town.write(tmp_path / "files")

    for what, name in (("items", "items"), ("places", "places"), ("offers", "offers"), ("events", "orders")):
        done = take_in(tmp_path / "home", what, files[name])
        assert done.exit_code == 0, done.output
    done = take_in(tmp_path / "home", "events", files["rides"])
    assert f"{len(town.rides)} events stored" in done.output
