"""Without a line the page comes back; orders wait over a reload, with nothing of a person, and are sent once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state
from tests.browser.fake_server import Fake, serve
from tests.browser.line import Line, kept_for_offline, order, ready, until, waiting
from tests.browser.missing import GONE, without

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

pytestmark = pytest.mark.browser

EVENTS = "/recommender/v1/events"


@pytest.fixture
def line(fake: Fake) -> Iterator[Line]:
    """The fake server behind a line; its address is the fake's from then on."""
    line = Line(fake.app())
    with serve(line) as fake.address:
        yield line


def ordered(fake: Fake) -> list[str]:
    """The ids of the orders that the server got, with repeats."""
    events = [event for body in fake.bodies(EVENTS) for event in body["events"]]
    return [event["event_id"] for event in events if event["type"] == "ordered"]


def back(page: Page) -> None:
    """The operating system tells the page that there is a line again."""
    page.evaluate("() => dispatchEvent(new Event('online'))")


def test_a_kiosk_reloaded_without_a_line_comes_back_and_its_orders_are_sent_once(
    fake: Fake, line: Line, open_page: OpenPage
) -> None:
    page = open_page(fake.address + "/kiosk?site=market", service_workers="allow")
    kept_for_offline(page)
    line.cut = "before"
    page.reload()
    ready(page)
    expect(page.locator("#offline-badge")).to_be_visible()
    order(page, "dish-16")
    expect(page.locator("#done-text")).to_contain_text("as soon as the line is back")
    expect(page.locator("#waiting-badge")).to_have_text("One order waits for the connection.")
    page.reload()
    ready(page)
    expect(page.locator("#waiting-badge")).to_have_text("One order waits for the connection.")
    order(page, "dish-15")
    expect(page.locator("#waiting-badge")).to_contain_text("2 orders")
    assert page.url.endswith("?site=market")

    line.cut = ""
    back(page)
    expect(page.locator("#waiting-badge")).to_be_hidden()

    assert len(ordered(fake)) == len(set(ordered(fake))) == 2
    assert waiting(page) == []
    assert page.locator("#offline-badge").is_hidden()


def test_an_order_is_kept_while_something_else_answers_in_the_servers_place(
    fake: Fake, line: Line, open_page: OpenPage
) -> None:
    """A proxy or a hotspot's way in: only the server itself, in its own words, refuses an order for good."""
    page = open_page(fake.address + "/kiosk")
    said: dict[str, Any] = {"status": 403, "content_type": "text/html", "body": "<h1>Proxy"}
    page.route("**" + EVENTS, lambda route: route.fulfill(**said))
    order(page, "dish-16")
    expect(page.locator("#done-text")).to_contain_text("as soon as the line is back")
    for status, kind, body in ((404, "text/html", "<h1>Log in"), (408, "application/json", '{"code": "timeout"}')):
        said |= {"status": status, "content_type": kind, "body": body}
        with page.expect_response("**" + EVENTS):
            back(page)
    expect(page.locator("#waiting-badge")).to_be_visible()
    assert len(waiting(page)) == 1
    page.unroute("**" + EVENTS)
    back(page)
    expect(page.locator("#waiting-badge")).to_be_hidden()

    assert len(ordered(fake)) == 1


def test_what_waits_holds_nothing_of_the_person_who_ordered(fake: Fake, line: Line, open_page: OpenPage) -> None:
    """After a reload it counts as a guest's: no token, no recommendation, no offer."""
    page = open_page(fake.address + "/kiosk", service_workers="allow")
    kept_for_offline(page)
    page.click("#recognise")
    in_state(page, "suggest")
    page.click("#usual button")
    line.cut = "before"
    page.click("#basket-open")
    page.click("#order")
    in_state(page, "done")
    (record,) = waiting(page)
    page.reload()
    ready(page)
    line.cut = ""
    back(page)
    expect(page.locator("#waiting-badge")).to_be_hidden()

    assert sorted(record) == ["events", "format", "key", "madeMs", "told"]
    assert sorted(record["events"][0]) == ["event_id", "items", "occurred_at", "region", "site", "type"]
    assert "usual-t1" not in json.dumps(record)
    assert fake.tokens(EVENTS)[-1] is None
    assert ordered(fake) == [record["events"][0]["event_id"]]


