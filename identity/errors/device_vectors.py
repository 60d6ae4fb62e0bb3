"""Errors of vectors that a device made itself: what a device, or who programs one, meets."""

from __future__ import annotations

from identity.errors.base import IdentityError
from identity.errors.customers import PressError


class DeviceVectorsError(IdentityError):
    """A message with vectors, or pictures, that this device may not send now. Nothing was matched."""

    status = 422
    title = "The message of this device could not be used"


class PicturesNotTaken(DeviceVectorsError):
    """The device is set to send vectors, and sent pictures."""

    code = "pictures_not_taken"
    status = 409
    title = "This device sends vectors"
    says = (
        "Nothing was looked at. Send a sealed message, or let the operator set the device to pictures"
        " (`usual keys mode`)."
    )


class VectorsNotTaken(DeviceVectorsError):
    """The device is set to send pictures, and sent vectors."""

    code = "vectors_not_taken"
    status = 409
    title = "This device sends pictures"
    says = (
        "Nothing was looked at. Send pictures, or let the operator set the device to vectors (`usual keys mode`)."
    )


class DeviceMessageRefused(DeviceVectorsError):
    """Not a message that this device sealed and signed for this press and purpose. The cases look the same."""

    code = "device_message_refused"
    security_event = "device_message_refused"
    says = (
        "The message is cut or altered, has another format, or was made for another press, device or purpose. Ask"
        " the customer to press again."
    )


class DeviceVectorsInvalid(DeviceVectorsError):
    """A signed message whose content no working device sends."""

    code = "device_vectors_invalid"
    says = (
        "A vector is zero, not finite or not of unit length, or a claim is out of range: see docs/api/vectors.md."
    )


class OtherPack(DeviceVectorsError):
    """The vectors are of an engine pack that this server does not have."""

    code = "other_pack"
    status = 409
    title = "This device uses another engine pack"
    what_to_do = "Load the pack that the reply names on the device, and ask the customer to press again."

    def __init__(self, pack: str) -> None:
        super().__init__(f"Vectors of {pack} are compared here.", pack=pack)


class SealKeyUnknown(DeviceVectorsError):
    """Sealed to a key that is not valid (any more) for this tenant."""

    code = "seal_key_unknown"
    status = 409
    title = "The message was sealed to another key"
    says = (
        "The key was replaced, or is another tenant's. Ask the customer to press again: the reply has the present"
        " key."
    )


class DeviceKeyMissing(DeviceVectorsError):
    """The device has registered no key to sign with, or it ended with an earlier pairing."""

    code = "device_key_missing"
    status = 409
    title = "This device has no key to sign with"
    says = "Register the public key of the device (PUT /v1/device-key), or pair it again."


class TooManyToday(PressError):
    """So many presses of this device greeted nobody within a day that it has to go on without faces."""

    code = "too_many_today"
    status = 429
    title = "This device has to wait"
    what_to_do = "Go on without faces on this device, find out who presses there, or set the device to pictures."

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many presses of this device greeted nobody today. Try again in {seconds} s.")
        self.retry_after = seconds


class SealKeysDamaged(IdentityError):
    """The document with the keys that devices seal vectors to cannot be read."""

    code = "seal_keys_damaged"
    status = 503
    title = "Vectors cannot be opened"
    says = (
        "Put `vector-keys` back from the backup of the keys, or remove it: new keys are made, and devices read"
        " them with their next press."
    )
