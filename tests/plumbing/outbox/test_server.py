"""The real nats-server: a box's outbox, the centre's end of it, and a line between them."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from pathlib import Path

import pytest

from plumbing.outbox.errors import EdgeError, NatsMissing, OutboxClosed
from plumbing.outbox.server import EVENTS, LEFT, NatsServer, box_config, domain_of, free_port, hub_config
from plumbing.outbox.stream import Address, JetStreamOutbox, connected

BOX = "b1"


def settings(folder: Path, port: int, line_port: int) -> str:
    return box_config(
        port=port,
        box_id=BOX,
        folder=folder,
        password="p" * 8,
        line=f"nats-leaf://127.0.0.1:{line_port}",
        line_password="l" * 8,
    )


def test_what_lies_in_an_outbox_is_on_the_disk_and_comes_to_the_centre_once(tmp_path: Path) -> None:
    """Taken while the centre is not there, twice under one number; then the centre comes."""
    port, line_port, hub_port = free_port(), free_port(), free_port()
    box, hub = NatsServer(tmp_path / "box"), NatsServer(tmp_path / "hub")
    address = tmp_path / "outbox.json"
    outbox = JetStreamOutbox(address)
    try:
        box.start(settings(tmp_path / "box", port, line_port))
        Address(f"nats://127.0.0.1:{port}", "p" * 8).write(address)
        ends = time.monotonic() + 10
        while True:
            try:
                outbox.prepare()
                break
            except OutboxClosed:
                assert time.monotonic() < ends, box.said()
        for number, content in (("1", b"first"), ("1", b"first"), ("2", b"second")):
            outbox.put(EVENTS, content, number)
        outbox.put(LEFT, b"somebody", "3")
        assert outbox.waiting() == {LEFT: 1, EVENTS: 2}
        hub.start(
            hub_config(
                port=hub_port,
                listen=f"127.0.0.1:{line_port}",
                folder=tmp_path / "hub",
                boxes={BOX: ("l" * 8, "c" * 8)},
            )
        )
        assert asyncio.run(taken(hub_port)) == [b"first", b"second"]
        assert outbox.waiting() == {LEFT: 1, EVENTS: 0}
    finally:
        outbox.close()
        box.stop()
        hub.stop()


async def taken(hub_port: int) -> list[bytes]:
    """What the centre reads and confirms."""
    from nats.errors import Error

    ends = time.monotonic() + 10
    while True:
        try:
            return await read_once(hub_port)
        except (Error, OSError):
            assert time.monotonic() < ends
            await asyncio.sleep(0.1)


async def read_once(hub_port: int) -> list[bytes]:
    client = await connected(Address(f"nats://127.0.0.1:{hub_port}", "c" * 8), f"centre-{BOX}")
    try:
        jetstream = client.jetstream(domain=domain_of(BOX), timeout=1)
        reader = await jetstream.pull_subscribe(EVENTS, durable="centre", stream="EVENTS")
        messages = await reader.fetch(10, timeout=2)
        for message in messages:
            await message.ack_sync()
        return [message.data for message in messages]
    finally:
        await client.close()
        await asyncio.sleep(0.01)


def test_each_box_is_an_account_of_its_own_and_its_store_is_synced(tmp_path: Path) -> None:
    hub = json.loads(
        hub_config(port=1, listen="0.0.0.0:7422", folder=tmp_path, boxes={"a": ("x", "y"), "b": ("z", "w")})
    )
    assert set(hub["accounts"]) == {"box-a", "box-b"}
    assert hub["leafnodes"]["no_advertise"] is True
    assert hub["listen"].startswith("127.0.0.1:")
    box = json.loads(settings(tmp_path, 1, 2))
    assert box["jetstream"]["sync_interval"] == "always"
    assert box["leafnodes"]["remotes"] == [
        {"url": f"nats-leaf://{BOX}:{'l' * 8}@127.0.0.1:2", "ignore_discovered_servers": True}
    ]


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    for line in ("", "centre", "http://centre", "nats-leaf://"):
        with pytest.raises(EdgeError, match="nats-leaf"):
            box_config(port=1, box_id=BOX, folder=tmp_path, password="", line=line, line_password="")


def test_without_the_program_or_the_package_one_sentence_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(NatsMissing, match=r"usual\[scale\]"):
        NatsServer(tmp_path / "box").start("{}")
    monkeypatch.setitem(sys.modules, "nats", None)
    monkeypatch.setitem(sys.modules, "nats.errors", None)
    with pytest.raises(NatsMissing, match=r"usual\[scale\]"):
        JetStreamOutbox(tmp_path / "outbox.json").waiting()


def test_a_box_that_does_not_run_takes_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutboxClosed, match="usual edge run"):
        JetStreamOutbox(tmp_path / "outbox.json").put(EVENTS, b"", "1")
