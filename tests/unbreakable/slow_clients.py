"""Clients without a key that are slow on purpose, or send too much: what guests notice of them.

Slow bodies, slow heads and idle connections all at once, while a guest's screen asks for suggestions; then slow
bodies with a good key; then one body of 16 MB without a key.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from bench.measure import Row, resident_mb
from tests.unbreakable.installation import installation
from tests.unbreakable.load import Lines, percentile
from tests.unbreakable.overload import SUGGESTIONS

SLOW, IDLE = 50, 500
EVENTS = b"POST /recommender/v1/events HTTP/1.1\r\nHost: usual\r\nContent-Type: application/json\r\n"
BIG = 16 * 10**6
GUEST_PAUSE_S = 0.02
NOISE_MS = 10.0
"""A p99 below this is taken for this: twice of almost nothing is still nothing."""


def rows(short: bool) -> list[Row]:
    """Guests' p99 before and during, and the price of a big body."""
    seconds = 5.0 if short else 20.0
    with installation() as place, place.served() as server:
        guest, kiosk = place.key("kiosk-guests", "suggest"), place.key("kiosk-slow")
        found = asyncio.run(_guests(server.url, guest, kiosk, seconds))
        return found + asyncio.run(_big_body(server.url, server.process.pid))


async def _guests(url: str, guest: str, kiosk: str, seconds: float) -> list[Row]:
    section = f"Slow clients: {SLOW} slow bodies, {SLOW} slow heads, {IDLE} idle connections, without a key"
    lines = Lines(url)
    ask = lines.request("GET", SUGGESTIONS, guest)

    async def measured(length: float) -> tuple[float, int]:
        times, refused, until = [], 0, time.monotonic() + length
        while time.monotonic() < until:
            answer = await lines.ask(ask)
            times.append(answer.ms)
            refused += answer.status != 200
            await asyncio.sleep(GUEST_PAUSE_S)
        return percentile(times, 99), refused

    await measured(1.0)
    before, _ = await measured(seconds)
    body = EVENTS + b"Content-Length: 1000\r\n\r\nx"
    keyed = EVENTS + b"X-API-Key: " + kiosk.encode() + b"\r\nContent-Length: 1000\r\n\r\nx"
    async with _many(url, SLOW, body), _many(url, SLOW, EVENTS, drip=True), _many(url, IDLE, b""):
        await asyncio.sleep(1)
        during, refused = await measured(seconds)
    async with _many(url, SLOW, keyed):
        await asyncio.sleep(1)
        with_key, refused_too = await measured(seconds)
    lines.close()
    least = max(before, NOISE_MS)
    return [
        Row(section, "guests' suggestions before, p99", before, "ms"),
        Row(section, "guests' p99 during / before", max(during, NOISE_MS) / least, "", 2, note=f"{during:.1f} ms"),
        Row(section, "the same, slow bodies with a good key", max(with_key, NOISE_MS) / least, "", 2),
        Row(section, "guests refused", refused + refused_too, "", 0),
    ]


@contextlib.asynccontextmanager
async def _many(url: str, count: int, sent: bytes, *, drip: bool = False) -> AsyncIterator[None]:
    """`count` connections that send `sent` and then nothing, or with `drip` a byte now and then; a connection that
    the server closes is opened again."""
    host, _, port = url.removeprefix("http://").partition(":")

    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(host, int(port))
                try:
                    writer.write(sent)
                    while True:
                        try:
                            got = await asyncio.wait_for(reader.read(4096), 0.5)
                        except TimeoutError:
                            if drip:
                                writer.write(b"X")
                            continue
                        if not got:
                            break
                finally:
                    writer.close()
            await asyncio.sleep(0.5)

    tasks = [asyncio.create_task(one()) for _ in range(count)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _big_body(url: str, pid: int) -> list[Row]:
    section = "One body of 16 MB of unknown keys, without a key"
    lines = Lines(url)
    body = b"{" + b",".join(b'"%d":1' % n for n in range(BIG // 12)) + b"}"
    before, most, done = resident_mb(pid), 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, await asyncio.to_thread(resident_mb, pid))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.2)
    answer = await lines.ask(lines.request("POST", "/recommender/v1/events", "usual-k1-nobodys", body))
    done.set()
    await watching
    lines.close()
    return [
        Row(section, "answered with", answer.status, "", 401, note=f"{len(body) / 1e6:.0f} MB"),
        Row(section, "until the answer", answer.ms, "ms", 1000),
        Row(section, "size of the answer", len(answer.body), "bytes", 1000),
        Row(section, "more memory meanwhile", max(0.0, most - before), "MB", 64),
    ]
