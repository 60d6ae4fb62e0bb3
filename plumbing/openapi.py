"""What the generated description lacks: how to sign in, and that every error is a problem+json."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from flask_openapi3 import OpenAPI

from plumbing.problem_json import ProblemReply

SECURITY: dict[str, Any] = {
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key with scopes (`usual keys create`). Paired pages send a cookie instead.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "The opaque token of a recognised customer. Leave it out for a guest.",
    },
}
OPEN_ROUTES = ("/health/live", "/health/ready", "/v1/pairings")
"""Routes that need no key."""


def publish(app: OpenAPI) -> None:
    """Serve the finished description at /openapi.json; call it after the last route was registered."""
    description = _finish(app.api_doc)

    @app.route("/openapi.json")
    def openapi_json() -> Response:
        return jsonify(description)


def _finish(description: dict[str, Any]) -> dict[str, Any]:
    problem = {
        "description": "A problem: `code` is stable, `detail` says what happened and what to do",
        "content": {
            "application/problem+json": {"schema": {"$ref": f"#/components/schemas/{ProblemReply.__name__}"}}
        },
    }
    for path, operations in description["paths"].items():
        for operation in operations.values():
            # Its route describes a success; whatever else comes back is a problem. Readiness has a 503 of its own.
            kept = ("200", "503") if path == "/health/ready" else ("200", "201", "202", "204")
            operation["responses"] = {s: r for s, r in operation["responses"].items() if s in kept}
            operation["responses"]["default"] = problem
            if path not in OPEN_ROUTES:
                bearer = "/recommender/v1/suggestions" in path or path.endswith(("/events", "/erasures"))
                operation["security"] = [{"api_key": [], "token": []}] if bearer else []
                operation["security"].append({"api_key": []})
    return description
