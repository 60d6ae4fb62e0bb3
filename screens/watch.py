"""The page around a kiosk or a taxi tablet that brings it back when it hangs or stays blank.

`GET /watch` holds the screen in a frame and looks at it. A page that computes without end stops everything of
its own origin, `/watch` too; so a second frame, `/watch/dog`, is sandboxed: it has no origin, a browser runs it in
a process of its own, and it can do one thing, lead the window to `/watch/restart`. That page is sandboxed as well:
the window changes to a new process for it, and the one that hangs is let go.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for

from plumbing.security.headers import EVERYWHERE, framed_by_own, framing_own, page_headers

FRAMED = ("kiosk", "taxi")
WITHOUT_ORIGIN = "sandbox allow-scripts allow-top-navigation"
"""May lead the window away, has no cookie, no store, no camera, and nobody's data."""
DOG_HEADERS = EVERYWHERE | {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'self'; {WITHOUT_ORIGIN}"
    ),
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Cache-Control": "no-store",
}
FOR_EVERYBODY = {"Cross-Origin-Resource-Policy": "cross-origin"}
"""Of what a page without an origin needs: a script without data, and an empty answer."""


def add_watch(pages: Blueprint) -> None:
    """Put the routes of the watch on the screens' blueprint, and let our own pages hold kiosk and taxi in a frame.

    To be called before other `after_request` functions are added: this one has the last word.
    """
    own = framing_own(page_headers(camera=True))
    # The frames inherit what this page may use; the taxi's asks for the position.
    allowed = own["Permissions-Policy"].replace("geolocation=()", "geolocation=(self)")

    @pages.get("/watch")
    def watch() -> Response:
        page = render_template("screens/watch.html")
        return Response(page, mimetype="text/html", headers={**own, "Permissions-Policy": allowed})

    @pages.get("/watch/dog")
    def watch_dog() -> Response:
        return Response(render_template("screens/dog.html"), mimetype="text/html", headers=dict(DOG_HEADERS))

    @pages.get("/watch/restart")
    def watch_restart() -> Response:
        # Only where to: what else the address held (a code of pairing) does not come back.
        page = render_template(
            "screens/restart.html", to=f"{url_for('.watch')}?{request.query_string.decode('latin-1')}"
        )
        return Response(page, mimetype="text/html", headers=dict(DOG_HEADERS))

    @pages.get("/watch/alive")
    def watch_alive() -> Response:
        return Response(status=204, headers={"Permissions-Policy": "camera=()", "Cache-Control": "no-store"})

    @pages.after_request
    def frames(response: Response) -> Response:
        endpoint = (request.endpoint or "").rpartition(".")[2]
        if endpoint in FRAMED:
            policy = response.headers["Content-Security-Policy"]
            response.headers["Content-Security-Policy"] = framed_by_own(policy)
        if endpoint == "watch_alive" or request.path.endswith(("/js/watch/dog.js", "/js/watch/restart.js")):
            response.headers.update(FOR_EVERYBODY)
        return response
