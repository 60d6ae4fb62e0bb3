"""Draw the pictures of `docs/desk.md`: the desk of a made-up restaurant in Chromium, as PNG in `docs/pictures`.

    .venv/bin/python scripts/desk_pictures.py

The figures are made up, and nobody in them exists. Needs a Chromium on the path.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SHOWN = ("suggestions", "scenes", "offers", "data", "trainings", "people", "settings")
PAGES = {"overview": ""} | {name: f"/{name}" for name in SHOWN}
SIZE = (1100, 1000)


def main() -> None:
    """Write one picture of each page."""
    from tests.browser.conftest import ARGUMENTS
    from tests.browser.desk_world import served

    out = ROOT / "docs" / "pictures"
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(ARGUMENTS))
        with served(Path(folder) / "state") as desk:
            page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]}, locale="en-GB")
            desk.enter(page, "marketer", "operator")
            for name, path in PAGES.items():
                page.goto(f"{desk.address}/desk{path}")
                page.wait_for_selector("body[data-ready]")
                page.wait_for_timeout(300)  # the charts take the width that they have
                page.screenshot(path=str(out / f"desk-{name}.png"))
        browser.close()


if __name__ == "__main__":
    main()
