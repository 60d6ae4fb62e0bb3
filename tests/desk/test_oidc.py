"""OpenID Connect: in by a real local provider after an invitation; every token that is not good is refused."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask.testing import FlaskClient
from joserfc.jwk import OctKey, RSAKey
from oidc_provider_mock import User, run_server_in_thread
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError
from werkzeug.test import TestResponse

from plumbing.clock import system_clock
from plumbing.people.oidc import Provider
from plumbing.people.provider_errors import ProviderAway, ProviderRefused
from plumbing.settings import Config, WrongSetting
from tests.desk.liar_provider import CLIENT, SECRET, Liar, liar
from tests.desk.world import PASSWORD, Desk, open_desk

ADDRESSES = count(1)
BEGIN, CALLBACK = "/desk/v1/oidc/begin", "/desk/v1/oidc/callback"


@pytest.fixture(scope="module")
def provider() -> Iterator[Liar]:
    with liar() as opened:
        yield opened


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, provider: Liar) -> Iterator[Desk]:
    settings = {"oidc_issuer": provider.address, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    with open_desk(tmp_path_factory.mktemp("desk"), **settings, oidc_name="Grill accounts") as opened:
        yield opened


@pytest.fixture
def honest(provider: Liar) -> Liar:
    """The provider, telling the truth until the test says otherwise."""
    provider.claims, provider.description, provider.signs_with = {}, {}, None
    provider.algorithm, provider.moved_token = "RS256", False
    return provider


def browser(desk: Desk) -> FlaskClient:
    """A new browser at an address of its own: attempts are counted by address."""
    client = desk.app.test_client()
    client.environ_base = {**client.environ_base, "REMOTE_ADDR": f"10.0.{next(ADDRESSES)}.1"}
    return client


def way(
    desk: Desk, provider: Liar, *, subject: str = "ana", invitation: str = ""
) -> tuple[FlaskClient, TestResponse]:
    """Begin, go to the provider, come back."""
    client = browser(desk)
    begun = client.post(BEGIN, json={"invitation": invitation, "back": "/desk/record"})
    assert begun.status_code == 200, begun.text
    address = begun.get_json()["address"]
    code = provider.authorize(address, subject)
    state = parse_qs(urlsplit(address).query)["state"][0]
    return client, client.get(f"{CALLBACK}?code={code}&state={state}")


def signed_in(client: FlaskClient) -> dict[str, Any] | None:
    reply = client.get("/desk/v1/sessions/current", headers={"X-Usual-Page": "desk"})
    return reply.get_json() if reply.status_code == 200 else None


def test_in_by_invitation_and_then_without(house: Desk, honest: Liar) -> None:
    invitation = house.shared.people.invite("grill", "ana", ["marketer"])
    client, reply = way(house, honest, subject="ana-1", invitation=invitation)
    assert reply.status_code == 200, reply.text
    assert '<meta http-equiv="refresh" content="0; url=/desk/record">' in reply.text
    cookie = next(one for one in reply.headers.getlist("Set-Cookie") if one.startswith("usual_desk="))
    assert "SameSite=Strict" in cookie
    assert "HttpOnly" in cookie

    again, _ = way(house, honest, subject="ana-1")
    person = signed_in(again)
    assert person == signed_in(client)
    assert person is not None
    assert person["name"] == "ana"
    assert house.shared.access.record.latest("grill", 1)[0].subject == "signed_in"


def test_a_person_whom_nobody_invited_is_refused_with_a_sentence(house: Desk, honest: Liar) -> None:
    client, reply = way(house, honest, subject="stranger")

    assert reply.status_code == 403
    assert "Ask a colleague for an invitation" in reply.text
    assert signed_in(client) is None


def test_a_link_of_somebody_with_a_code_app_links_no_account(house: Desk, honest: Liar) -> None:
    """Whoever finds it has an account of the house, perhaps, and not the phone."""
    people = house.shared.people
    invitation = people.invite("grill", "careful", ["operator"])
    with house.shared.databases[0].write() as connection:
        connection.execute("UPDATE users SET totp = 'sealed' WHERE name = 'careful'")
    client, reply = way(house, honest, subject="finder", invitation=invitation)

    assert reply.status_code == 401
    assert signed_in(client) is None
    assert people.invited(invitation).name == "careful"


def test_an_invitation_works_once(house: Desk, honest: Liar) -> None:
    invitation = house.shared.people.invite("grill", "once", ["viewer"])
    way(house, honest, subject="first", invitation=invitation)
    client, reply = way(house, honest, subject="second", invitation=invitation)

    assert reply.status_code == 401
    assert signed_in(client) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another-client"], "azp": "another-client"},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": ""},
        {"sub": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(house: Desk, honest: Liar, claims: dict[str, Any]) -> None:
    honest.claims = claims
    client, reply = way(house, honest, subject="ana-1")

    assert reply.status_code == 403
    assert signed_in(client) is None


@pytest.mark.parametrize("how", ["another key", "shared secret", "none"])
def test_a_token_with_a_wrong_signature_is_refused(house: Desk, honest: Liar, how: str) -> None:
    if how == "another key":
        honest.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    else:
        honest.signs_with = OctKey.import_key(SECRET)
        honest.algorithm = "HS256" if how == "shared secret" else "none"
    client, reply = way(house, honest, subject="ana-1")

    assert reply.status_code == 403
    assert signed_in(client) is None


def test_a_clock_that_is_a_little_off_is_no_problem(house: Desk, honest: Liar) -> None:
    honest.claims = {"exp": int(time.time()) - 20, "iat": int(time.time()) + 20}
    _, reply = way(house, honest, subject="ana-1")

    assert "meta http-equiv" in reply.text


def test_a_way_back_that_another_browser_began_signs_nobody_in(house: Desk, honest: Liar) -> None:
    attacker, victim = browser(house), browser(house)
    address = attacker.post(BEGIN, json={}).get_json()["address"]
    victim.post(BEGIN, json={})
    state = parse_qs(urlsplit(address).query)["state"][0]
    for client in (victim, browser(house)):
        reply = client.get(f"{CALLBACK}?code={honest.authorize(address, 'ana-1')}&state={state}")
        assert reply.status_code == 403
        assert signed_in(client) is None


def test_the_code_of_somebody_else_is_refused(house: Desk, honest: Liar) -> None:
    """Another sign-in's code belongs to another verifier (PKCE)."""
    client = browser(house)
    stolen = honest.authorize(browser(house).post(BEGIN, json={}).get_json()["address"], "ana-1")
    address = client.post(BEGIN, json={}).get_json()["address"]
    reply = client.get(f"{CALLBACK}?code={stolen}&state={parse_qs(urlsplit(address).query)['state'][0]}")

    assert reply.status_code == 403


