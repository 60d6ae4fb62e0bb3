"""Errors that a caller can act on, and their reply as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, json
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from plumbing.http_problems import IN_WORDS, InvalidRequest, kind_of
from plumbing.problem import Problem
from plumbing.sentence import ended
from plumbing.wrong_fields import in_words

__all__ = ["BodyTooLarge", "Problem", "ProblemReply", "invalid_request", "register", "reply", "reply_to"]

ERRORS = "/docs/errors"
"""Where the catalogue of errors is: the `type` of a problem is the address of its code there."""
MOST_FIELDS = 20  # wrong fields that one reply names
MOST_LETTERS = 100  # of a name or a sentence in it that the caller chose


class BodyTooLarge(Problem):
    """More than the route takes; it was not read, or not looked at."""

    code = "body_too_large"
    status = 413
    title = "The body is too large"
    says = "Send less in one request. Nothing was stored."


class ProblemReply(BaseModel):
    """The body of every error reply."""

    type: str = Field(description="address of the page that explains the code")
    title: str
    status: int
    code: str = Field(description="stable: what a program compares")
    detail: str = Field(description="what happened, and what to do")


def reply(status: int, code: str, title: str, detail: str, extra: Mapping[str, Any] | None = None) -> Response:
    """A problem+json response. Never cached, never a traceback."""
    body = {"type": f"{ERRORS}/{code}", "title": title, "status": status, "code": code}
    body |= {"detail": detail} | dict(extra or {})
    response = Response(json.dumps(body), status=status, mimetype="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    return response


def reply_to(error: Problem) -> Response:
    """The response that says what `error` says."""
    response = reply(error.status, error.code, error.title, error.detail, error.extra)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def invalid_request(error: ValidationError) -> Response:
    """422 that names the first wrong fields; values are not echoed (they may be a face or a PIN)."""
    rows = error.errors(include_url=False, include_input=False, include_context=False)
    fields = [
        {
            "field": _cut(".".join(str(part) for part in row["loc"]) or "body"),
            "message": _cut(in_words(row), 3 * MOST_LETTERS),
        }
        for row in rows[:MOST_FIELDS]
    ]
    names = ", ".join(dict.fromkeys(f["field"] for f in fields))
    more = f" and {len(rows) - MOST_FIELDS} more" if len(rows) > MOST_FIELDS else ""
    first = ended(f"{fields[0]['field']}: {fields[0]['message']}")
    detail = f"Check these fields: {names}{more}. {first}" if len(rows) > 1 else first
    return reply_to(InvalidRequest(detail, fields=fields))


def _cut(text: str, most: int = MOST_LETTERS) -> str:
    """`text`, shortened: a caller may choose a name of a megabyte."""
    return text if len(text) <= most else text[: most - 1] + "…"


def register(app: Flask) -> None:
    """Answer every error of the application as a problem, unknown routes and bad JSON included."""
    app.register_error_handler(Problem, reply_to)
    app.register_error_handler(RequestEntityTooLarge, lambda _: reply_to(BodyTooLarge()))

    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        own = error.description if error.description != type(error).description else None
        detail = own or IN_WORDS.get(status) or error.description or error.name
        return reply(status, kind_of(status).code, error.name, detail)

    app.register_error_handler(HTTPException, http_error)
