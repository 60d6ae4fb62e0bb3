"""The notebooks run from top to bottom, are stored without outputs, and are shown executed on the site.

The site is built here, since it shows the executed notebooks: one worker executes them, once (decision 198).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import ROOT

sys.path.append(str(ROOT / "scripts" / "docs_site"))
import notebooks

NOTEBOOKS = notebooks.NOTEBOOKS


def test_there_are_notebooks() -> None:
    """The folder is found."""
    assert any(path.name.startswith("01") for path in NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    """No output and no execution count: a diff shows only what a person wrote."""
    cells = notebooks.read(path).cells

    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_for_whom_it_is_and_what_it_answers(path: Path) -> None:
    first = notebooks.read(path).cells[0]

    assert first.cell_type == "markdown"
    assert re.search(
        r"^# .+\n\n\*\*For\*\* [^.]{10,}\. \*\*It answers\*\* [^.]{20,}\.$", first.source, re.MULTILINE
    )


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path) -> None:
    """Every cell runs, in order, in a fresh kernel; its own assertions hold. What was executed already is read."""
    found = notebooks.executed(path)

    assert all(cell.execution_count for cell in found.cells if cell.cell_type == "code" and cell.source)
    assert any(name.endswith(".png") for name in notebooks.page_of(path, found))


def test_what_a_notebook_can_see_decides_whether_it_is_executed_again(tmp_path: Path) -> None:
    for folder in ("recommender", "locks", "data/state"):
        (tmp_path / folder).mkdir(parents=True)
    notebook, code = tmp_path / "one.ipynb", tmp_path / "recommender" / "rank.py"
    for path in (notebook, code, tmp_path / "locks" / "dev.txt"):
        path.write_text("1")
    first = notebooks.content_key(notebook, tmp_path)
    (tmp_path / "data" / "state" / "town.json").write_text("a demo was here")
    assert notebooks.content_key(notebook, tmp_path) == first

    code.write_text("2")
    assert notebooks.content_key(notebook, tmp_path) != first


class Resources(HTMLParser):
    """What a page loads from another host: scripts, styles, pictures, frames; not what a person follows."""

    def __init__(self) -> None:
        super().__init__()
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in ("src", "srcset", "data", "poster") + (("href",) if tag in ("link", "use") else ()):
            if re.match(r"(https?:)?//", given.get(name) or ""):
                self.foreign.append(f"{tag} {given[name]}")


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_asks_no_other_host(tmp_path: Path) -> None:
    order = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}  # an announcement of the theme's makers, no warning about us
    done = subprocess.run(order, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")

    pages = sorted((tmp_path / "site").rglob("*.html"))
    for path in pages:
        reader = Resources()
        reader.feed(path.read_text())
        assert reader.foreign == [], path
    styles = [path.read_text() for path in (tmp_path / "site").rglob("*.css")]
    assert not [text for text in styles if re.search(r"(@import|url\()\s*['\"]?(https?:)?//", text)]
    shown = (tmp_path / "site" / "notebooks" / f"{NOTEBOOKS[0].stem}.html").read_text()
    assert "<img" in shown
    assert len(pages) > 150
