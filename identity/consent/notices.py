"""The notice: what a customer reads before they decide, and the check that what they sent answers it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from identity.config import PURPOSES, IdentityConfig
from identity.errors import AgeNotConfirmed, NoConsent, NoticeOutdated, UnknownPurpose

NOTICE_VERSION = "2026-11"  # must change when the text below does (a test holds its hash)

PURPOSE_TEXTS = {
    "orders": "Suggest what I usually order, and what I might like.",
    "offers": "Pick the offers that suit me. Prices and offers are the same for everybody.",
    "destinations": "Suggest places I ride to. They are shown only after my PIN.",
}

NOTICE = """\
May {organisation} recognise your face when you press the button?

What happens. When you press, and only then, the camera takes one to five pictures. They are turned into a list of
numbers, the template, and are thrown away. The template is kept encrypted, under a key of your own. When you press
again, it tells us that you are back, so that we can suggest what you like.

What for. You choose for each of these on its own; each is off until you tick it:
{purposes}

What we do not do. We keep no picture. We do not guess your age, sex, origin, mood or health. We do not look for
people, and nobody else gets your template. Your prices are everybody's prices.

How long. Until you opt out, or {retention_months} months after your last visit.

Your right to stop. Press "Forget me", or show your receipt code: template and key are destroyed at once. You need
no reason. Without a face you get the same menu, the same prices and the same offers.

Who may. You are {minimum_age} or older.
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a customer reads before they decide. `sha256` is of the text as it was shown."""

    version: str
    text: str
    sha256: str
    retention_months: int
    minimum_age: int


def notice_of(config: IdentityConfig) -> Notice:
    """The notice in force, as the configuration makes it."""
    text = NOTICE.format(
        organisation=config.organisation,
        purposes="\n".join(f"* {PURPOSE_TEXTS[name]}" for name in PURPOSES),
        retention_months=config.retention_months,
        minimum_age=config.minimum_age,
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Notice(NOTICE_VERSION, text, digest, config.retention_months, config.minimum_age)


def check_consent(
    purposes: Mapping[str, bool], *, notice_version: str, age_confirmed: bool, notice: Notice
) -> tuple[str, ...]:
    """The purposes that were agreed to. Called before any picture is decoded.

    Raises UnknownPurpose, NoConsent, NoticeOutdated or AgeNotConfirmed.
    """
    if set(purposes) - set(PURPOSES):
        raise UnknownPurpose
    given = tuple(name for name in PURPOSES if purposes.get(name) is True)
    if not given:
        raise NoConsent
    if notice_version != notice.version:
        raise NoticeOutdated
    if age_confirmed is not True:
        raise AgeNotConfirmed
    return given
