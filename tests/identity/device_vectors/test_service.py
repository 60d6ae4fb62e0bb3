"""Devices that send vectors, through the service: recognise, enrol, opt out, and what they are refused."""

from __future__ import annotations

import pytest

from identity.errors import PicturesNotTaken, VectorsNotTaken
from tests.engines import both_engines
from tests.identity.halves import KIOSK, OTHER_DEVICE, World, pictures, stored
from tests.identity.vector_devices import VectorDevice, sights

pytestmark = both_engines


def test_a_customer_joins_is_recognised_and_leaves_by_vectors_alone(world: World) -> None:
    kiosk = VectorDevice(world)
    kiosk.enrol(1)

    assert kiosk.recognise(1).decision == "matched"
    assert kiosk.recognise(1, count=3).token is not None
    assert kiosk.recognise(2).decision == "unknown"
    assert kiosk.opt_out(1).decision == "forgotten"
    assert kiosk.recognise(1).decision == "unknown"
    assert stored(world) == (0, 0, 0, 0)
    assert world.engine.calls == world.engine.detections == 0


def test_pictures_and_vectors_show_the_same_customer(world: World) -> None:
    world.enrol(1, OTHER_DEVICE)

    assert VectorDevice(world).recognise(1).decision == "matched"


def test_a_device_sends_one_or_the_other(world: World) -> None:
    kiosk = VectorDevice(world)
    nonce = kiosk.press()

    with pytest.raises(PicturesNotTaken):
        world.service.recognise(KIOSK, nonce, pictures(1, 1))
    message = kiosk.message(nonce, sights(1))
    with pytest.raises(VectorsNotTaken):
        world.service.recognise(OTHER_DEVICE, nonce, message)
    assert world.engine.detections == 0
    assert world.service.recognise(KIOSK, nonce, message).decision == "unknown"  # the press was not used up
