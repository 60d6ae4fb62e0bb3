"""A replica whose clock is wrong goes by the clock of the database's server, and says so."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from plumbing import server_clock
from plumbing.clock import SECOND, monotonic_us, system_clock
from plumbing.server_clock import ServerClock
from plumbing.steady import SteadyClock
from plumbing.storage.database import DatabaseAway


class Server:
    """The clock of a server: `ahead` of this machine's."""

    def __init__(self, ahead: int = 0) -> None:
        self.ahead = ahead
        self.away = False

    def row(self, sql: str) -> list[int]:
        if self.away:
            raise DatabaseAway
        return [system_clock() + self.ahead]


@pytest.mark.parametrize("apart", [-10 * SECOND, 10 * SECOND, 3_600 * SECOND])
def test_a_wrong_clock_is_set_right(apart: int) -> None:
    clock = ServerClock(Server(), lambda: system_clock() + apart)  # type: ignore[arg-type]  # row() is all it asks

    assert abs(clock() - system_clock()) < SECOND
    assert f"{abs(apart) // SECOND} s {'ahead of' if apart > 0 else 'behind'}" in (clock.remark() or "")


def test_a_clock_that_is_nearly_right_is_left_alone() -> None:
    clock = ServerClock(Server(SECOND // 2))  # type: ignore[arg-type]

    assert clock.apart_us == 0
    assert clock.remark() is None


def test_it_asks_again_and_goes_on_while_the_server_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    clock = ServerClock(server)  # type: ignore[arg-type]
    later = monotonic_us() + 2 * server_clock.LOOK_EVERY_US
    monkeypatch.setattr(server_clock, "monotonic_us", lambda: later)
    server.ahead, server.away = 10 * SECOND, True
    clock.look()
    assert clock.apart_us == 0

    server.away = False
    clock.look()
    assert clock.apart_us == 0  # not more often than every 15 s

    monkeypatch.setattr(server_clock, "monotonic_us", lambda: later + 2 * server_clock.LOOK_EVERY_US)
    clock.look()
    assert abs(clock.apart_us - 10 * SECOND) < SECOND


def test_readiness_says_that_a_clock_is_wrong(tmp_path: Path) -> None:
    wrong = ServerClock(Server(), lambda: system_clock() - 10 * SECOND)  # type: ignore[arg-type]
    steady = SteadyClock(wrong, tmp_path / "clock.json", monotonic=monotonic_us)

    assert "10 s behind the database server's" in (steady.remark() or "")
    assert abs(steady() - system_clock()) < SECOND


def test_the_clock_of_postgresql(postgres_url: str, tmp_path: Path) -> None:
    from plumbing.access import access
    from plumbing.storage.state import State
    from tests import postgres
    from tests.engines import TEMPLATE

    with (
        postgres.database(postgres_url, TEMPLATE) as url,
        closing(State(tmp_path, url).database("access", access.migrations)) as database,
    ):
        clock = ServerClock(database, lambda: system_clock() + 10 * SECOND)
        assert abs(clock() - system_clock()) < 2 * SECOND
