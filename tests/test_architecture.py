"""The walls of the house, and proof that the proof works."""

from __future__ import annotations

import ast
import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

HALVES = ("identity", "recommender", "screens")


def imports_of(path: Path) -> set[str]:
    """Top-level names that a file imports, at any depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([tool, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("half", HALVES)
def test_a_half_imports_neither_the_other_halves_nor_the_doorway(half: str) -> None:
    forbidden = {*HALVES, "app", "data"} - {half}

    crossings = {str(p): imports_of(p) & forbidden for p in (ROOT / half).rglob("*.py")}

    assert {path: names for path, names in crossings.items() if names} == {}


def test_no_pickle_joblib_or_dill_is_imported_anywhere() -> None:
    folders = ("identity", "recommender", "plumbing", "screens", "data", "bench")
    files = [ROOT / "app.py", *(p for folder in folders for p in (ROOT / folder).rglob("*.py"))]

    assert [p for p in files if imports_of(p) & {"pickle", "joblib", "dill", "shelve"}] == []


def test_the_import_contracts_hold() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout


def test_the_import_contracts_fail_on_a_planted_import(tmp_path: Path) -> None:
    for name in ("identity", "recommender", "plumbing", "screens", "app.py", "pyproject.toml"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    planted = tmp_path / "recommender" / "signals_planted.py"
    planted.write_text("from identity import matching\n\nprint(matching)\n")

    result = lint_imports(tmp_path)

    assert result.returncode != 0
    assert "recommender.signals_planted" in result.stdout


def test_nobody_but_us_owns_our_top_level_names() -> None:
    owners = importlib.metadata.packages_distributions()

    for name in ("identity", "recommender", "plumbing", "screens", "app", "data"):
        assert set(owners.get(name, ["usual"])) == {"usual"}, name


def test_the_recommender_stands_when_identity_is_deleted(tmp_path: Path) -> None:
    for name in ("recommender", "plumbing"):
        shutil.copytree(ROOT / name, tmp_path / name)
    probe = (
        "import pkgutil, importlib, recommender\n"
        "names = [m.name for m in pkgutil.walk_packages(recommender.__path__, 'recommender.')]\n"
        "[importlib.import_module(n) for n in names]\n"
        "print(len(names), recommender.__file__)\n"
    )
    result = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{probe}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert result.returncode == 0, result.stderr
    assert str(tmp_path) in result.stdout
