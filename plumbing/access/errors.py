"""What can be wrong with a caller, a pairing or the name of a device."""

from __future__ import annotations

from plumbing.problem_json import Problem

LONGEST_NAME = 48  # bytes of a device's name; what identifies a device may have 64


class AccessError(Problem):
    """Base of what can be wrong with a caller."""


class KeyRefused(AccessError):
    """No key, an unknown one or an expired one: they look the same."""

    code = "key_refused"
    status = 401
    title = "A valid API key is needed"
    says = "Send a valid key in the header X-API-Key, or pair this screen with its first-run link."


class ScopeMissing(AccessError):
    """The key is good, for other things."""

    code = "scope_missing"
    status = 403
    title = "This key may not do that"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The key lacks the scope {scope!r}.")


class PairingRefused(AccessError):
    """An unknown, used or expired pairing code."""

    code = "pairing_refused"
    status = 403
    title = "This link does not pair the screen any more"
    says = "Make a new link with `usual keys pair` and open it on the screen."


class DeviceTaken(AccessError):
    """Another device of the tenant has this name."""

    code = "device_taken"
    status = 409
    title = "A device of this name exists"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} is a device already. Choose another name, or pair it with `--replace`: the earlier key of"
            " that name ends when the new link is opened."
        )


class DeviceNameRefused(AccessError):
    """A name that no device can have."""

    code = "device_name_refused"
    status = 422
    title = "This is no name for a device"
    says = (
        f"A name is printed on one line, has at most {LONGEST_NAME} bytes, neither ':' nor '~', and is not 'me'."
    )
