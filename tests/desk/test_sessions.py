"""Signing in over HTTP: cookies, one-time links, foreign pages, sessions that somebody else ended."""

from __future__ import annotations

import pyotp
import pytest

from plumbing.access.changes import CHANGE
from plumbing.clock import HOUR, SECOND
from plumbing.people.people import ABSOLUTE_US
from tests.desk.conftest import PAGE, Desk
from tests.plumbing.people.conftest import PASSWORD

CURRENT = "/desk/v1/sessions/current"


def test_invite_a_colleague_who_signs_in_and_out(desk: Desk) -> None:
    ana = desk.joined("ana", "marketer")
    invited = ana.send(
        "POST", "/desk/v1/people", {"name": "Bob@Example.org", "display": "Bob", "roles": ["viewer"]}
    )
    body = invited.get_json()
    bob = desk.browser()
    look = bob.send("POST", "/desk/v1/invitations/look", {"secret": body["secret"]})
    accepted = bob.send("POST", "/desk/v1/invitations/accept", {"secret": body["secret"], "password": PASSWORD})

    assert invited.status_code == 201
    assert body["link"] == f"/desk/sign-in#invitation={body['secret']}"
    assert look.get_json() == {"name": "bob@example.org", "display": "Bob", "is_new": True, "code_app": False}
    assert accepted.get_json()["scopes"] == ["view"]
    assert bob.send("GET", "/recommender/v1/models").status_code in (200, 403)
    assert bob.send("GET", "/desk/v1/people").status_code == 403
    assert bob.send("DELETE", CURRENT).status_code == 204
    assert bob.send("GET", CURRENT).status_code == 401
    assert bob.sign_in("BOB@example.org").status_code == 200
    assert bob.send("GET", CURRENT).get_json()["display"] == "Bob"


def test_the_cookie_of_a_session_is_out_of_reach_of_scripts_and_of_other_sites(desk: Desk) -> None:
    desk.joined("ana", "viewer")
    reply = desk.browser().sign_in("ana")
    made = next(one for one in reply.headers.getlist("Set-Cookie") if one.startswith("usual_desk="))

    for words in ("HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={ABSOLUTE_US // SECOND}"):
        assert words in made
    assert "Domain" not in made
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.elsewhere.example"},
    ],
    ids=str,
)
def test_a_foreign_page_neither_changes_anything_nor_signs_anybody_in(desk: Desk, headers: dict[str, str]) -> None:
    ana = desk.joined("ana", "operator")
    for method, path, body in (
        ("POST", "/desk/v1/people", {"name": "mallory", "roles": ["operator"]}),
        ("DELETE", "/desk/v1/own/sessions", None),
        ("DELETE", CURRENT, None),
        ("POST", "/desk/v1/sessions", {"name": "ana", "password": PASSWORD}),
        ("POST", "/desk/v1/invitations/accept", {"secret": "12345678", "password": PASSWORD}),
    ):
        reply = ana.send(method, path, body, headers=headers)
        assert (reply.status_code, reply.get_json()["code"]) == (403, "foreign_page"), path
        assert "Set-Cookie" not in reply.headers
    assert ana.send("GET", CURRENT).status_code == 200
    assert len(desk.people.users("grill")) == 1


def test_a_page_of_this_server_is_no_foreign_one_and_a_cookie_without_the_header_opens_nothing(desk: Desk) -> None:
    ana = desk.joined("ana", "operator")
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}):
        assert (
            ana.send("POST", "/desk/v1/sessions", {"name": "ana", "password": PASSWORD}, headers).status_code
            == 200
        )
    assert ana.client.get(CURRENT).status_code == 401
    assert ana.client.delete("/desk/v1/own/sessions").status_code == 401


def test_signing_in_gives_a_new_secret_and_ends_the_one_before(desk: Desk) -> None:
    ana = desk.joined("ana", "viewer")
    before = ana.secret()
    ana.sign_in("ana")

    assert ana.secret() != before
    assert desk.people.caller(before) is None


def test_a_user_who_was_removed_while_signed_in_is_told_so(desk: Desk) -> None:
    ana, bob = desk.joined("ana", "marketer"), desk.joined("bob", "marketer")
    whom = bob.send("GET", CURRENT).get_json()["user_id"]
    assert ana.send("DELETE", f"/desk/v1/people/{whom}").status_code == 204
    for method, path in (("GET", "/recommender/v1/models"), ("POST", "/recommender/v1/models/orders/train")):
        reply = bob.send(method, path)
        assert (reply.status_code, reply.get_json()["code"]) == (401, "user_removed")
        assert "removed" in reply.get_json()["title"]
    assert bob.sign_in("bob").get_json()["code"] == "sign_in_refused"
    changes = [row.subject for row in desk.access.record.latest("grill") if row.kind == CHANGE]
    assert changes == [f"user {whom}"]


