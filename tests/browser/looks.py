"""The shapes, languages and themes that every page is looked at in, and how a page is put into one.

The language of tests/pseudo.py is one of them: the server must have its words.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests import pseudo

MEASURE = (Path(__file__).parent / "measure.js").read_text()
AUDIT = (Path(__file__).parent / "audit.js").read_text()
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

PATIENT = """(() => {
  const own = window.setTimeout;
  window.setTimeout = (work, ms, ...rest) => own(work, ms >= 4_000 ? ms * 100 : ms, ...rest);
})()"""
PASSING = ("forget", "low_quality")
"""States that are gone in a second, before more than one look."""

SHAPES = (*SIZES.values(), *ZOOMED.values())
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

    def barriers(self, page: Page) -> list[str]:
        """What is pale, small or nameless on a page that is in this look."""
        found = list(page.evaluate(AUDIT))
        if page.evaluate("document.documentElement.lang") != self.language:
            found.append("the page does not name its language")
        top = page.evaluate("document.querySelector('.top').offsetHeight")
        if self.size not in ZOOMED.values() and top >= max(200, 0.15 * self.size[1]):
            found.append(f"the top takes {top} pixels")
        return found


OTHERS = ("en", "ja", pseudo.LANGUAGE)
"""Beside German, which has the longest words."""


def every_look() -> list[Look]:
    """Every size, language and theme; looks of one language follow each other."""
    return [Look(size, language, theme) for language, theme, size in product(("de", *OTHERS), THEMES, SHAPES)]


def looks_at(stop: int) -> list[Look]:
    """The looks for one stop of a walk: every size, three of four in German, the others and the themes in turn, so
    that two stops that follow each other are not seen alike. USUAL_ENDURE=1: every size, language and theme.
    """
    if os.environ.get("USUAL_ENDURE"):
        chosen = every_look()
    else:
        chosen = [
            Look(size, OTHERS[(turn // 4) % 3] if turn % 4 == 0 else "de", THEMES[turn % 3 == 0])
            for turn, size in enumerate(SHAPES, start=stop)
        ]
    return sorted(chosen, key=lambda look: look.language)  # changing the language takes longest


def make_patient(page: Page, name: str) -> None:
    """From its next load on, a page that leaves by itself after seconds waits until it was looked at."""
    if name != "driver":  # its page asks again and again, with pauses
        page.add_init_script(PATIENT)


def axe_complaints(page: Page, *rules: str) -> list[str]:
    """What axe-core finds serious or critical, or that breaks one of `rules`, by rule and element."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(
        """async (rules) => (await axe.run({ resultTypes: ["violations"], preload: false })).violations
          .filter((one) => ["serious", "critical"].includes(one.impact) || rules.includes(one.id))
          .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 90)}`))""",
        rules,
    )
    return found
