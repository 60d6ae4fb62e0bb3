"""A desk in a real browser: figures of some weeks, people who sign in, the pages, on a real port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from desk import keys, operations, record, sessions, web
from doorway.webhooks import webhooks
from plumbing.shared import Shared
from plumbing.storage.state import State
from recommender.store.import_log import WrongRow
from tests.browser.fake_server import serve
from tests.browser.signed_in import session_of, sign_in
from tests.recommender.desk.desk_data import fill
from tests.recommender.service_fixtures import World, open_world, stock


@dataclass
class Desk:
    """A served desk."""

    world: World
    shared: Shared
    address: str

    def enter(self, page: Page, *roles: str, sites: tuple[str, ...] = ()) -> None:
        """Sign a new person in, in the browser of `page`."""
        sign_in(page, self.address, session_of(self.shared.people, "grill", roles or ("marketer",), sites=sites))


@contextmanager
def served(home: Path, *, full: bool = True) -> Iterator[Desk]:
    """`full`: with 70 days of figures, imports, a published version and one that failed."""
    world = open_world(home)
    shared = Shared.open(State(home), world.now_us)
    world.access.signed_in = shared.people.caller
    world.app.register_blueprint(web.build())
    world.app.register_api(sessions.routes(shared))
    world.app.register_api(keys.routes(shared))
    world.app.register_api(operations.routes(shared, home))
    world.app.register_api(record.routes(shared))
    world.app.register_api(webhooks(shared))
    stock(world)
    if full:
        _filled(world)
    with serve(world.app) as address:
        yield Desk(world, shared, address)
    shared.close()
    world.close()


def _filled(world: World) -> None:
    for number in range(36):
        for visit in range(1 + number % 4):
            at = f"2026-11-{10 + visit:02d}T1{number % 9}:00:00Z"
            world.earlier(
                at,
                f"customer-{number}",
                ["cola", "burger", "salad"][number % 3],
                event_id=f"e{number}-{visit}",
                site="north",
            )
    for _ in range(2):
        world.call("POST", "/models/orders/train", key="desk")
        world.run_trainings()
        world.order("burger", token=world.token(), event_id=f"again-{_}")
    world.half.service.figures.refresh()
    fill(world.half.service.stores.figures, sites=("north", "south", "Marktplatz am Alten Rathaus"))
    log, now_us = world.half.service.stores.import_log, world.time_us
    good = log.begin("grill", "items", "menu.csv", now_us - 10**9)
    log.end("grill", good, "stored", now_us - 10**9, rows_read=4, stored=4)
    wrong = log.begin("grill", "events", "orders-november.csv", now_us)
    rows = [WrongRow(n, "item_id", "burgr", "there is no item 'burgr' in the catalogue") for n in range(2, 32)]
    log.end("grill", wrong, "refused", now_us, wrong=len(rows), why="bad_rows", rows=rows)
