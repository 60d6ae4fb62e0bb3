"""Cameras: several, turned, unplugged, busy, denied; and the light goes off in every way out."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state
from tests.browser.fake_server import Fake
from tests.browser.line import until
from tests.browser.missing import without

pytestmark = pytest.mark.browser

OFF_MS = 200
SEVERAL = """
const two = ["front", "door"].map((deviceId) => ({ kind: "videoinput", deviceId, label: deviceId, groupId: "" }));
window.plugged = [...two];
window.wanted = [];
navigator.mediaDevices.enumerateDevices = async () => window.plugged;
const given = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async ({ video }) => {
  const id = video.deviceId?.exact ?? "front";
  window.wanted.push(id);
  if (!window.plugged.some((one) => one.deviceId === id)) throw new DOMException("gone", "OverconstrainedError");
  const { deviceId, ...rest } = video;
  const stream = await given({ audio: false, video: rest });
  for (const track of stream.getTracks()) track.getSettings = () => ({ deviceId: id });
  return stream;
};
window.unplug = () => {
  const [track] = document.querySelector("#video").srcObject.getVideoTracks();
  const id = track.getSettings().deviceId;
  window.plugged = window.plugged.filter((one) => one.deviceId !== id);
  track.dispatchEvent(new Event("ended"));
};
"""
"""Two cameras in place of one; `unplug()` takes away the one that runs."""

REFUSED = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', '%s'); };"


def held(page: Page, path: str = "**/v1/visits") -> Callable[[], None]:
    """The server's answer to a look waits until the function that this returns is called."""
    waiting = []
    page.route(path, lambda route: waiting.append(route))

    def release() -> None:
        for route in waiting:
            route.continue_()
        page.unroute(path)

    return release


def in_capture(page: Page) -> None:
    """A camera runs and the person is looked at."""
    in_state(page, "capture")
    until(page, "document.querySelector('#video').srcObject !== null")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("NotReadableError", "Another program is using the camera"),
        ("NotAllowedError", "Allow it beside the address"),
        ("NotFoundError", "No camera was found"),
    ],
)
def test_a_camera_that_cannot_be_had_says_why_and_what_to_do(
    kiosk: Callable[..., Page], fake: Fake, error: str, words: str
) -> None:
    page = kiosk()
    without(page, REFUSED % error)

    page.click("#recognise")
    expect(page.locator("#unknown-text")).to_contain_text(words)
    expect(page.locator("#unknown-code")).to_be_visible()
    page.click("#unknown-guest")

    in_state(page, "suggest")
    assert fake.bodies("/v1/visits") == []


