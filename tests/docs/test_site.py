"""The site's navigation and the pages made from the code; tests/test_notebooks.py builds the site."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
import pytest

import app
from plumbing.problem import Problem
from tests.conftest import ROOT

sys.path.append(str(ROOT / "scripts" / "docs_site"))
import navigation
import reference

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The pages of the reference."""
    return reference.pages()


def test_every_page_is_in_the_navigation_once() -> None:
    found = navigation.pages_of(navigation.navigation(DOCS))

    assert len(found) == len(set(found))
    assert {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} <= set(found)
    assert set(navigation.BORROWED) | set(reference.PAGES) <= set(found)
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "deploy").rglob("README.md")} <= set(
        navigation.BORROWED.values()
    )


def test_a_new_page_appears_by_itself(tmp_path: Path) -> None:
    (tmp_path / "tutorials").mkdir()
    (tmp_path / "brand-new.md").write_text("# New\n")
    (tmp_path / "tutorials" / "baker.md").write_text("# A baker\n")
    nav = {name: pages for section in navigation.navigation(tmp_path) for name, pages in section.items()}

    assert nav["More"] == ["brand-new.md"]
    assert nav["Tutorials"] == ["tutorials/baker.md"]


def test_there_is_a_tutorial_for_each_reader() -> None:
    assert {path.stem for path in (DOCS / "tutorials").glob("*.md")} == set(navigation.TUTORIALS)
    assert all(f"](tutorials/{name}.md)" in (DOCS / "index.md").read_text() for name in navigation.TUTORIALS)


def test_the_reference_names_every_command_and_option(made: dict[str, str]) -> None:
    page = made[reference.COMMANDS]
    group = app.assemble()
    for path, command in reference.walk(group, click.Context(group, info_name="usual")):
        part = page.partition(f"\n## {' '.join(path)}\n")[2].partition("\n## ")[0]
        options = [name for one in command.params if isinstance(one, click.Option) for name in one.opts]
        assert part, path
        assert [name for name in options if f"`{name}`" not in part] == []


def test_the_reference_names_every_route(made: dict[str, str]) -> None:
    page = made[reference.ROUTES]

    assert len(re.findall(r"^\| `(?:GET|POST|PUT|DELETE|PATCH) /", page, re.MULTILINE)) > 40
    assert "`POST /v1/visits`" in page
    assert "`GET /recommender/v1/suggestions/{scene}`" in page


def test_the_reference_names_every_error(made: dict[str, str]) -> None:
    """`made` has imported every module, so every error is known here."""
    ours = {one.code for one in reference.family(Problem) if one.__module__.split(".")[0] in reference.PACKAGES}

    assert len(ours) > 100
    assert [code for code in ours if code != Problem.code and f"| `{code}` |" not in made[reference.ERRORS]] == []


def test_the_reference_names_the_metrics(made: dict[str, str]) -> None:
    assert "| `usual_events` | counter |" in made[reference.METRICS]


def test_a_cell_stays_one_cell() -> None:
    assert reference.cell("a | b\n  <c>") == "a \\| b &lt;c>"
