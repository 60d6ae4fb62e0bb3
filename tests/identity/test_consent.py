"""Consent: nothing is on unless it was ticked, and what happened is never changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from identity.config import PURPOSES, IdentityConfig
from identity.consent import notices
from identity.errors import AgeNotConfirmed, NoConsent, NoticeOutdated, UnknownPurpose

CONFIG = IdentityConfig(home=Path("unused"), token_keys=(Fernet.generate_key(),))
NOTICE = notices.shipped(CONFIG)
GOOD = {"notice_version": NOTICE.version, "age_confirmed": True}


def check(purposes: dict[str, bool], **changed: object) -> tuple[str, ...]:
    return notices.check_consent(purposes, notice=NOTICE, **(GOOD | changed))  # type: ignore[arg-type]


def test_only_what_was_ticked_is_agreed_to() -> None:
    assert check({"orders": True, "offers": False}) == ("orders",)
    assert check(dict.fromkeys(PURPOSES, True)) == PURPOSES


@pytest.mark.parametrize("purposes", [{}, {"orders": False}, dict.fromkeys(PURPOSES, False)])
def test_nothing_ticked_is_no_consent(purposes: dict[str, bool]) -> None:
    with pytest.raises(NoConsent):
        check(purposes)


def test_a_purpose_the_notice_does_not_name_is_refused_even_unticked() -> None:
    with pytest.raises(UnknownPurpose):
        check({"orders": True, "advertising": False})


def test_another_notice_than_the_one_in_force_is_refused() -> None:
    with pytest.raises(NoticeOutdated):
        check({"orders": True}, notice_version="2020-01")


@pytest.mark.parametrize("said", [False, None, "yes", 1])
def test_an_age_that_was_not_declared_is_refused(said: object) -> None:
    with pytest.raises(AgeNotConfirmed):
        check({"orders": True}, age_confirmed=said)
