"""Opting in: what is asked and sent, nobody in force before the receipt is confirmed, and every way back."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state, tap_pin
from tests.browser.fake_notice import VERSION
from tests.browser.fake_server import PIN, RECEIPT, Fake
from tests.browser.steps import agree, to_the_receipt

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ENROLMENTS = "/identity/v1/enrolments"


def deleted(fake: Fake) -> list[str]:
    return [row["path"] for row in fake.heard if row["method"] == "DELETE"]


def eventually_deleted(page: Page, fake: Fake) -> None:
    for _ in range(100):
        if deleted(fake):
            break
        page.wait_for_timeout(20)
    assert deleted(fake) == [f"{ENROLMENTS}/{RECEIPT}"]
    assert not fake.in_force | fake.pending


def test_opting_in_takes_separate_unticked_boxes_an_age_a_pin_and_gives_a_receipt(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    page.click("#join")
    in_state(page, "consent")
    assert page.locator("#consent input:checked").count() == 0
    expect(page.locator("#consent-text")).to_contain_text("thrown away")
    page.click("#consent-agree")
    expect(page.locator("#consent-error")).to_contain_text("at least one")
    page.click("label:has(#purpose-orders)")
    page.click("label:has(#purpose-destinations)")
    page.click("#consent-agree")
    expect(page.locator("#consent-error")).to_contain_text("age")
    page.click("label:has(#consent-age)")
    page.click("#consent-agree")
    in_state(page, "pin")
    tap_pin(page, PIN)
    tap_pin(page, "1111")
    expect(page.locator("#pin-error")).to_contain_text("two different")
    assert page.evaluate("seen.asked") == 0  # no camera before consent and PIN
    tap_pin(page, PIN)
    tap_pin(page, PIN)
    in_state(page, "receipt")

    assert page.inner_text("#receipt-code") == RECEIPT
    assert page.locator("#receipt-qr img").evaluate("(image) => image.decode().then(() => image.naturalWidth > 0)")
    (asked,) = fake.bodies(ENROLMENTS)
    assert asked["consent"] == {
        "purposes": {"orders": True, "offers": False, "destinations": True},
        "notice_version": VERSION,
        "age_confirmed": True,
        "language": "en",
    }
    assert asked["pin"] == PIN
    assert len(asked["frames"]) >= 3
    assert page.evaluate("seen.stopped.length") == 1


def test_a_customer_is_in_force_only_when_they_have_confirmed_the_code(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    to_the_receipt(page)
    expect(page.locator("#receipt-seconds")).to_contain_text("not remembered yet")
    assert fake.pending == {RECEIPT}
    page.click("#receipt-done")
    in_state(page, "joined")

    assert (fake.in_force, fake.pending) == ({RECEIPT}, set())
    assert RECEIPT not in page.evaluate("document.body.textContent")
    page.click("#joined-done")
    in_state(page, "forget")
    in_state(page, "attract")
    assert deleted(fake) == []
    assert page.locator("#consent input:checked").count() == 0


@pytest.mark.parametrize("way", ["no", "closed", "put away"])
def test_who_goes_before_the_code_is_confirmed_was_never_enrolled(
    fake: Fake, open_page: OpenPage, way: str
) -> None:
    page = open_page(fake.address + "/kiosk")
    to_the_receipt(page)
    if way == "no":
        page.click("#receipt-no")
        expect(page.locator("#forgotten-title")).to_have_text("You are not remembered")
    elif way == "closed":
        page.goto(fake.address + "/me")
    else:
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")

    eventually_deleted(page, fake)


def test_who_says_no_without_a_line_reads_the_truth_and_is_undone_when_there_is_one(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    to_the_receipt(page)
    page.route("**/identity/v1/enrolments/*", lambda route: route.abort())
    page.click("#receipt-no")
    expect(page.locator("#forgotten-text")).to_contain_text("will be deleted within a minute")
    assert fake.pending == {RECEIPT}
    page.unroute_all()
    page.evaluate("dispatchEvent(new Event('online'))")

    expect(page.locator("#forgotten-text")).to_contain_text("Nothing was kept")
    eventually_deleted(page, fake)


def test_when_the_time_to_confirm_is_over_the_screen_says_that_nothing_was_kept(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.within_s = 0.5
    page = kiosk()
    to_the_receipt(page)

    expect(page.locator("#forgotten-text")).to_contain_text("so nothing was kept")
    eventually_deleted(page, fake)
    page.click("#forgotten-join")
    in_state(page, "consent")
    assert page.locator("#consent input:checked").count() == 0


def test_a_confirmation_that_the_server_does_not_know_any_more_says_so(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    to_the_receipt(page)
    fake.pending.clear()  # the server's minute is over
    page.click("#receipt-done")

    expect(page.locator("#forgotten-title")).to_have_text("You are not remembered")
    assert fake.in_force == set()


def test_a_confirmation_that_does_not_arrive_can_be_repeated(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    to_the_receipt(page)
    page.context.set_offline(True)
    page.click("#receipt-done")
    expect(page.locator("#receipt-error")).to_contain_text("press once more")
    page.context.set_offline(False)
    page.click("#receipt-done")
    in_state(page, "joined")

    assert fake.in_force == {RECEIPT}


def test_every_page_of_joining_has_a_way_back_and_the_choices_stay(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.slow_enrolment = threading.Event()
    page = kiosk()
    page.click("#join")
    agree(page, "orders", "offers")
    in_state(page, "pin")
    page.click("#pin-back")
    in_state(page, "consent")
    assert page.locator("#consent input:checked").count() == 3
    page.click("#consent-agree")
    page.click("#pin-other")
    in_state(page, "capture")
    with page.expect_request(f"**{ENROLMENTS}"):
        pass
    page.click("#capture-back")
    in_state(page, "pin")
    fake.slow_enrolment.set()  # the answer comes when the person has gone back

    eventually_deleted(page, fake)
    assert page.evaluate("seen.stopped.length") == 1
    page.click("#pin-back")
    page.click("#consent-no")
    in_state(page, "attract")
    page.click("#join")
    assert page.locator("#consent input:checked").count() == 0


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_who_chose_taxi_destinations_alone_is_not_taken_in_without_a_pin(
    kiosk: Callable[..., Page], fake: Fake, language: str
) -> None:
    page = kiosk(f"?lang={language}")
    page.click("#join")
    agree(page, "destinations")
    in_state(page, "pin")
    page.click("#pin-other")
    expect(page.locator("#pin-error")).not_to_be_empty()

    assert page.get_attribute("body", "data-state") == "pin"
    assert fake.bodies(ENROLMENTS) == []
    assert page.evaluate("seen.asked") == 0
    tap_pin(page, PIN)
    tap_pin(page, PIN)
    in_state(page, "receipt")


def test_who_did_not_choose_taxi_destinations_is_not_asked_for_a_pin_for_places(
    kiosk: Callable[..., Page],
) -> None:
    page = kiosk()
    page.click("#join")
    agree(page)
    in_state(page, "pin")

    for language, optional, places in (
        ("en", "optional", "laces"),
        ("de", "freiwillig", "Orte"),
        ("ja", "任意", "行き先"),
    ):
        page.click(f"[data-language={language}]")
        text = page.inner_text("#pinpad")
        assert optional in text
        assert places not in text


def test_joining_without_a_face_needs_no_camera_and_gives_a_code_that_works_at_once(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    page.click("#join")
    agree(page, "orders", way="#consent-agree-code")
    in_state(page, "pin")
    expect(page.locator("#pin-other")).to_be_hidden()
    tap_pin(page, PIN)
    tap_pin(page, PIN)
    in_state(page, "receipt")
    expect(page.locator("#receipt-text")).to_contain_text("With your PIN it opens your suggestions")
    page.click("#receipt-done")
    page.click("#joined-try")
    in_state(page, "code")

    (asked,) = fake.bodies(ENROLMENTS)
    assert (asked["way"], asked["pin"]) == ("code", PIN)
    assert not {"frames", "nonce"} & set(asked)
    assert page.evaluate("seen.asked") == 0
    assert fake.bodies("/identity/v1/presses") == []


def test_opting_out_takes_no_more_taps_than_opting_in(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    page.evaluate(
        "document.addEventListener('click', (event) => { window.taps = (window.taps || 0) + event.isTrusted; })"
    )
    page.click("#join")
    page.click("#purpose-orders")
    page.click("#consent-age")
    page.click("#consent-agree")
    page.click("#pin-other")
    in_state(page, "receipt")
    page.click("#receipt-done")
    in_state(page, "joined")
    opting_in = page.evaluate("taps")
    page.click("#joined-done")
    in_state(page, "attract")
    page.evaluate("taps = 0")
    page.click("#opt-out")
    page.click("#optout-face")
    in_state(page, "forgotten")

    assert page.evaluate("taps") / opting_in <= 1
    assert page.evaluate("taps") == 2


@pytest.mark.parametrize("size", [(360, 640), (390, 844), (1024, 600)])
def test_a_code_never_breaks_inside_a_group_of_five(
    fake: Fake, kiosk: Callable[..., Page], size: tuple[int, int]
) -> None:
    page = kiosk(size=size)
    to_the_receipt(page)
    page.evaluate("document.documentElement.dir = 'rtl'")  # a code is read from the left in every language
    lefts = page.eval_on_selector_all("#receipt-code .group", "(all) => all.map((e) => e.getBoundingClientRect())")
    assert [(one["top"], one["left"]) for one in lefts] == sorted((one["top"], one["left"]) for one in lefts)
    page.evaluate("document.documentElement.dir = 'ltr'")
    groups = page.locator("#receipt-code .group")
    expect(page.locator("#receipt-code")).to_have_text(RECEIPT)

    assert groups.all_inner_texts() == ["7KQ25-", "X4DPT-", "ZT5V3-", "2RMN5"]
    lines = page.evaluate(
        "[...document.querySelectorAll('#receipt-code .group')].map((e) => e.firstChild && (() => {"
        "const r = document.createRange(); r.selectNodeContents(e);"
        "return new Set([...r.getClientRects()].map((x) => Math.round(x.top))).size; })())"
    )
    assert lines == [1, 1, 1, 1]
    expect(page.locator("#receipt-qr img")).to_be_visible()
