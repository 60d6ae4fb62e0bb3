"""Pages that anybody may read: the policy, from the settings that are active, and the sign to print for a site.

They need no key, hold nothing about anybody and load nothing: style is inside.
"""

from __future__ import annotations

import re

from flask import Blueprint, Flask, Response, render_template, request
from markupsafe import Markup

from identity.config import IdentityConfig
from identity.consent.notices import DEFAULT_LANGUAGE, Notice, Notices, shipped
from identity.consent.policy import LANGUAGES, Facts, PackFacts, facts_of, policy
from identity.consent.qr import qr_svg
from identity.engines.manifests import load_pack
from identity.errors import LanguageUnknown, NoticeAltered, PackError

PATH = "/policy"
NAMES = {"en": "English", "de": "Deutsch", "ja": "日本語"}
MOST_SITE = 80  # characters of a site's name
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._\[\]:-]{1,200}(/[A-Za-z0-9._~/-]{0,100})?")


def blueprint(config: IdentityConfig, least_people: int) -> Blueprint:
    """`GET /policy?language=`; left out, the language that the browser asks for. `least_people` stand behind what
    everybody sees. Works also while recognition does not."""
    pages = Blueprint("policy", __name__, template_folder="templates")

    @pages.get(PATH)
    def show() -> Response:
        accepted = request.accept_languages.best_match(LANGUAGES, DEFAULT_LANGUAGE)
        language = request.args.get("language") or accepted or DEFAULT_LANGUAGE
        response = Response(
            policy_page(live_facts(config, language, least_people), language), mimetype="text/html"
        )
        response.headers["Cache-Control"] = "no-cache"  # it follows the settings
        response.headers["Vary"] = "Accept-Language"
        return response

    return pages


def live_facts(config: IdentityConfig, language: str, least_people: int, place: str | None = None) -> Facts:
    """What is true now, in words of `language`. Raises LanguageUnknown."""
    if language not in LANGUAGES:
        raise LanguageUnknown(language, LANGUAGES)
    return facts_of(config, _notice(config, language, place), packs_of(config), least_people)


def _notice(config: IdentityConfig, language: str, place: str | None) -> Notice:
    try:
        return Notices.of(config).current(language, place)
    except NoticeAltered:  # nobody joins now; who is here already still reads the policy
        return shipped(config, language, place)


def packs_of(config: IdentityConfig) -> list[PackFacts]:
    """The engine pack in use; none when it is not known or not accepted."""
    try:
        pack = load_pack(config.pack)
    except PackError:
        return []
    files = [(file.name, file.licence, file.sha256) for file in pack.files]
    return [PackFacts(pack.id, pack.vendor, pack.licence, pack.grade, files)]


def policy_page(facts: Facts, language: str) -> str:
    """The policy as HTML, for a request."""
    return render_template("identity/policy.html", text=policy(facts, language), languages=NAMES.items())


def printed_policy(facts: Facts, language: str) -> str:
    """The same for a command."""
    with _for_a_command().app_context():
        return policy_page(facts, language)


def _for_a_command() -> Flask:
    """A command has no application."""
    return Flask(__name__, template_folder="templates")


def sign_page(config: IdentityConfig, *, site: str, language: str, place: str | None = None, address: str) -> str:
    """The sign of a site, as HTML for one sheet of A4. `address` is where phones reach the server.

    Raises LanguageUnknown; ValueError: a name or address that cannot be printed.
    """
    site = " ".join(site.split())
    if not 1 <= len(site) <= MOST_SITE or not site.isprintable():
        raise ValueError(f"the name of a site has 1 to {MOST_SITE} letters")
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"{address[:80]!r} is no address such as https://usual.example")
    facts = live_facts(config, language, 0, place)
    link = f"{address.rstrip('/')}{PATH}?language={language}"
    text = policy(facts, language)
    qr = Markup(qr_svg(link, label=text.words["sign_policy"]))  # noqa: S704 - made by the library, of a checked link
    with _for_a_command().app_context():
        return render_template("identity/sign.html", text=text, site=site, notice=facts.notice, link=link, qr=qr)