@pytest.mark.parametrize("query", ["", "error=access_denied", "code=x", "state=y", "code=x&state=y"])
def test_a_way_back_without_a_beginning_says_so(house: Desk, query: str) -> None:
    reply = browser(house).get(f"{CALLBACK}?{query}", headers={"Accept-Language": "de"})

    assert reply.status_code == 403
    assert "Zurück zur Anmeldung" in reply.text


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri", "authorization_endpoint"])
def test_no_other_host_is_called(honest: Liar, name: str) -> None:
    honest.description = {name: "http://127.0.0.1:9/steal"}
    made = Provider(Config(oidc_issuer=honest.address, oidc_client_id=CLIENT), lambda: 1_790_000_000_000_000)

    with pytest.raises(ProviderRefused, match="another host"):
        made._endpoint(name)


def test_a_redirect_of_the_provider_is_not_followed(house: Desk, honest: Liar) -> None:
    honest.moved_token = True
    _, reply = way(house, honest, subject="ana-1")

    assert reply.status_code == 403


def test_a_description_of_another_issuer_is_refused(honest: Liar) -> None:
    honest.description = {"issuer": "https://other.example"}
    made = Provider(Config(oidc_issuer=honest.address, oidc_client_id=CLIENT), lambda: 1_790_000_000_000_000)

    with pytest.raises(ProviderRefused):
        made.begin("http://localhost/back")


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/desk//evil.example", '/desk?"><script>']
)
def test_the_way_back_leads_to_a_page_of_the_desk(house: Desk, honest: Liar, back: str) -> None:
    client = browser(house)
    address = client.post(BEGIN, json={"back": back}).get_json()["address"]
    state = parse_qs(urlsplit(address).query)["state"][0]
    reply = client.get(f"{CALLBACK}?code={honest.authorize(address, 'ana-1')}&state={state}")

    assert 'url=/desk">' in reply.text


