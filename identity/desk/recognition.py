"""For the operator: the engine pack, its thresholds and their promise, decisions so far, erasures that wait."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from identity.engines.manifests import Pack
from identity.matching.matcher import Matcher, Matchers
from identity.matching.paths import Agreement
from identity.service import IdentityService
from plumbing.words import Message


def recognition_of(service: IdentityService, matchers: Matchers, tenant: str) -> dict[str, Any]:
    """The body of GET /identity/v1/desk/recognition, without its sentence."""
    erasures = service.erasures
    return {
        "packs": [_pack_row(matcher, tenant) for matcher in matchers],
        "promise": service.config.promise,
        "liveness": service.passive is not None,
        "erasures_overdue": erasures.overdue(),
        "erasures_open": len([one for one in erasures.receipts.all(only_open=True) if one.tenant == tenant]),
    }


def sentence(rows: Mapping[str, Any]) -> Message:
    """The answer to "is recognition well?"."""
    if not any(pack["threshold"] is not None for pack in rows["packs"]):
        return Message.of("recognition-nobody")
    if rows["erasures_overdue"]:
        return Message.of("recognition-overdue", n=rows["erasures_overdue"])
    if any(pack["grade"] == "demo" for pack in rows["packs"]):
        return Message.of("recognition-demo", pack=rows["packs"][0]["pack"])
    return Message.of("recognition-well", share=100 * rows["promise"])


def of_path(agreement: Agreement) -> Message:
    """The answer to "are customers recognised at once when a device sends the other thing?"."""
    return Message.of(f"recognition-path-{agreement}")


def digest_of(pack: Pack) -> str:
    """One hash of a pack: over the hashes of its files, by role."""
    lines = sorted(f"{file.role} {file.name} {file.sha256}" for file in pack.files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _pack_row(matcher: Matcher, tenant: str) -> dict[str, Any]:
    pack, thresholds = matcher.pack, matcher.thresholds
    sizes = [state.size for owner, name, state in matcher.galleries.stored() if (owner, name) == (tenant, pack.id)]
    calibration = thresholds.current(tenant, sum(sizes))
    return {
        "pack": pack.id,
        "vendor": pack.vendor,
        "licence": pack.licence,
        "grade": pack.grade,
        "sha256": digest_of(pack),
        "gallery": sum(sizes),
        "threshold": None if calibration is None else calibration.threshold,
        "own_cohort": thresholds.has_cohort(tenant),
    }
