"""Opting out: in force at once, in every process, for good."""

from __future__ import annotations

import sqlite3

import pytest

from identity import tokens
from identity.errors import (
    EnrolmentUnknown,
    TokenExpired,
)
from identity.vault.keyfile import LEAST_SLOTS
from plumbing.clock import MINUTE
from plumbing.limits import Limits
from plumbing.storage.database import DatabaseBusy
from tests.databases import sqlite_of
from tests.identity.fakes import FakeEngine
from tests.identity.halves import (
    KIOSK,
    OTHER_TENANT,
    START,
    TOKEN_KEY,
    World,
    claims_of,
    pictures,
    stored,
)


class TestForget:
    @pytest.mark.parametrize("way", ["receipt", "face"])
    def test_who_opts_out_is_a_stranger_in_every_process_at_once(self, world: World, way: str) -> None:
        other = world.other()
        made = world.enrol(1)
        world.enrol(2)
        assert other.recognise(1).decision == "matched"

        if way == "receipt":
            assert world.service.forget(KIOSK, made.receipt)
        else:
            nonce, _ = world.service.press(KIOSK)
            assert world.service.forget_face(KIOSK, nonce, pictures(1, 1, 80)).decision == "forgotten"

        assert (world.recognise(1).decision, other.recognise(1).decision) == ("unknown", "unknown")
        assert other.recognise(2).decision == "matched"
        assert stored(world)[:2] == (1, 1)
        other.close()

    def test_the_recommender_gets_an_erasure_token_with_the_pseudonym(self, world: World) -> None:
        made = world.enrol(1)
        pseudonym = claims_of(world.recognise(1)).pseudonym

        world.service.forget(KIOSK, made.receipt)

        (token,) = world.elsewhere.tokens
        claims = tokens.open_own([TOKEN_KEY], token, tenant="north", device="", now_us=START)
        assert (claims.pseudonym, claims.purposes) == (pseudonym, ("erasure",))

    def test_a_busy_recommender_does_not_delay_an_opt_out_and_erases_later(self, world: World) -> None:
        made = world.enrol(1)
        world.elsewhere.error = DatabaseBusy()

        assert world.service.forget(KIOSK, made.receipt) is False

        assert world.recognise(1).decision == "unknown"
        world.elsewhere.error = None
        again = World(world.home, world.clock, FakeEngine(), world.elsewhere)  # after a restart
        again.service.press(KIOSK)
        assert len(world.elsewhere.tokens) == 1
        assert again.half.vault.keys.counts() == {"keys": 0, "erasures": 0, "free": LEAST_SLOTS - 1}
        again.close()

    @pytest.mark.sqlite
    def test_an_erasure_is_open_while_somebody_reads_what_was_deleted(self, world: World) -> None:
        """In force and handed over at once; called done when the bytes are gone from the journal."""
        made = world.enrol(1)
        world.enrol(2)
        reader = sqlite3.connect(world.home / "identity.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM customers").fetchall()

        assert world.service.forget(KIOSK, made.receipt) is False

        assert world.recognise(1).decision == "unknown"
        assert len(world.elsewhere.tokens) == 1
        assert (world.home / "identity.db-wal").stat().st_size > 0
        reader.close()
        assert world.service.erasures.finish_all() == 0
        assert (world.home / "identity.db-wal").stat().st_size == 0

    def test_an_erasure_is_tried_once_a_minute_along_the_way(self, world: World) -> None:
        made = world.enrol(1)
        world.elsewhere.error = OSError("no connection")
        world.service.forget(KIOSK, made.receipt)
        world.elsewhere.error = None

        world.service.press(KIOSK)
        assert world.elsewhere.tokens == []  # the last try was less than a minute ago
        world.clock.now += MINUTE
        world.service.press(KIOSK)

        assert len(world.elsewhere.tokens) == 1

    @pytest.mark.sqlite
    def test_a_locked_database_does_not_bring_anybody_back(self, world: World) -> None:
        made = world.enrol(1)
        sqlite_of(world.half.databases[0]).connection.execute("PRAGMA busy_timeout = 1")
        blocker = sqlite3.connect(world.home / "identity.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")

        assert world.service.forget(KIOSK, made.receipt) is False

        assert world.recognise(1).decision == "unknown"
        blocker.execute("ROLLBACK")
        blocker.close()
        assert world.service.erasures.finish_all() == 0
        assert stored(world) == (0, 0, 0, 0)

    def test_a_full_disk_stops_nobody_from_opting_out(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing can be counted, noted or deleted; the key is overwritten where it lies."""
        made = world.enrol(1)

        def no_room(*_: object, **__: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        def no_space(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as full:
            full.setattr(Limits, "allow", no_room)
            full.setattr(world.half.stores.customers, "delete_customer", no_room)
            full.setattr(world.half.audit, "note", no_space)
            assert world.service.forget(KIOSK, made.receipt) is False

        assert world.recognise(1).decision == "unknown"
        assert world.half.vault.keys.counts()["erasures"] == 1
        assert world.service.erasures.finish_all() == 0
        assert len(world.elsewhere.tokens) == 1

    def test_a_token_from_before_cannot_be_raised_after(self, world: World) -> None:
        made = world.enrol(1)
        world.service.set_pin(KIOSK, made.receipt, made.pin_secret, "1234")
        token = world.recognise(1).token or ""
        world.service.forget(KIOSK, made.receipt)

        with pytest.raises(TokenExpired):
            world.service.raise_level(KIOSK, token, "1234")

    def test_a_receipt_is_good_once_at_its_tenant_and_in_small_letters(self, world: World) -> None:
        made = world.enrol(1)

        with pytest.raises(EnrolmentUnknown):
            world.service.forget(OTHER_TENANT, made.receipt)
        assert world.service.forget(KIOSK, f" {made.receipt.lower()} ")
        with pytest.raises(EnrolmentUnknown):
            world.service.forget(KIOSK, made.receipt)

    def test_a_stranger_forgets_nobody_by_face(self, world: World) -> None:
        world.enrol(1)
        nonce, _ = world.service.press(KIOSK)

        assert world.service.forget_face(KIOSK, nonce, pictures(5, 1)).decision == "unknown"
        assert stored(world) == (1, 1, 1, 1)

    def test_who_opted_out_may_enrol_again_and_is_somebody_new(self, world: World) -> None:
        made = world.enrol(1)
        before = claims_of(world.recognise(1)).pseudonym
        world.service.forget(KIOSK, made.receipt)

        world.enrol(1)

        assert claims_of(world.recognise(1)).pseudonym != before

    def test_who_has_not_been_here_for_a_year_is_forgotten_and_others_are_not(self, world: World) -> None:
        world.enrol(1)
        world.enrol(2)
        world.days_pass(200)
        world.recognise(2)
        world.days_pass(166)

        world.service.press(KIOSK)

        assert stored(world)[:2] == (1, 1)
        assert (world.recognise(1).decision, world.recognise(2).decision) == ("unknown", "matched")
        assert len(world.elsewhere.tokens) == 1

    def test_a_row_that_was_altered_stops_neither_the_others_nor_a_press(self, world: World) -> None:
        for person in range(3):
            world.enrol(person)
        first = world.half.stores.customers.all()[0].customer_id
        world.half.stores.database.change(
            "UPDATE customers SET links = ? WHERE customer_id = ?",
            (
                bytes(64),
                first,
            ),
        )
        world.days_pass(366)

        world.service.press(KIOSK)
        world.days_pass(1)
        world.service.press(KIOSK)

        assert stored(world)[:2] == (1, 0)  # the template went with its consent, which had expired
        assert len(world.elsewhere.tokens) == 2
