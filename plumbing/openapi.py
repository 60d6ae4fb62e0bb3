"""The application object, and its description with how to sign in.

What is said of an operation is declared at its route (plumbing/door.py) and completed in plumbing/describing.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from plumbing import problem_json
from plumbing.demands import PICTURES
from plumbing.describing.later import DescribedApp
from plumbing.json_limits import LimitedJSON
from plumbing.security import headers as security_headers

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
        "description": "The opaque token of a customer, recognised or signed in on their own page."
        " Leave it out for a guest.",
    },
}


def new_app(title: str, description: str) -> OpenAPI:
    """An application that answers every error as problem+json and documents itself under /docs."""
    app = DescribedApp(
        title.lower(),
        info=Info(title=title, version="1", description=description),
        doc_prefix="/docs",
        validation_error_model=problem_json.ProblemReply,
        validation_error_callback=problem_json.invalid_request,
        security_schemes=SECURITY,
        static_folder=None,
    )
    app.config["MAX_CONTENT_LENGTH"] = PICTURES.most_bytes  # a route may take less: see plumbing/demands.py
    app.json = LimitedJSON(app)
    problem_json.register(app)
    security_headers.register(app)
    return app


def publish(app: OpenAPI) -> None:
    """Serve the description at /openapi.json, made at the first request."""

    @app.route("/openapi.json")
    def openapi_json() -> Response:
        return jsonify(app.api_doc)
