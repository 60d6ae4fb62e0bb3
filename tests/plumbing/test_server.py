"""How the server is started: what it speaks, how long it waits, how much it takes."""

from __future__ import annotations

import os
import resource
import signal
import socket
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import waitress
from click.testing import CliRunner
from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.server.mp import MPServer

from plumbing.demands import PICTURES
from plumbing.serving import memory, server
from plumbing.serving.granian_server import Server
from plumbing.serving.limits import MOST_CONNECTIONS
from plumbing.serving.successor import Successors
from plumbing.settings import Config


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the servers are started with; nothing is served."""
    seen: dict[str, Any] = {}

    def quiet(self: MPServer, target: str, **options: Any) -> None:
        seen.update(options, target=target)
        self.interrupt_signal = True

    monkeypatch.setattr(MPServer, "__init__", quiet)
    monkeypatch.setattr(MPServer, "serve", lambda self: seen.update(served=True))
    monkeypatch.setattr(waitress, "serve", lambda app, **options: seen.update(options, app=app))
    return seen


def run(*, plain: bool = False) -> None:
    """Start it."""
    with socket.socket() as listener:
        if plain:
            server.run_plainly(lambda: Flask("x"), listener, threads=3)
        else:
            left = Successors({}, 2)
            server.run(
                "app:gate",
                lambda: Flask("x"),
                listener,
                workers=2,
                threads=3,
                successors=left,
                parted=lambda: None,
            )


def test_the_plain_server_keeps_a_body_with_pictures_in_memory(started: dict[str, Any]) -> None:
    """waitress writes a larger one into a file."""
    run(plain=True)

    assert started["inbuf_overflow"] > started["max_request_body_size"] == PICTURES.most_bytes


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


def test_what_was_opened_beforehand_is_closed_when_the_worker_processes_have_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order: list[str] = []
    monkeypatch.setattr(MPServer, "startup", lambda self: order.append("begun"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    made = object.__new__(Server)
    made.parted = lambda: order.append("parted")

    made.startup()

    assert order == ["begun", "parted"]


def test_as_many_connections_are_allowed_as_the_machine_lets(started: dict[str, Any]) -> None:
    run()

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == resource.RLIM_INFINITY or soft >= min(2 * MOST_CONNECTIONS, hard)


def serve(monkeypatch: pytest.MonkeyPatch, home: Path, variables: dict[str, str]) -> list[object]:
    """What the command does up to serving, in order; nothing is opened."""
    seen: list[object] = []

    def alone(home: Path, halves: object, address: str, handed: object) -> AbstractContextManager[dict[str, int]]:
        seen.append(halves)
        return nullcontext({})

    monkeypatch.setattr(server, "only_server", alone)
    listener = SimpleNamespace(fileno=lambda: 0)
    monkeypatch.setattr(server, "listening", lambda host, port, handed: nullcontext(listener))
    monkeypatch.setattr(server, "import_beforehand", lambda modules: seen.append(list(modules)))
    monkeypatch.setattr(server, "announce_when_it_answers", lambda host, port: seen.append("a thread"))
    monkeypatch.setattr(memory, "share_pool", lambda: seen.append("one pool"))
    monkeypatch.setattr(server, "run", lambda *given, **named: None)
    halves = {"identity": ["json"], "recommender": ["csv"]}
    command = server.serve_command(
        "app:gate", lambda: Flask("x"), try_once=seen.append, begin=lambda _: lambda: None, modules=halves
    )

    (home / "token.key").touch(0o600)
    monkeypatch.setattr(os, "environ", {**os.environ, "USUAL_HOME": str(home), **variables})  # it adds to them
    result = CliRunner().invoke(command, [])
    assert result.exit_code == 0, result.output
    return seen


def test_the_half_of_the_environment_is_the_one_that_is_opened_and_locked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """USUAL_ONLY means what --only does: a recommender that is elsewhere gets no database here."""
    seen = serve(monkeypatch, tmp_path, {"USUAL_ONLY": "identity"})

    assert ("identity",) in seen
    assert ["json"] in seen
    assert [one.only for one in seen if isinstance(one, Config)] == ["identity"]


def test_all_threads_share_one_pool_of_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A thread that begins earlier gets a pool of its own, and both keep the largest pictures."""
    seen = serve(monkeypatch, tmp_path, {})

    assert "a thread" in seen
    assert seen[0] == "one pool"


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
