"""A store box: what it gets, what it says on, when it is empty."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from doorway.edge.box import OFFERED
from doorway.edge.command import ELSEWHERE, run
from doorway.edge.copies import ON_ITS_WAY
from doorway.edge.folder import BoxFolder, is_in_memory, memory_folder
from doorway.edge.keeper import Over
from doorway.edge.line import Line, Refused, pair
from identity.customers.leaving.erasure_receipts import BOX
from plumbing.clock import DAY, HOUR
from plumbing.outbox.boxes import Boxes
from plumbing.outbox.errors import (
    BoxCodeRefused,
    BoxNameTaken,
    BoxNotPaired,
    CentreUnreachable,
    NoMemoryFolder,
    NotOfThisBox,
    OutboxClosed,
    SealRefused,
)
from plumbing.outbox.seals import PrivateKeys
from plumbing.outbox.server import EVENTS, LEFT
from plumbing.storage.state import State
from recommender.scene import DataCut, Report, Trained
from recommender.store.versions import VersionStore
from tests.doorway.worlds import PEOPLE, SITE, TENANT, BoxWorld, CentreWorld, Own
from tests.identity.halves import KIOSK, StoppedClock, row_of

# --- copies


def test_a_box_recognises_and_knows_the_history_while_the_line_is_cut(
    centre: CentreWorld, box: BoxWorld, ann: int
) -> None:
    code = centre.customer(ann)
    box.tick()
    centre.whole = False
    with pytest.raises(CentreUnreachable):
        box.tick()

    assert box.house.identity.recognise(ann).decision == "matched"
    assert box.house.identity.recognise(next(PEOPLE)).decision == "unknown"
    assert [name for _, name in box.house.events(centre.house.pseudonym(code))] == [f"first-{ann}"]
    assert [item.item_id for item in box.house.goods._stores.catalogue.all(TENANT, "item")] == ["pie", "soup"]


def test_a_box_gets_its_own_site_and_tenant_alone(
    centre: CentreWorld, box: BoxWorld, tmp_path: Path, ann: int
) -> None:
    centre.customer(ann)
    bob = next(PEOPLE)
    centre.customer(bob, site="harbour")
    there = BoxWorld(tmp_path / "box-2", tmp_path / "memory-2", centre, "harbour-box", "harbour")
    there.tick()

    assert there.house.identity.recognise(bob).decision == "matched"
    assert there.house.identity.recognise(ann).decision == "unknown"
    assert there.keeper.replica.count() == 1
    there.close()


def test_a_copy_has_no_pin_and_no_name_that_another_box_has(
    centre: CentreWorld, box: BoxWorld, tmp_path: Path, ann: int
) -> None:
    code = centre.customer(ann)
    other = BoxWorld(tmp_path / "box-2", tmp_path / "memory-2", centre, "second-box")
    box.tick()
    other.tick()
    here, there, at_the_centre = (
        row_of(one, code) for one in (box.house.identity, other.house.identity, centre.identity)
    )

    assert here.pin is None
    assert len({here.customer_id, there.customer_id, at_the_centre.customer_id}) == 3
    other.close()


def test_only_the_box_it_was_sealed_for_opens_a_bundle(
    centre: CentreWorld, box: BoxWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ann: int
) -> None:
    centre.customer(ann)
    seen = []

    def line(*words: object, **parts: object) -> dict[str, object]:
        answer = centre(*words, **parts)  # type: ignore[arg-type]
        seen.append(dict(answer))
        return answer

    monkeypatch.setattr(box.keeper._line, "_ask", line)
    box.tick()
    sealed = bytes.fromhex(str(seen[0]["sealed"]))

    assert b"pseudonym" in box.keys.open(sealed, "sync")
    with pytest.raises(SealRefused):
        PrivateKeys.load(tmp_path / "another.key").open(sealed, "sync")
    with pytest.raises(SealRefused):
        box.keys.open(sealed, "piece")  # another use


def test_an_answer_that_the_centre_did_not_sign_is_not_believed(
    centre: CentreWorld, box: BoxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forged(*words: object, **parts: object) -> dict[str, object]:
        answer = centre(*words, **parts)  # type: ignore[arg-type]
        return answer | {"refused": "revoked", "sealed": ""}

    monkeypatch.setattr(box.keeper._line, "_ask", forged)
    with pytest.raises(CentreUnreachable):
        box.tick()


def test_a_question_that_the_box_did_not_sign_or_asked_before_gets_nothing(
    centre: CentreWorld, box: BoxWorld
) -> None:
    box.tick()
    said = {"replica": "", "confirmed": 0}
    with pytest.raises(SealRefused):
        centre.centre.answer(box.pairing.box, 1 << 60, "sync", said, "00" * 64)
    again = box.keys.sign("sync", box.pairing.box, 1, said)
    assert centre.centre.answer(box.pairing.box, 1, "sync", said, again)["refused"] == "stale"
    with pytest.raises(BoxNotPaired):
        centre.centre.answer("nobody", 1, "sync", said, again)


def test_nothing_of_a_person_lies_on_the_boxs_disk(centre: CentreWorld, box: BoxWorld, ann: int) -> None:
    code = centre.customer(ann)
    box.tick()
    box.house.identity.recognise(ann)
    box.server.record(TENANT, [box.house.order(centre.house.pseudonym(code), f"e-{ann}")], ("orders",))
    tag = row_of(box.house.identity, code).customer_id
    for name, content in box.files().items():
        for secret in (centre.house.pseudonym(code), tag):
            assert secret.encode() not in content, name
    assert centre.house.pseudonym(code).encode() not in b"".join(box.outbox.messages[EVENTS])


def test_a_piece_of_a_version_is_fetched_and_changes_nothing_that_is_known_of_copies(
    centre: CentreWorld, box: BoxWorld, ann: int
) -> None:
    centre.customer(ann)
    shelf = VersionStore(centre.house.home / "models", TENANT, "orders")
    report = Report("counting", "too few", "ndcg", 0.0, 0.0, (0.0, 0.0), (), 0, 0)
    trained = Trained({"number": np.array([1.0])}, {}, report)
    name = shelf.publish(trained, seed=0, cut=DataCut(0, 0, 0, "", 10), parent=None)
    box.tick(2)

    assert VersionStore(box.folder.home / "models", TENANT, "orders").load(name).arrays["number"] == 1.0
    known = centre.boxes.of_id(box.pairing.box)
    assert known is not None
    assert len(centre.boxes.copies(known)) == box.keeper.replica.count() > 0


# --- events


def test_an_event_of_a_cut_is_kept_once_however_often_it_comes(
    centre: CentreWorld, box: BoxWorld, ann: int
) -> None:
    code = centre.customer(ann)
    who = centre.house.pseudonym(code)
    box.tick()
    events = [box.house.order(who, f"e-{ann}"), box.house.order("", f"guest-{ann}")]
    for event in (*events, *events):
        box.server.record(TENANT, [event], ("orders",))
    assert len(box.outbox.messages[EVENTS]) == 2
    waiting = list(box.outbox.messages[EVENTS])
    box.deliver()
    box.outbox.messages[EVENTS] = waiting  # the line was cut before it was confirmed
    box.deliver()

    assert centre.house.events(who) == [("box:mill-box:till-1", f"e-{ann}"), ("till-1", f"first-{ann}")]
    assert centre.house.events().count(("box:mill-box:till-1", f"guest-{ann}")) == 1
    assert (centre.deliveries.taken.new, centre.deliveries.taken.known) == (2, 2)


def test_a_box_that_was_emptied_gets_its_own_events_back_and_one_that_was_not_does_not(own: Own, ann: int) -> None:
    centre, box = own.centre, own.box
    code = centre.customer(ann)
    who = centre.house.pseudonym(code)
    box.tick()
    box.server.record(TENANT, [box.house.order(who, "e1")], ("orders",))
    box.deliver()
    centre.look_again()
    box.tick(2)
    assert [name for _, name in box.house.events(who)] == ["e1", f"first-{ann}"]

    box.close()
    box.folder.forget()  # without power
    box.begin()
    box.tick()
    assert [name for _, name in box.house.events(who)] == ["e1", f"first-{ann}"]


def test_an_event_of_another_site_or_tenant_is_refused_by_name(centre: CentreWorld, box: BoxWorld) -> None:
    here, there = box.house.order("", "here"), box.house.order("", "there", site="harbour")
    for tenant, event in ((TENANT, there), ("south", here)):
        with pytest.raises(NotOfThisBox):
            box.server.record(tenant, [event], ())
    assert not box.outbox.messages[EVENTS]


def test_an_order_is_not_confirmed_before_it_lies_in_the_outbox(box: BoxWorld) -> None:
    box.outbox.open = False
    with pytest.raises(OutboxClosed):
        box.server.record(TENANT, [box.house.order("", "not-kept")], ())


def test_what_the_centre_cannot_read_is_passed_over_and_harms_nothing(centre: CentreWorld, box: BoxWorld) -> None:
    keys = box.pairing.centre
    box.outbox.messages[EVENTS] = [
        b"nonsense",
        keys.seal(b"{}", "events"),
        keys.seal(json.dumps({"format": 1, "tenant": "south", "batch": {}}).encode(), "events"),
        keys.seal(json.dumps({"format": 1, "tenant": TENANT, "batch": {"format": 9}}).encode(), "events"),
    ]
    box.server.record(TENANT, [box.house.order("", "readable")], ())
    box.deliver()
    assert "readable" in [name for _, name in centre.house.events()]


# --- leaving


def test_who_opts_out_at_the_box_is_out_there_at_once_and_at_the_centre_when_the_line_is_back(
    centre: CentreWorld, box: BoxWorld, ann: int
) -> None:
    code = centre.customer(ann)
    who = centre.house.pseudonym(code)
    box.tick()
    centre.whole = False
    receipt = box.house.identity.service.opt_out(KIOSK, code)

    assert box.house.identity.recognise(ann).decision == "unknown"
    assert box.house.events(who) == []
    assert ("the centre", ON_ITS_WAY) in receipt.stores
    assert centre.house.identity.recognise(ann).decision == "matched"
    centre.whole = True
    box.tick()  # before the centre has heard of it, nothing is put back
    assert box.house.identity.recognise(ann).decision == "unknown"
    box.deliver()
    assert centre.house.identity.recognise(ann).decision == "unknown"
    assert centre.house.events(who) == []
    box.tick(2)
    assert centre.boxes.remark() is None


def test_a_box_that_lost_its_memory_brings_nobody_back_who_left_there(own: Own, ann: int) -> None:
    centre, box = own.centre, own.box
    code = centre.customer(ann)
    box.tick()
    box.house.identity.service.opt_out(KIOSK, code)
    box.close()
    box.folder.forget()  # without power; the outbox lies on the disk
    box.begin()
    box.tick(2)
    assert box.keeper.replica.count() == 0
    box.deliver()
    box.tick(2)
    assert box.keeper.replica.count() == 0


def test_an_opt_out_elsewhere_is_pending_until_the_box_has_confirmed_it(
    centre: CentreWorld, box: BoxWorld, ann: int
) -> None:
    code = centre.customer(ann)
    box.tick(2)
    centre.whole = False
    receipt = centre.house.identity.service.opt_out(KIOSK, code)

    assert ("store boxes", BOX) in receipt.stores
    assert not receipt.everywhere
    assert "1 store box has not confirmed 1 erasure" in str(centre.house.identity.half.check())
    centre.whole = True
    box.tick()
    assert box.house.identity.recognise(ann).decision == "unknown"
    box.tick()  # it confirms with the next question, which it signs
    erasures = centre.house.identity.service.erasures
    erasures.close_receipts()
    kept = erasures.receipts.find(receipt.id)
    assert kept is not None
    assert ("store boxes", "erased") in kept.stores
    assert centre.house.identity.half.check() is None


def test_an_erasure_waits_for_a_silent_box_no_longer_than_the_box_can_have_anything(
    centre: CentreWorld, box: BoxWorld, ann: int
) -> None:
    code = centre.customer(ann)
    box.tick(2)
    receipt = centre.house.identity.service.opt_out(KIOSK, code)
    boxes = Boxes(State(centre.house.home), lambda: centre.clock.now)
    assert boxes.still(receipt.id)
    later = Boxes(State(centre.house.home), lambda: centre.clock.now + DAY + HOUR)
    assert not later.still(receipt.id)
    boxes.close()
    later.close()


def test_a_pause_and_a_purpose_taken_back_reach_the_box(centre: CentreWorld, box: BoxWorld, ann: int) -> None:
    code = centre.customer(ann)
    box.tick(2)
    standings = centre.house.identity.service.customers.standings
    standings.change_purposes(row_of(centre.house.identity, code), {"orders": False}, None)
    box.tick()
    assert box.house.identity.recognise(ann).purposes == ()
    standings.pause(row_of(centre.house.identity, code))
    box.tick()
    assert row_of(box.house.identity, code).paused_until_us > box.clock.now


def test_an_opt_out_is_tried_again_until_it_lies_in_the_outbox(
    centre: CentreWorld, box: BoxWorld, ann: int
) -> None:
    code = centre.customer(ann)
    box.tick()
    box.outbox.open = False
    assert not box.house.identity.service.forget(KIOSK, code)
    assert box.house.identity.recognise(ann).decision == "unknown"
    box.outbox.open = True
    assert box.house.identity.service.erasures.finish_all() == 0
    assert len(box.outbox.messages[LEFT]) == 1


def test_a_box_forgets_nobody_because_of_its_own_clock(
    centre: CentreWorld, box: BoxWorld, monkeypatch: pytest.MonkeyPatch, ann: int
) -> None:
    centre.customer(ann)
    box.tick()
    erasures = box.house.identity.service.erasures
    monkeypatch.setattr(erasures.retention, "today", lambda: box.clock.now // DAY + 800)
    assert erasures.due_to_expire()
    assert erasures.expire() == 0
    assert box.outbox.messages[LEFT] == []


# --- a box that is stolen, revoked or silent


def test_a_box_that_was_silent_for_a_day_forgets_its_keys_and_is_empty(own: Own, ann: int) -> None:
    centre, box = own.centre, own.box
    centre.customer(ann)
    box.tick()
    centre.whole = False
    box.boot.now += DAY
    box.clock.now -= 30 * DAY  # a clock that is set back gains nothing
    with pytest.raises(Over):
        box.tick()
    box.close()
    box.folder.forget_keys()

    assert box.folder.keys() is None
    assert not box.folder.home.exists()
    box.begin()
    assert box.house.identity.recognise(ann).decision == "unknown"
    assert "empty" in str(box.server.check())


def test_the_centre_gives_nothing_to_a_box_that_was_silent_for_a_day_or_revoked(
    centre: CentreWorld, box: BoxWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = PrivateKeys.load(tmp_path / "box.key")
    code = centre.boxes.invite(TENANT, "lost-box", SITE)
    line = Line(pair("http://centre", "", code, keys, centre.clock, centre), keys, centre.clock, centre)
    assert line.ask("sync", {})
    with monkeypatch.context() as days_later:
        days_later.setattr(centre.centre, "_now_us", lambda: centre.clock.now + 2 * DAY)
        with pytest.raises(Refused, match="silent"):
            line.ask("sync", {})
    centre.boxes.revoke(TENANT, "lost-box")
    with pytest.raises(Refused, match="revoked"):
        line.ask("sync", {})


def test_a_box_that_was_off_for_a_day_has_no_keys_any_more(box: BoxWorld, tmp_path: Path) -> None:
    clock = StoppedClock()
    folder = BoxFolder(tmp_path / "disk", tmp_path, clock)
    folder.new_keys_beside()
    folder.take_new_keys()
    folder.pair(replace(box.pairing, seen_us=clock.now))
    clock.now += DAY - 1
    assert not folder.forget_old_keys()
    clock.now += 2
    assert folder.forget_old_keys()
    assert folder.keys() is None


def test_another_start_of_the_machine_ends_what_was_in_memory(
    box: BoxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.tick()
    assert not box.folder.is_over()
    monkeypatch.setattr("doorway.edge.folder._boot", lambda: "another")
    assert box.folder.is_over()


def test_a_process_that_was_killed_goes_on_with_what_is_in_memory(own: Own, ann: int) -> None:
    centre, box = own.centre, own.box
    centre.customer(ann)
    box.tick()
    box.close()
    assert box.folder.open_home()
    box.begin()
    assert box.house.identity.recognise(ann).decision == "matched"


# --- pairing


def test_two_boxes_with_the_same_name_are_refused_by_name(tmp_path: Path, clock: StoppedClock) -> None:
    boxes = Boxes(State(tmp_path), clock)
    code = boxes.invite(TENANT, "mill-box", SITE)
    with pytest.raises(BoxNameTaken, match="mill-box"):
        boxes.invite(TENANT, "mill-box", "harbour")
    boxes.invite("south", "mill-box", SITE)  # another tenant's
    boxes.invite(TENANT, "mill-box", SITE, replace=True)
    with pytest.raises(BoxCodeRefused):
        boxes.pair(code, PrivateKeys.load(tmp_path / "box.key").public)
    boxes.close()


def test_a_code_is_good_once_and_for_a_day(tmp_path: Path, clock: StoppedClock) -> None:
    boxes, keys = Boxes(State(tmp_path), clock), PrivateKeys.load(tmp_path / "box.key").public
    code = boxes.invite(TENANT, "a", SITE)
    assert boxes.pair(code, keys).name == "a"
    with pytest.raises(BoxCodeRefused):
        boxes.pair(code, keys)
    late = boxes.invite(TENANT, "b", SITE)
    clock.now += 2 * DAY
    with pytest.raises(BoxCodeRefused):
        boxes.pair(late, keys)
    boxes.close()


def test_another_centre_cannot_take_the_place_of_the_one_that_made_the_code(
    centre: CentreWorld, tmp_path: Path, clock: StoppedClock
) -> None:
    liar = CentreWorld(tmp_path / "liar", clock)
    code = centre.boxes.invite(TENANT, "a", SITE)
    stolen = liar.boxes.invite(TENANT, "a", SITE).partition(".")[0] + "." + code.partition(".")[2]
    with pytest.raises(SealRefused, match="not the centre"):
        pair("http://liar", "nats-leaf://liar", stolen, PrivateKeys.load(tmp_path / "k"), clock, liar)
    liar.close()


def test_what_a_box_does_not_offer_is_a_closed_list() -> None:
    """Nobody joins at a box, sets a PIN there or changes what they agreed to; leaving is offered in every way."""
    paths = {path for _, path in OFFERED}
    assert not any("pin" in path or "/me" in path or "by-code" in path for path in paths)
    assert ("POST", "/identity/v1/enrolments") not in OFFERED
    assert {("POST", "/identity/v1/opt-outs"), ("DELETE", "/identity/v1/enrolments/<receipt>")} <= OFFERED


def test_a_folder_that_is_not_in_memory_is_not_taken(tmp_path: Path) -> None:
    mounts = "1 0 0:1 / / rw - ext4 disk rw\n2 1 0:2 / /run rw - tmpfs tmpfs rw\n"
    assert is_in_memory(Path("/run"), lambda: mounts)
    assert not is_in_memory(Path("/"), lambda: mounts)
    with pytest.raises(NoMemoryFolder, match="--memory"):
        memory_folder((tmp_path,), lambda: mounts)
    assert BoxFolder(tmp_path / "disk", tmp_path).home.parent == tmp_path


def test_a_box_takes_no_database_of_the_centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its copies would lie where nothing forgets them."""
    seen: list[str] = []

    class Watched:
        def __init__(self, *_: object) -> None:
            seen.extend(name for name in ELSEWHERE if name in os.environ)

        def run(self, say: object) -> None:
            seen.append("ran")

    monkeypatch.setattr("doorway.edge.running.Running", Watched)
    for name in ELSEWHERE:
        monkeypatch.setenv(name, "postgresql://usual@db/usual")

    done = CliRunner().invoke(run, ["--home", str(tmp_path)])

    assert seen == ["ran"]
    assert "USUAL_DATABASE is not used" in done.stderr
    assert "secret" not in done.output
