"""A centre and its store boxes in one process, with faces that are drawn, and a line that a test cuts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from doorway.edge.box import BoxServer
from doorway.edge.centre import Centre
from doorway.edge.copies import BoxCopies
from doorway.edge.folder import BoxFolder, Pairing
from doorway.edge.hub import Deliveries
from doorway.edge.keeper import Keeper, Opened
from doorway.edge.line import Line, pair
from doorway.edge.routes import PAIRINGS
from identity.customers.leaving.erasure import CopiesElsewhere
from plumbing.outbox.boxes import Boxes
from plumbing.outbox.errors import OutboxClosed
from plumbing.outbox.seals import PrivateKeys
from plumbing.outbox.server import EVENTS, LEFT
from plumbing.storage.state import State
from recommender.edge.goods import Goods
from recommender.scene import Choice, Event, Item, OptionGroup, OrderLine
from tests.identity import halves
from tests.identity.halves import KIOSK, TOKEN_KEY, StoppedClock
from tests.recommender.service_fixtures import World as Recommender
from tests.recommender.service_fixtures import open_world

PEOPLE = itertools.count(1)
"""Numbers of people whom no other test knows."""

TENANT, SITE = KIOSK.tenant, "mill"
SIZES = OptionGroup("size", "Size", {"de": "Größe"}, "one", (Choice("s", "Small"), Choice("l", "Large", {}, 90)))
MENU = [
    Item("soup", "Soup", "soups", 520, names={"de": "Suppe"}, texts={"ja": "スープ"}, options=(SIZES,)),
    Item("pie", "Pie", "cakes", 390),
]


class Kept:
    """An outbox in a list; `open` is False while its server does not answer."""

    def __init__(self) -> None:
        self.messages: dict[str, list[bytes]] = {LEFT: [], EVENTS: []}
        self.numbers: set[str] = set()
        self.open = True

    def put(self, subject: str, content: bytes, number: str) -> None:
        if not self.open:
            raise OutboxClosed
        if number not in self.numbers:
            self.numbers.add(number)
            self.messages[subject].append(content)

    def waiting(self) -> dict[str, int]:
        return {subject: len(some) for subject, some in self.messages.items()}


class HandedOver(halves.Elsewhere):
    """Hands an erasure to the recommender beside it, as the doorway does."""

    recommender: Recommender

    def __call__(self, token: str) -> None:
        super().__call__(token)
        self.recommender.half.erase(token)


@dataclass
class House:
    """Both halves of one state folder."""

    home: Path
    clock: StoppedClock
    copies: CopiesElsewhere | None = None
    identity: halves.World = field(init=False)
    recommender: Recommender = field(init=False)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.recommender = open_world(self.home, key=TOKEN_KEY)
        self.recommender.time_us = self.clock.now
        handed_over = HandedOver()
        handed_over.recommender = self.recommender
        self.identity = halves.World(self.home, self.clock, elsewhere=handed_over, copies=self.copies)
        self.goods = Goods(self.recommender.half.service.stores, self.home)

    def close(self) -> None:
        self.identity.close()
        self.recommender.close()

    def pseudonym(self, receipt: str) -> str:
        row = halves.row_of(self.identity, receipt)
        return self.identity.service.customers.accounts.links_of(row).pseudonym

    def order(self, customer: str, event_id: str, *, site: str = SITE, sender: str = "till-1") -> Event:
        """An order that this house recorded."""
        now = self.clock.now
        event = Event(
            event_id, "ordered", "orders", customer, now, 12.0, 1, (OrderLine("soup"),), site, sender=sender
        )
        self.recommender.half.service.events.record(TENANT, [event], now)
        return event

    def events(self, customer: str = "") -> list[tuple[str, str]]:
        """(sender, event id) of a customer's events, or of guests'."""
        rows = self.recommender.half.service.database.rows(
            "SELECT sender, event_id FROM events WHERE customer = ? ORDER BY event_id", (customer,)
        )
        return [(row["sender"], row["event_id"]) for row in rows]


class CentreWorld:
    """The centre: a house with boxes."""

    def __init__(self, folder: Path, clock: StoppedClock) -> None:
        self.clock = clock
        self.boxes = Boxes(State(folder), clock)
        copies = BoxCopies(State(folder), clock)
        self.house = House(folder, clock, copies)
        self.house.recommender.half.service.stores.catalogue.put(TENANT, "item", MENU)
        self.centre = Centre(self.boxes, self.house.identity.half, self.house.recommender.half, clock)
        service = self.house.recommender.half.service
        self.deliveries = Deliveries(self.boxes, self.house.identity.half, service, clock)
        self.whole = True

    def close(self) -> None:
        self.house.close()
        self.boxes.close()

    @property
    def identity(self) -> halves.World:
        """The identity half of the house."""
        return self.house.identity

    def customer(self, person: int, *, site: str = SITE) -> str:
        """Somebody who enrolled and ordered at a site: their code."""
        receipt = self.house.identity.enrol(person).receipt
        self.house.order(self.house.pseudonym(receipt), f"first-{person}", site=site)
        self.look_again()
        return receipt

    def look_again(self) -> None:
        """The centre reads who comes to a site once in a while: now."""
        self.centre = Centre(self.boxes, self.house.identity.half, self.house.recommender.half, self.clock)

    def __call__(
        self, url: str, method: str, path: str, *, body: Mapping[str, object], within_s: float
    ) -> dict[str, object]:
        """The line: what the routes do."""
        if not self.whole:
            raise OSError("the line is cut")
        if path == PAIRINGS:
            return self.centre.pair(str(body["code"]), str(body["public"]))
        said, counter = body["said"], body["counter"]
        assert isinstance(said, dict)
        assert isinstance(counter, int)
        return self.centre.answer(str(body["box"]), counter, str(body["kind"]), said, str(body["signature"]))


class BoxWorld:
    """A box that is paired with a centre."""

    def __init__(
        self, disk: Path, memory: Path, centre: CentreWorld, name: str = "mill-box", site: str = SITE
    ) -> None:
        memory.mkdir(exist_ok=True)
        self.centre, self.clock = centre, centre.clock
        self.boot = StoppedClock(1_000_000)
        self.folder = BoxFolder(disk, memory, self.clock, self.boot)
        code = centre.boxes.invite(TENANT, name, site, replace=True)
        self.keys = self.folder.new_keys_beside()
        self.pairing: Pairing = pair("http://centre", "nats-leaf://centre", code, self.keys, self.clock, centre)
        self.folder.take_new_keys()
        self.folder.pair(self.pairing)
        self.outbox = Kept()
        self.begin()

    def begin(self) -> None:
        """The box starts."""
        self.folder.open_home()
        self.server = BoxServer(self.pairing, self.outbox, self.folder, self.clock)
        self.house = House(self.folder.home, self.clock, self.server.copies)
        half = self.house.recommender.half
        self.house.recommender.half = self.server.wire(self.house.recommender.app, self.house.identity.half, half)
        opened = Opened(self.house.identity.half, half.service.stores, self.house.goods)
        self.keeper = Keeper(self.folder, TENANT, self.line(self.keys), self.outbox, opened, self.clock)

    def line(self, keys: PrivateKeys) -> Line:
        return Line(self.pairing, keys, self.clock, self.centre)

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.now += 1_000_000
            self.boot.now += 1_000_000
            for house in (self.house, self.centre.house):
                house.recommender.time_us = self.clock.now
            self.keeper.tick()

    def deliver(self) -> None:
        """The outbox reaches the centre."""
        box = self.centre.boxes.of_id(self.pairing.box)
        assert box is not None
        for subject in (LEFT, EVENTS):
            self.centre.deliveries.carry_out(box, subject, self.outbox.messages[subject])
            self.outbox.messages[subject].clear()

    def close(self) -> None:
        self.house.close()

    def files(self) -> dict[str, bytes]:
        """All that lies on the box's disk."""
        return {str(path): path.read_bytes() for path in self.folder.disk.rglob("*") if path.is_file()}


@dataclass
class Own:
    """A centre and a box that a test may ruin."""

    centre: CentreWorld
    box: BoxWorld

    @property
    def clock(self) -> StoppedClock:
        return self.centre.clock
