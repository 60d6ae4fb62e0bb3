"""What a device that sends vectors may learn in a day, and who hears of it; claims, keys and one search."""

from __future__ import annotations

from dataclasses import replace

import pytest

from identity.config import DEFAULT_NEEDS
from identity.customers.visits import day_limits
from identity.customers.visits.day_limits import ENROLMENTS, MATCHES, MISSES
from identity.errors import (
    AlreadyEnrolled,
    FaceCovered,
    FramesDiffer,
    SealKeysDamaged,
    TooManyFailures,
    TooManyToday,
)
from identity.matching.gallery import Snapshot
from identity.vectors import unit
from plumbing.clock import DAY, HOUR, MINUTE, SECOND
from tests.engines import both_engines
from tests.identity.halves import KIOSK, OTHER_DEVICE, World
from tests.identity.vector_devices import VectorDevice, of_vectors, sights, vectors_of

LIVE = {"needs": DEFAULT_NEEDS | {"offers": "liveness"}}


@both_engines
def test_a_customer_is_matched_so_often_on_one_device_and_still_elsewhere(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_limits, "MATCHES", 2)
    kiosk, other = VectorDevice(world), VectorDevice(world, OTHER_DEVICE)
    kiosk.enrol(1)
    kiosk.enrol(2)
    for _ in range(2):
        assert kiosk.recognise(1).decision == "matched"

    stranger, known = kiosk.recognise(9), kiosk.recognise(1)

    assert (known.decision, known.token, known.hint) == (stranger.decision, stranger.token, stranger.hint)
    assert world.count("day_limits") is None
    assert world.registry.get_sample_value("usual_identity_day_limits_total", {"limit": "match"}) == 1
    assert kiosk.recognise(2).decision == other.recognise(1).decision == "matched"
    world.clock.now += DAY + HOUR
    assert kiosk.recognise(1).decision == "matched"


def test_presses_that_greet_nobody_are_counted_for_a_day_and_greetings_are_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (MISSES, ENROLMENTS, MATCHES) == (200, 40, 10)  # the hill climb was tried with these
    monkeypatch.setattr(day_limits, "MISSES", 4)
    kiosk = VectorDevice(world)
    kiosk.enrol(1)
    for _ in range(3):
        world.clock.now += HOUR
        kiosk.recognise(1)
        kiosk.recognise(9)

    world.clock.now += MINUTE
    with pytest.raises(TooManyToday) as refused:
        kiosk.recognise(9)
    assert 0 < (refused.value.retry_after or 0) <= HOUR // SECOND
    world.clock.now += DAY + HOUR
    assert kiosk.recognise(9).decision == "unknown"


def test_enrolments_of_a_day_are_fewer_and_count_as_answers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_limits, "ENROLMENTS", 3)
    kiosk = VectorDevice(world)
    for person in range(3):
        kiosk.enrol(person)

    with pytest.raises(TooManyToday):
        kiosk.enrol(7)
    assert kiosk.recognise(9).decision == "unknown"


def test_already_enrolled_is_one_of_the_matches(world: World) -> None:
    kiosk = VectorDevice(world)
    kiosk.enrol(1)
    for _ in range(MATCHES):
        world.clock.now += MINUTE
        with pytest.raises(AlreadyEnrolled):
            kiosk.enrol(1)

    world.clock.now += MINUTE
    assert kiosk.recognise(1).decision == "unknown"
    kiosk.enrol(1, confirm=False)  # as anybody else would


def test_a_device_that_sends_pictures_has_its_own_limits_and_not_these(world: World) -> None:
    world.enrol(1)
    for _ in range(MATCHES + 2):
        world.clock.now += MINUTE
        assert world.recognise(1).decision == "matched"
    assert world.half.databases[1].row("SELECT count(*) AS n FROM day_counts")["n"] == 0


def test_wrong_messages_pause_a_device_as_bombs_do(world: World) -> None:
    kiosk = VectorDevice(world)
    for _ in range(world.half.config.failures_in_a_row):
        kiosk.recognise(9)

    with pytest.raises(TooManyFailures):
        kiosk.press()


def test_whoever_opts_out_leaves_no_count(world: World) -> None:
    kiosk = VectorDevice(world)
    kiosk.enrol(1)
    kiosk.recognise(1)
    subjects = "SELECT count(*) AS n FROM day_counts WHERE subject <> ''"
    assert world.half.databases[1].row(subjects)["n"] == 1

    kiosk.opt_out(1)
    assert world.half.databases[1].row(subjects)["n"] == 0


def test_opting_out_by_a_sure_face_or_with_the_pin_has_no_limit_of_matches(world: World) -> None:
    kiosk = VectorDevice(world)
    kiosk.enrol(1, pin="4711")
    for _ in range(MATCHES):
        world.clock.now += MINUTE
        kiosk.recognise(1)

    assert kiosk.recognise(1).decision == "unknown"
    assert kiosk.opt_out(1).decision == "forgotten"