def test_domains_and_roles_of_the_provider_count(tmp_path: Path, honest: Liar) -> None:
    settings = {"oidc_issuer": honest.address, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    with open_desk(tmp_path, **settings, oidc_domains="grill.example", oidc_roles_claim="groups") as desk:
        invitation = desk.shared.people.invite("grill", "ana", ["viewer"])
        honest.claims = {"email": "ana@other.example", "groups": ["marketer"]}
        assert way(desk, honest, invitation=invitation)[1].status_code == 403
        honest.claims = {"email": "ana@grill.example", "email_verified": False, "groups": ["marketer"]}
        assert way(desk, honest, invitation=invitation)[1].status_code == 403
        honest.claims = {"groups": ["cooks"]}
        assert way(desk, honest, invitation=invitation)[1].status_code == 403
        honest.claims = {"groups": ["marketer", "cooks"]}
        client, reply = way(desk, honest, invitation=invitation)

        assert reply.status_code == 200, reply.text
        person = signed_in(client)
        assert person is not None
        assert person["roles"] == ["marketer"]


def test_without_the_provider_the_password_works_where_it_may(tmp_path: Path) -> None:
    away = {"oidc_issuer": "http://localhost:9", "oidc_client_id": CLIENT}
    with open_desk(tmp_path / "both", **away) as desk:
        desk.person("ana", password=PASSWORD)
        client = browser(desk)
        begun = client.post(BEGIN, json={})
        assert (begun.status_code, begun.get_json()["code"]) == (503, "provider_away")
        assert client.post("/desk/v1/sessions", json={"name": "ana", "password": PASSWORD}).status_code == 200
    with open_desk(tmp_path / "one", **away, passwords="off") as desk:
        refused = browser(desk).post("/desk/v1/sessions", json={"name": "ana", "password": PASSWORD})
        assert (refused.status_code, refused.get_json()["code"]) == (403, "passwords_off")
        assert browser(desk).get("/desk/v1/oidc").get_json()["passwords"] is False


def test_a_guests_request_asks_no_provider(house: Desk, honest: Liar) -> None:
    before = list(honest.asked)
    key = house.shared.access.create_key("grill", ["suggest"])
    browser(house).get("/recommender/v1/items", headers={"X-API-Key": key})
    browser(house).get("/desk/sign-in")

    assert honest.asked == before


@pytest.mark.parametrize(
    "settings",
    [
        {"oidc_issuer": "http://accounts.example", "oidc_client_id": CLIENT},
        {"oidc_issuer": "https://accounts.example"},
        {
            "oidc_issuer": "https://accounts.example",
            "oidc_client_id": CLIENT,
            "oidc_client_secret_file": Path("/no"),
        },
    ],
    ids=str,
)
def test_a_wrong_setting_is_named(settings: dict[str, Any]) -> None:
    with pytest.raises(WrongSetting, match="USUAL_OIDC"):
        Provider(Config(**settings), lambda: 0)


def test_the_library_is_imported_only_where_a_provider_is_set_up() -> None:
    code = "import app, desk.oidc, plumbing.cli, sys; assert 'authlib' not in sys.modules, 'imported'"

    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_in_by_a_real_provider(tmp_path: Path) -> None:
    """`oidc-provider-mock`: another implementation, with its own keys and its own page."""
    with run_server_in_thread(
        require_nonce=True, user_claims=[User(sub="ana", claims={"email": "a@b.test"})]
    ) as server:
        issuer = f"http://localhost:{server.server_port}"
        settings = {"oidc_issuer": issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
        with open_desk(tmp_path, **settings) as desk:
            client = browser(desk)
            invitation = desk.shared.people.invite("grill", "ana", ["viewer"])
            address = client.post(BEGIN, json={"invitation": invitation}).get_json()["address"]
            back = requests.post(address, data={"sub": "ana"}, allow_redirects=False, timeout=5).headers[
                "Location"
            ]
            reply = client.get(f"{CALLBACK}?{urlsplit(back).query}")

            assert reply.status_code == 200, reply.text
            assert signed_in(client)


def test_a_provider_that_stops_in_the_middle_of_a_reply_is_away(
    honest: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its description is read as it comes, and what fails there has errors of its own."""

    def stalled(reply: HTTPResponse, *parts: object, **more: object) -> bytes:
        raise ProtocolError("Connection broken")

    config = Config(oidc_issuer=honest.address, oidc_client_id=CLIENT, oidc_client_secret=SECRET)
    monkeypatch.setattr(HTTPResponse, "read", stalled)
    with pytest.raises(ProviderAway):
        Provider(config, system_clock).begin("http://localhost")


def test_roles_that_the_provider_changes_stand_in_the_record(
    tmp_path_factory: pytest.TempPathFactory, honest: Liar
) -> None:
    """Once for each change, with what was before and after; a sign-in with the same roles is no change."""
    settings = {"oidc_issuer": honest.address, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    with open_desk(tmp_path_factory.mktemp("roles"), **settings, oidc_roles_claim="groups") as desk:
        invitation = desk.shared.people.invite("grill", "ana", ["viewer"])
        honest.claims = {"groups": ["viewer", "chess"]}
        way(desk, honest, subject="ana-2", invitation=invitation)
        record = desk.shared.access.record
        assert [row for row in record.latest("grill") if row.who.startswith("provider:")] == []
        honest.claims = {"groups": ["operator", "marketer"]}
        client, _ = way(desk, honest, subject="ana-2")
        way(desk, honest, subject="ana-2")

        person = signed_in(client)
        assert person is not None
        assert person["roles"] == ["marketer", "operator"]
        rows = [row for row in record.latest("grill") if row.who.startswith("provider:")]
        assert [(row.who, row.state, row.subject) for row in rows] == [
            ("provider:localhost", "done", f"user {person['user_id']}")
        ]
        assert (rows[0].earlier, rows[0].later) == ({"roles": ["viewer"]}, {"roles": ["marketer", "operator"]})
        assert rows[0].number > 0


def ended(client: FlaskClient) -> str:
    """Sign out; where the browser goes then."""
    headers = {"X-Usual-Page": "desk"}
    assert client.delete("/desk/v1/sessions/current", headers=headers).status_code == 204
    reply = client.post("/desk/v1/oidc/end", headers=headers)
    assert reply.status_code == 200, reply.text
    return str(reply.get_json()["address"])


def test_signing_out_ends_the_session_with_the_provider_too(
    tmp_path_factory: pytest.TempPathFactory, honest: Liar
) -> None:
    """Where it has a page for that, and signed this browser in; no token and no name is sent along."""
    honest.description = {"end_session_endpoint": honest.address + "/end"}
    settings = {"oidc_issuer": honest.address, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    with open_desk(tmp_path_factory.mktemp("end"), **settings) as desk:
        invitation = desk.shared.people.invite("grill", "leaves", ["viewer"])
        client, _ = way(desk, honest, subject="leaves", invitation=invitation)

        address = urlsplit(ended(client))

        assert f"{address.scheme}://{address.netloc}{address.path}" == honest.address + "/end"
        asked = parse_qs(address.query)
        assert asked == {"client_id": [CLIENT], "post_logout_redirect_uri": ["http://localhost/desk/sign-in"]}
        assert signed_in(client) is None
        assert client.post("/desk/v1/oidc/end").get_json() == {"address": ""}


@pytest.mark.parametrize(
    ("said", "setting"),
    [
        ({}, "on"),
        ({"end_session_endpoint": "https://elsewhere.example/end"}, "on"),
        ({"end_session_endpoint": ""}, "off"),
    ],
    ids=["it has none", "at another host", "the house does not want it"],
)
def test_signing_out_here_is_enough(
    tmp_path_factory: pytest.TempPathFactory, honest: Liar, said: dict[str, str], setting: str
) -> None:
    honest.description = {name: value or honest.address + "/end" for name, value in said.items()}
    settings = {"oidc_issuer": honest.address, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    with open_desk(tmp_path_factory.mktemp("out"), **settings, oidc_sign_out=setting) as desk:
        invitation = desk.shared.people.invite("grill", "ana", ["viewer"])
        client, _ = way(desk, honest, subject="ana-3", invitation=invitation)

        assert ended(client) == ""
        assert signed_in(client) is None


def test_who_signed_in_with_a_password_is_not_sent_to_the_provider(house: Desk, honest: Liar) -> None:
    assert ended(browser(house)) == ""
