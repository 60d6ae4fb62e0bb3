"""The pages in front of people. They hold no data: whatever they show they fetch, with a paired cookie."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, render_template

from plumbing.security.headers import page_headers

STATIC = "/screens/static"

HEADERS = page_headers(camera=True)
OWN_PAGE_HEADERS = page_headers(camera=False)
"""Of the customer's own page: it never takes a picture."""


def build(*, currency: str = "EUR", idle_seconds: float = 60.0) -> Blueprint:
    """`GET /kiosk`, `GET /taxi`, `GET /me` and their files under `/screens/static`.

    Args:
        currency: ISO 4217, for showing the catalogue's prices (minor units).
        idle_seconds: after so long without a touch a screen forgets its visit.

    Raises:
        ValueError: a currency that is no ISO code, or no time at all.
    """
    if len(currency) != 3 or not currency.isalpha() or not currency.isupper():
        raise ValueError(f"currency must be an ISO 4217 code such as EUR, not {currency!r}")
    if not idle_seconds > 0:
        raise ValueError(f"idle_seconds must be above 0, not {idle_seconds}")
    folder = Path(__file__).parent
    pages = Blueprint(
        "screens",
        __name__,
        static_folder=str(folder / "static"),
        static_url_path=STATIC,
        template_folder=str(folder / "templates"),
    )

    @pages.get("/kiosk")
    def kiosk() -> str:
        return render_template("screens/kiosk.html", currency=currency, idle_seconds=idle_seconds)

    @pages.get("/taxi")
    def taxi() -> str:
        return render_template("screens/taxi.html", currency=currency, idle_seconds=idle_seconds)

    @pages.get("/me")
    def me() -> Response:
        response = Response(render_template("screens/me.html"), mimetype="text/html")
        response.headers.update(OWN_PAGE_HEADERS)
        return response

    @pages.after_request
    def protect(response: Response) -> Response:
        if "Permissions-Policy" not in response.headers:
            response.headers.update(HEADERS)
        if response.mimetype != "text/html":
            response.headers["Cache-Control"] = "no-cache"  # checked each time, sent only when it has changed
        return response

    return pages