def test_a_camera_unplugged_in_the_middle_is_said_at_once_and_the_light_is_not_blamed(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    """The dead stream is not looked at again."""
    page = kiosk()
    without(page, SEVERAL + "window.plugged.pop();")
    held(page, "**/identity/v1/presses*")
    page.click("#recognise")
    in_capture(page)

    page.evaluate("unplug()")

    expect(page.locator("#unknown-text")).to_contain_text("The camera was unplugged")
    expect(page.locator("#unknown-again")).to_be_visible()
    expect(page.locator("#unknown-code")).to_be_visible()
    assert fake.bodies("/v1/visits") == []
    assert page.evaluate("wanted") == ["front"]


def test_when_a_camera_is_unplugged_the_other_one_goes_on(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    without(page, SEVERAL)
    release = held(page, "**/identity/v1/presses*")
    page.click("#recognise")
    in_capture(page)

    page.evaluate("unplug()")
    expect(page.locator("#hint")).to_have_text("Now the other camera: look here")
    release()

    in_state(page, "suggest")
    assert page.evaluate("wanted") == ["front", "door"]
    assert page.evaluate("seen.started.length") == page.evaluate("seen.stopped.length")


def test_the_other_camera_is_chosen_in_capture_and_stays_chosen_after_a_reload(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    without(page, SEVERAL)
    release = held(page, "**/identity/v1/presses*")
    page.click("#recognise")
    page.click("#capture-other")
    until(page, "wanted.length === 2")
    release()
    in_state(page, "suggest")

    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    page.click("#recognise")
    in_state(page, "suggest")
    assert page.evaluate("wanted") == ["door"]


def test_a_camera_that_was_chosen_and_is_gone_gives_way_to_the_front_one(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    page.evaluate("localStorage.setItem('usual-camera', JSON.stringify({ id: 'attic', turn: 0 }))")
    without(page, SEVERAL)

    page.click("#recognise")
    in_state(page, "suggest")
    assert page.evaluate("wanted") == ["attic", "front"]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_the_operator_turns_the_picture_and_the_server_gets_it_upright(
    kiosk: Callable[..., Page], fake: Fake, turns: int
) -> None:
    page = kiosk()
    page.goto(fake.address + "/kiosk#camera")
    page.reload()
    in_state(page, "setup")
    until(page, "document.querySelector('#setup-video').srcObject !== null")
    for _ in range(turns):
        page.click("#setup-turn")
    page.click("#setup-done")
    in_state(page, "attract")
    assert page.evaluate("seen.started.length === seen.stopped.length")
    page.click("#recognise")
    in_state(page, "suggest")

    (body,) = fake.bodies("/v1/visits")
    picture = Image.open(io.BytesIO(base64.b64decode(body["frames"][0])))
    assert (picture.width > picture.height) == (turns % 2 == 0)
    assert page.get_attribute("#oval", "data-turn") == str(90 * turns)


def test_the_preview_is_a_mirror(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    held(page, "**/identity/v1/presses*")
    page.click("#recognise")
    in_capture(page)

    assert page.evaluate("getComputedStyle(document.querySelector('#video')).transform").startswith("matrix(-1")


def test_the_oval_shows_where_the_server_saw_the_face(kiosk: Callable[..., Page], fake: Fake) -> None:
    """The picture is not mirrored, the preview is: left in the one is right in the other."""
    page = kiosk()
    fake.where = "left"
    fake.decisions.append("face_off_centre")
    page.click("#recognise")
    in_state(page, "low_quality")

    dot, oval = page.locator(".ring .there").bounding_box(), page.locator("#oval").bounding_box()
    assert dot is not None
    assert oval is not None
    assert dot["x"] + dot["width"] / 2 > oval["x"] + 0.6 * oval["width"]


def click(selector: str) -> str:
    """The script that a person's press on something is."""
    return f"document.querySelector('{selector}').click()"


HIDE = (
    "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
    "document.dispatchEvent(new Event('visibilitychange'))"
)
WAYS_OUT = {
    "cancel": click("[data-screen~=capture] [data-action=leave]"),
    "guest": click("[data-screen~=capture] [data-action=guest]"),
    "page hidden": HIDE,
    "tab closed": "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: false }))",
    "back to another page": "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))",
    "another tab": "navigator.locks.request('usual-screen-kiosk', { steal: true }, () => new Promise(() => {}))",
    "unplugged": "plugged = [plugged[0]]; unplug()",
}
"""What a person does while the camera runs, and what happens to it."""

ANSWERS = {"match": "matched", "unknown": "unknown", "a look-alike": "ambiguous", "error": "bad_pack"}


def off_after(page: Page, moment: str) -> float:
    """How many milliseconds after `moment` (a script) the camera went off; every one that was started is off."""
    until(page, "seen.stopped.length === seen.started.length && seen.started.length > 0")
    return float(page.evaluate(f"seen.stopped.at(-1) - ({moment})"))


@pytest.mark.parametrize("way", WAYS_OUT)
def test_the_light_is_off_within_200_ms_whatever_the_person_does(
    kiosk: Callable[..., Page], fake: Fake, way: str
) -> None:
    page = kiosk()
    without(page, SEVERAL)
    held(page, "**/identity/v1/presses*")
    page.click("#recognise")
    in_capture(page)
    until(page, "!document.querySelector('#capture-other').hidden")

    page.evaluate(f"() => {{ window.left = performance.now(); {WAYS_OUT[way]}; }}")

    assert off_after(page, "left") <= OFF_MS


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_light_is_off_within_200_ms_of_every_answer(
    kiosk: Callable[..., Page], fake: Fake, answer: str
) -> None:
    page = kiosk()
    fake.decisions.append(ANSWERS[answer])
    page.click("#recognise")
    until(page, "seen.results.length === 1")

    assert off_after(page, "seen.results[0]") <= OFF_MS


def test_the_light_goes_off_without_a_line(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    page.context.set_offline(True)
    page.click("#recognise")
    in_state(page, "unknown")

    assert off_after(page, "performance.now()") <= 0


def test_the_light_goes_off_when_nobody_does_anything(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(fake.address + "/kiosk")
    page.clock.install()
    held(page, "**/identity/v1/presses*")
    page.click("#recognise")
    in_capture(page)
    page.clock.run_for(3_000)
    assert page.evaluate("seen.stopped.length") == 0
    page.clock.run_for(70_000)

    in_state(page, "attract")
    until(page, "seen.stopped.length === 1")


def test_the_light_goes_off_on_the_way_back_from_joining(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    held(page, "**/identity/v1/presses*")
    page.click("#join")
    page.check("#purpose-orders")
    page.check("#consent-age")
    page.click("#consent-agree")
    page.click("#pin-other")
    in_capture(page)

    page.evaluate("() => { window.left = performance.now(); document.querySelector('#capture-back').click(); }")

    assert off_after(page, "left") <= OFF_MS


def test_not_me_never_turns_the_light_on(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    page.click("#recognise")
    in_state(page, "suggest")
    page.click("#not-me")

    assert page.evaluate("[seen.started.length, seen.stopped.length]") == [1, 1]
