"""Errors of what people read and keep: notices and signed receipts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from identity.errors.base import IdentityError


class NoticeError(IdentityError):
    """A notice that cannot be shown or published."""

    code = "bad_notice"
    status = 422
    title = "This notice cannot be used"
    what_to_do = "Mend the notice as the reply says, and try again."


class NoticeUnknown(NoticeError):
    """No notice of this version was published, or none with this hash (`by`) was shown."""

    code = "notice_unknown"
    status = 404
    title = "There is no such notice"
    what_to_do = "Ask for the notice without a version: that is the one in force."

    def __init__(self, name: str, known: Iterable[str], *, by: str = "version") -> None:
        names = sorted(known)
        done = "Published" if by == "version" else "Shown so far"
        listed = ", ".join(names) or "none"
        super().__init__(f"No notice has the {by} {name[:64]!r}. {done}: {listed}.", versions=names)


class LanguageUnknown(NoticeError):
    """The notice is not written in this language."""

    code = "language_unknown"
    status = 404
    title = "The notice is not written in this language"
    what_to_do = "Ask for one of the languages that the reply names."

    def __init__(self, language: str, known: Iterable[str]) -> None:
        languages = sorted(known)
        listed = ", ".join(languages)
        super().__init__(f"No notice is written in {language[:40]!r}. There is: {listed}.", languages=languages)


class PlaceUnknown(NoticeError):
    """The notice does not know this kind of place."""

    code = "place_unknown"
    what_to_do = "Ask for `restaurant` or `taxi`."

    def __init__(self, place: str, known: Iterable[str]) -> None:
        places = sorted(known)
        listed = ", ".join(places)
        super().__init__(f"No kind of place is called {place[:40]!r}. There is: {listed}.", places=places)


class NoticeIncomplete(NoticeError):
    """A version of the notice lacks something, or its languages do not say the same. `faults` are sentences."""

    code = "notice_incomplete"
    what_to_do = "Mend the faults that the reply names, and publish again."

    def __init__(self, faults: Iterable[str]) -> None:
        listed = list(faults)
        super().__init__(" ".join(listed), faults=listed)


class NoticeChanged(NoticeError):
    """A text under a version that was published with another text. Nothing was published."""

    code = "notice_changed"
    status = 409
    title = "A changed text needs a version of its own"
    what_to_do = "Give the changed text a new version."


class NoticeAltered(NoticeError):
    """The published notice was changed, or cannot be read: nobody joins until an operator has mended it."""

    code = "notice_altered"
    status = 503
    title = "Joining is closed"
    what_to_do = "An operator publishes the notice again (`usual notices publish`)."


class ReceiptError(IdentityError):
    """A receipt that proves nothing."""

    code = "bad_receipt"
    status = 422
    title = "The receipt is not valid"
    what_to_do = "Ask for the receipt as it was given: the whole text or file, unchanged."


class NotAReceipt(ReceiptError):
    """What was given is no receipt of consent."""

    code = "not_a_receipt"
    says = 'This is no signed receipt: it does not begin with "usual-receipt-".'


class ReceiptVersionUnknown(ReceiptError):
    """Of another release than this one knows."""

    code = "receipt_version_unknown"
    says = "This receipt has a version that this release does not know. Use a newer release."


class ReceiptCut(ReceiptError):
    """A part of it is missing."""

    code = "receipt_cut"
    says = "The receipt is cut short: a part of it is missing. Copy it whole."


class ReceiptForged(ReceiptError):
    """It was altered after it was signed, or the key that it names did not sign it."""

    code = "receipt_forged"
    says = "The receipt was altered, or somebody else made it: the signature does not belong to its text."


class ReceiptForeign(ReceiptError):
    """Signed, if at all, by a key that is not among those at hand."""

    code = "receipt_foreign"
    what_to_do = "Give the public key of the installation that signed it."

    def __init__(self, key_id: str, known: Iterable[str], **extra: Any) -> None:
        listed = ", ".join(known) or "none"
        super().__init__(
            f"The receipt names the key {key_id}, which is not at hand ({listed}): another company or"
            " installation gave it, or it is forged.",
            **extra,
        )


class PublicKeyUnusable(ReceiptError):
    """What was given as a public key is none."""

    code = "public_key_unusable"
    says = "This is no public key of a receipt: `usual receipts key` prints one, 43 letters, digits, `-` and `_`."


class ReceiptKeysDamaged(ReceiptError):
    """The file with the signing keys cannot be read. Nobody gets a signed receipt until it is put back."""

    code = "receipt_keys_damaged"
    status = 503
    title = "Receipts cannot be signed"
    says = "The file `receipt-key` in the state folder cannot be read. Put back the last whole one."
