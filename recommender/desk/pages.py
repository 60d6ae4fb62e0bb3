"""/marketing: how good the suggestions are, what the offers earn, and which offers there are. A page for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, make_response, render_template
from flask_openapi3.blueprint import APIBlueprint

from plumbing.security.headers import page_headers


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the desk: one question."""

    path: str
    name: str  # in the navigation
    question: str
    template: str
    script: str


PAGES = (
    Page("/marketing", "Suggestions", "How good are the suggestions?", "marketing.html", "marketing.js"),
    Page("/marketing/offers", "What offers earn", "What do the offers earn?", "offers.html", "offers.js"),
    Page("/marketing/portfolio", "Offers", "Which offers are there?", "portfolio.html", "portfolio.js"),
)


def pages(api: APIBlueprint) -> None:
    """Serve the pages. They hold no figures: those come with the paired browser's key."""
    for page in PAGES:
        api.route(page.path, endpoint=f"page_{page.template.removesuffix('.html')}")(_served(page))


def _served(page: Page) -> Callable[[], Response]:
    def view() -> Response:
        links = [(one.path, one.name) for one in PAGES]
        body = render_template(
            f"recommender/{page.template}",
            title=page.name.lower(),
            question=page.question,
            script=page.script,
            pages=links,
            here=page.path,
        )
        response = make_response(body)
        response.headers.update(page_headers(camera=False))
        return response

    return view
