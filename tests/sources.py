"""The Python files that are served, parsed: for tests that read the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from tests.conftest import ROOT

HALVES = ("identity", "recommender", "plumbing", "screens", "desk", "doorway")


@lru_cache(maxsize=1)
def sources() -> dict[Path, ast.Module]:
    """Every Python file that is served."""
    files = [ROOT / "app.py", *(path for half in HALVES for path in (ROOT / half).rglob("*.py"))]
    return {path: ast.parse(path.read_text()) for path in files}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call, with the dotted name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imported(tree: ast.AST) -> set[str]:
    """The modules that a file imports."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
