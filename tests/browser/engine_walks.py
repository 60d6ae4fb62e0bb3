"""Walks through what a device shows that sends vectors, or lacks something."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state
from tests.browser.fake_server import Fake
from tests.browser.missing import GONE, PLAIN_HTTP, without
from tests.browser.steps import again, never_give_up, through

ENGINE = "**/screens/engine/engine.json"
ANSWERS = "onmessage = ({ data }) => postMessage({ id: data.id, result: {} });"
NO_SIMD = "WebAssembly.validate = () => false;"
NO_WEB_CRYPTO = "Object.defineProperty(crypto, 'subtle', { value: undefined });"


@through("capture", "unknown", "pairing")
def lacking(page: Page, fake: Fake) -> Iterator[str]:
    """A device that sends vectors: its engine loads, or cannot run; then a browser that lacks what is needed."""
    fake.seal = {"pack": "other@1"}
    page.route(ENGINE, lambda route: None)
    never_give_up(page)
    page.click("#recognise")
    expect(page.locator("#hint")).to_have_text("One moment")
    yield "capture, the engine loads"
    page.unroute_all()
    again(page)
    page.evaluate(NO_SIMD)
    page.click("#recognise")
    in_state(page, "unknown")
    yield "unknown, no engine"
    without(page, PLAIN_HTTP, GONE["container queries"], GONE["indexedDB"])
    page.click("#recognise")
    in_state(page, "unknown")
    yield "unknown, no camera"
    fake.paired = False
    page.reload()
    expect(page.locator("#lacking li")).to_have_count(4)  # indexedDB is storage and queue
    yield "pairing, what the browser lacks"


@through("idle", "loading", "failed", "done")
def checking(page: Page, fake: Fake) -> Iterator[str]:
    """The page on which an operator tries the engine of a device's own browser; a drawn one answers."""
    yield "idle"
    page.route(ENGINE, lambda route: None)
    page.click("#engine-start")
    in_state(page, "loading")
    yield "loading"
    page.unroute_all()
    for name, lack in (("no SIMD", NO_SIMD), ("no WebCrypto", NO_WEB_CRYPTO)):
        again(page)
        page.evaluate(lack)
        page.click("#engine-start")
        in_state(page, "failed")
        yield name
    again(page)
    page.route(ENGINE, lambda route: route.fulfill(json={}))
    page.route("**/engine/worker.js", lambda route: route.fulfill(content_type="text/javascript", body=ANSWERS))
    page.click("#engine-start")
    in_state(page, "done")
    yield "done"
