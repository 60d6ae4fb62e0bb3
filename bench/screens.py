"""The kiosk in Chromium with the real server and a camera that sees a drawn customer: a press, the first load.

Beside it, turn and turn about, the page of an older commit that its own code serves from a work tree of its own.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench.measure import ROOT, Row
from bench.older import house_of, tree_of
from data.faces.people import draw_face, write_mjpeg

OLDER = "81ef7f6"  # the last commit before the screens were drawn anew
PRESS_MS = (800.0, 1500.0)  # median and 95th percentile
LOAD_MS = (1000.0, 300.0)  # cold and again
HINT_MS = 1000.0
MOST_BYTES = 150_000.0
FRAME = (1280, 960)
PATIENCE_MS = 60_000
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
SEEN = Path(__file__).with_name("screens_page.js")

PARTS = (
    ("camera opens", "press", "opened"),
    ("first picture", "opened", "picture"),
    ("pictures are taken", "picture", "taken"),
    ("encoding, and the nonce", "taken", "sent"),
    ("request and server", "sent", "answered"),
    ("reading and drawing", "answered", "drawn"),
)

SENT = """performance.getEntriesByType("resource")
  .filter((one) => /\\.(js|css)$/.test(new URL(one.name).pathname) || one.name.includes("/static/words/"))
  .reduce((sum, one) => sum + one.encodedBodySize, 0)"""


@dataclass
class House:
    """One commit that serves, the kiosk's page of it, and what was measured there (milliseconds)."""

    url: str
    codes: dict[str, str]
    seed: int
    state: Any = None
    presses: list[dict[str, float]] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    size: float = 0.0


def screens(cache: Path, n: int) -> list[Row]:
    """`n` presses and `n` loads of each kind. Needs Chromium; without it there are no rows."""
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if chromium is None:
        print("no Chromium: the screens are not measured", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory(prefix="usual-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        trees = {"now": ROOT}
        if (older := stack.enter_context(tree_of(OLDER, folder / "older"))) is not None:
            trees[OLDER] = older
        houses = {
            who: stack.enter_context(serving(tree, folder / f"house-{who}", cache)) for who, tree in trees.items()
        }
        film = folder / "film.mjpeg"
        write_mjpeg(film, [draw_face(houses["now"].seed, moment, FRAME) for moment in range(40, 52)])
        with _browser(chromium, film) as browser:
            _measure(browser, houses, n)
        write_mjpeg(film, [_far(houses["now"].seed, moment) for moment in range(12)])
        with _browser(chromium, film) as browser:
            hints = _hints(browser, houses["now"], max(3, n // 4))
    rows = [row for who, house in houses.items() for row in _rows(who, house)]
    return [
        *rows,
        Row("screens, now", "first picture to the first hint, median", float(np.median(hints)), "ms", HINT_MS),
    ]


def _between(press: dict[str, float], begin: str, end: str) -> float:
    """Milliseconds; not a number where an older page does not do that part."""
    return press.get(end, float("nan")) - press.get(begin, float("nan"))


def _rows(who: str, house: House) -> list[Row]:
    """Only the page of today has limits to keep."""
    section = f"screens, {who}: {len(house.presses)} presses, {len(house.cold)} loads"
    total = [one["drawn"] - one["press"] for one in house.presses]
    median, p95 = np.percentile(total, [50, 95])
    figures = [
        ("press to suggestion, median", median, PRESS_MS[0]),
        ("press to suggestion, 95th percentile", p95, PRESS_MS[1]),
        *(
            (f"... {part}, median", np.median([_between(one, begin, end) for one in house.presses]), None)
            for part, begin, end in PARTS
        ),
        ("first load, cold, median", np.median(house.cold), LOAD_MS[0]),
        ("first load, again, median", np.median(house.again), LOAD_MS[1]),
    ]
    rows = [
        Row(section, name, float(value), "ms", limit if who == "now" else None) for name, value, limit in figures
    ]
    limit = MOST_BYTES if who == "now" else None
    return [*rows, Row(section, "script, style and words, as sent", house.size, "bytes", limit)]


# --- serving -------------------------------------------------------------------------------------------------


@contextmanager
def serving(tree: Path, folder: Path, cache: Path) -> Iterator[House]:
    """The house of one commit, by that commit's code alone."""
    with house_of(tree, folder, cache) as said:
        yield House(said["url"], said["codes"], said["seeds"][0])


# --- the browser ---------------------------------------------------------------------------------------------


@contextmanager
def _browser(chromium: str, film: Path) -> Iterator[Browser]:
    arguments = [*ARGUMENTS, f"--use-file-for-fake-video-capture={film}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


def _far(seed: int, moment: int) -> Any:
    """A face that is too far away, in a picture of the camera's size."""
    return draw_face(seed, moment, FRAME, zoom=0.27)  # eyes about 47 pixels apart, where 60 are needed


def _open(context: BrowserContext, url: str) -> Page:
    context.add_init_script(path=SEEN)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    page.wait_for_selector("body[data-ready=true]")
    return page


def _measure(browser: Browser, houses: dict[str, House], n: int) -> None:
    """Turn and turn about: what else the machine does hits every house alike."""
    pages = {}
    for who, house in houses.items():
        pages[who] = _open(browser.new_context(), f"{house.url}/kiosk#pair={house.codes['kiosk']}")
        house.state = pages[who].context.storage_state()
        _press(pages[who], "drawn")  # the first one warms caches of the browser and of the server
    for _ in range(n):
        for who, house in houses.items():
            house.presses.append(_press(pages[who], "drawn"))
        for house in houses.values():
            _load(browser, house)


def _press(page: Page, until: str) -> dict[str, float]:
    """When each part of one press happened, by the page's own clock; `until` names the last part."""
    page.click("#recognise")
    ends = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(f"window.seen.{until} !== undefined"):  # the page's policy forbids wait_for_function
        if time.monotonic() > ends:
            raise RuntimeError(f"a press came to no {until!r}: {page.evaluate('document.body.dataset.state')}")
        page.wait_for_timeout(20)
    seen: dict[str, float] = page.evaluate("({ ...window.seen })")
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    return seen


def _hints(browser: Browser, house: House, n: int) -> list[float]:
    """Milliseconds from the first picture to the first hint, of a face that is too far away."""
    page = _open(browser.new_context(storage_state=house.state), f"{house.url}/kiosk")
    _press(page, "hint")
    return [seen["hint"] - seen["picture"] for seen in (_press(page, "hint") for _ in range(n))]


def _load(browser: Browser, house: House) -> None:
    """A load with nothing kept, and one after it (the page may have a service worker by then)."""
    with browser.new_context(storage_state=house.state) as context:
        page = _open(context, f"{house.url}/kiosk")
        house.cold.append(float(page.evaluate("seen.ready")))
        house.size = float(page.evaluate(SENT))
        page.wait_for_timeout(500)  # the worker, where there is one, keeps what it needs
        page.goto("about:blank")
        page.goto(f"{house.url}/kiosk")
        page.wait_for_selector("body[data-ready=true]")
        house.again.append(float(page.evaluate("seen.ready")))
