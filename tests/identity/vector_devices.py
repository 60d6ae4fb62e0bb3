"""A device that sends vectors, for tests: what a kiosk's own program does, on pictures that show nobody."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key

from identity.capture.attempt import usable_captures
from identity.device_vectors.message import Claims, Content, Purpose, Sight
from identity.device_vectors.opening import SealedVectors, shape_of
from identity.device_vectors.sealing import public_key_of, sealed_message
from identity.results import Device
from identity.vectors import Array
from tests.identity.fakes import FakeEngine
from tests.identity.halves import KIOSK, World, pictures

GOOD = Claims(faces=1, eye_distance=120.0, yaw=3.0, sharpness=20.0, brightness=120.0, contrast=40.0)


@lru_cache(maxsize=256)
def vectors_of(person: int, count: int, first: int) -> tuple[Array, ...]:
    """What the device's engine makes of some frames of a person."""
    captures = usable_captures(FakeEngine(), pictures(person, count, first))
    return tuple(capture.vector for capture in captures)


def sights(person: int, count: int = 1, first: int = 50) -> Content:
    """Frames of a person, with good claims."""
    return of_vectors(*vectors_of(person, count, first))


def of_vectors(*vectors: Array, claims: Claims = GOOD, **more: Any) -> Content:
    return Content(tuple(Sight(vector, claims) for vector in vectors), **more)


@dataclass
class VectorDevice:
    """A device in the mode `vectors`, with a key that it registered."""

    world: World
    device: Device = KIOSK
    attested: bool = False
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    api_key: str = ""

    def __post_init__(self) -> None:
        access = self.world.access
        self.api_key = access.create_key(self.device.tenant, ("identify", "enrol"), device=self.device.name)
        access.modes.choose(self.device.tenant, self.device.name, "vectors", attested=self.attested)
        access.modes.register(self.device.tenant, self.device.name, public_key_of(self.key))

    def press(self) -> str:
        return self.world.service.press(self.device)[0]

    def message(self, nonce: str, content: Content, purpose: Purpose = "recognise", **other: Any) -> SealedVectors:
        """A message for a press; `other` replaces what the reply to the press said."""
        seal = self.world.service.seal_for(self.device)
        assert seal is not None
        shape = shape_of(purpose, self.world.engine.pack)
        said: dict[str, Any] = {
            "pack": seal.pack,
            "device": seal.device,
            "nonce": nonce,
            "key_id": seal.key_id,
            "seal_key": seal.public_key,
            "signing_key": self.key,
        }
        return SealedVectors(sealed_message(content, other.pop("shape", shape), **said | other))

    def recognise(self, person: int, count: int = 1) -> Any:
        return self.shows(sights(person, count))

    def shows(self, content: Content) -> Any:
        nonce = self.press()
        return self.world.service.recognise(self.device, nonce, self.message(nonce, content))

    def enrol(self, person: int, *, confirm: bool = True, **more: Any) -> Any:
        return self.enrols(sights(person, 3, 0), confirm=confirm, **more)

    def enrols(self, content: Content, *, confirm: bool = True, **more: Any) -> Any:
        nonce, service = self.press(), self.world.service
        said: dict[str, Any] = {"notice_version": service.notice.version, "age_confirmed": True}
        said["purposes"] = {"orders": True}
        made = service.enrol(self.device, nonce, self.message(nonce, content, "enrol"), **said | more)
        if confirm:
            service.confirm(self.device, made.receipt)
        return made

    def opt_out(self, person: int, pin: str | None = None) -> Any:
        nonce = self.press()
        sealed = self.message(nonce, sights(person), "opt_out")
        return self.world.service.forget_face(self.device, nonce, sealed, pin)


def b64(message: SealedVectors) -> str:
    """A message as it is sent."""
    return base64.b64encode(message.data).decode()
