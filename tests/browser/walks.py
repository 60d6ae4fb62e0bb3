"""Walks through every page of kiosk, taxi and driver's screen; each stops at a page, for whoever looks at it."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state, tap_pin
from tests.browser.engine_walks import checking, lacking
from tests.browser.fake_server import PIN, RECEIPT, Fake
from tests.browser.steps import BURGER, Walk, again, never_give_up, through


@through("attract", "consent", "pin", "receipt", "joined", "forgotten")
def joining(page: Page, fake: Fake) -> Iterator[str]:
    """Opting in, with a face and a PIN."""
    yield "attract"
    page.click("#join")
    page.click("#consent-agree")
    yield "consent"
    page.click("#consent-more")
    yield "consent, the whole notice"
    page.click("#earlier-open")
    page.click("#earlier-use")
    yield "consent, with a code from before"
    page.click("#earlier-without")
    page.check("#purpose-destinations")
    page.check("#consent-age")
    page.click("#consent-agree")
    in_state(page, "pin")
    page.click("#pin-other")
    expect(page.locator("#pin-error")).not_to_be_empty()
    yield "choosing a PIN"
    tap_pin(page, PIN)
    tap_pin(page, PIN)
    in_state(page, "receipt")
    yield "receipt"
    page.click("#receipt-done")
    in_state(page, "joined")
    yield "joined"
    again(page)
    page.click("#join")
    page.check("#purpose-orders")
    page.check("#consent-age")
    page.click("#consent-agree-code")
    in_state(page, "pin")
    tap_pin(page, PIN)
    tap_pin(page, PIN)
    in_state(page, "receipt")
    page.click("#receipt-no")
    yield "not joined after all"
    again(page)


@through("optout", "forgotten", "pin")
def opting_out(page: Page, fake: Fake) -> Iterator[str]:
    """Being forgotten, paused, and not found."""
    page.click("#opt-out")
    yield "opting out"
    page.click("#optout-by-code")
    page.click("#optout-now")
    yield "opting out by code"
    page.fill("#optout-code", RECEIPT)
    page.click("#optout-now")
    in_state(page, "forgotten")
    yield "forgotten"
    again(page)
    fake.decisions.extend(["pin_needed", "paused", "unknown"])
    page.click("#opt-out")
    page.click("#optout-face")
    in_state(page, "pin")
    yield "opting out with the PIN"
    page.click("#pin-other")
    in_state(page, "forgotten")
    yield "paused"
    again(page)
    page.click("#opt-out")
    page.click("#optout-face")
    in_state(page, "forgotten")
    yield "nobody found"
    again(page)


@through("code", "pin", "suggest")
def by_code(page: Page, fake: Fake) -> Iterator[str]:
    """Code and PIN."""
    page.click("#by-code")
    page.click("#code-next")
    yield "code"
    page.fill("#code-code", RECEIPT)
    page.click("#code-next")
    in_state(page, "pin")
    tap_pin(page, "1111")
    expect(page.locator("#pin-error")).not_to_be_empty()
    yield "the PIN of a code"
    tap_pin(page, PIN)
    in_state(page, "suggest")
    expect(page.locator("[data-item]").first).to_be_visible()
    yield "by code"
    again(page)


@through("suggest", "reading", "menu", "dish", "basket", "done", "forget", "low_quality", "ambiguous")
def ordering(page: Page, fake: Fake) -> Iterator[str]:
    """A visit at the kiosk."""
    fake.news = ["notice_changed"]
    page.click("#recognise")
    in_state(page, "suggest")
    expect(page.locator("#offer button")).to_be_visible()
    yield "suggest"
    page.click("#news button")
    yield "reading"
    page.click("#reading-back")
    page.click("#usual button")
    page.click("#menu-open")
    yield "menu"
    fake.alike = [("dish-02", "same_taste"), *((f"dish-0{n}", "same_kind") for n in (3, 5, 6))]
    page.click("#menu-list .about")
    expect(page.locator("#similar-list .card")).to_have_count(4)
    yield "dish"
    page.click("#dish-back")
    page.click("#basket-open")
    yield "basket"
    page.click("#order")
    in_state(page, "done")
    yield "done"
    page.click("[data-screen=done] .big")
    yield "forget"
    in_state(page, "attract")
    page.click("#recognise")
    in_state(page, "suggest")
    page.click("#not-me")
    expect(page.locator("#offer button")).to_be_visible()
    page.click("[data-doubt=notme_never]")
    yield "not me"
    again(page)
    fake.decisions.extend(["face_too_small", "ambiguous"])
    page.click("#recognise")
    in_state(page, "low_quality")
    yield "low_quality"
    in_state(page, "ambiguous")
    yield "ambiguous"
    again(page)
    page.click("#policy-link")
    expect(page.locator("#reading-text")).to_contain_text("Bystanders")
    yield "policy"


@through("menu", "dish", "basket", "suggest")
def choosing(page: Page, fake: Fake) -> Iterator[str]:
    """A dish with choices, filters, and what changed meanwhile."""
    fake.dishes["dish-14"] = BURGER
    fake.least = 2500
    again(page)
    page.click("#guest")
    in_state(page, "suggest")
    expect(page.locator("#offer button")).to_be_visible()
    yield "a guest's offer"
    page.click("#menu-open")
    page.click("#filters-open")
    page.locator("#filters button").first.click()
    yield "menu, filtered"
    page.click("#menu-list [data-item=dish-14]")
    in_state(page, "dish")
    page.locator("#dish-body label.choice").nth(1).click()
    yield "dish, with choices"
    page.click("#dish-add")
    in_state(page, "menu")
    yield "menu, with a change to take back"
    page.locator("#filters button").first.click()
    page.click("#menu-list [data-item=dish-16]")
    page.click("#basket-open")
    in_state(page, "basket")
    fake.dishes["dish-16"] = None
    fake.dishes["dish-14"] = BURGER | {"price": 1390}
    page.click("#order")
    expect(page.locator("#basket-lines .problem").first).to_be_visible()
    yield "basket, with problems"
    again(page)


@through("pairing", "setup", "elsewhere", "attract", "capture", "unknown", "suggest", "done")
def operating(page: Page, fake: Fake) -> Iterator[str]:
    """What a screen shows before it works, while it looks, and when something is in the way."""
    fake.paired = False
    page.reload()
    in_state(page, "pairing")
    page.fill("#pairing-code", "wrong")
    page.click("#pairing-form button")
    expect(page.locator("#pairing-error")).not_to_be_empty()
    yield "pairing"
    page.click("#setup-open")
    in_state(page, "setup")
    yield "setting up the camera"
    page.click("#setup-done")
    fake.paired = True
    again(page)
    other = page.context.new_page()
    other.goto(page.url)
    other.click("#elsewhere-here")
    in_state(page, "elsewhere")
    yield "elsewhere"
    other.close()
    in_state(page, "attract")
    yield from _looking(page, fake)
    page.route(lambda url: "/v1/" in url, lambda route: route.abort())
    page.click("#guest")
    in_state(page, "suggest")
    yield "suggest, without a line"
    page.click("#menu-open")
    page.locator("#menu-list [data-item]").first.click()
    page.click("#basket-open")
    page.click("#order")
    in_state(page, "done")
    yield "done, without a line"
    page.click("[data-screen=done] .big")
    in_state(page, "attract")
    expect(page.locator("#waiting-badge")).to_be_visible()
    yield "attract, with an order that waits"
    page.unroute_all()


def _looking(page: Page, fake: Fake) -> Iterator[str]:
    """The picture, as long as no answer has come; then each reason why nobody is greeted."""
    page.route("**/v1/visits", lambda route: None)
    never_give_up(page)
    page.click("#recognise")
    in_state(page, "capture")
    expect(page.locator("#oval")).to_have_attribute("data-busy", "true")
    yield "capture"
    page.click("[data-screen~=capture] [data-action=leave]")
    in_state(page, "attract")
    page.unroute_all()
    again(page)
    for decision in ("unknown", "too_many_failures"):
        fake.decisions.append(decision)
        page.click("#recognise")
        in_state(page, "unknown")
        yield f"unknown, {decision.replace('_', ' ')}"
        again(page)


@through("taxi_setup", "attract", "pin", "suggest", "menu", "basket", "done")
def riding(page: Page, fake: Fake) -> Iterator[str]:
    """A tablet is set up, then a ride in the taxi."""
    fake.paired = False
    page.reload()
    in_state(page, "pairing")
    page.fill("#pairing-code", "good-code")
    page.click("#pairing-form button")
    in_state(page, "taxi_setup")
    yield "setting up the tablet"
    page.click("#taxi-setup-done")
    yield "attract"
    page.click("#recognise")
    in_state(page, "pin")
    tap_pin(page, "1111")
    expect(page.locator("#pin-error")).not_to_be_empty()
    yield "pin"
    tap_pin(page, PIN)
    expect(page.locator("#places [data-item]")).to_have_count(3)
    yield "suggest"
    page.click("#somewhere-else")
    yield "menu"
    page.click("[data-screen=menu] [data-back]")
    page.locator("#places [data-item]").first.click()
    yield "basket"
    page.click("#confirm")
    in_state(page, "done")
    yield "done"


@through("waiting", "ride", "pairing")
def driving(page: Page, fake: Fake) -> Iterator[str]:
    """A driver's screen: a ride comes, is accepted and ends; then the screen belongs to no tablet any more."""
    in_state(page, "waiting")
    yield "waiting"
    fake.rides.confirm("place-03")
    expect(page.locator("#ride-name")).to_be_visible()
    yield "ride"
    page.click("#accept")
    expect(page.locator("#accepted")).to_be_visible()
    yield "ride, accepted"
    fake.paired = False
    page.click("#over")
    in_state(page, "pairing")
    yield "pairing"


KIOSK: tuple[Walk, ...] = (joining, opting_out, by_code, ordering, choosing, operating, lacking)
TAXI: tuple[Walk, ...] = (riding,)
DRIVER: tuple[Walk, ...] = (driving,)
ENGINE_CHECK: tuple[Walk, ...] = (checking,)
WALKS = (
    *(("kiosk", walk) for walk in KIOSK),
    *(("taxi", walk) for walk in TAXI),
    *(("driver", walk) for walk in DRIVER),
    *(("screens/engine", walk) for walk in ENGINE_CHECK),
)
"""Each walk, and the path of the page that it starts on."""
