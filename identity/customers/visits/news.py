"""What a customer hears on their next visit: that the notice has changed, that their consent ends soon."""

from __future__ import annotations

from identity.consent.ledger import Standing
from identity.consent.notices import Notices
from identity.errors import NoticeError

NOTICE_CHANGED = "notice_changed"
ENDS_SOON = "consent_ends_soon"


def news_for(standing: Standing, notices: Notices) -> tuple[str, ...]:
    """The codes of what is new for a customer who was greeted. Costs one look at a file's date."""
    found = []
    if standing.given and standing.notice_version != _current(notices, standing.notice_version):
        found.append(NOTICE_CHANGED)
    if standing.reminder:
        found.append(ENDS_SOON)
    return tuple(found)


def _current(notices: Notices, otherwise: str) -> str:
    try:
        return notices.version()
    except (NoticeError, OSError):  # nobody can read it now; readiness says so
        return otherwise
