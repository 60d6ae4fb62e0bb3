"""The error codes that every operation of a kind can answer: what the door and the gate refuse.

What a route's own work refuses stands at the route (`errors=`). A code is a text here, so that a route imports no
class of another room; tests compare them with the catalogue.
"""

from __future__ import annotations

from collections.abc import Collection

ALWAYS = ("database_busy", "database_away", "head_refused", "internal_server_error", "overloaded")
CHANGES = ("disk_full", "refused_by_database")
WITH_KEY = ("key_refused", "scope_missing", "tombstones_unusable")
OF_PEOPLE = (
    "session_ended",
    "user_removed",
    "rights_changed",
    "signed_out_elsewhere",
    "site_refused",
    "site_needed",
)
"""Of somebody who is signed in at the desk, in place of a key."""
CHANGE_BY_COOKIE = ("foreign_page",)
WITH_BODY = ("bad_request", "body_too_large", "body_too_slow", "length_required", "unsupported_media_type")
WITH_FIELDS = ("invalid_request", "text_unusable")
ONCE = ("idempotency_conflict", "idempotency_key_unusable", "request_in_progress")
LIMITED = ("too_many_requests",)
APPROVED = ("nobody_to_approve", "proposal_too_large", "too_many_proposals", "two_people_needed")
WITH_TOKEN = (
    "closed_tokens_unusable",
    "erased",
    "identity_silent",
    "purpose_not_given",
    "second_factor_required",
    "token_altered",
    "token_expired",
    "token_foreign",
    "token_refused",
)
"""Of an operation that takes a customer's token."""
OWN = ("sign_in_needed", "customer_left", *WITH_TOKEN)
"""Of an operation of a customer's own page."""


def codes_of(
    method: str,
    *,
    scopes: Collection[str] | None,
    token: bool,
    limited: bool,
    approval: bool,
    body: bool,
    fields: bool,
) -> set[str]:
    """What the door and the gate can answer to an operation of this kind."""
    found = {*ALWAYS}
    changes = method != "GET"
    keyed = scopes is not None
    for holds, codes in (
        (changes, CHANGES),
        (keyed, WITH_KEY + OF_PEOPLE),
        (changes, CHANGE_BY_COOKIE),
        (body, WITH_BODY),
        (body or fields, WITH_FIELDS),
        (keyed and method == "POST", ONCE),
        (limited, LIMITED),
        (approval, APPROVED),
        (token, WITH_TOKEN if keyed else OWN),
    ):
        if holds:
            found.update(codes)
    return found