def test_why_a_session_ended_is_said(desk: Desk) -> None:
    ana, bob = desk.joined("ana", "operator", "marketer"), desk.joined("bob", "marketer")
    whom = bob.send("GET", CURRENT).get_json()["user_id"]
    ana.send("PUT", f"/desk/v1/people/{whom}", {"roles": ["viewer"]})
    assert bob.send("GET", CURRENT).get_json()["code"] == "rights_changed"
    bob.sign_in("bob")
    desk.people.reset("grill", whom)
    assert bob.send("GET", CURRENT).get_json()["code"] == "signed_out_elsewhere"
    bob.sign_in("bob")
    desk.clock.ahead_us += 3 * HOUR
    assert bob.send("GET", CURRENT).get_json()["code"] == "session_ended"


def test_a_browser_keeps_a_mark_that_says_nothing_and_keeps_it_open_while_others_guess(desk: Desk) -> None:
    ana = desk.joined("ana", "viewer")
    assert "ana" not in ana.secret("usual_known")
    for number in range(31):
        other = {"REMOTE_ADDR": f"10.0.0.{number}"}
        desk.browser().send("POST", "/desk/v1/sessions", {"name": "ana", "password": "x"}, environ_overrides=other)
    assert ana.sign_in("ana").status_code == 200
    paused = desk.browser().sign_in("ana")
    assert (paused.status_code, paused.get_json()["code"]) == (429, "sign_in_paused")
    assert 0 < int(paused.headers["Retry-After"]) <= 3600


def test_a_code_app_is_set_up_and_asked_for(desk: Desk) -> None:
    ana, elsewhere = desk.joined("ana", "viewer"), desk.browser()
    elsewhere.sign_in("ana")
    offer = ana.send("POST", "/desk/v1/own/code-app", {"password": PASSWORD}).get_json()
    app = pyotp.parse_uri(offer["address"])
    assert isinstance(app, pyotp.TOTP)
    before = ana.secret()
    done = ana.send(
        "PUT", "/desk/v1/own/code-app", {"sealed": offer["sealed"], "code": app.at(desk.clock() // SECOND)}
    )
    codes = done.get_json()["recovery_codes"]

    assert offer["qr"].startswith("data:image/svg+xml")
    assert (app.name, app.issuer) == ("ana", "Usual")
    assert ana.secret() != before
    assert elsewhere.send("GET", CURRENT).status_code == 401
    assert ana.send("GET", "/desk/v1/own").get_json()["recovery_codes_left"] == 10
    assert elsewhere.sign_in("ana").get_json()["code"] == "code_needed"
    assert elsewhere.sign_in("ana", code=codes[0]).status_code == 200
    off = {"password": PASSWORD, "code": codes[1]}
    wrong = ana.send("POST", "/desk/v1/own/code-app/off", off | {"password": "not the password"})
    assert (wrong.status_code, wrong.get_json()["code"]) == (403, "not_proven")
    assert ana.send("POST", "/desk/v1/own/code-app/off", off).status_code == 204
    assert desk.browser().sign_in("ana").status_code == 200


def test_a_new_password_signs_the_other_browsers_out(desk: Desk) -> None:
    ana, elsewhere = desk.joined("ana", "viewer"), desk.browser()
    elsewhere.sign_in("ana")
    body = {"password": PASSWORD, "new_password": "four words that differ"}
    assert ana.send("PUT", "/desk/v1/own/password", body | {"new_password": "short"}).status_code == 422
    assert ana.send("PUT", "/desk/v1/own/password", body).status_code == 204

    assert ana.send("GET", CURRENT).status_code == 200
    assert elsewhere.send("GET", CURRENT).get_json()["code"] == "signed_out_elsewhere"


def test_a_person_sees_where_they_are_signed_in_and_ends_it(desk: Desk) -> None:
    ana, elsewhere = desk.joined("ana", "viewer"), desk.browser()
    elsewhere.send(
        "POST",
        "/desk/v1/sessions",
        {"name": "ana", "password": PASSWORD},
        headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0) AppleWebKit/605 Version/26 Safari/604"},
    )
    rows = ana.send("GET", "/desk/v1/own").get_json()["sessions"]
    other = next(row for row in rows if not row["current"])

    assert other["browser"] == "Safari, iPhone"
    assert ana.send("DELETE", f"/desk/v1/own/sessions/{other['session_id']}").status_code == 204
    assert elsewhere.send("GET", CURRENT).status_code == 401
    everywhere = ana.send("DELETE", "/desk/v1/own/sessions")
    assert everywhere.status_code == 204
    assert ana.secret() == ""


def test_a_key_has_neither_password_nor_session(desk: Desk) -> None:
    key = desk.access.create_key("grill", ["view", "people"])
    client, header = desk.app.test_client(), {"X-API-Key": key}

    assert client.get("/desk/v1/own", headers=header).get_json()["code"] == "person_needed"
    assert client.get("/desk/v1/people", headers=header).status_code == 200
    assert (
        client.post("/desk/v1/people", headers=header, json={"name": "x", "roles": ["operator"]}).status_code
        == 403
    )
    assert client.get(CURRENT, headers=header | PAGE).get_json()["scopes"] == ["people", "view"]
