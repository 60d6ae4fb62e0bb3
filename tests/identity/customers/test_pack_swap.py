"""Another engine pack: customers keep token, history and PIN, enrol again, and the old templates are erased."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner

from identity import tokens
from identity.cli.commands import identity
from identity.customers.joining.re_enrolment import continue_as
from identity.errors import EnrolmentUnknown, KeyDestroyed
from identity.vault.vault import Holder
from tests.identity.fakes import FAKE_PACK, FakeEngine
from tests.identity.halves import KIOSK, TOKEN_KEY, World

NEW = replace(FAKE_PACK, version="2")


@pytest.fixture
def swapped(world: World) -> Iterator[World]:
    """The same installation after the one word was changed."""
    other = World(world.home, world.clock, FakeEngine(pack=NEW), world.elsewhere)
    yield other
    other.close()


def claims(world: World, token: str | None) -> tokens.Claims:
    assert token is not None
    return tokens.open_own((TOKEN_KEY,), token, tenant=KIOSK.tenant, device=KIOSK.name, now_us=world.clock.now)


def test_the_swap_drill(world: World, swapped: World) -> None:
    first = world.enrol(1, purposes=("orders", "destinations"))
    world.service.set_pin(KIOSK, first.receipt, first.pin_secret, "1357")
    before = world.recognise(1)
    bystander = world.enrol(2)

    assert swapped.recognise(1).decision == "unknown"  # has to enrol again
    assert claims(swapped, before.token).pseudonym == claims(world, before.token).pseudonym
    second = swapped.enrol(1, purposes=("orders", "destinations"), earlier=first.receipt)
    after = swapped.recognise(1)

    assert claims(swapped, after.token).pseudonym == claims(world, before.token).pseudonym
    assert after.token is not None
    assert swapped.service.raise_level(KIOSK, after.token, "1357").purposes == ("orders", "destinations")
    assert world.elsewhere.tokens == []  # the recommender has nobody to forget
    assert world.recognise(1).decision == "unknown"
    with pytest.raises(EnrolmentUnknown):
        swapped.service.forget(KIOSK, first.receipt)
    packs = [row["pack"] for row in world.half.stores.database.rows("SELECT pack FROM templates")]
    assert sorted(packs) == [FAKE_PACK.id, NEW.id]
    assert swapped.service.forget(KIOSK, second.receipt)
    assert swapped.service.forget(KIOSK, bystander.receipt)


def test_the_earlier_key_is_destroyed_and_its_consent_withdrawn(world: World, swapped: World) -> None:
    first = world.enrol(1)
    row = world.half.stores.customers.customer_of_receipt("north", digest(first.receipt))
    assert row is not None

    swapped.enrol(1, earlier=first.receipt)

    with pytest.raises(KeyDestroyed):
        world.half.vault.open(Holder("north", row.customer_id, row.slot), "links", row.links)
    assert world.half.stores.consents.consent_counts("north") == {"face": 1, "orders": 1}
    assert world.half.vault.keys.counts()["keys"] == 1


def test_an_unknown_receipt_is_refused_before_a_picture_is_used(world: World, swapped: World) -> None:
    with pytest.raises(EnrolmentUnknown):
        swapped.enrol(1, earlier="AAAAA-BBBBB-CCCCC-DDDDD-EEEEE")

    assert (swapped.engine.detections, swapped.engine.calls) == (0, 0)


def test_who_opted_out_in_between_is_a_new_customer(world: World, swapped: World) -> None:
    first = world.enrol(1)
    earlier = world.half.stores.customers.customer_of_receipt("north", digest(first.receipt))
    second = swapped.enrol(1)
    later = swapped.half.stores.customers.customer_of_receipt("north", digest(second.receipt))
    assert earlier is not None
    assert later is not None
    old = claims(world, world.recognise(1).token).pseudonym
    world.service.forget(KIOSK, first.receipt)

    with pytest.raises(EnrolmentUnknown):
        continue_as(swapped.half.stores.customers, swapped.half.vault, earlier, later)

    assert claims(swapped, swapped.recognise(1).token).pseudonym != old


def test_retiring_a_pack_erases_its_templates_to_the_byte_and_keeps_the_customers(world: World) -> None:
    first = world.enrol(1)
    sealed = world.half.stores.database.rows("SELECT sealed FROM templates")[0]["sealed"]
    files = [path for path in (world.home / "identity.db", world.home / "identity.db-wal") if path.exists()]
    assert not files or any(sealed[:64] in path.read_bytes() for path in files)

    done = CliRunner().invoke(identity, ["retire", "--home", str(world.home), FAKE_PACK.id])

    assert done.stdout.startswith("1 templates of fake@1 erased.")
    assert not any(sealed[:16] in path.read_bytes() for path in files)
    assert world.recognise(1).decision == "unknown"
    again = world.enrol(1, earlier=first.receipt)
    assert world.recognise(1).decision == "matched"
    assert world.service.forget(KIOSK, again.receipt)


def digest(receipt: str) -> str:
    import hashlib

    return hashlib.sha256(receipt.encode()).hexdigest()
