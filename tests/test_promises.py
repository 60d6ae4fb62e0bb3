"""docs/promises.md and the tests know each other."""

from __future__ import annotations

import ast
import re

from tests.conftest import ROOT

TABLE = ROOT / "docs" / "promises.md"
CITED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def names_in(name: str) -> set[str]:
    """Names of all tests of a file, in classes or not."""
    tree = ast.parse((ROOT / "tests" / name).read_text())
    return {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}


def cited() -> set[tuple[str, str]]:
    return set(CITED.findall(TABLE.read_text()))


def test_every_test_that_the_promises_name_exists() -> None:
    missing = {(name, test) for name, test in cited() if test not in names_in(name)}

    assert missing == set()


def test_every_promise_names_a_test() -> None:
    rows = [line for line in TABLE.read_text().splitlines() if line.startswith("| ") and "shown by" not in line]

    assert len(rows) > 30
    assert [row for row in rows if not CITED.search(row)] == []


def test_every_privacy_test_stands_behind_a_promise() -> None:
    files = sorted((ROOT / "tests" / "identity").glob("test_privacy_*.py"))
    kept = {(f"identity/{path.name}", test) for path in files for test in names_in(f"identity/{path.name}")}

    assert len(files) == 3
    assert kept - cited() == set()
