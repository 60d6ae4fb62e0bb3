"""The shapes, languages and themes that every page is looked at in, and how a page is put into one.

The language of tests/pseudo.py is one of them: the server must have its words.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests import pseudo

MEASURE = (Path(__file__).parent / "measure.js").read_text()
AXE = Axe()
SIZES = {
    "phone": (360, 640),
    "tablet": (1024, 600),
    "tablet upright": (800, 1280),
    "kiosk": (1280, 800),
    "kiosk upright": (1080, 1920),
    "4K": (3840, 2160),
}
ZOOMED = {"twice": (640, 400), "four times": (320, 256)}
"""A screen of 1280 x 800 enlarged: so many pixels of the page are left (WCAG 2.2, 1.4.10)."""

LANGUAGES = ("en", "de", "ja")
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Look:
    """One way to look at a page."""

    size: tuple[int, int]
    language: str = "de"
    theme: str = "light"

    def __str__(self) -> str:
        return f"{self.size[0]} x {self.size[1]}, {self.language}, {self.theme}"

    def at(self, page: Page) -> None:
        """Put a page of kiosk or taxi into it."""
        page.set_viewport_size({"width": self.size[0], "height": self.size[1]})
        page.evaluate(
            """async ([language, theme]) => {
              document.querySelector("#dark").media = theme === "dark" ? "all" : "not all";
              document.documentElement.dataset.theme = theme;
              if (document.documentElement.lang === language) return;
              document.querySelector(`[data-language="${language}"]`).click();
              const until = performance.now() + 20_000; // its words are fetched the first time
              while (document.documentElement.lang !== language && performance.now() < until) {
                await new Promise((resolve) => setTimeout(resolve, 10));
              }
              if (document.documentElement.lang !== language) throw new Error(`no words in ${language}`);
            }""",
            [self.language, self.theme],
        )

    def complaints(self, page: Page) -> list[str]:
        """What is cut, broken, covered or outside, on a page in this look."""
        self.at(page)
        return list(page.evaluate(MEASURE))


USUAL = (
    *(Look(size, "de") for size in (*SIZES.values(), *ZOOMED.values())),
    Look(SIZES["phone"], "en"),
    Look(SIZES["phone"], "ja"),
    Look(SIZES["kiosk upright"], "ja"),
    Look(SIZES["phone"], pseudo.LANGUAGE),
)
"""The looks of every test run: the longest words everywhere, the other languages where little fits."""


def axe_complaints(page: Page) -> list[str]:
    """What axe-core finds serious or critical, by rule and element."""
    violations = AXE.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {node['html'][:90]}"
        for one in violations
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
