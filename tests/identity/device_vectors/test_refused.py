"""What is refused before anything is matched: a message of another press, device, pack, purpose, tenant, key."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from identity.device_vectors import message as format
from identity.device_vectors.message import CLAIMS, CONTENT, Shape, unpack_content
from identity.device_vectors.opening import SealedVectors, shape_of
from identity.errors import (
    DeviceKeyMissing,
    DeviceMessageRefused,
    DeviceVectorsInvalid,
    FaceTooSmall,
    OtherPack,
    PressExpired,
    PressRefused,
    SealKeyUnknown,
)
from identity.results import Device
from identity.vectors import unit
from plumbing.clock import HOUR, SECOND
from tests.identity.halves import KIOSK, OTHER_DEVICE, World
from tests.identity.vector_devices import GOOD, VectorDevice, of_vectors, sights

Wrong = Callable[[VectorDevice, str, SealedVectors], SealedVectors]
ELSEWHERE = Device("south", "kiosk-1")


def used(kiosk: VectorDevice, nonce: str, message: SealedVectors) -> SealedVectors:
    kiosk.world.service.recognise(KIOSK, nonce, message)
    return message


def flipped(at: int) -> Wrong:
    def wrong(kiosk: VectorDevice, nonce: str, message: SealedVectors) -> SealedVectors:
        data = bytearray(message.data)
        data[at] ^= 1
        return SealedVectors(bytes(data))

    return wrong


def sealed_with(**other: Any) -> Wrong:
    return lambda kiosk, nonce, _: kiosk.message(nonce, sights(1), **other)


def of_another_tenant(kiosk: VectorDevice, nonce: str, message: SealedVectors) -> SealedVectors:
    """The same screen's program, with the key that the other tenant's devices seal to."""
    seal = VectorDevice(kiosk.world, ELSEWHERE, key=kiosk.key).world.service.seal_for(ELSEWHERE)
    assert seal is not None
    return kiosk.message(nonce, sights(1), key_id=seal.key_id, seal_key=seal.public_key)


def sealed_before_the_last_rotation(kiosk: VectorDevice, nonce: str, message: SealedVectors) -> SealedVectors:
    keys = kiosk.world.half.seal_keys
    keys.rotate(KIOSK.tenant)
    kiosk.world.clock.now += HOUR + SECOND
    keys.current(KIOSK.tenant)
    kiosk.world.clock.now -= HOUR + SECOND
    return message


REFUSED: dict[str, tuple[Wrong, type[Exception]]] = {
    "a press that was used": (used, PressRefused),
    "another press": (lambda k, _, __: k.message(k.press(), sights(1)), DeviceMessageRefused),
    "another device's name": (sealed_with(device="kiosk-2"), DeviceMessageRefused),
    "another device's key": (sealed_with(signing_key=generate_private_key(SECP256R1())), DeviceMessageRefused),
    "another purpose": (lambda k, n, _: k.message(n, sights(1), "opt_out"), DeviceMessageRefused),
    "an enrolment": (lambda k, n, _: k.message(n, sights(1, 3), "enrol"), DeviceMessageRefused),
    "another pack": (sealed_with(pack="fake@2"), OtherPack),
    "another tenant's key": (of_another_tenant, SealKeyUnknown),
    "a key that was replaced": (sealed_before_the_last_rotation, SealKeyUnknown),
    "another key under this key's name": (sealed_with(seal_key=bytes(31) + b"\x09"), DeviceMessageRefused),
    "cut": (lambda _, __, m: SealedVectors(m.data[:-1]), DeviceMessageRefused),
    "cut to nothing": (lambda *_: SealedVectors(b""), DeviceMessageRefused),
    "longer": (lambda _, __, m: SealedVectors(m.data + b"\0"), DeviceMessageRefused),
    "another format": (flipped(0), DeviceMessageRefused),
    "another version": (flipped(4), DeviceMessageRefused),
    "an unused byte": (flipped(6), DeviceMessageRefused),
    "an altered key id": (flipped(8), DeviceMessageRefused),
    "an altered encapsulated key": (flipped(50), DeviceMessageRefused),
    "an altered content": (flipped(200), DeviceMessageRefused),
    "an altered signature": (flipped(-1), DeviceMessageRefused),
}


@pytest.fixture(scope="module")
def shared_kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorDevice]:
    world = World(tmp_path_factory.mktemp("vectors"))
    kiosk = VectorDevice(world)
    kiosk.enrol(1)
    yield kiosk
    world.close()


@pytest.fixture
def kiosk(shared_kiosk: VectorDevice) -> VectorDevice:
    """Some hours after the test before, with no failure in a row."""
    shared_kiosk.world.clock.now += 6 * HOUR
    assert shared_kiosk.recognise(1).decision == "matched"
    return shared_kiosk


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_before_anything_is_matched(
    kiosk: VectorDevice, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, error = REFUSED[case]
    nonce = kiosk.press()
    sent = wrong(kiosk, nonce, kiosk.message(nonce, sights(1)))
    matched: list[object] = []
    monkeypatch.setattr(kiosk.world.half.matchers.clear, "judge", lambda *args: matched.append(args))

    with pytest.raises(error):
        kiosk.world.service.recognise(KIOSK, nonce, sent)
    assert matched == []
    with pytest.raises(PressRefused):  # and the press is used up
        kiosk.world.service.recognise(KIOSK, nonce, kiosk.message(nonce, sights(1)))


def test_the_same_message_is_good_once_and_on_its_device_alone(kiosk: VectorDevice) -> None:
    other = VectorDevice(kiosk.world, OTHER_DEVICE)
    nonce = other.press()

    with pytest.raises(DeviceMessageRefused):
        kiosk.world.service.recognise(OTHER_DEVICE, nonce, kiosk.message(nonce, sights(1)))


def test_a_device_that_was_revoked_in_the_middle_signs_nothing_any_more(world: World) -> None:
    kiosk = VectorDevice(world)
    nonce, access = kiosk.press(), kiosk.world.access
    sent = kiosk.message(nonce, sights(1))
    for row in access.keys(KIOSK.tenant):
        access.revoke_key(KIOSK.tenant, str(row["key_id"]))

    with pytest.raises(DeviceKeyMissing):
        kiosk.world.service.recognise(KIOSK, nonce, sent)


def test_clocks_do_not_matter_but_the_servers(kiosk: VectorDevice) -> None:
    """Nothing in a message is a time, so a device may be an hour wrong. A press ends by the server's clock."""
    nonce = kiosk.press()
    sent = kiosk.message(nonce, sights(1))
    kiosk.world.clock.now += HOUR

    with pytest.raises(PressExpired):
        kiosk.world.service.recognise(KIOSK, nonce, sent)
    assert kiosk.recognise(1).decision == "matched"


