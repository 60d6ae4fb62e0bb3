"""The watch in a real Chromium: a screen that hangs or stays blank is started again, one that lives is not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from flask import Flask, request
from playwright.sync_api import Browser, Frame, Page, expect

from tests.browser.conftest import ARGUMENTS
from tests.browser.fake_server import Fake, serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BLANK = "<!doctype html><title>blank</title><main></main>"
JS = "/screens/static/js/watch/"


class House:
    """A server that can give a blank page in place of the screen, and counts what it is asked for."""

    def __init__(self) -> None:
        self.fake = Fake()
        self.blank = False
        self.asked: list[tuple[str, float]] = []

    def app(self) -> Flask:
        app = self.fake.app()

        def hear() -> str | None:
            self.asked.append((request.path, time.monotonic()))
            return BLANK if self.blank and request.path == "/kiosk" else None

        app.before_request_funcs.setdefault(None, []).insert(0, hear)
        return app

    def times(self, path: str) -> list[float]:
        return [at for asked, at in self.asked if asked == path]

    def wait(self, path: str, count: int, seconds: float) -> None:
        """Until a path was asked for so often."""
        end = time.monotonic() + seconds
        while len(self.times(path)) < count and time.monotonic() < end:
            time.sleep(0.2)
        assert len(self.times(path)) >= count, (path, self.times(path))


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    with serve(house.app()) as house.fake.address:
        yield house


@pytest.fixture
def isolated(browser: Browser, chromium: str) -> Iterator[Browser]:
    """Chromium as it is on a desktop: each site, and each sandboxed frame, in a process of its own."""
    own = browser.browser_type.launch(executable_path=chromium, args=[*ARGUMENTS, "--site-per-process"])
    yield own
    own.close()


def screen_of(page: Page) -> Frame:
    frame = page.locator("#screen").element_handle().content_frame()
    assert frame is not None
    frame.wait_for_selector("body[data-ready=true]")
    return frame


def test_a_screen_that_hangs_comes_back_and_is_counted(house: House, isolated: Browser) -> None:
    page = isolated.new_page(service_workers="block")
    page.goto(house.fake.address + "/watch?page=kiosk&site=harbour")
    frame = screen_of(page)
    time.sleep(2)  # a few beats
    before = len(house.times("/kiosk"))
    frame.evaluate("void setTimeout(() => { for (;;); }, 50)")

    house.wait("/kiosk", before + 1, 60)
    page.wait_for_selector("body[data-ready=true]")
    restarted = screen_of(page)
    assert restarted.url.endswith("/kiosk?site=harbour")
    assert restarted.locator("#guest").inner_text()
    expect(page.locator("#restarts")).to_have_text("1")
    assert "restarted" not in page.url


def test_a_blank_screen_is_started_again_within_fifteen_seconds_and_after_three_times_less_often(
    house: House, browser: Browser
) -> None:
    house.blank = True
    with browser.new_context(service_workers="block") as context:
        page = context.new_page()
        page.goto(house.fake.address + "/watch")

        house.wait("/kiosk", 4, 120)
        page.wait_for_timeout(14_000)

        assert len(house.times("/kiosk")) == 4  # the first and three more: now a minute must pass
        expect(page.locator("#restarts")).to_have_text("3")
        expect(page.locator("#starting")).to_be_visible()

        house.blank = False
        none = "JSON.stringify({ v: 1, times: [] })"
        page.evaluate(f"localStorage.setItem('usual-watch', {none})")  # as if the minute had passed
        screen_of(page).wait_for_selector("#guest")
        expect(page.locator("#starting")).to_be_hidden()


def test_a_visit_that_is_alive_is_left_alone(house: House, browser: Browser) -> None:
    with browser.new_context(service_workers="block") as context:
        page = context.new_page()
        page.goto(house.fake.address + "/watch")
        frame = screen_of(page)
        frame.click("#guest")
        frame.wait_for_selector("body[data-state=suggest]")

        page.wait_for_timeout(16_000)

        assert frame.evaluate("document.body.dataset.state") == "suggest"
        assert len(house.times("/kiosk")) == 1
        assert page.locator("#count").is_hidden()


def test_without_a_line_a_blank_screen_waits_for_the_server(house: House, browser: Browser) -> None:
    house.blank = True
    with browser.new_context(service_workers="block") as context:
        page = context.new_page()
        page.goto(house.fake.address + "/watch")
        page.wait_for_selector("body[data-ready=true]")
        context.set_offline(True)

        page.wait_for_timeout(13_000)
        assert len(house.times("/kiosk")) == 1
        expect(page.locator("#starting")).to_be_visible()

        house.blank = False
        context.set_offline(False)
        screen_of(page).wait_for_selector("#guest")


def test_a_code_of_pairing_reaches_the_screen_and_leaves_the_address(house: House, browser: Browser) -> None:
    house.fake.paired = False
    with browser.new_context(service_workers="block") as context:
        page = context.new_page()
        page.goto(house.fake.address + "/watch?page=taxi#pair=good-code")
        frame = screen_of(page)

        frame.click("#taxi-setup-done")
        frame.wait_for_selector("body[data-state=attract]")
        assert frame.url.endswith("/taxi")
        assert page.url.endswith("/watch?page=taxi")


def test_the_camera_works_inside_the_watch(house: House, browser: Browser) -> None:
    with browser.new_context(service_workers="block") as context:
        page = context.new_page()
        page.goto(house.fake.address + "/watch")
        frame = screen_of(page)
        frame.click("#recognise")
        frame.wait_for_selector("body[data-state=suggest]")

        assert frame.evaluate("document.body.dataset.recognised") == "true"


def test_how_long_the_next_restart_waits(fake: Fake, browser: Browser) -> None:
    now, minute = 1_800_000_000_000, 60_000
    cases = [
        ([], 0),
        ([now - 1000, now - 900], 0),
        ([now - 3000, now - 2000, now], minute),
        ([now - 3000, now - 2000, now - 1000, now], 2 * minute),
        ([now - 5 * minute, now - 4 * minute, now - 3 * minute], 0),
        ([now - 1000] * 20, 15 * minute - 1000),
        ([now + 999 * minute] * 3, minute),  # the clock was set back: never more than its own length
        ([now - 61 * minute] * 9, 0),
    ]
    with browser.new_context(service_workers="block") as context:
        page = context.new_page()
        page.goto(fake.address + "/kiosk")
        module = f"import('{JS}restarts.js')"
        script = f"(cases) => {module}.then((m) => cases.map(([times]) => m.waitFor(times, {now})))"

        assert page.evaluate(script, cases) == [wait for _, wait in cases]