def test_a_service_worker_keeps_the_page_and_its_files_and_no_answer(
    fake: Fake, line: Line, open_page: OpenPage
) -> None:
    page = open_page(fake.address + "/kiosk", service_workers="allow")
    kept_for_offline(page)
    page.click("#recognise")
    in_state(page, "suggest")

    kept = page.evaluate(
        """async () => {
          const found = [];
          for (const name of await caches.keys())
            for (const one of await (await caches.open(name)).keys()) found.push(new URL(one.url).pathname);
          return found;
        }"""
    )
    assert "/kiosk" in kept
    assert all(path == "/kiosk" or path.startswith("/screens/static/") for path in kept)
    assert any(path.endswith(".css") for path in kept)
    assert any("/words/" in path for path in kept)


def test_a_new_release_takes_over_between_two_visits_and_the_old_cache_goes(
    fake: Fake, line: Line, open_page: OpenPage
) -> None:
    page = open_page(fake.address + "/kiosk", service_workers="allow")
    kept_for_offline(page)
    first = page.evaluate("caches.keys()")
    page.click("#guest")
    in_state(page, "suggest")
    line.app = _next_release(fake)
    page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())")
    until(page, "navigator.serviceWorker.getRegistration().then((one) => one.waiting !== null)")
    page.wait_for_timeout(1500)
    assert page.get_attribute("body", "data-state") == "suggest", "nobody is interrupted"

    page.click("#menu-open")
    page.evaluate("() => dispatchEvent(new PageTransitionEvent('pagehide'))")
    page.reload()
    ready(page)
    until(page, f"caches.keys().then((names) => names.length === 1 && names[0] !== {first[0]!r})")
    assert len(first) == 1


def _next_release(fake: Fake) -> WSGIApplication:
    """The same server, whose files have changed."""
    app = fake.app()
    (old,) = re.findall(r'data-release="(\w+)"', app.test_client().get("/kiosk").text)

    def answer(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        return [b"".join(app(environ, start_response)).replace(old.encode(), old[::-1].encode())]

    return answer


def test_a_store_that_is_forbidden_is_said_on_the_badge_and_the_order_waits_in_memory(
    fake: Fake, line: Line, open_page: OpenPage
) -> None:
    page = open_page(fake.address + "/kiosk")
    without(page, GONE["indexedDB"], GONE["localStorage"])
    line.cut = "before"
    order(page, "dish-16")
    expect(page.locator("#waiting-badge")).to_contain_text("Please leave this page open")

    line.cut = ""
    back(page)
    expect(page.locator("#waiting-badge")).to_be_hidden()
    assert len(ordered(fake)) == 1


def test_of_two_tabs_one_takes_part_and_the_other_says_so_and_can_take_over(
    fake: Fake, open_page: OpenPage
) -> None:
    first = open_page(fake.address + "/kiosk")
    first.click("#guest")
    in_state(first, "suggest")
    second = first.context.new_page()
    second.goto(fake.address + "/kiosk")
    in_state(second, "elsewhere")
    assert first.get_attribute("body", "data-state") == "suggest"

    second.click("#elsewhere-here")
    in_state(second, "attract")
    in_state(first, "elsewhere")
    assert "Flat white" not in first.evaluate("document.body.textContent")

    second.close()
    in_state(first, "attract")


def test_the_back_button_never_shows_an_earlier_persons_page(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(fake.address + "/kiosk")
    page.click("#recognise")
    in_state(page, "suggest")
    page.goto(fake.address + "/me")
    page.go_back()
    ready(page)

    assert page.get_attribute("body", "data-state") == "attract"
    assert "The usual?" not in page.evaluate("document.body.textContent")
