"""The public policy page and the sign: HTML that follows the settings and can be harmed by none of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from identity.config import IdentityConfig
from identity.web.pages import blueprint, sign_page
from plumbing import problem_json
from plumbing.security import headers

ADDRESS = "https://usual.example"


@pytest.fixture
def config(tmp_path: Path) -> IdentityConfig:
    return IdentityConfig(
        home=tmp_path,
        token_keys=(b"unused",),
        organisation="Nudel <script>alert(1)</script>",
        contact='"><img src=x>',
    )


def client_of(config: IdentityConfig) -> FlaskClient:
    app = Flask(__name__)
    problem_json.register(app)
    headers.register(app)
    app.register_blueprint(blueprint(config, 12))
    return app.test_client()


@pytest.mark.parametrize(("language", "title"), [("en", "our policy"), ("de", "Datenschutz"), ("ja", "ポリシー")])
def test_anybody_reads_the_policy_in_their_language(config: IdentityConfig, language: str, title: str) -> None:
    client = client_of(config)
    for page in (
        client.get(f"/policy?language={language}"),
        client.get("/policy", headers={"Accept-Language": f"xx, {language};q=0.9"}),
    ):
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        assert title in page.text
        assert page.text.count("<h2 id=") == 9


def test_settings_are_text_on_the_page(config: IdentityConfig) -> None:
    page = client_of(config).get("/policy")
    assert "Nudel &lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script" not in page.text
    assert "<img" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self' 'sha256-")
    assert page.headers["Cache-Control"] == "no-cache"


def test_a_language_that_does_not_exist_is_named_with_those_that_do(config: IdentityConfig) -> None:
    reply = client_of(config).get("/policy?language=fr")
    assert (reply.status_code, reply.get_json()["code"]) == (404, "language_unknown")
    assert reply.get_json()["languages"] == ["de", "en", "ja"]


def test_it_is_there_while_nobody_can_join_and_without_a_pack(config: IdentityConfig) -> None:
    client = client_of(replace(config, pack="no such pack"))
    client.get("/policy")
    (config.home / "notices" / "published.json").write_text("{}")
    assert client.get("/policy").status_code == 200


def test_it_changes_with_the_settings(config: IdentityConfig) -> None:
    assert "7 Monate" in client_of(replace(config, retention_months=7)).get("/policy?language=de").text
    assert "at least 12 different people" in client_of(config).get("/policy").text


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_the_sign_names_the_camera_the_controller_and_the_policy(config: IdentityConfig, language: str) -> None:
    known = replace(config, organisation="Nudelhaus", contact="dpo@nudelhaus.example")
    page = sign_page(known, site="Market <b> Street", language=language, address=ADDRESS)

    for said in (
        "Nudelhaus",
        "dpo@nudelhaus.example",
        f"{ADDRESS}/policy?language={language}",
        "Market &lt;b&gt;",
    ):
        assert said in page
    camera = {
        "en": "It runs only after a person presses",
        "de": "nachdem jemand den Knopf",
        "ja": "ボタンが押された後",
    }
    assert camera[language] in page
    assert page.count("<svg") == 2
    assert "@page { size: A4" in page
    assert "src=" not in page, "it loads nothing"
    assert "<b>" not in page


@pytest.mark.parametrize("site", ["", " ", "x" * 81, "a\0b"])
def test_a_site_whose_name_cannot_be_printed(config: IdentityConfig, site: str) -> None:
    with pytest.raises(ValueError, match="name of a site"):
        sign_page(config, site=site, language="en", address=ADDRESS)


@pytest.mark.parametrize(
    "address", ["", "usual.example", "javascript:alert(1)", "https://", 'https://a"b', "https://a b"]
)
def test_an_address_that_is_none(config: IdentityConfig, address: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        sign_page(config, site="Market", language="en", address=address)
