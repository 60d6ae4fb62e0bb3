"""/marketing: one page that says how good the suggestions are, trains them, and goes back."""

from __future__ import annotations

from flask import Response, make_response, render_template
from flask_openapi3 import APIBlueprint

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(api: APIBlueprint) -> None:
    """Serve the page. It holds no figures: those come with the paired browser's key."""

    @api.route("/marketing")
    def marketing() -> Response:
        response = make_response(render_template("recommender/marketing.html"))
        response.headers["Content-Security-Policy"] = CSP
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response
