"""Errors of engine packs, keys and calibrations: everybody is a guest until an operator has fixed it."""

from __future__ import annotations

from identity.errors.base import IdentityError


class PackError(IdentityError):
    """An engine pack that is missing, altered or foreign."""

    code = "bad_pack"
    status = 503
    title = "Recognition is not available"
    what_to_do = (
        "Guests are served meanwhile. An operator runs `usual models check`, and fetches the pack again if it"
        " says so."
    )


class UnknownPack(PackError):
    """No manifest has this name."""

    code = "unknown_pack"
    what_to_do = "Name one of the packs that `usual models list` shows."


class PackMissing(PackError):
    """A file of the pack is not there."""

    code = "pack_missing"


class PackAltered(PackError):
    """A file of the pack is not the one that its manifest pins."""

    code = "pack_altered"


class PackDenied(PackError):
    """The pack's vendor or licence is not accepted."""

    code = "pack_denied"


class FetchFailed(PackError):
    """A file could not be fetched; nothing was stored."""

    code = "fetch_failed"


class ManifestUnfit(PackError):
    """The manifest asks for something that its engine does not do."""

    code = "manifest_unfit"
    what_to_do = "Mend the manifest as the reply says."


class TooFewScores(IdentityError, ValueError):
    """A measurement of too few people: a threshold made of it would be noise."""

    code = "too_few_scores"
    status = 422
    title = "Too few people for a figure"
    what_to_do = "Measure with more people."


class VaultError(IdentityError):
    """Keys and what they seal."""

    status = 503
    title = "Recognition is not available"


class KeyDestroyed(VaultError):
    """The key is gone for good: what it sealed is erased, wherever a copy may lie."""

    code = "key_destroyed"
    says = "The key was destroyed."


class SealBroken(VaultError):
    """Sealed bytes that were altered, or that belong to another owner."""

    code = "seal_broken"
    says = "Sealed data was altered or belongs to another owner."


class KeyFileDamaged(VaultError):
    """The key file cannot be read with the master keys at hand."""

    code = "key_file_damaged"
    what_to_do = "Put the key file back from its own backup; without it no template can be read."

    def __init__(self, reason: str) -> None:
        super().__init__(f"The key file cannot be used: {reason}.")


class StorageFull(VaultError):
    """No room for another customer. Erasing still works: it overwrites in place."""

    code = "storage_full"
    status = 507
    title = "There is no room left"
    says = "Nothing was stored. Make room on the disk and try again."


class VectorInvalid(VaultError):
    """An engine gave a vector that is zero, not finite or of another size."""

    code = "vector_invalid"
    says = "The engine gave no usable vector. Check the pack with `usual models check`."


class NotCalibrated(VaultError):
    """The pack ships no figures, and none were measured here: no threshold can be made."""

    code = "not_calibrated"
    says = "This pack has no calibration here yet. Run `usual calibrate`."


class ErasureReceiptForged(IdentityError):
    """What should be the receipt of an erasure was not signed by this installation, or is a part of one."""

    code = "erasure_receipt_forged"
    status = 422
    title = "This receipt is not one of this installation"
    says = "Its signature does not fit its content. Was it cut, or made elsewhere?"


class ErasureReceiptUnknown(IdentityError):
    """No erasure has this number, and there is no such file."""

    code = "erasure_receipt_unknown"
    status = 404
    title = "There is no such receipt"
    says = "Give the number of an erasure (`usual erasures list`), or the file that the customer brings."


class PeerUnknown(IdentityError):
    """A message between the halves without their signature."""

    code = "peer_unknown"
    security_event = "peer_refused"
    status = 401
    title = "This is a message between our own processes"
    says = "It is not signed with the keys of tokens."