@pytest.mark.parametrize("attested", [False, True])
def test_liveness_is_the_devices_word_and_counts_only_where_the_operator_vouches(
    world: World, attested: bool
) -> None:
    world.close()
    live = World(world.home / "live", settings=LIVE)
    kiosk = VectorDevice(live, attested=attested)
    kiosk.enrol(1, purposes={"orders": True, "offers": True})

    def seen(moves: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        nonce = kiosk.press()
        content = of_vectors(
            *vectors_of(1, 1, 50), liveness="passed", moves=moves or live.service.challenge(nonce)
        )
        found = live.service.recognise(KIOSK, nonce, kiosk.message(nonce, content))
        return found.liveness, found.purposes

    opened = ("passed", ("orders", "offers")) if attested else ("not_run", ("orders",))
    assert seen(()) == opened
    assert seen(("left",))[1] == ("orders",)  # not the moves of this press
    live.close()


def test_a_template_does_not_follow_vectors_of_a_device_that_nobody_vouches_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiosk = VectorDevice(world)
    kiosk.enrol(1)
    saw: list[object] = []
    monkeypatch.setattr(world.service.customers.updates, "saw", lambda *args: saw.append(args))

    kiosk.recognise(1)
    assert saw == []
    world.access.modes.choose("north", "kiosk-1", "vectors", attested=True)
    kiosk.recognise(1)
    assert len(saw) == 1


def test_three_vectors_cost_one_search(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    kiosk = VectorDevice(world)
    kiosk.enrol(1)
    searches: list[object] = []
    near_by = Snapshot.near_by

    def counted(*args: object, **more: object) -> object:
        searches.append(args)
        return near_by(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Snapshot, "near_by", counted)
    assert kiosk.recognise(1, count=3).decision == "matched"
    assert len(searches) == 1


def test_an_enrolment_of_two_people_and_a_covered_face_are_refused_as_with_pictures(world: World) -> None:
    kiosk = VectorDevice(world)
    mixed = of_vectors(*vectors_of(1, 2, 0), *vectors_of(2, 1, 0))
    covered = of_vectors(*vectors_of(1, 3, 0))
    masked = replace(covered.sights[0], claims=replace(covered.sights[0].claims, cover="mask"))

    with pytest.raises(FramesDiffer):
        kiosk.enrols(mixed)
    with pytest.raises(FaceCovered):
        kiosk.enrols(replace(covered, sights=(masked,) * 3))


def test_two_keys_are_valid_for_an_hour_after_a_rotation_and_then_one(world: World) -> None:
    kiosk, keys = VectorDevice(world), world.half.seal_keys
    nonce = kiosk.press()
    sent = kiosk.message(nonce, sights(9))
    before = keys.current("north")
    fresh = keys.rotate("north")

    assert world.service.recognise(KIOSK, nonce, sent).decision == "unknown"
    assert keys.current("north").key_id == fresh.key_id != before.key_id
    assert keys.valid("north", before.key_id) is not None
    world.clock.now += HOUR
    assert keys.valid("north", before.key_id) is None
    keys.current("north")
    assert (world.home / "vector-keys").read_text().count('"sealed"') == 1
    assert keys.current("south").key_id != fresh.key_id


def test_keys_that_cannot_be_read_close_vectors_and_nothing_else(world: World) -> None:
    kiosk = VectorDevice(world)
    world.service.seal_for(KIOSK)
    (world.home / "vector-keys").write_text('{"format": "usual-vector-keys-9"}')

    with pytest.raises(SealKeysDamaged):
        world.service.seal_for(KIOSK)
    assert kiosk.press()
    assert world.service.seal_for(OTHER_DEVICE) is None


def test_of_two_who_look_alike_nobody_is_taken_for_the_other_when_one_has_no_match_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_limits, "MATCHES", 1)
    kiosk = VectorDevice(world)
    one, two = (vectors_of(person, 1, 50)[0] for person in (1, 2))
    for near, far in ((one, two), (two, one)):
        kiosk.enrols(of_vectors(*[unit(0.62 * near + 0.38 * far)] * 3), somebody_else=True)
    world.half.stores.database.change("UPDATE customers SET needs_second_factor = 0")
    assert kiosk.shows(of_vectors(one)).decision == "matched"

    between = of_vectors(unit(one + two))
    assert kiosk.shows(between).decision == "unknown"
    nonce = kiosk.press()
    left = world.service.forget_face(KIOSK, nonce, kiosk.message(nonce, between, "opt_out"))
    assert left.decision == "unknown"
    assert world.half.databases[0].row("SELECT count(*) AS n FROM customers")["n"] == 2
