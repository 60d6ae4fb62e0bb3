"""A light load generator: prepared requests on many connections, in one event loop.

It shares the processors with the server, so it does as little as it can: heads and bodies are made once, and of an
answer it reads status, length and the few bytes that it needs.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from bench.visits import scene_frame
from data.demo.members import Member

PATIENCE_S = 10.0
FRAMES_OF_EACH = 2
PRESS = "/identity/v1/presses?for=recognition"  # as the screens say it


@dataclass
class Answer:
    """One answer, and the milliseconds from its request to its last byte."""

    status: int
    body: bytes
    ms: float


class Lines:
    """Connections to one server that are kept open, as many as are used at the same time."""

    def __init__(self, url: str) -> None:
        self._host, _, port = url.removeprefix("http://").partition(":")
        self._port = int(port)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self._host}:{self._port}"

    def request(self, method: str, path: str, key: str, body: bytes = b"") -> bytes:
        """A request as bytes."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nX-API-Key: {key}\r\n"
        if method == "POST":
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body

    async def ask(self, *pieces: bytes) -> Answer:
        """Send a request and wait for its answer; status 0 when there is none in time."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE_S):
                status, body = await self._exchange(pieces)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            status, body = 0, b""
        return Answer(status, body, 1000 * (time.perf_counter() - began))

    async def _exchange(self, pieces: tuple[bytes, ...]) -> tuple[int, bytes]:
        line = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        reader, writer = line
        try:
            writer.writelines(pieces)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            status, length = int(head[9:12]), int(head.partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
            body = await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        if b"connection: close" in head:
            writer.close()
        else:
            self._idle.append(line)
        return status, body

    def close(self) -> None:
        """Close all connections."""
        for _, writer in self._idle:
            writer.close()


@dataclass
class Visit:
    """How one visit went: shed, answered or failed, and in how many milliseconds since the person pressed."""

    outcome: str
    ms: float
    shed_ms: float = 0.0
    """Of a shed visit: how long the refusal itself took."""


@dataclass
class Visits:
    """Makes visits: a press, then the frame of a drawn customer, on one device after the other."""

    lines: Lines
    keys: list[str]
    frames: list[bytes]
    counter: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        rest = {"scene": "orders", "context": {"site": "market"}, "n": 5}
        self.presses = [self.lines.request("POST", PRESS, key, b"{}") for key in self.keys]
        self.heads = [self.lines.request("POST", "/v1/visits", key) for key in self.keys]
        self.bodies = [
            b'", "frames": ["' + base64.b64encode(frame) + b'"], ' + json.dumps(rest)[1:].encode()
            for frame in self.frames
        ]

    async def make(self, since: float | None = None) -> Visit:
        """One visit; `since` is when the person pressed (perf_counter)."""
        began = time.perf_counter() if since is None else since
        number = next(self.counter)
        pressed = await self.lines.ask(self.presses[number % len(self.keys)])
        if pressed.status != 201:
            return self._ended(pressed, began)
        start = b'{"nonce": "' + json.loads(pressed.body)["nonce"].encode()
        rest = self.bodies[number % len(self.bodies)]
        head = self.heads[number % len(self.keys)].replace(
            b"Content-Length: 0", b"Content-Length: %d" % (len(start) + len(rest))
        )
        return self._ended(await self.lines.ask(head + start, rest), began)

    @staticmethod
    def _ended(answer: Answer, began: float) -> Visit:
        ms = 1000 * (time.perf_counter() - began)
        if answer.status == 200:
            return Visit("answered", ms)
        if answer.status == 503 and b'"overloaded"' in answer.body:
            return Visit("shed", ms, answer.ms)
        return Visit(f"failed {answer.status} {answer.body[:80]!r}", ms)


def frames_of(members: list[Member]) -> list[bytes]:
    """Pictures of every member as a camera gives them."""
    return [scene_frame(member.person_seed, 40 + k) for k in range(FRAMES_OF_EACH) for member in members]


async def closed_loop(visits: Visits, terminals: int, seconds: float) -> list[Visit]:
    """`terminals` make one visit after the other."""
    until, made = time.monotonic() + seconds, []

    async def terminal() -> None:
        while time.monotonic() < until:
            made.append(await visits.make())

    await asyncio.gather(*(terminal() for _ in range(terminals)))
    return made


async def open_loop(work: Callable[[float], Awaitable[None]], rate: float, seconds: float, seed: int) -> None:
    """Begin `work` at random moments, `rate` a second on average, however slow the answers are.

    `work` gets the moment at which it was due: what the generator is late counts too.
    """
    moments = np.cumsum(np.random.default_rng(seed).exponential(1 / rate, int(rate * seconds)))
    began, running = time.perf_counter(), set()
    for moment in moments:
        due = began + float(moment)
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        task = asyncio.create_task(_quietly(work(due)))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)


async def _quietly(work: Awaitable[None]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await work


def failures(visits: list[Visit]) -> str:
    """The commonest failure, for a note."""
    found = Counter(visit.outcome for visit in visits if visit.outcome.startswith("failed"))
    return ", ".join(f"{count} x {what}" for what, count in found.most_common(1))


def percentile(values: list[float], share: float) -> float:
    """A percentile; NaN of nothing."""
    return float(np.percentile(values, share)) if values else float("nan")
