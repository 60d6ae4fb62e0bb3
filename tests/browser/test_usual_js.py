"""`usual.js`: every call that it makes, and a page of one's own that stands on another host."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from plumbing.settings import Config
from tests.browser.conftest import PATIENCE_MS, Camera
from tests.browser.fake_server import serve
from tests.clients.recorder import Recorder
from tests.clients.requests import check, of_terminals
from tests.journey import Place
from tests.test_readme import blocks

pytestmark = pytest.mark.browser

MODULE = "/screens/static/js/usual.js"

CALLS = """
async ([address, context]) => {
  const { Usual, eventOf } = await import(address);
  const usual = new Usual({ key: "usual-k1-key" });
  const look = { nonce: "n", frames: ["x"], moves: ["x"] };
  const asked = { scene: "orders", context, n: 3 };
  const code = { receipt: "7KQ25", pin: "2580" };
  const consent = { purposes: { orders: true }, notice_version: "1", age_confirmed: true, language: "de" };
  const calls = {
    time: () => usual.time(),
    pair: () => usual.pair("good-code"),
    registerKey: () => usual.registerKey("B".padEnd(87, "A")),
    logOut: () => usual.logOut(),
    settings: () => usual.settings(),
    callStaff: () => usual.callStaff(),
    news: () => usual.news("3.42", { token: "t" }),
    press: () => usual.press(undefined, true),
    visit: () => usual.visit({ ...look, ...asked }),
    visitByCode: () => usual.visitByCode({ ...code, ...asked }),
    recognise: () => usual.recognise(look),
    recogniseByCode: () => usual.recogniseByCode(code),
    raise: () => usual.raise("t", "2580"),
    notMe: () => usual.notMe("t"),
    neverAgain: () => usual.neverAgain("t"),
    faceAgain: () => usual.faceAgain("t"),
    notice: () => usual.notice("de", "taxi"),
    enrol: () => usual.enrol({ nonce: "n", frames: ["x"], consent, pin: "2580" }),
    confirm: () => usual.confirm("7KQ25"),
    undo: () => usual.undo("7KQ25"),
    forgetReceipt: () => usual.forgetReceipt("7KQ25"),
    forgetFace: () => usual.forgetFace({ ...look, pin: "2580" }),
    suggestions: () => usual.suggestions("destinations", { token: "t", context, n: 3 }),
    similar: () => usual.similar("a tea", { context, n: 3 }),
    events: () => usual.events([eventOf("rode", { items: [{ item_id: "station" }], pickup: { lat: 1, lon: 2 } })]),
    order: () => usual.order([{ item_id: "tea", quantity: 2, price: 300 }], { recommendation_id: "r" }),
    catalogue: () => Promise.all(["items", "places", "offers"].map((kind) => usual.catalogue(kind))),
    handOver: () => usual.handOver("station"),
    ride: () => usual.ride({ watch: "w", since: 3 }),
    endRide: () => usual.endRide("r"),
    driverCode: () => usual.driverCode(),
    driverRide: () => usual.driverRide({ watch: "w", since: 3 }),
    acceptRide: () => usual.acceptRide("r"),
    finishRide: () => usual.finishRide("r"),
  };
  for (const call of Object.values(calls)) await call();
  const own = Object.getOwnPropertyNames(Usual.prototype).filter((name) => !/^(constructor|call)$/.test(name));
  return [Object.keys(calls).sort(), own.sort()];
}
"""

NAMES = """
async (address) => {
  const { Problem, Offline, TooSlow } = await import(address);
  return [new Problem(401, {}), new Offline("x"), new TooSlow("x")].map((error) => error.name);
}
"""

CONTEXT = {
    "site": "market",
    "region": "north",
    "local_time": "2026-05-04T08:30:00+02:00",
    "basket": ["tea", "bun"],
    "party_size": 2,
    "repeat": "avoid",
    "max_price": 900,
}

NOT_FOR_PAGES = {
    "GET /v1/events/stream",  # `news` waits for the same, and gets through every proxy
    "GET /identity/v1/receipt-key",  # who checks a signed receipt does it where it was printed for
    "PUT /identity/v1/enrolments/{receipt}/pin",  # of a PIN pad: the pages send the PIN with the enrolment
    "PUT /identity/v1/enrolments/{receipt}/face",  # these two are on the customer's own page, /me
    "DELETE /identity/v1/enrolments/{receipt}/face",
    "POST /recommender/v1/accounts/{account}/link-codes",  # of the shop's own server, which knows its accounts
    "GET /recommender/v1/former-items",  # of who keeps the menu, and its ids
    "GET /recommender/v1/former-places",
    "GET /recommender/v1/items/{item_id}",  # a page has the whole catalogue
    "GET /recommender/v1/places/{item_id}",
    "GET /recommender/v1/offers/{offer_id}",
}


def test_every_call_is_one_of_the_description_and_none_of_a_terminal_is_missing(
    browser: Browser, tmp_path: Path, engine_cache: Path
) -> None:
    description = house(tmp_path, engine_cache).client.get("/openapi.json").get_json()
    recorder = Recorder()
    with serve(recorder.app()) as address, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/blank")
        tried, own = page.evaluate(CALLS, [address + MODULE, CONTEXT])
        names = page.evaluate(NAMES, address + MODULE)

    assert names == ["Problem", "Offline", "TooSlow"]
    assert tried == own
    called = {check(description, sent) for sent in recorder.heard}
    terminals = of_terminals(description)
    assert terminals - called == NOT_FOR_PAGES
    assert called - terminals == {"GET /health/live", "POST /v1/pairings", "DELETE /v1/pairings"}


def house(home: Path, engine_cache: Path, origins: str | None = None) -> Place:
    """A house with three dishes, which lets pages of `origins` in."""
    place = Place(home, engine_cache, config=Config(home=home, cache=engine_cache, origins=origins))
    dishes = [{"item_id": name.lower(), "name": name, "price": 300} for name in ("Tea", "Soup", "Cake")]
    assert place.send("POST", "/recommender/v1/items", {"rows": dishes}).status_code == 200
    return place


class Folder(http.server.SimpleHTTPRequestHandler):
    """A folder's files, as `python3 -m http.server` serves them; silent."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def own_host(folder: Path) -> Iterator[str]:
    """Another origin: the files of a folder."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Folder, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
def test_the_page_of_the_readme_recognises_suggests_and_orders_from_another_host(
    tmp_path: Path, engine_cache: Path, browser: Browser, camera: Camera
) -> None:
    """Not let in, then let in by its link, once; a member is matched, and the order is theirs."""
    [html] = blocks("html")
    with own_host(tmp_path) as own:
        home = tmp_path / "home"
        place = house(home, engine_cache, origins=own)
        place.calibrate(40)
        place.enrol(3)
        camera.show(3, range(60, 63))
        with serve(place.app) as address, browser.new_context() as context:
            (tmp_path / "index.html").write_text(html.replace("http://127.0.0.1:8000", address))
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.goto(own)
            page.click("#button")
            expect(page.locator("#said")).to_contain_text("pair this screen")
            link = place.access.create_pairing(place.tenant, "own", site="mill")
            page.goto(f"{own}/#pair={link}")  # in the page that is open
            page.wait_for_function("localStorage.length === 1")
            assert page.url == f"{own}/"  # the code is gone
            page.goto(f"{own}/?again#pair={link}")  # used up: the key that is here goes on
            page.click("#button")
            expect(page.locator("#said")).to_have_text("matched")
            expect(page.locator("#list button")).to_have_count(3)
            page.click("#list button >> nth=0")
            expect(page.locator("#said")).to_contain_text('"accepted":1')
