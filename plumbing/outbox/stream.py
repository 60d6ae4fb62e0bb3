"""Puts messages into a box's outbox and says how many wait there. Opened by the first message of a process.

What is put comes back only when it is on the disk. A message is sealed for the centre before it gets here: the box
itself cannot open what it has written.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from plumbing.outbox.errors import NatsMissing, OutboxClosed
from plumbing.outbox.server import STREAMS

if TYPE_CHECKING:
    from nats.aio.client import Client

WITHIN_S = 3.0
SAME_S = 24 * 3_600.0
"""For so long a message with the same number is taken once."""
Result = TypeVar("Result")


class Outbox(Protocol):
    """Where messages for the centre wait."""

    def put(self, subject: str, content: bytes, number: str) -> None:
        """Keep a message, which is on the disk then. The same number twice is one message. Raises OutboxClosed."""

    def waiting(self) -> dict[str, int]:
        """How many messages wait, by subject. Raises OutboxClosed."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a box's own server answers."""

    url: str
    password: str

    def write(self, path: Path) -> None:
        """Leave it for the processes of the box."""
        path.touch(mode=0o600)
        path.write_text(json.dumps({"version": 1, "url": self.url, "password": self.password}), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Address:
        """Raises OutboxClosed: the box does not run."""
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            return cls(str(said["url"]), str(said["password"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutboxClosed("The outbox is not running: start the box with `usual edge run`.") from error


class JetStreamOutbox:
    """The outbox of a box, in its nats-server. One for each process; safe with threads."""

    def __init__(self, address: Path) -> None:
        """`address`: the file that `Address.write` wrote."""
        self._address = address
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Client | None = None

    def put(self, subject: str, content: bytes, number: str) -> None:
        """See `Outbox`."""

        async def publish() -> None:
            client = await self._connected()
            await client.jetstream().publish(subject, content, timeout=WITHIN_S, headers={"Nats-Msg-Id": number})

        self._done(publish())

    def waiting(self) -> dict[str, int]:
        """See `Outbox`."""

        async def count() -> dict[str, int]:
            jetstream = (await self._connected()).jetstream()
            return {
                subject: int((await jetstream.stream_info(name)).state.messages)
                for subject, name in STREAMS.items()
            }

        return self._done(count())

    def prepare(self) -> None:
        """Make the streams where they are missing. Raises OutboxClosed."""

        async def make() -> None:
            from nats.js.api import RetentionPolicy, StorageType, StreamConfig

            jetstream = (await self._connected()).jetstream()
            for subject, name in STREAMS.items():
                await jetstream.add_stream(
                    StreamConfig(
                        name=name,
                        subjects=[subject],
                        retention=RetentionPolicy.WORK_QUEUE,  # gone when the centre has it
                        storage=StorageType.FILE,
                        duplicate_window=SAME_S,
                    )
                )

        self._done(make())

    def close(self) -> None:
        """Close the connection and end its thread."""
        with self._lock:
            loop, client, self._loop, self._client = self._loop, self._client, None, None
        if loop is None:
            return

        async def end() -> None:
            if client is not None:
                await client.close()
            await asyncio.sleep(0.05)  # its sockets are closed by what comes after
            loop.stop()

        asyncio.run_coroutine_threadsafe(end(), loop)

    async def _connected(self) -> Client:
        if self._client is None or self._client.is_closed:
            self._client = await connected(Address.read(self._address))
        return self._client

    def _done(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of work on the connection's own thread. Raises OutboxClosed."""
        try:
            from nats.errors import Error
        except ImportError as error:
            work.close()
            raise NatsMissing from error
        task = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return task.result(2 * WITHIN_S)
        except (Error, OSError, TooLate) as error:
            task.cancel()
            raise OutboxClosed from error

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run, args=(self._loop,), name="outbox", daemon=True).start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()


async def connected(address: Address, user: str = "box") -> Client:
    """A connection that comes back by itself. Raises NatsMissing, or an error of nats or OSError."""
    try:
        from nats.aio.client import Client as NatsClient
    except ImportError as error:
        raise NatsMissing from error

    async def quiet(_: Exception) -> None:
        """Whoever waits for an answer gets the error; a log line for each try to connect helps nobody."""

    client = NatsClient()
    try:
        await client.connect(
            address.url,
            user=user,
            password=address.password,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=2,
            ping_interval=2,
            max_outstanding_pings=2,
            error_cb=quiet,
            allow_reconnect=True,
        )
    except BaseException:
        await client.close()
        raise
    return client
