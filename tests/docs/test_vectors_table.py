"""The table of docs/api/vectors.md: each line names tests and sections of the bench that exist."""

from __future__ import annotations

import ast
import re

from tests.conftest import ROOT
from tests.test_promises import CITED, names_in

BENCH = re.compile(r"`python -m bench --only (\w+)`")


def test_every_line_is_shown_by_a_test_or_a_bench_that_exists() -> None:
    text = (ROOT / "docs" / "api" / "vectors.md").read_text().partition("## What is reached")[2]
    rows = [line for line in text.splitlines() if line.startswith("| ") and "shown by |" not in line]
    tree = ast.parse((ROOT / "bench" / "__main__.py").read_text())
    [sections] = [
        ast.literal_eval(one.value)
        for one in tree.body
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "SECTIONS"
    ]

    assert len(rows) >= 17
    assert [row for row in rows if not CITED.search(row) and not BENCH.search(row)] == []
    assert set(BENCH.findall(text)) <= set(sections)
    assert [(file, test) for file, test in CITED.findall(text) if test not in names_in(file)] == []
