"""A clock that is set, people on both engines, and hashes that take no time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from cryptography.fernet import Fernet

from plumbing import limits
from plumbing.access.tables import migrations as access_migrations
from plumbing.limits import Limits
from plumbing.people import passwords
from plumbing.people.people import People, migrations
from plumbing.people.sealing import Sealing
from plumbing.storage.state import State

PASSWORD = "correct horse battery"
KEY = Fernet.generate_key()


class Clock:
    now = 1_790_000_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real parameters take a tenth of a second for each password."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    nobody = hasher.hash("nobody")
    monkeypatch.setattr(passwords, "hasher", lambda: hasher)
    monkeypatch.setattr(passwords, "_nobody", lambda: nobody)


@pytest.fixture
def people(state: State, clock: Clock) -> Iterator[People]:
    database = state.database("access", access_migrations, migrations)
    passing = state.passing("access-moments", limits.migrations)
    yield People(database, clock, sealing=Sealing(KEY, clock), limits=Limits(passing, clock))
    passing.close()
    database.close()
