"""The walls of the house, and proof that the proof works."""

from __future__ import annotations

import ast
import importlib.metadata
import shutil
import subprocess
import sys
import tomllib
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
    folders = ("identity", "recommender", "plumbing", "screens", "desk", "doorway", "data", "bench")
    files = [ROOT / "app.py", *(p for folder in folders for p in (ROOT / folder).rglob("*.py"))]

    assert [p for p in files if imports_of(p) & {"pickle", "joblib", "dill", "shelve"}] == []


PLANTED = {
    "The two halves meet only in the doorway": ("recommender/tokens.py", "from identity.matching import decide"),
    "Nobody imports the doorway": ("recommender/tokens.py", "import app"),
    "Plumbing knows neither faces nor recommendations": (
        "plumbing/storage/files.py",
        "from recommender import times",
    ),
    "The rooms of identity: imports go down": ("identity/vectors.py", "from identity.store import customers"),
    "The rooms of the recommender: imports go down": ("recommender/times.py", "from recommender import caches"),
    "Orders, destinations and offers do not know each other": (
        "recommender/orders/menu.py",
        "from recommender.destinations import places",
    ),
    "No circles between neighbours": ("identity/vault/keyfile.py", "from identity.vault import vault"),
    "What decides is pure: no web, no database": ("recommender/ranking/pairs.py", "import sqlite3"),
}
"""Contract -> (file, an import that breaks it)."""


def test_the_import_contracts_hold() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout


def test_each_contract_has_an_import_that_breaks_it() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]

    assert {contract["name"] for contract in settings["contracts"]} == set(PLANTED)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    for name in ("identity", "recommender", "plumbing", "screens", "desk", "doorway", "app.py", "pyproject.toml"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    return folder


@pytest.mark.parametrize("contract", PLANTED)
def test_a_contract_fails_on_a_planted_import(copied: Path, contract: str) -> None:
    name, planted = PLANTED[contract]
    file = copied / name
    before = file.read_text()
    file.write_text(before + f"\n{planted}\n")
    try:
        result = lint_imports(copied)
    finally:
        file.write_text(before)

    assert result.returncode != 0
    assert f"{contract} BROKEN" in result.stdout


def test_a_room_that_no_layer_names_is_refused(copied: Path) -> None:
    room = copied / "identity" / "attic.py"
    room.write_text('"""Nobody put this room into a layer."""\n')
    try:
        result = lint_imports(copied)
    finally:
        room.unlink()

    assert result.returncode != 0
    assert "identity.attic" in result.stdout


def test_nobody_but_us_owns_our_top_level_names() -> None:
    owners = importlib.metadata.packages_distributions()

    for name in (
        "identity",
        "recommender",
        "plumbing",
        "screens",
        "desk",
        "doorway",
        "usual_client",
        "app",
        "data",
    ):
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
