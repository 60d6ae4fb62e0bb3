"""From a message of a device to captures: signature, seal, claims. No picture is looked at, no engine runs.

Who sends it is known before (`Caller`); whatever does not fit is refused before anything is matched.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from identity.capture.challenge import State, Step
from identity.capture.embed import Capture
from identity.capture.quality import check_quality
from identity.device_vectors.message import (
    SIGNATURE,
    Content,
    Message,
    Purpose,
    Shape,
    bound_text,
    read,
    unpack_content,
)
from identity.device_vectors.seal_keys import SealKeys
from identity.engines.manifests import Pack, masked_pack
from identity.errors import (
    CaptureError,
    DeviceKeyMissing,
    DeviceMessageRefused,
    FaceCovered,
    OtherPack,
    SealKeyUnknown,
    TooFewFrames,
)
from plumbing.access.device_modes import DeviceMode, checked

SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
"""RFC 9180: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Base mode; the signature says who sent it."""


@dataclass(frozen=True, slots=True)
class SealedVectors:
    """What a device sends in place of pictures."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Press:
    """What a message must be bound to: who pressed where, for what."""

    tenant: str
    device: str
    nonce: str
    purpose: Purpose


def shape_of(purpose: Purpose, pack: Pack) -> Shape:
    """The shape of messages of a purpose, with this pack."""
    return Shape(purpose, pack.size, masked_pack(pack) is not None)


class Opener:
    """Opens messages for one engine pack."""

    def __init__(self, keys: SealKeys, pack: Pack) -> None:
        self.keys = keys
        self.pack = pack

    def open(self, sent: SealedVectors, press: Press, mode: DeviceMode) -> Content:
        """What a message holds that this device sealed for this press.

        Raises DeviceMessageRefused, OtherPack, SealKeyUnknown, DeviceKeyMissing, DeviceVectorsInvalid.
        """
        message = read(sent.data)
        if message.pack != self.pack.id:
            raise OtherPack(self.pack.id)
        shape = shape_of(press.purpose, self.pack)
        if message.purpose != press.purpose or len(sent.data) != shape.message_bytes:
            raise DeviceMessageRefused
        if not mode.public_key:
            raise DeviceKeyMissing
        bound = bound_text(press.purpose, message.pack, press.device, press.nonce)
        _check_signature(mode.public_key, bound, message)
        pair = self.keys.valid(press.tenant, message.key_id)
        if pair is None:
            raise SealKeyUnknown
        try:
            content = SUITE.decrypt(message.sealed, pair.private, bound)
        except (InvalidTag, ValueError) as error:
            raise DeviceMessageRefused from error
        return unpack_content(content, shape)


def _check_signature(public_key: bytes, bound: bytes, message: Message) -> None:
    """Raises DeviceMessageRefused. The signature is ECDSA with P-256 and SHA-256, as WebCrypto writes it: r, s."""
    half = SIGNATURE // 2
    r, s = (int.from_bytes(part, "big") for part in (message.signature[:half], message.signature[half:]))
    try:
        checked(public_key).verify(
            encode_dss_signature(r, s), signed_text(bound, message.signed), ECDSA(hashes.SHA256())
        )
    except InvalidSignature as error:
        raise DeviceMessageRefused from error


def signed_text(bound: bytes, message: bytes) -> bytes:
    """What a device signs: the bound text, a zero byte, and the message as far as the signature."""
    return bound + b"\0" + message


def captures_of(content: Content, pack: Pack, *, least: int = 1, enrolling: bool = False) -> list[Capture]:
    """The captures of a content, judged by the same rules as pictures are; the figures are what the device says.

    Raises the first CaptureError when fewer than `least` are usable, TooFewFrames.
    """
    captures: list[Capture] = []
    errors: list[CaptureError] = []
    for sight in content.sights:
        try:
            check_quality(sight.claims)
            if enrolling and sight.claims.cover != "none":
                raise FaceCovered("Something covers the face. Take it off, or go on without a face.")
        except CaptureError as error:
            errors.append(error)
        else:
            captures.append(Capture(sight.vector, sight.claims, pack.id, sight.masked, claimed=True))
    if len(captures) < least:
        raise errors[0] if errors else TooFewFrames
    return captures


def liveness_of(content: Content, steps: tuple[Step, ...], *, attested: bool) -> State:
    """What counts of the liveness that a device claims: nothing, unless the operator vouches for the device and
    the moves are those of this press."""
    if not attested or content.liveness == "not_run":
        return "not_run"
    return "passed" if content.liveness == "passed" and content.moves == steps else "failed"
