"""What a route says about itself in the description of the API, beyond what the framework reads from models."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Any

from plumbing.describing.codes import codes_of
from plumbing.describing.deprecation import Deprecation
from plumbing.describing.finish import CODES, SUNSET


def described_as(
    method: str,
    work: Callable[..., object],
    *,
    scopes: tuple[str, ...] | None,
    token: bool,
    limited: bool,
    approval: bool,
    errors: Collection[str],
    deprecated: Deprecation | None,
) -> dict[str, Any]:
    """What flask-openapi3 takes: the operation's id, text, security and extensions. `work` is its function."""
    text = " ".join((inspect.getdoc(work) or "").split())
    parts = inspect.signature(work).parameters
    codes = codes_of(
        method,
        scopes=scopes,
        token=token,
        limited=limited,
        approval=approval,
        body="body" in parts,
        fields="query" in parts or "path" in parts,
    )
    extensions: dict[str, Any] = {CODES: sorted(codes | set(errors))}
    if deprecated is not None:
        text += f"\n\n{deprecated.sentence}"
        extensions[SUNSET] = deprecated.sunset.isoformat()
    return {
        "operation_id": work.__name__,
        "description": text,
        "security": _security(scopes, token),
        "deprecated": deprecated is not None or None,
        "openapi_extensions": extensions,
    }


def _security(scopes: tuple[str, ...] | None, token: bool) -> list[dict[str, list[str]]]:
    """The route's security as OpenAPI 3.1 says it: alternatives, the roles of a key being its scopes."""
    if scopes is None:
        return [{"token": []}] if token else []
    key = {"api_key": list(scopes)}
    return [key | {"token": []}, key] if token else [key]
