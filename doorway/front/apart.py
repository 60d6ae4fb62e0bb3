"""The pages that need both halves, in a process that serves one: each says where it lives."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from plumbing.problem import Problem

PAGES = ("/kiosk", "/taxi", "/driver", "/me")


class HalfAlone(Problem):
    """This page needs both halves in one process, and this process serves one of them."""

    code = "half_alone"
    status = 404
    title = "This page needs both halves"
    what_to_do = (
        "Open it where `usual serve` runs without --only (USUAL_ONLY). An API client uses the halves apart."
    )


def build(half: str) -> Blueprint:
    """The pages, of the process that serves `half`."""
    apart = Blueprint("apart", __name__, template_folder="templates")

    def page() -> Response:
        if request.accept_mimetypes.best_match(["application/json", "text/html"]) != "text/html":
            raise HalfAlone(f"{request.path} is not here: this process serves {half} alone.")
        return Response(render_template("front/apart.html", half=half, path=request.path), HalfAlone.status)

    for path in PAGES:
        apart.add_url_rule(path, endpoint=path.strip("/"), view_func=page)
    return apart
