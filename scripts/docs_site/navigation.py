"""The navigation of the site. A new file of `docs/` that no section names appears by itself, under "More"."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reference import PAGES as REFERENCE

from notebooks import NOTEBOOKS

ROOT = Path(__file__).resolve().parents[2]
Nav = list[Any]

BORROWED = {
    "overview.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
    "town.md": "data/README.md",
    "deploy/index.md": "deploy/README.md",
    "deploy/systemd.md": "deploy/systemd/README.md",
    "deploy/nginx.md": "deploy/nginx/README.md",
    "deploy/container.md": "deploy/container/README.md",
    "deploy/replicas.md": "deploy/replicas/README.md",
    "deploy/monitoring.md": "deploy/monitoring/README.md",
}
"""Pages that stand elsewhere in the project, where who works there looks for them."""

TUTORIALS = ("till", "taxi", "marketer", "operator", "privacy-officer", "data-scientist")
SECTIONS: dict[str, tuple[str, ...]] = {
    "Start": ("index.md", "quick-start.md", "overview.md"),
    "Tutorials": tuple(f"tutorials/{name}.md" for name in TUTORIALS),
    "How to": (
        "kiosk.md",
        "desk.md",
        "clients.md",
        "tills.md",
        "operations.md",
        *(p for p in BORROWED if p.startswith("deploy/")),
    ),
    "Notebooks": (),
    "Reference": ("settings.md", "api/README.md", *REFERENCE, "glossary.md"),
    "Explanation": ("architecture.md", "promises.md", "threat-model.md", "asvs.md", "scale.md"),
    "Decisions": (),
    "Project": ("contributing.md", "security.md", "town.md", "releasing.md", "changelog.md"),
}
"""Section -> its first pages; those that are not there are left out."""
TITLES = {"index.md": "Home", "overview.md": "The whole on one page", "decisions/README.md": "All, by subject"}
"""What a page is called in the navigation, where its heading does not do."""
FOLDERS = {
    "tutorials": "Tutorials",
    "dialects": "How to",
    "how-to": "How to",
    "notebooks": "Notebooks",
    "decisions": "Decisions",
}
"""Folder of `docs/` -> the section that its other pages are in."""


def navigation(docs: Path) -> Nav:
    """Every page of the site, in sections, as MkDocs takes it."""
    there = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    there |= set(BORROWED) | set(REFERENCE) | {f"notebooks/{path.stem}.md" for path in NOTEBOOKS}
    sections = {name: [page for page in pages if page in there] for name, pages in SECTIONS.items()}
    left = there.difference(*sections.values())
    for page in sorted(left, key=_order):
        sections.setdefault(FOLDERS.get(page.split("/")[0], "More"), []).append(page)
    return [{name: [_titled(page) for page in pages]} for name, pages in sections.items() if pages]


def _titled(page: str) -> str | dict[str, str]:
    return {TITLES[page]: page} if page in TITLES else page


def _order(page: str) -> tuple[bool, str]:
    return not page.endswith("README.md"), page


def borrowed() -> dict[str, str]:
    """Page -> its text, for those that stand elsewhere."""
    return {page: (ROOT / path).read_text() for page, path in BORROWED.items()}


def pages_of(nav: Iterable[Any]) -> list[str]:
    """Every page of a navigation, in order."""
    entries = [entry for section in nav for pages in section.values() for entry in pages]
    return [page for entry in entries for page in (entry.values() if isinstance(entry, dict) else [entry])]
