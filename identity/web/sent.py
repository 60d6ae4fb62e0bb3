"""What a request of a device says, as the service takes it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from identity.customers.visits.looks import Sent
from identity.device_vectors.opening import SealedVectors
from identity.errors import DeviceMessageRefused
from identity.frames.texts import pictures
from identity.service import Device
from plumbing.access.access import Caller


def device_of(caller: Caller) -> Device:
    """The device that sends it."""
    return Device(caller.tenant, caller.device, caller.site)


def of_face(frames: Sequence[str], sealed: str | None) -> Sent:
    """Pictures, or the message of a device that sends vectors. Raises NotAnImage or DeviceMessageRefused."""
    if sealed is None:
        return pictures(frames)
    try:
        return SealedVectors(base64.b64decode(sealed, validate=True))
    except (binascii.Error, ValueError) as error:
        raise DeviceMessageRefused from error
