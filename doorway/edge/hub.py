"""The centre's end of the outboxes: takes each message, carries it out, and only then lets it go at the box."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from filelock import Timeout

from doorway.edge.centre import line_password
from identity.web.half import IdentityHalf
from plumbing.clock import Clock
from plumbing.outbox.boxes import PAIRED, Box, Boxes
from plumbing.outbox.errors import EdgeError, SealRefused
from plumbing.outbox.server import EVENTS, LEFT, STREAMS, NatsServer, domain_of, hub_config
from plumbing.outbox.stream import Address, connected
from plumbing.problem import Problem
from plumbing.storage.files import load_or_create_secret, process_lock
from recommender.edge.events import Batch, Taken, take
from recommender.service import RecommenderService

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

FORMAT = 1
LOOK_S = 1.0
AGAIN_S = {LEFT: 2, EVENTS: 4}
"""So long after a message was sent and not confirmed it comes again: the line was cut in between."""
MOST_AT_ONCE = {LEFT: 20, EVENTS: 100}
log = structlog.get_logger(__name__)


@contextmanager
def only_hub(home: Path) -> Iterator[None]:
    """Inside, no other process takes what boxes of this installation send. Raises EdgeError."""
    lock = process_lock(home / "edge-hub.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise EdgeError("Another `usual edge hub` runs on this state folder.") from error
    try:
        yield
    finally:
        lock.release()


@dataclass
class Deliveries:
    """Carries messages out, in the order in which they come. Safe with threads: one at a time."""

    boxes: Boxes
    identity: IdentityHalf
    recommender: RecommenderService
    now_us: Clock
    taken: Taken = field(default_factory=Taken)
    left: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def carry_out(self, box: Box, subject: str, messages: Sequence[bytes]) -> None:
        """Do what messages of a box say; done for good when it returns. Doing it again changes nothing.

        What cannot be read is noted and passed over: it would never be readable. Raises a Problem or
        sqlite3.Error: nothing is lost, it comes again.
        """
        opened = [said for said in (self._opened(box, subject, content) for content in messages) if said]
        with self._lock:
            if subject == LEFT:
                for said in opened:
                    self._leave(box, said)
            else:
                self._record(box, opened)

    def _opened(self, box: Box, subject: str, content: bytes) -> dict[str, Any] | None:
        use = "left" if subject == LEFT else "events"
        try:
            said = json.loads(self.boxes.keys.open(content, use))
            if said["format"] != FORMAT or said["tenant"] != box.tenant:
                raise ValueError("of another version or another tenant")
        except (SealRefused, ValueError, KeyError, TypeError) as error:
            log.error("message_of_a_box_refused", box=box.box_id, why=type(error).__name__)
            return None
        found: dict[str, Any] = said
        return found

    def _record(self, box: Box, opened: Sequence[Mapping[str, Any]]) -> None:
        batches = []
        for said in opened:
            try:
                batches.append(Batch.of_json(said["batch"]))
            except (ValueError, KeyError) as error:
                log.error("events_of_a_box_refused", box=box.box_id, why=str(error))
        done = take(self.recommender, box.tenant, box.site, batches, self.now_us)
        self.taken.new += done.new
        self.taken.known += done.known
        self.taken.refused += done.refused
        self.taken.of_the_erased += done.of_the_erased

    def _leave(self, box: Box, said: Mapping[str, Any]) -> None:
        """Somebody opted out at a box: they are out here. Or several may be meant: all of them are paused."""
        origin = self.boxes.of_id(str(said.get("box", "")))
        tags = set(map(str, said.get("tags", ())))
        if origin is None or origin.tenant != box.tenant:
            return
        rows = [
            row
            for row in self.identity.stores.customers.all()
            if row.tenant == box.tenant and self.boxes.tag(origin, row.customer_id) in tags
        ]
        if said.get("kind") == "left":
            for row in rows:
                self.identity.service.erasures.erase(row, "box")
                self.left += 1
            return
        customers = self.identity.service.customers
        accounts = [one for row in rows if (one := customers.accounts.find(row.tenant, row.customer_id))]
        if accounts:
            customers.held.hold(accounts, str(said.get("reference", "")) or None)


class Hub:
    """The centre's server for outboxes, and what reads them."""

    def __init__(
        self,
        home: Path,
        deliveries: Deliveries,
        *,
        listen: str,
        port: int,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        """`listen`: where boxes connect; `port`: of 127.0.0.1, for this process alone."""
        self._deliveries = deliveries
        self._boxes = deliveries.boxes
        self._server = NatsServer(home / "edge-hub")
        self._port = port
        self._listen = listen
        self._certificate = certificate
        self._secret = load_or_create_secret(home / "edge-hub.key", secrets.token_hex(32).encode()).decode()
        self._home = home
        self._following: dict[str, list[asyncio.Task[None]]] = {}

    def start(self) -> None:
        """Start the server. Raises NatsMissing."""
        self._server.start(self._settings(self._paired()))

    async def serve(self, ended: asyncio.Event) -> None:
        """Follow every box that is paired, also those that are paired meanwhile, until `ended`."""
        known: dict[str, Box] = {}
        while not ended.is_set():
            boxes = {box.box_id: box for box in self._paired()}
            if boxes.keys() != known.keys():
                self._server.reload(self._settings(list(boxes.values())))
                for box_id in known.keys() - boxes.keys():
                    self._let_go(box_id)
                for box_id in boxes.keys() - known.keys():
                    self._following[box_id] = [
                        asyncio.create_task(self._follow(boxes[box_id], subject)) for subject in STREAMS
                    ]
            known = boxes
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), LOOK_S)
        for box_id in list(self._following):
            self._let_go(box_id)

    def stop(self) -> None:
        """Stop the server."""
        self._server.stop()

    def _let_go(self, box_id: str) -> None:
        for task in self._following.pop(box_id, []):
            task.cancel()

    def _paired(self) -> list[Box]:
        return [box for box in self._boxes.all() if box.state == PAIRED]

    def _ours(self, box_id: str) -> str:
        return self._boxes.keys.derive("centre's line", self._secret, box_id).hex()

    def _settings(self, boxes: Sequence[Box]) -> str:
        passwords = {one.box_id: (line_password(self._boxes, one.box_id), self._ours(one.box_id)) for one in boxes}
        return hub_config(
            port=self._port,
            listen=self._listen,
            folder=self._home / "edge-hub",
            boxes=passwords,
            certificate=self._certificate,
        )

    async def _follow(self, box: Box, subject: str) -> None:
        """Read one subject of a box for ever. While the line is cut, nothing comes."""
        from nats.errors import Error

        while True:
            try:
                address = Address(f"nats://127.0.0.1:{self._port}", self._ours(box.box_id))
                client = await connected(address, f"centre-{box.box_id}")
                try:
                    await self._read(client.jetstream(domain=domain_of(box.box_id), timeout=1.5), box, subject)
                finally:
                    await client.close()
            except (Error, OSError, TimeoutError):
                pass  # the line is cut: `usual edge list` says since when
            await asyncio.sleep(LOOK_S / 2)

    async def _read(self, jetstream: JetStreamContext, box: Box, subject: str) -> None:
        from nats.errors import TimeoutError as NothingThere
        from nats.js.api import AckPolicy, ConsumerConfig

        config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=AGAIN_S[subject])
        reader = await jetstream.pull_subscribe(subject, durable="centre", stream=STREAMS[subject], config=config)
        while True:
            try:
                messages = await reader.fetch(MOST_AT_ONCE[subject], timeout=1.0)
            except (NothingThere, TimeoutError):
                continue
            await self._carried_out(box, subject, messages)

    async def _carried_out(self, box: Box, subject: str, messages: Sequence[Msg]) -> None:
        """Confirm messages after what they say is done; what cannot be done now comes again."""
        content = [message.data for message in messages]
        try:
            await asyncio.to_thread(self._deliveries.carry_out, box, subject, content)
        except (Problem, sqlite3.Error) as error:
            log.warning("box_waits", box=box.box_id, why=str(error))
            for message in messages:
                await message.nak(delay=0.5)
            return
        for message in messages:
            await message.ack()
