"""The pages of the desk. They hold no figures: these come with the session of the person who signed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plumbing.security.headers import page_headers
from plumbing.words import LANGUAGES, Words, language_of

FOLDER = Path(__file__).parent
STATIC = "/desk/static"
STYLES = {
    "people": ("people",),
    "sign-in": ("people",),
    "trainings": ("trainings",),
    "scenes": ("scenes",),
    "experiments": ("experiments",),
    "offers": ("offers",),
    "settings": ("offers",),
    "operations": ("operations",),
    "customers": ("operations",),
}
"""Style sheets of a page beside the two of all pages."""

LANGUAGE_COOKIE = "usual_language"
WORDS = Words(FOLDER / "words")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: one question. `name` is its script, its words (`nav-NAME`, `question-NAME`) and its address."""

    name: str
    scope: str
    """Who may open it; the navigation shows the others nothing of it."""

    @property
    def path(self) -> str:
        return "/desk" if self.name == "overview" else f"/desk/{self.name}"


PAGES = (
    Page("overview", "view"),
    Page("suggestions", "view"),
    Page("scenes", "view"),
    Page("offers", "view"),
    Page("experiments", "view"),
    Page("data", "view"),
    Page("trainings", "view"),
    Page("customers", "privacy"),
    Page("operations", "operate"),
    Page("settings", "view"),
    Page("people", "view"),
    Page("record", "view"),
)
EARLIER = {
    "/marketing": "/desk/suggestions",
    "/marketing/offers": "/desk/offers",
    "/marketing/portfolio": "/desk/offers",
}
"""Addresses of earlier releases, and where their pages are."""


def build() -> Blueprint:
    """`GET /desk`, its pages, `GET /desk/sign-in` and their files under `/desk/static`."""
    pages = Blueprint(
        "desk",
        __name__,
        static_folder=str(FOLDER / "static"),
        static_url_path=STATIC,
        template_folder=str(FOLDER / "templates"),
    )
    for page in PAGES:
        pages.add_url_rule(page.path, f"page_{page.name}", _served(page))
    pages.add_url_rule("/desk/sign-in", "page_sign_in", _sign_in)
    for path, where in EARLIER.items():
        pages.add_url_rule(path, f"earlier{path.replace('/', '_')}", _moved(where))

    @pages.after_request
    def protect(response: Response) -> Response:
        response.headers.update(page_headers(camera=False))
        if response.mimetype != "text/html":
            response.headers["Cache-Control"] = "no-cache"  # checked each time, sent only when it has changed
        return response

    return pages


def page_language() -> str:
    """The language of a page: the one that was chosen on it, else the browser's."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES and "language" not in request.args else language_of(request)


def _served(page: Page) -> Callable[[], str]:
    return lambda: _render("desk/page.html", page.name)


def _sign_in() -> str:
    return _render("desk/sign_in.html", "sign-in")


def _moved(where: str) -> Callable[[], AnyResponse]:
    return lambda: redirect(where)


def _render(template: str, name: str) -> str:
    language = page_language()

    def t(message_id: str) -> str:
        return WORDS.text(language, message_id)

    return render_template(
        template,
        t=t,
        language=language,
        languages=LANGUAGES,
        pages=PAGES,
        name=name,
        words=WORDS.patterns(language),
        styles=("record", *STYLES.get(name, ())),
    )
