"""A real Chromium with a fake camera that is fed drawn faces."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, Page, expect, sync_playwright

from data.faces import people
from data.faces.people import write_mjpeg
from doorway.browser_engine.prepare import prepare
from doorway.browser_engine.runtime import registry
from identity.engines.manifests import load_pack
from identity.errors import FetchFailed
from screens.engine import EngineFolder
from tests import magic
from tests.browser.fake_server import Fake, serve
from tests.conftest import ROOT

FRAME = (640, 480)
ENGINE_PACK = "open-model-zoo"
ENGINE_CACHE = ROOT / ".cache" / "models"
draw_face = magic.marked(people.draw_face)
PATIENCE_MS = 30_000  # a busy machine is slow, not wrong; a test that passes never waits so long
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # No other host has an address. Other ports of this machine are refused by the pages' own policy; both are seen
    # in the page's log. Listening to each request instead takes a seventh of the time of a page.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)

# Notes when the camera goes on and off and when the server has answered, on the page's own clock.
WITNESS = """
window.seen = { started: [], stopped: [], results: [], asked: 0 };
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (what) => {
  window.seen.asked += 1;
  const stream = await open(what);
  window.seen.started.push(performance.now());
  for (const track of stream.getTracks()) {
    const stop = track.stop.bind(track);
    track.stop = () => { stop(); window.seen.stopped.push(performance.now()); };
  }
  return stream;
};
const plain = window.fetch;
window.fetch = async (...request) => {
  const reply = await plain(...request);
  const results = ["/v1/visits", "/recognitions", "/enrolments", "/opt-outs"];
  if (results.some((path) => String(request[0]).endsWith(path))) window.seen.results.push(performance.now());
  return reply;
};
"""


class Camera:
    """The film that the fake camera plays. The next press sees the person who is drawn in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.film([draw_face(3, moment, FRAME) for moment in range(3)])

    def film(self, frames: list[Any]) -> None:
        """Replace the film. All films have frames of one size: the camera's."""
        part = self.path.with_name(self.path.name + ".part")
        write_mjpeg(part, frames)
        part.replace(self.path)

    def show(self, person: int, moments: range) -> None:
        """Put one drawn person in front of the camera."""
        self.film([draw_face(person, moment, FRAME) for moment in moments])


@pytest.fixture(scope="package")
def chromium() -> str:
    """Debian's Chromium, without windows where that is installed: it needs less processor time. The tests
    skip where there is none; not in CI, which installs it."""
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if found is None and os.environ.get("USUAL_NOTHING_SKIPPED"):
        pytest.fail("Chromium is not installed, and nothing may be skipped here")
    if found is None:
        pytest.skip("Chromium is not installed")
    return found


@pytest.fixture(scope="package")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Camera:
    return Camera(tmp_path_factory.mktemp("camera") / "film.mjpeg")


@pytest.fixture(scope="package")
def browser(chromium: str, camera: Camera) -> Iterator[Browser]:
    film = f"--use-file-for-fake-video-capture={camera.path}"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, film])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def engine_folder(shared: Path) -> EngineFolder:
    """The engine as `usual screens fetch` puts it there: fetched by the first run, looked at by each."""
    found = EngineFolder(ENGINE_CACHE.parent / "browser-engine")
    found.path.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(found.path.with_suffix(".lock")):
            prepare(load_pack(ENGINE_PACK), shared / "models", ENGINE_CACHE, found, registry(), lambda *_: None)
    except FetchFailed as error:
        if os.environ.get("USUAL_NOTHING_SKIPPED"):
            raise
        pytest.skip(error.detail)
    return found


@pytest.fixture
def fake() -> Iterator[Fake]:
    """The pages, served by a fake server."""
    fake = Fake()
    with serve(fake.app()) as fake.address:
        yield fake


OpenPage = Callable[..., Page]


@pytest.fixture
def complaints() -> list[str]:
    """What the pages of a test logged, and the other hosts that they called."""
    return []


@pytest.fixture
def open_page(browser: Browser, complaints: list[str]) -> Iterator[OpenPage]:
    """Opens pages. At the end none may have called another host or logged an error."""
    with ExitStack() as stack:

        def open_(url: str, size: tuple[int, int] = (1280, 800), **options: Any) -> Page:
            options.setdefault("service_workers", "block")  # it keeps every file: only its own tests want that
            options.setdefault("reduced_motion", "reduce")  # an eighth less time; test_accessibility.py sees both
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]}, locale="en-GB", **options
            )
            stack.callback(context.close)
            context.add_init_script(WITNESS)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)

            def said(message: Any) -> None:
                # The browser itself reports each refusal of the server (a hint, a wrong PIN) as an error.
                expected = ("Failed to load resource", "Service Worker registration blocked by Playwright")
                away = "ERR_NAME_NOT_RESOLVED" in message.text
                if message.type in ("error", "warning") and (away or not message.text.startswith(expected)):
                    complaints.append(f"{message.text} {message.location.get('url', '')}")

            page.on("console", said)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(url)
            page.wait_for_selector("body[data-ready=true]")
            return page

        yield open_
    assert complaints == []


@pytest.fixture
def kiosk(fake: Fake, open_page: OpenPage) -> Callable[..., Page]:
    return lambda query="", **options: open_page(f"{fake.address}/kiosk{query}", **options)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """An idle kiosk for the tests of a module, where none of them changes it."""
    fake = Fake()
    with serve(fake.app()) as address, browser.new_context() as context:
        page = context.new_page()
        page.goto(address + "/kiosk")
        page.wait_for_selector("body[data-ready=true]")
        yield page


def in_state(page: Page, state: str) -> None:
    page.wait_for_selector(f"body[data-state={state}]")


def settled(page: Page) -> None:
    """Wait until everything takes taps: while it does not, a click scrolls about to find its target."""
    expect(page.locator("[data-settling]")).to_have_count(0)


def tap_pin(page: Page, pin: str) -> None:
    for digit in pin:
        page.click(f".keys button:text-is('{digit}')")
