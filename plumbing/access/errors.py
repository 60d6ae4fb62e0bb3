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
    says = (
        "Send a valid key in the header X-API-Key, or pair this screen: open the link of `usual keys pair` in it,"
        " of `usual keys pair own` for a page of your own."
    )


class ScopeMissing(AccessError):
    """The key is good, for other things."""

    code = "scope_missing"
    status = 403
    title = "This key may not do that"
    what_to_do = "Use a key with the scope that the reply names (`usual keys create`)."

    def __init__(self, scope: str, *, of_key: bool = True) -> None:
        """`of_key`: a program or a screen asked, not a person who is signed in at the desk."""
        make = f" Make a key that has it: usual keys create --scope {scope}, with the other scopes it needs."
        super().__init__(
            f"The key lacks the scope {scope!r}.{make}"
            if of_key
            else f"Your roles lack the scope {scope!r}. `usual people roles` says which role has it."
        )


class PairingRefused(AccessError):
    """An unknown, used or expired pairing code."""

    code = "pairing_refused"
    status = 403
    title = "This link does not pair the screen any more"
    says = "Make a new link with `usual keys pair` and open it on the screen."


class DriverWithoutTaxi(AccessError):
    """A driver's screen is to belong to a tablet that there is not."""

    code = "driver_without_taxi"
    status = 409
    title = "There is no such taxi"
    says = "Pair the taxi's tablet first, and name it: `usual keys pair driver --taxi NAME`."


class CodeTooLate(AccessError):
    """A tablet shows a code for its driver's screen only while it is being set up."""

    code = "code_too_late"
    status = 403
    title = "This tablet was paired too long ago"
    says = "Use `usual keys pair driver --taxi NAME`, or pair the tablet again and take the code then."


class DeviceTaken(AccessError):
    """Another device of the tenant has this name."""

    code = "device_taken"
    status = 409
    title = "A device of this name exists"
    what_to_do = "Choose another name, or end the key of the device that has it."

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


class DeviceUnknown(AccessError):
    """The tenant has no device of this name."""

    code = "device_unknown"
    status = 404
    title = "There is no such device"
    what_to_do = "Look at the names of the devices: `usual keys list`, or the desk's page of devices."

    def __init__(self, name: str) -> None:
        super().__init__(
            f"No device is called {name!r}. `usual keys list` names all, a new one once its link was opened."
        )


class DeviceNeeded(AccessError):
    """The key of a program, which belongs to no device: there is nothing that could sign."""

    code = "device_needed"
    status = 409
    title = "This key belongs to no device"
    says = "Make a key for a device: `usual keys create --device NAME`, or pair a screen."


class DeviceKeyInvalid(AccessError):
    """Not a public key that a device can sign with."""

    code = "device_key_invalid"
    status = 422
    title = "This is no public key of a device"
    says = (
        "Send an uncompressed point of P-256, 65 bytes, as WebCrypto exports a public key (`raw`), in base64url."
    )


class DeviceKeySet(AccessError):
    """The device signs with another key already, and keeps it for as long as it is paired."""

    code = "device_key_set"
    security_event = "device_key_refused"
    status = 409
    title = "This device has another key"
    says = "A device registers one key. To change it, pair the device again (`usual keys pair ... --replace`)."


class SessionEnded(AccessError):
    """There is no session, or it has ended."""

    code = "session_ended"
    status = 401
    title = "You are not signed in"
    says = "Sign in again; what you have typed stays on the page."


class UserRemoved(SessionEnded):
    """Somebody removed this person while they were signed in."""

    code = "user_removed"
    title = "Your account was removed"
    says = "You cannot sign in any more. If that is a mistake, ask who runs the desk in your house to invite you."


class RightsChanged(SessionEnded):
    """Somebody changed this person's roles or sites: a new session begins with the new ones."""

    code = "rights_changed"
    title = "Your rights were changed"
    says = "Somebody changed what you may do here. Sign in again; what you have typed stays on the page."


class SignedOutElsewhere(SessionEnded):
    """This session was ended from another one, by a new password or by a new link."""

    code = "signed_out_elsewhere"
    title = "You were signed out"
    says = "You signed out from another browser, or your password was changed. Sign in again."


class ForeignPage(AccessError):
    """A browser says that a page of another site sends this change with the cookie of ours."""

    code = "foreign_page"
    status = 403
    title = "This request comes from another site"
    says = "Nothing was changed. Open the page of this server itself, and try again there."


class SiteRefused(AccessError):
    """The person's account is for other sites."""

    code = "site_refused"
    status = 403
    title = "This is not one of your sites"
    what_to_do = "Choose one of your sites, or ask somebody whose account is for all of them."

    def __init__(self, sites: frozenset[str], *, all_sites: bool = False) -> None:
        what = "This is about all sites" if all_sites else "This is about another site"
        super().__init__(f"{what}, and your account is for {', '.join(sorted(sites))}.")


class SiteNeeded(AccessError):
    """The person's account is for several sites, and the request names none."""

    code = "site_needed"
    status = 422
    title = "Choose a site"
    what_to_do = "Name one of the sites that the reply lists."

    def __init__(self, sites: frozenset[str]) -> None:
        super().__init__(f"Your account is for several sites: add ?site= with one of {', '.join(sorted(sites))}.")


ENDED: dict[str, type[SessionEnded]] = {
    "removed": UserRemoved,
    "rights": RightsChanged,
    "elsewhere": SignedOutElsewhere,
}
"""By why somebody ended a session (`People.why_ended`)."""
