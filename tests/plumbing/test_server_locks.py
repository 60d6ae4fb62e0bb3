"""Locks of replicas while their connection breaks."""

from __future__ import annotations

import psycopg
import pytest

from plumbing.storage.server_locks import ServerLocks


def test_a_connection_that_breaks_in_the_middle_is_a_lock_not_had(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks = ServerLocks(postgres_url)
    assert locks.take("leader")
    dead = psycopg.connect(postgres_url)
    dead.close()
    monkeypatch.setattr(locks, "_connected", lambda: dead)

    assert not locks.take("training")
    assert not locks.is_free("training")
    locks.release("leader")
    locks.close()