SHAPE = Shape("recognise", 8)
FIRST = CONTENT.size + CLAIMS.size


def content_with(at: int, value: bytes) -> bytes:
    data = bytearray(format.pack_content(of_vectors(unit(np.arange(1.0, 9.0))), SHAPE))
    data[at : at + len(value)] = value
    return bytes(data)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (FIRST, struct.pack("<f", float("nan"))),
        (FIRST, struct.pack("<f", float("inf"))),
        (FIRST, struct.pack("<f", 0.0)),
        (FIRST, struct.pack("<f", -0.01)),
        (FIRST, struct.pack("<f", 1.0)),
        (FIRST + 4, bytes(8)),
        (0, b"\0"),
        (0, b"\4"),
        (1, b"\5"),
        (2, b"\3"),
        (3, b"\1"),
        (4, b"\7"),
        (CONTENT.size, b"\0"),
        (CONTENT.size + 1, b"\3"),
    ],
    ids=[
        *("nan", "infinite", "no-scale", "negative", "unnormalised", "zero", "none", "four"),
        *("moves", "liveness", "twins", "move", "faces", "cover"),
    ],
)
def test_content_that_no_working_device_sends(at: int, value: bytes) -> None:
    assert unpack_content(content_with(0, b"\1"), SHAPE).sights[0].claims == GOOD
    with pytest.raises(DeviceVectorsInvalid):
        unpack_content(content_with(at, value), SHAPE)


def test_such_content_is_refused_at_the_service(kiosk: VectorDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "identity.device_vectors.sealing.pack_content", lambda _, shape: bytes(shape.content_bytes)
    )

    with pytest.raises(DeviceVectorsInvalid):
        kiosk.recognise(1)


def test_a_claim_of_a_poor_picture_is_a_hint(kiosk: VectorDevice) -> None:
    small = replace(GOOD, eye_distance=20.0)

    with pytest.raises(FaceTooSmall):
        kiosk.shows(of_vectors(*(one.vector for one in sights(1).sights), claims=small))


def test_messages_of_one_purpose_have_one_size_below_1300_bytes(kiosk: VectorDevice) -> None:
    sizes = {len(kiosk.message("n", sights(1, count)).data) for count in (1, 2, 3)}

    assert sizes == {shape_of("recognise", kiosk.world.engine.pack).message_bytes}
    assert Shape("recognise", 256, twins=True).message_bytes < 1_000  # its base64 has less than 1.34 kB
