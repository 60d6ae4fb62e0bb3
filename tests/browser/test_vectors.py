"""Kiosk and taxi as devices that send vectors: no picture leaves them, and nothing falls back by itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from playwright.sync_api import Page, expect

from screens.engine import EngineFolder
from tests.browser.conftest import Camera, OpenPage, draw_face, in_state
from tests.browser.fake_server import Fake, serve
from tests.browser.steps import to_the_receipt
from tests.browser.test_opting_out import by_face

pytestmark = [pytest.mark.browser, pytest.mark.shared, pytest.mark.slow]

KEY = X25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
SEAL: dict[str, Any] = {
    "public_key": base64.urlsafe_b64encode(KEY.public_key().public_bytes_raw()).decode().rstrip("="),
    "key_id": "aaa8fff703b50b22",
    "device": "kiosk-1",
    "pack": "open-model-zoo@1",
    "size": 256,
    "masks": True,
}
SIZES = {"recognise": 984, "opt_out": 984, "enrol": 2296}
PICTURE = "frames"
MESSAGE = "device_message"


@pytest.fixture
def fake(engine_folder: EngineFolder, camera: Camera) -> Any:
    """The pages of a house whose device sends vectors."""
    camera.show(3, range(3))
    fake = Fake(engine=engine_folder, seal=dict(SEAL))
    with serve(fake.app()) as fake.address:
        yield fake


def content_of(body: dict[str, Any], purpose: str) -> bytes:
    """What is sealed in a request; fails where it is bound to anything else, or a picture is beside it."""
    assert not {PICTURE, "moves"} & set(body)
    message = base64.b64decode(body[MESSAGE], validate=True)
    assert len(message) == SIZES[purpose]
    bound = "\n".join(("usual-vectors-1", purpose, SEAL["pack"], SEAL["device"], body["nonce"])).encode()
    return SUITE.decrypt(message[48:-64], KEY, bound)


def no_picture_was_sent(fake: Fake) -> None:
    """No request holds the beginning of a JPEG, PNG or WebP, or more bytes than a message has."""
    for row in fake.heard:
        text = json.dumps(row["body"])
        assert len(text) < 4_000, row["path"]
        assert not any(head in text for head in ("/9j/", "iVBORw", "UklGR", '"frames"')), row["path"]


def test_a_press_sends_a_sealed_message_and_no_picture(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    page.click("#recognise")
    in_state(page, "suggest")
    expect(page.locator("#usual")).to_contain_text("The usual?")

    [body] = fake.bodies("/v1/visits")
    content = content_of(body, "recognise")
    assert content[0] == 3  # vectors
    [key] = fake.bodies("/v1/device-key")
    assert len(base64.urlsafe_b64decode(key["public_key"] + "=")) == 65
    assert page.evaluate("seen.stopped.length") == 1
    no_picture_was_sent(fake)


def test_joining_and_leaving_send_no_picture_either(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    to_the_receipt(page)
    [enrolment] = fake.bodies("/identity/v1/enrolments")
    content = content_of(enrolment, "enrol")
    assert content[0] >= 3
    assert content[3] == 1  # each vector has a twin with a mask
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    by_face(page)
    in_state(page, "forgotten")

    [opt_out] = fake.bodies("/identity/v1/opt-outs")
    content_of(opt_out, "opt_out")
    first, second = fake.bodies("/v1/device-key")
    assert first == second  # the browser has kept its key
    no_picture_was_sent(fake)


def test_a_taxi_sends_a_sealed_message_and_no_picture(open_page: OpenPage, fake: Fake) -> None:
    page = open_page(f"{fake.address}/taxi")
    page.click("#recognise")
    in_state(page, "pin")

    [body] = fake.bodies("/identity/v1/recognitions")
    content_of(body, "recognise")
    no_picture_was_sent(fake)


def test_hints_come_from_the_device_and_nothing_is_sent(
    kiosk: Callable[..., Page], fake: Fake, camera: Camera
) -> None:
    camera.film([draw_face(3, moment, (640, 480), zoom=0.33) for moment in range(3)])
    page = kiosk()
    page.click("#recognise")
    in_state(page, "low_quality")

    expect(page.locator("#hint")).to_contain_text("closer")
    assert page.get_attribute("#oval", "data-ask") == "closer"
    assert fake.bodies("/v1/visits") == []


@pytest.mark.parametrize(
    "lack",
    [
        "WebAssembly.validate = () => false;",
        "Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });",
        "",
    ],
    ids=["no SIMD", "no WebCrypto", "another pack"],
)
def test_a_device_that_cannot_says_so_and_offers_the_way_without_a_face(
    kiosk: Callable[..., Page], fake: Fake, lack: str
) -> None:
    """Too old a browser, or vectors of another pack than the server compares: no picture is sent instead."""
    if not lack:
        fake.seal = SEAL | {"pack": "other@1"}
    page = kiosk()
    page.evaluate(lack)
    page.click("#recognise")
    in_state(page, "unknown")

    expect(page.locator("#unknown-title")).to_contain_text("recognises nobody right now")
    expect(page.locator("#unknown-code")).to_be_visible()
    page.click("#unknown-guest")
    in_state(page, "suggest")
    assert fake.bodies("/v1/visits") == []
    no_picture_was_sent(fake)


def test_the_operator_may_change_what_a_running_screen_sends(kiosk: Callable[..., Page], fake: Fake) -> None:
    """It follows with the next press; nobody loads the page again."""
    page = kiosk()
    for seal in (None, dict(SEAL), None):
        fake.seal = seal
        by_face(page)
        in_state(page, "forgotten")
        page.click("[data-screen~=forgotten] [data-action=leave]")
        in_state(page, "attract")

    sent = [PICTURE if PICTURE in body else MESSAGE for body in fake.bodies("/identity/v1/opt-outs")]
    assert sent == [PICTURE, MESSAGE, PICTURE]
