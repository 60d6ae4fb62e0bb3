"""Kiosk mode in a real Chromium: full screen, the screen stays on, no gesture leads out; only where chosen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page

import screens
from tests.browser.conftest import in_state
from tests.browser.fake_server import Fake

pytestmark = pytest.mark.browser

SCRIPTS = sorted((Path(screens.__file__).parent / "static" / "js").rglob("*.js"))

# Notes what is asked of the browser; headless Chromium has no screen to fill.
WITNESS = """
window.asked = { full: [], awake: 0, released: 0 };
Element.prototype.requestFullscreen = function () {
  window.asked.full.push(navigator.userActivation.isActive);
  return Promise.resolve();
};
window.locks = [];
Object.defineProperty(navigator, "wakeLock", { configurable: true, value: {
  request: async () => {
    window.asked.awake += 1;
    const lock = new EventTarget();
    lock.released = false;
    lock.release = async () => {
      lock.released = true;
      window.asked.released += 1;
      lock.dispatchEvent(new Event("release"));
    };
    window.locks.push(lock);
    return lock;
  },
} });
"""
WITHOUT = """
delete Element.prototype.requestFullscreen;
Object.defineProperty(navigator, "wakeLock", { configurable: true, value: undefined });
"""
PREVENTED = """({ type, options, on }) => {
  const kinds = { wheel: WheelEvent, keydown: KeyboardEvent };
  const event = new (kinds[type] || Event)(type, { bubbles: true, cancelable: true, ...options });
  return !document.querySelector(on || "h1").dispatchEvent(event);
}"""

Opened = Callable[..., Page]


@pytest.fixture
def opened(fake: Fake, browser: Browser) -> Iterator[Opened]:
    with ExitStack() as stack:

        def open_(path: str = "/kiosk", script: str = WITNESS, **options: Any) -> Page:
            context = browser.new_context(locale="en-GB", **options)
            stack.callback(context.close)
            context.add_init_script(script)
            page = context.new_page()
            page.goto(fake.address + path)
            page.wait_for_selector("body[data-ready=true]")
            return page

        yield open_


def prevented(page: Page, type_: str, on: str = "", **options: Any) -> bool:
    """Whether the page keeps the browser from acting on an event."""
    done: bool = page.evaluate(PREVENTED, {"type": type_, "options": options, "on": on})
    return done


GESTURES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("contextmenu", {}),
    ("dragstart", {}),
    ("selectstart", {}),
    ("gesturestart", {}),
    ("wheel", {"ctrlKey": True, "deltaY": 9}),
    ("keydown", {"ctrlKey": True, "key": "+"}),
)


def test_a_screen_that_is_not_in_kiosk_mode_zooms_and_selects_as_everywhere(opened: Opened) -> None:
    page = opened()
    page.click("#guest")

    assert not any(prevented(page, type_, **options) for type_, options in GESTURES)
    assert page.evaluate("getComputedStyle(document.documentElement).touchAction") == "auto"
    assert page.evaluate("window.asked") == {"full": [], "awake": 0, "released": 0}


def test_the_operator_chooses_it_when_pairing_and_the_press_fills_the_screen(fake: Fake, opened: Opened) -> None:
    fake.paired = False
    page = opened()
    in_state(page, "pairing")
    page.check("#pairing-kiosk")
    page.fill("#pairing-code", "good-code")
    assert not prevented(page, "contextmenu")  # not before it is paired

    page.click("#pairing-form button")
    in_state(page, "attract")
    page.wait_for_function("window.asked.awake === 1")

    assert page.evaluate("window.asked.full")[0] is True  # in the course of a press
    assert all(prevented(page, type_, **options) for type_, options in GESTURES)
    assert not prevented(page, "wheel", deltaY=9)  # to scroll
    assert not prevented(page, "selectstart", on="#code-code")  # a field to write in
    assert page.evaluate("getComputedStyle(document.documentElement).touchAction") == "pan-x pan-y"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).userSelect") == "none"

    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    assert prevented(page, "contextmenu")  # the device remembers
    page.click("#guest")
    assert page.evaluate("window.asked.full") == [True]  # the first press fills the screen again

    fake.paired = False
    page.evaluate("dispatchEvent(new Event('online'))")
    in_state(page, "pairing")
    assert not prevented(page, "contextmenu")
    assert page.is_checked("#pairing-kiosk")


def test_the_screen_is_kept_on_anew_when_the_page_comes_back_into_view(opened: Opened) -> None:
    page = opened("/kiosk#pair=good-code&kiosk=on")
    in_state(page, "attract")
    page.wait_for_function("window.asked.awake === 1")
    show = """(state) => {
        Object.defineProperty(document, "visibilityState", { configurable: true, value: state });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""

    page.evaluate(show, "hidden")
    page.evaluate("window.locks[0].release()")  # as a browser does
    assert page.evaluate("window.asked.awake") == 1
    page.evaluate(show, "visible")

    page.wait_for_function("window.asked.awake === 2")


def test_a_finger_sees_no_arrow(opened: Opened) -> None:
    page = opened("/kiosk#pair=good-code&kiosk=on", has_touch=True)
    in_state(page, "attract")
    cursor = "getComputedStyle(document.querySelector('#guest')).cursor"

    page.hover("#guest")
    assert page.evaluate(cursor) == "pointer"
    page.tap("#attract-title")

    assert page.evaluate(cursor) == "none"


def test_nothing_asks_before_the_page_is_loaded_anew(opened: Opened) -> None:
    page = opened("/kiosk#pair=good-code&kiosk=on")
    in_state(page, "attract")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.evaluate("addEventListener('beforeunload', (event) => event.preventDefault())")
    page.click("#guest")  # a browser asks only where somebody has pressed something

    page.reload()
    page.wait_for_selector("body[data-ready=true]")

    assert asked == []


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_what_the_browser_lacks_is_said_to_the_operator_and_the_screen_goes_on(
    fake: Fake, opened: Opened, language: str
) -> None:
    fake.paired = False
    page = opened(f"/kiosk?lang={language}", WITHOUT)
    in_state(page, "pairing")
    said = page.locator("#pairing-kiosk-missing li").all_inner_texts()

    page.check("#pairing-kiosk")
    page.fill("#pairing-code", "good-code")
    page.click("#pairing-form button")
    in_state(page, "attract")
    page.click("#guest")
    in_state(page, "suggest")

    assert len(said) == 2
    assert all("kioskmode" not in text and len(text) > 10 for text in said)
    assert prevented(page, "contextmenu")


def test_a_browser_that_keeps_nothing_is_in_kiosk_mode_as_long_as_the_page_stands(opened: Opened) -> None:
    script = (
        WITNESS
        + """
    const refuse = () => { throw new DOMException("no", "SecurityError"); };
    Storage.prototype.setItem = Storage.prototype.getItem = refuse;
    """
    )
    page = opened("/kiosk#pair=good-code&kiosk=on", script)
    in_state(page, "attract")

    assert prevented(page, "contextmenu")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_opens_a_dialog_of_the_browser(path: Path) -> None:
    text = path.read_text("utf-8")

    called = re.findall(r"(?<![.\w#])(?:window\.)?((?:alert|confirm|prompt)\([^)]*\))(?! \{)", text)
    assert called == []
    assert "onbeforeunload" not in text
