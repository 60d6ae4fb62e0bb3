"""The pages in front of people. They hold no data: whatever they show they fetch, with a paired cookie."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, render_template

STATIC = "/screens/static"

# One host, no inline code, no inline style, no plug-in, nobody's frame; text never becomes HTML (trusted types).
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), display-capture=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # A page that is left leaves nothing, also not in the browser's list of pages to go back to.
    "Cache-Control": "no-store",
}


def build(*, currency: str = "EUR", idle_seconds: float = 60.0) -> Blueprint:
    """`GET /kiosk`, `GET /taxi` and their files under `/screens/static`.

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

    @pages.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        if response.mimetype != "text/html":
            response.headers["Cache-Control"] = "no-cache"  # checked each time, sent only when it has changed
        return response

    return pages
