"""Webhooks on a clock and a network of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry

from plumbing.clock import SECOND
from plumbing.storage.state import State
from plumbing.webhooks.sending import NotDelivered
from plumbing.webhooks.tables import addresses
from plumbing.webhooks.tables import sending as sending_tables
from plumbing.webhooks.webhooks import Webhooks


class Clock:
    now = 1_790_000_000 * SECOND

    def __call__(self) -> int:
        return self.now


class Receiver:
    """Takes the place of the network. `fails` is how often it does not answer."""

    def __init__(self, fails: int = 0) -> None:
        self.fails, self.got = fails, list[tuple[str, bytes, dict[str, str]]]()

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str], *, allowed: Any) -> None:
        self.got.append((url, body, dict(headers)))
        if len(self.got) <= self.fails:
            raise NotDelivered("status 500")


Make = Callable[..., Webhooks]


@pytest.fixture
def make(state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr("plumbing.webhooks.webhooks.public_address", lambda host, port, allowed: "203.0.113.7")
    key, opened = Fernet.generate_key(), list[Any]()

    def made(clock: Clock, send: Any) -> Webhooks:
        if not opened:
            opened.extend([state.database("access", addresses), state.passing("access-moments", sending_tables)])
        return Webhooks(opened[0], opened[1], key, clock, registry=CollectorRegistry(), send=send)

    yield made
    for database in opened:
        database.close()
