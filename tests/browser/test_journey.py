"""Only the people are drawn: a real Chromium, a camera, the server, the engine pack's network."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from data.faces.people import two_people
from doorway.kiosk_helper.web import LOOKS
from recommender.scene import Event, OrderLine
from recommender.tokens import open_token
from tests.browser.conftest import Camera, OpenPage, in_state, tap_pin
from tests.browser.fake_server import serve
from tests.browser.helped import helped_kiosk
from tests.journey import Place
from tests.traces import finding

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PIN = "2468"
DISHES = [
    ("flat-white", "Flat white", "coffee", 380),
    ("tea", "Earl Grey", "tea", 300),
    ("croissant", "Butter croissant", "bakery", 260),
    ("soup", "Tomato soup", "soups", 560),
    ("salad", "Caesar salad", "salads", 940),
    ("cake", "Cheesecake", "cakes", 450),
]
PLACES = [
    ("station", "Harbour station", "station", 54.450, 6.950),
    ("home", "Linden Street", "residential", 54.470, 6.970),
    ("office", "Quay office", "office", 54.430, 6.930),
    ("gym", "Heron gym", "gym", 54.440, 6.990),
    ("park", "Meadow park", "park", 54.465, 6.925),
]


def filled(place: Place) -> Place:
    """With thresholds set on drawn strangers, a small menu and a small map."""
    place.calibrate(40)
    dishes = [dict(zip(("item_id", "name", "category", "price"), row, strict=True)) for row in DISHES]
    places = [dict(zip(("item_id", "name", "category", "lat", "lon"), row, strict=True)) for row in PLACES]
    assert place.send("POST", "/recommender/v1/items", {"rows": dishes}).status_code == 200
    assert place.send("POST", "/recommender/v1/places", {"rows": places}).status_code == 200
    return place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, engine_cache: Path) -> Place:
    """An installation with a small menu and a small map, whose thresholds were set on drawn strangers."""
    return filled(Place(tmp_path_factory.mktemp("home"), engine_cache))


@pytest.fixture(scope="module")
def address(place: Place) -> Iterator[str]:
    with serve(place.app) as address:
        yield address


def paired(place: Place, address: str, open_page: OpenPage, page: str, query: str = "") -> Page:
    """A new browser, paired by its first-run link."""
    code = place.access.create_pairing(place.tenant, page, site="mill")
    return open_page(f"{address}/{page}{query}#pair={code}")


def opt_in(page: Page, *purposes: str, way: str = "#consent-agree") -> str:
    """Opt in at the screen, with a PIN, and confirm; the code."""
    page.click("#join")
    in_state(page, "consent")
    for name in (*(f"#purpose-{purpose}" for purpose in purposes), "#consent-age"):
        page.click(f"label:has({name})")
    page.click(way)
    in_state(page, "pin")
    tap_pin(page, PIN)
    tap_pin(page, PIN)
    in_state(page, "receipt")
    code = page.inner_text("#receipt-code")
    page.click("#receipt-done")
    in_state(page, "joined")
    page.click("#joined-done")
    in_state(page, "attract")
    return code


def again(page: Page) -> None:
    """The first screen once more, for the next person."""
    page.reload()
    page.wait_for_selector("body[data-ready=true]")


def press(page: Page) -> None:
    """Press "Recognise", and once more where a loaded machine was too slow for a greeting, as a customer would."""
    for _ in range(6):
        page.click("#recognise")
        answers = ("suggest", "unknown", "ambiguous", "pin")
        page.wait_for_selector(f"body:is({', '.join(f'[data-state={name}]' for name in answers)})")
        if "Many people are here" not in page.inner_text("#greeting"):
            return
        again(page)
    pytest.fail("six presses found the machine too busy")


def order(page: Page, dish: str) -> None:
    """Order one dish from the whole menu."""
    page.click("#menu-open")
    page.click(f"#menu-list [data-item={dish}]")
    page.click("#basket-open")
    with page.expect_response("**/recommender/v1/events"):
        page.click("#order")
    in_state(page, "done")
    expect(page.locator("#done-text")).to_contain_text("being prepared")
    page.click("[data-screen=done] .big")
    in_state(page, "attract")


def test_a_customer_opts_in_orders_sees_the_usual_change_opts_out_and_is_a_guest(
    place: Place, address: str, open_page: OpenPage, camera: Camera
) -> None:
    camera.show(3, range(200, 224))
    page = paired(place, address, open_page, "kiosk")

    press(page)  # nobody knows this face yet
    expect(page.locator("#unknown-title")).to_have_text("No usual yet")
    page.click("#unknown-guest")
    in_state(page, "suggest")
    guest = page.inner_text("#usual")
    again(page)

    opt_in(page, "orders")
    press(page)
    in_state(page, "suggest")
    expect(page.locator("#greeting")).to_have_text("Welcome back.")
    expect(page.locator("#demo-badge")).to_be_visible()
    assert "The usual?" not in guest
    order(page, "soup")

    press(page)
    in_state(page, "suggest")
    expect(page.locator("#usual")).to_contain_text("The usual?")
    expect(page.locator("#usual")).to_contain_text("Tomato soup")
    seen = page.evaluate("seen")
    assert len(seen["started"]) == len(seen["stopped"])
    assert all(
        0 <= off - result <= 200 for off, result in zip(seen["stopped"][-2:], seen["results"][-2:], strict=True)
    )
    again(page)

    page.click("#opt-out")
    page.click("#optout-face")
    expect(page.locator("#forgotten-title")).to_have_text("You are forgotten")
    page.click("[data-screen=forgotten] .big")
    in_state(page, "attract")
    press(page)
    expect(page.locator("#unknown-title")).to_have_text("No usual yet")


def test_not_me_is_for_the_visit_then_for_good_then_taken_back_and_the_code_forgets(
    place: Place, address: str, open_page: OpenPage, camera: Camera
) -> None:
    camera.show(5, range(200, 224))
    page = paired(place, address, open_page, "kiosk")
    code = opt_in(page, "orders", "offers")
    press(page)
    in_state(page, "suggest")
    page.click("#not-me")
    expect(page.locator("#usual")).to_contain_text("Popular here")
    again(page)
    press(page)
    in_state(page, "suggest")
    expect(page.locator("#greeting")).to_have_text("Welcome back.")  # it was for that visit
    page.click("#not-me")
    page.click("[data-doubt=notme_never]")
    page.click("[data-doubt=notme_yes]")
    expect(page.locator("#doubt")).to_contain_text("this face alone greets nobody")
    again(page)
    press(page)
    page.click("#unknown-pin")
    in_state(page, "pin")
    tap_pin(page, PIN)
    page.click("[data-doubt=face_again]")
    expect(page.locator("#doubt")).to_contain_text("your face alone is enough again")
    again(page)
    press(page)
    in_state(page, "suggest")
    expect(page.locator("#greeting")).to_have_text("Welcome back.")
    again(page)
    page.click("#opt-out")
    page.click("#optout-by-code")
    page.fill("#optout-code", code)
    page.click("#optout-now")
    expect(page.locator("#forgotten-title")).to_have_text("You are forgotten")

    assert page.evaluate("seen.asked") == 0


def test_after_never_again_the_face_still_opts_out_with_the_pin_or_pauses_without_it(
    place: Place, address: str, open_page: OpenPage, camera: Camera
) -> None:
    camera.show(10, range(200, 224))
    page = paired(place, address, open_page, "kiosk")
    opt_in(page, "orders")
    press(page)
    in_state(page, "suggest")
    page.click("#not-me")
    page.click("[data-doubt=notme_never]")
    page.click("[data-doubt=notme_yes]")
    expect(page.locator("#doubt")).to_contain_text("this face alone greets nobody")
    again(page)
    page.click("#opt-out")
    page.click("#optout-face")
    in_state(page, "pin")
    tap_pin(page, "1357")
    expect(page.locator("#pin-error")).to_contain_text("not the PIN")
    page.click("#pin-other")
    expect(page.locator("#forgotten-title")).to_have_text("You are paused")
    expect(page.locator("#forgotten-reference")).not_to_be_empty()
    again(page)
    page.click("#opt-out")
    page.click("#optout-face")
    in_state(page, "pin")
    tap_pin(page, PIN)
    expect(page.locator("#forgotten-title")).to_have_text("You are forgotten")


def test_without_a_face_a_customer_joins_comes_back_and_leaves_in_japanese_on_a_phone(
    place: Place, address: str, open_page: OpenPage
) -> None:
    pairing = place.access.create_pairing(place.tenant, "kiosk", site="mill")
    page = open_page(f"{address}/kiosk?lang=ja#pair={pairing}", (390, 844))
    code = opt_in(page, "orders", way="#consent-agree-code")

    def come_back(pin: str) -> None:
        page.click("#by-code")
        page.fill("#code-code", code)
        page.click("#code-next")
        in_state(page, "pin")
        tap_pin(page, pin)

    come_back("1357")
    expect(page.locator("#pin-error")).to_have_text("コードか暗証番号が違います。もう一度お試しください。")
    tap_pin(page, PIN)
    in_state(page, "suggest")
    page.click("#menu-open")
    page.click("#menu-list [data-item=soup]")
    page.click("#basket-open")
    with page.expect_response("**/recommender/v1/events"):
        page.click("#order")
    again(page)
    come_back(PIN)
    in_state(page, "suggest")
    expect(page.locator("#usual")).to_contain_text("Tomato soup")
    expect(page.locator("#usual")).to_contain_text("いつものでよろしいですか？")
    again(page)
    page.click("#opt-out")
    page.click("#optout-by-code")
    page.fill("#optout-code", code)
    page.click("#optout-now")
    expect(page.locator("#forgotten-title")).to_have_text("登録を消去しました")
    assert page.evaluate("seen.asked") == 0
    again(page)
    come_back(PIN)
    expect(page.locator("#pin-error")).not_to_be_empty()


def test_a_page_that_is_closed_before_the_code_is_confirmed_leaves_nobody(
    place: Place, address: str, open_page: OpenPage, camera: Camera
) -> None:
    camera.show(7, range(200, 224))
    page = paired(place, address, open_page, "kiosk")
    page.click("#join")
    page.check("#purpose-orders")
    page.check("#consent-age")
    page.click("#consent-agree")
    page.click("#pin-other")
    in_state(page, "receipt")
    assert place.recognise(7)["decision"] == "unknown"  # shown is not confirmed
    again(page)
    press(page)
    expect(page.locator("#unknown-title")).to_have_text("No usual yet")

    page.click("#unknown-join")  # and they can join again at once
    page.check("#purpose-orders")
    page.check("#consent-age")
    page.click("#consent-agree")
    page.click("#pin-other")
    in_state(page, "receipt")
    page.click("#receipt-done")
    page.click("#joined-try")
    in_state(page, "suggest")
    expect(page.locator("#greeting")).to_have_text("Welcome back.")


def rides(place: Place, person: int, goal: str, count: int) -> None:
    """Somebody who opted in has ridden to a place from the station, on earlier days at this hour."""
    made = place.enrol(person)
    setup = {"secret": made["pin_setup"]["secret"], "pin": PIN}
    assert place.send("PUT", f"/identity/v1/enrolments/{made['receipt']}/pin", setup).status_code == 204
    token = place.recognise(person)["token"]
    raised = place.send("POST", "/identity/v1/tokens/raise", {"token": token, "pin": PIN}).get_json()["token"]
    *_, shared = place.app.extensions["usual_open"]
    claims = open_token(
        shared.token_keys, raised, tenant=place.tenant, device=None, purpose="destinations", now_us=place.clock()
    )
    now = datetime.fromtimestamp(place.clock() / 1e6, UTC)
    days = [now - timedelta(days=day) for day in range(1, count + 1)]  # as an import writes them
    place.app.extensions["usual"]["recommender"].service.events.record(
        place.tenant,
        [
            Event(
                uuid.uuid4().hex,
                "rode",
                "destinations",
                claims.pseudonym,
                round(at.timestamp() * 1e6),
                at.hour + at.minute / 60,
                at.weekday(),
                (OrderLine(goal),),
                origin="station",
            )
            for at in days
        ],
        place.clock(),
    )


def ride_home(page: Page) -> None:
    """The PIN, the first place, and the ride is on record."""
    in_state(page, "pin")
    assert "Linden" not in page.evaluate("document.body.textContent")
    tap_pin(page, PIN)
    page.locator("#places [data-item]").first.click()
    expect(page.locator("#confirm-name")).to_have_text("Linden Street")
    with page.expect_response("**/recommender/v1/events") as stored:
        page.click("#confirm")
    assert stored.value.status in (200, 201, 202)
    in_state(page, "done")


def test_a_rider_gives_the_pin_before_a_place_is_shown_and_rides_home(
    place: Place, address: str, open_page: OpenPage, camera: Camera
) -> None:
    rides(place, 8, "home", 6)
    camera.show(8, range(200, 224))
    page = paired(place, address, open_page, "taxi", "?pickup=station&lat=54.45&lon=6.95")
    page.click("#taxi-setup-done")
    page.click("#recognise")
    in_state(page, "pin")
    assert page.locator("[data-item]").count() == 0
    tap_pin(page, "1357")
    expect(page.locator("#pin-error")).to_contain_text("not the PIN")
    ride_home(page)
    page.click("[data-screen=done] .big")
    in_state(page, "attract")
    assert "Linden" not in page.evaluate("document.body.textContent")


def test_two_people_in_the_picture_get_a_hint_and_a_way_on(
    place: Place, address: str, open_page: OpenPage, camera: Camera
) -> None:
    camera.film([two_people(3, 9, moment) for moment in range(200, 206)])
    page = paired(place, address, open_page, "kiosk")
    page.click("#recognise")
    expect(page.locator("#hint")).to_have_text("One person, please")
    page.click("[data-screen~=capture] [data-action=guest]")
    in_state(page, "suggest")

    assert page.evaluate("seen.stopped.length") == page.evaluate("seen.started.length") == 1
    assert place.recognise(3, 50)["decision"] == "unknown"


def test_at_a_kiosk_with_a_helper_pictures_go_to_the_helper_alone(
    place: Place, open_page: OpenPage, camera: Camera, tmp_path: Path
) -> None:
    camera.show(3, range(200, 224))
    sent: dict[str, list[bytes]] = {}
    with helped_kiosk(place, tmp_path) as kiosk:
        page = open_page(f"{kiosk.address}/kiosk")
        page.on("request", lambda one: sent.setdefault(one.url, []).append(one.post_data_buffer or b""))
        opt_in(page, "orders")
        press(page)
        in_state(page, "suggest")
        expect(page.locator("#greeting")).to_have_text("Welcome back.")
        order(page, "soup")
        camera.film([two_people(3, 9, moment) for moment in range(200, 206)])
        page.click("#recognise")
        expect(page.locator("#hint")).to_have_text("One person, please")
        camera.show(3, range(200, 224))
        again(page)
        page.click("#opt-out")
        page.click("#optout-face")
        expect(page.locator("#forgotten-title")).to_have_text("You are forgotten")

    assert {url for url, bodies in sent.items() if any(b"/9j/" in body for body in bodies)} == {
        kiosk.address + LOOKS
    }
    assert sum(b"device_message" in body for body in kiosk.house.bodies) == 3
    assert max(map(len, kiosk.house.bodies)) < 4_000
    assert [finding(path, state=True) for path in tmp_path.iterdir()] == [None]
    assert len(kiosk.said) == 1  # that it is paired: nothing was wrong


def test_a_rider_at_a_tablet_with_a_helper_gives_the_pin_and_rides_home(
    place: Place, open_page: OpenPage, camera: Camera, tmp_path: Path
) -> None:
    rides(place, 12, "home", 6)
    camera.show(12, range(200, 224))
    with helped_kiosk(place, tmp_path, "taxi") as tablet:
        page = open_page(f"{tablet.address}/?pickup=station&lat=54.45&lon=6.95")
        page.click("#recognise")
        ride_home(page)

    assert not any(b"/9j/" in body for body in tablet.house.bodies)
    assert sum(b"device_message" in body for body in tablet.house.bodies) == 1
    assert max(map(len, tablet.house.bodies)) < 4_000
    assert len(tablet.said) == 1  # that it is paired: nothing was wrong
