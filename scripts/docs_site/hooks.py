"""What MkDocs calls while it builds the site: the navigation, and the pages that are made from the code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT, Path(__file__).parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import navigation  # noqa: E402 - found in this folder
import reference  # noqa: E402

import notebooks  # noqa: E402


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every page into the navigation."""
    config.nav = navigation.navigation(Path(config.docs_dir))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are no file of `docs/`."""
    made: dict[str, str | bytes] = {**navigation.borrowed(), **reference.pages(), **notebooks.pages(ROOT)}
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Leave out the notes to the tests that run a page's commands."""
    return "\n".join(line for line in markdown.splitlines() if not line.startswith("<!-- not run:"))
