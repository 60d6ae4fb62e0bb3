"""What can go wrong at the helper on a kiosk's own computer."""

from __future__ import annotations

from typing import ClassVar

from plumbing.problem import Problem

HOW = "Make a code at the house (`usual keys pair kiosk`), then: usual edge kiosk --server URL --pair CODE"


class HelperError(Problem):
    """Something that the helper on a kiosk's computer cannot do."""

    code: ClassVar[str] = "kiosk_helper"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "The helper of this kiosk cannot do this"
    what_to_do: ClassVar[str | None] = "Do as the reply says; docs/kiosk.md describes the helper."


class HelperNotPaired(HelperError):
    """The helper has no house yet."""

    code = "helper_not_paired"
    status = 409
    title = "This kiosk is not paired"
    says = HOW


class HelperFileUnusable(HelperError):
    """The file with the helper's keys cannot be used: damaged, of a newer release, or open to other users."""

    code = "helper_file_unusable"
    status = 500
    title = "The keys of this kiosk cannot be used"
    what_to_do = "Do as the sentence says; pairing again writes the file anew."


class HouseAddressRefused(HelperError):
    """The address of the house is none, or would send the device's key in the clear."""

    code = "house_address_refused"
    title = "This is no address of a house"

    def __init__(self, address: str) -> None:
        super().__init__(f"{address!r} is no https://HOST of a house; http:// is for this machine alone.")


class HouseAway(HelperError):
    """The helper does not reach the house. The screen goes on as without a line."""

    code = "house_away"
    status = 503
    title = "The house does not answer"
    what_to_do = "Nothing: guests are served and orders wait. If it lasts, look at the line and at the house."


class HouseNotTrusted(HouseAway):
    """What answers at the house's address has no valid certificate; it got nothing of this device."""

    code = "house_not_trusted"
    title = "The house cannot be trusted"


class PicturesStayHere(HelperError):
    """A page asked the helper to send pictures on, or the house asks this device for pictures."""

    code = "pictures_stay_here"
    status = 409
    title = "Pictures do not leave this kiosk"
    says = "The helper sends vectors. Let the operator set this device to them: usual keys mode NAME vectors"


class NotThisAddress(HelperError):
    """A browser asks for the helper under a name that is not this machine's own."""

    code = "not_this_address"
    status = 403
    title = "The helper has another address"
    says = "Open it as http://127.0.0.1 with its port. Nothing was done."
