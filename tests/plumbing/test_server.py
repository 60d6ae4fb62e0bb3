"""How the server is started: what it speaks, how long it waits, how much it takes."""

from __future__ import annotations

import resource
from typing import Any

import granian
import pytest
import waitress
from flask import Flask
from granian.constants import HTTPModes, Interfaces

from plumbing.serving import server


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the servers are started with; nothing is served."""
    seen: dict[str, Any] = {}

    class Quiet:
        interrupt_signal = True

        def __init__(self, target: str, **options: Any) -> None:
            seen.update(options, target=target)

        def serve(self) -> None:
            seen["served"] = True

    monkeypatch.setattr(granian, "Granian", Quiet)
    monkeypatch.setattr(waitress, "serve", lambda app, **options: seen.update(options, app=app))
    return seen


def run(*, plain: bool = False) -> None:
    """Start it."""
    server.run("app:gate", lambda: Flask("x"), host="::1", port=1, workers=2, threads=3, plain=plain)


def test_the_gate_is_served_by_http_1_1_alone_with_a_time_for_heads(started: dict[str, Any]) -> None:
    run()

    assert started["served"]
    assert (started["interface"], started["http"], started["websockets"]) == (
        Interfaces.RSGI,
        HTTPModes.http1,
        False,
    )
    assert started["http1_settings"].header_read_timeout <= 30_000
    assert started["backpressure"] >= 1_000, "idle connections count: hundreds of them must not fill it"


def test_as_many_connections_are_allowed_as_the_machine_lets(started: dict[str, Any]) -> None:
    run()

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == resource.RLIM_INFINITY or soft >= min(2 * server.MOST_CONNECTIONS, hard)


def test_the_fallback_has_limits_too(started: dict[str, Any]) -> None:
    run(plain=True)

    assert "served" not in started
    assert started["max_request_body_size"] == 16 * 2**20
    assert started["channel_timeout"] <= 30
    assert started["threads"] > 3


class Dying:
    """In place of granian: gives up each time, and is stopped after `lives`."""

    made = 0

    def __init__(self, lives: int) -> None:
        self.interrupt_signal = self.made >= lives

    def serve(self) -> None:
        if not self.interrupt_signal:
            raise SystemExit(1)


@pytest.mark.parametrize(("lives", "seconds"), [(5, 1.0), (50, 100.0)])
def test_a_server_whose_workers_are_killed_twice_begins_again(lives: int, seconds: float) -> None:
    made: list[Dying] = []
    times = iter(range(10_000))

    def make() -> Dying:
        Dying.made = len(made)
        made.append(Dying(lives))
        return made[-1]

    server.serve_until_stopped(make, pause=lambda _: None, monotonic=lambda: next(times) * seconds)

    assert len(made) == lives + 1


def test_a_server_that_cannot_run_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dying, "made", 0)
    made: list[Dying] = []

    def make() -> Dying:
        made.append(Dying(1_000))
        return made[-1]

    with pytest.raises(SystemExit):
        server.serve_until_stopped(make, pause=lambda _: None)

    assert len(made) == server.MOST_RESTARTS + 1
