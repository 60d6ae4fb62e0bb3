"""A press made on one replica is used on another whose clock is far away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from identity.config import IdentityConfig
from identity.customers.visits.presses import Presses
from identity.errors import PressExpired
from identity.store.presses import PressStore
from identity.web.opened import passing_database
from plumbing.access import access
from plumbing.clock import SECOND, Clock, system_clock
from plumbing.server_clock import ServerClock
from plumbing.storage.state import State
from tests import postgres
from tests.engines import TEMPLATE


@contextmanager
def replica(state: State, clock: Clock) -> Iterator[Presses]:
    config = IdentityConfig(home=state.home, token_keys=(b"not used",))
    with closing(passing_database(state)) as passing:
        yield Presses(PressStore(passing), config, clock)


@pytest.mark.parametrize("apart", [-20 * SECOND, 20 * SECOND])
def test_a_press_counts_on_a_replica_with_another_clock(postgres_url: str, tmp_path: Path, apart: int) -> None:
    def wrong() -> int:
        return system_clock() + apart

    with postgres.database(postgres_url, TEMPLATE) as url:
        state = State(tmp_path, url)
        with (
            closing(state.database("access", access.migrations)) as database,
            replica(state, system_clock) as here,
        ):
            with replica(state, ServerClock(database, wrong)) as there:
                for one, other in ((here, there), (there, here)):
                    nonce, _ = one.open("demo", "kiosk")
                    other.claim("demo", "kiosk", nonce)
            with replica(state, wrong) as uncorrected:  # what it would be without the server's clock
                nonce, _ = (here if apart > 0 else uncorrected).open("demo", "kiosk")
                with pytest.raises(PressExpired):
                    (uncorrected if apart > 0 else here).claim("demo", "kiosk", nonce)
