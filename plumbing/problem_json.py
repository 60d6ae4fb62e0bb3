"""Errors that a caller can act on, and their reply as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException

from plumbing.problem import Problem

__all__ = ["Problem", "ProblemReply", "invalid_request", "register", "reply", "reply_to"]


class ProblemReply(BaseModel):
    """The body of every error reply."""

    type: str
    title: str
    status: int
    code: str
    detail: str


def reply(status: int, code: str, title: str, detail: str, extra: Mapping[str, Any] | None = None) -> Response:
    """A problem+json response. Never cached, never a traceback."""
    body = {"type": f"urn:usual:problem:{code}", "title": title, "status": status, "code": code}
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
    """422 that names every wrong field; the values themselves are not echoed (they may be a face or a PIN)."""
    fields = [
        {"field": ".".join(str(part) for part in row["loc"]) or "body", "message": row["msg"]}
        for row in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    names = ", ".join(dict.fromkeys(f["field"] for f in fields))
    detail = f"Check these fields: {names}."
    return reply(422, "invalid_request", "The request is not valid", detail, {"fields": fields})


def register(app: Flask) -> None:
    """Answer every error of the application as a problem, unknown routes and bad JSON included."""
    app.register_error_handler(Problem, reply_to)

    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        code = HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
        return reply(status, code, error.name, error.description or error.name)

    app.register_error_handler(HTTPException, http_error)
