"""Two people who save at once: the second one learns of the first one's change instead of undoing it.

A route that gives a document notes its tag (`note_tag`); a route that replaces it calls `require_unchanged` with
what is stored, inside the transaction that writes. A request without `If-Match` (a script) replaces what is there.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Response, g, request

from plumbing.problem import Problem


class ChangedMeanwhile(Problem):
    """The document is not the one that the caller has read."""

    code = "changed_meanwhile"
    status = 412
    title = "Somebody else changed this meanwhile"
    says = "Read it again, and send your change with the new tag."


def tag_of(document: Any) -> str:
    """The tag of a document (JSON): the same for the same content."""
    content = json.dumps(document, sort_keys=True, default=str)
    return f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'


def note_tag(document: Any) -> None:
    """The reply of this request carries the tag of `document`."""
    g.etag = tag_of(document)


def noted_tag() -> str:
    """The tag that the reply carries; empty for none."""
    return str(g.get("etag", ""))


def unchanged(document: Any) -> Response | None:
    """Note the tag of a document that is read; a reply without a body (304) where the caller has it already."""
    note_tag(document)
    known = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    return Response(status=304) if noted_tag() in known else None


def require_unchanged(stored: Any) -> None:
    """Raises ChangedMeanwhile when the request names another document in `If-Match` than the stored one."""
    expected = request.headers.get("If-Match")
    if expected not in (None, "*", tag_of(stored)):
        raise ChangedMeanwhile
