"""The receipt of an erasure: which places it names, when it closes, and that what it stands for is found again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from identity.customers.accounts import holder_of
from identity.customers.leaving.erasure_receipts import ErasureReceipt
from identity.errors import ErasureReceiptForged, ErasureReceiptUnknown
from identity.matching.gallery import templates_of
from plumbing.clock import DAY
from plumbing.handover import Forgotten
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.search import Fingerprints, search
from tests.engines import both_engines
from tests.identity.halves import KIOSK, World, claims_of, kiosk_of, pictures, row_of


def states(receipt: ErasureReceipt) -> dict[str, str]:
    return dict(receipt.stores)


@both_engines
def test_it_lists_every_place_and_is_kept(world: World, engine: str) -> None:
    made = world.enrol(1)

    receipt = world.service.opt_out(KIOSK, made.receipt)

    assert receipt.everywhere
    assert receipt.closed
    tables = {
        "sqlite": ("identity.db", "identity.db-wal", "identity-moments.db", "access-moments.db"),
        "postgresql": tuple(
            f"PostgreSQL, usual_{part}" for part in ("identity", "identity_moments", "access_moments")
        ),
    }[engine]
    expected = {*tables, "identity-keys", "galleries in memory", "recommender"}
    assert {store for store, state in receipt.stores if state == "erased"} >= expected
    assert world.service.erasures.receipts.all() == [receipt]
    assert world.service.erasures.receipts.find(receipt.id) == receipt


def test_it_stays_open_while_a_version_from_before_is_live(world: World) -> None:
    waiting = ["orders", "destinations"]
    places = (("recommender.db", "erased"), ("models/orders", "waits for a training"))
    asked: list[tuple[str, object]] = []

    def ask(tenant: str, marks: Mapping[str, int]) -> list[str]:
        asked.append((tenant, dict(marks)))
        return waiting

    erasures = world.service.erasures
    object.__setattr__(erasures._places, "forget_elsewhere", lambda _: Forgotten(1, places, (("orders", 7),)))
    object.__setattr__(erasures._places, "waiting", ask)
    receipt = world.service.opt_out(KIOSK, world.enrol(1).receipt)
    assert (receipt.everywhere, receipt.closed) == (True, False)

    assert erasures.close_receipts() == 1
    waiting.remove("orders")
    assert erasures.close_receipts() == 0

    assert asked == [("north", {"orders": 7})] * 2
    assert erasures.receipts.all()[0].closed
    assert erasures.close_receipts() == 0
    assert len(asked) == 2


def test_what_is_still_to_be_done_waits_and_is_confirmed_later(world: World) -> None:
    made = world.enrol(1)
    world.elsewhere.error = DatabaseBusy()
    first = world.service.opt_out(KIOSK, made.receipt)
    assert not first.everywhere
    assert states(first)["recommender"] == "waits"
    assert states(first)["identity-keys"] == "the key is destroyed"

    world.elsewhere.error = None
    assert world.service.erasures.finish_all() == 0

    (kept,) = world.service.erasures.receipts.all()
    assert kept.id == first.id
    assert kept.closed
    assert kept.fingerprints == first.fingerprints != ""


def test_an_erasure_that_is_unfinished_for_a_minute_shows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.enrol(1)
    world.elsewhere.error = OSError("no connection")
    world.service.forget(KIOSK, made.receipt)
    erasures, metric = world.service.erasures, "usual_identity_erasures_overdue"
    monkeypatch.setattr("identity.customers.leaving.erasure.time.monotonic", lambda: 1_000.0)
    assert erasures.remark() is None
    monkeypatch.setattr("identity.customers.leaving.erasure.time.monotonic", lambda: 1_061.0)

    remark = erasures.remark()
    assert remark is not None
    assert "1 erasure" in remark
    assert world.registry.get_sample_value(metric) == 1

    world.elsewhere.error = None
    erasures.finish_all()
    assert erasures.remark() is None
    assert world.registry.get_sample_value(metric) == 0


def test_the_key_file_is_read_for_it_only_when_it_changed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    erasures, keys, looks = world.service.erasures, world.half.vault.keys, list[int]()
    unfinished = keys.erasures

    def counted() -> list[tuple[int, bytes]]:
        looks.append(1)
        return unfinished()

    monkeypatch.setattr(keys, "erasures", counted)
    for _ in range(3):
        assert erasures.overdue() == 0
    assert len(looks) <= 1

    world.elsewhere.error = OSError("no connection")
    world.service.forget(KIOSK, world.enrol(1).receipt)
    looks.clear()
    monkeypatch.setattr("identity.customers.leaving.erasure.time.monotonic", lambda: 1_000.0)
    erasures.overdue()
    monkeypatch.setattr("identity.customers.leaving.erasure.time.monotonic", lambda: 1_061.0)
    assert erasures.overdue() == 1
    assert len(looks) == 2


def test_its_fingerprints_find_template_and_pseudonym_wherever_they_are_planted(
    world: World, tmp_path: Path
) -> None:
    made = world.enrol(1)
    row, pseudonym = row_of(world, made.receipt), claims_of(world.recognise(1)).pseudonym
    turned, plain = templates_of(world.half.stores.galleries, world.half.vault, holder_of(row))
    receipt = world.service.opt_out(KIOSK, made.receipt)
    prints = Fingerprints.of_text(receipt.fingerprints)
    assert search(world.home, prints) == []

    for number, content in enumerate(
        (turned.tobytes(), json.dumps(plain.tolist()).encode(), pseudonym.encode(), row.customer_id.encode())
    ):
        planted = world.home / f"planted-{number}"
        planted.write_bytes(b"some bytes " * 99 + content)
        assert {hit.file for hit in search(world.home, prints)} == {planted.name}
        planted.unlink()


def test_a_forged_or_cut_receipt_is_named(world: World, tmp_path: Path) -> None:
    receipts = world.service.erasures.receipts
    receipt = world.service.opt_out(KIOSK, world.enrol(1).receipt)
    given = receipts.given(receipt)
    brought = tmp_path / "receipt.json"

    brought.write_text(json.dumps(given))
    assert receipts.named(str(brought)) == receipts.named(receipt.id) == receipt
    for wrong in (
        given | {"closed": False, "day": "2020-01-01"},
        given | {"signature": "0"},
        {},
        given | {"stores": 1},
    ):
        brought.write_text(json.dumps(wrong))
        with pytest.raises(ErasureReceiptForged):
            receipts.named(str(brought))
    brought.write_text(json.dumps(given)[:-20])
    with pytest.raises(ErasureReceiptForged):
        receipts.named(str(brought))
    for unknown in ("0" * 32, "no such file", "", "a\0b"):
        with pytest.raises(ErasureReceiptUnknown):
            receipts.named(unknown)


def test_the_route_gives_it_and_it_names_nobody(world: World) -> None:
    kiosk = kiosk_of(world)
    code = kiosk.enrol(pictures(1)).get_json()["receipt"]

    said = kiosk.send("DELETE", f"/enrolments/{code}").get_json()["erasure"]

    assert said["format"] == "usual-erasure-1"
    assert said["closed"] is True
    assert code not in json.dumps(said)
    assert len(said["day"]) == 10
    assert world.service.erasures.receipts.opened(json.dumps(said).encode()).id == said["id"]


def test_old_ones_are_deleted(world: World) -> None:
    world.service.opt_out(KIOSK, world.enrol(1).receipt)
    receipts = world.service.erasures.receipts
    receipts.prune()
    assert len(receipts.all()) == 1

    world.clock.now += 401 * DAY
    receipts.prune()

    assert receipts.all() == []


def test_who_opts_out_has_closed_tokens_in_every_process_at_once(world: World) -> None:
    made = world.enrol(1)
    pseudonym = claims_of(world.recognise(1)).pseudonym
    world.elsewhere.error = OSError("no connection")
    other = world.other()

    world.service.forget(KIOSK, made.receipt)

    assert other.half.closed.closed_until("north", pseudonym) > world.clock.now
    other.close()
