"""The routes of colleagues: who sees and changes whom, and what stands on record."""

from __future__ import annotations

from plumbing.access.changes import CHANGE
from plumbing.words import LANGUAGES
from tests.desk.conftest import Desk
from tests.plumbing.people.conftest import PASSWORD

PEOPLE = "/desk/v1/people"


def test_the_list_says_who_may_be_changed_and_which_roles_may_be_given(desk: Desk) -> None:
    ana = desk.joined("ana", "marketer")
    desk.joined("olga", "operator")
    desk.joined("other", "viewer", tenant="taxi")
    reply = ana.send("GET", PEOPLE).get_json()

    assert [(row["name"], row["may_change"], row["is_you"]) for row in reply["rows"]] == [
        ("ana", True, True),
        ("olga", False, False),
    ]
    assert reply["roles"] == ["viewer", "marketer"]
    assert reply["all_sites"]


def test_the_first_sentence_is_in_the_language_of_the_page(desk: Desk) -> None:
    ana = desk.joined("ana", "marketer")
    ana.send("POST", PEOPLE, {"name": "bob", "roles": ["viewer"]})
    said = [ana.send("GET", PEOPLE, headers={"Accept-Language": one}).get_json()["answer"] for one in LANGUAGES]

    assert said[0] == "One person can sign in, and one invitation waits."
    assert said[1] == "Eine Person kann sich anmelden, eine Einladung ist noch offen."
    assert said[2] == "1人がサインインできます。返事を待っている招待が1件あります。"


def test_of_one_site_a_person_sees_and_invites_people_of_that_site_only(desk: Desk) -> None:
    ana = desk.joined("ana", "marketer", sites=("market",))
    desk.joined("bob", "viewer", sites=("market", "station-marker"))
    carl = desk.joined("carl", "viewer", sites=("station-marker",))
    desk.access.create_key("grill", ["suggest"], device="till", site="station-marker")
    seen = ana.send("GET", PEOPLE)
    whom = carl.send("GET", "/desk/v1/own").get_json()["user_id"]

    assert [row["name"] for row in seen.get_json()["rows"]] == ["ana", "bob"]
    assert seen.get_json()["sites"] == ["market"]
    assert "station-marker" not in seen.text
    for sites in ([], ["station-marker"], ["market", "station-marker"]):
        body = {"name": "dora", "roles": ["viewer"], "sites": sites}
        assert ana.send("POST", PEOPLE, body).get_json()["code"] == "sites_refused"
    assert ana.send("DELETE", f"{PEOPLE}/{whom}").get_json()["code"] == "user_not_yours"
    assert ana.send("POST", PEOPLE, {"name": "dora", "roles": ["viewer"], "sites": ["market"]}).status_code == 201


def test_every_change_stands_on_record_without_names_or_secrets(desk: Desk) -> None:
    ana = desk.joined("ana", "marketer")
    who = ana.send("GET", "/desk/v1/own").get_json()["user_id"]
    invited = ana.send("POST", PEOPLE, {"name": "bob-example", "display": "Bob", "roles": ["viewer"]}).get_json()
    whom = invited["user_id"]
    another = ana.send("POST", f"{PEOPLE}/{whom}/link").get_json()
    ana.send("PUT", f"{PEOPLE}/{whom}", {"roles": ["marketer"], "sites": ["market"]})
    ana.send("DELETE", f"{PEOPLE}/{whom}")
    ana.send("POST", PEOPLE, {"name": "eve", "roles": ["operator"]})
    rows = [row for row in reversed(desk.access.record.latest("grill")) if row.kind == CHANGE]

    assert [(row.who, row.state) for row in rows] == [(f"user:{who}", "done")] * 4 + [(f"user:{who}", "refused")]
    assert (rows[2].earlier["roles"], rows[2].later["roles"]) == (["viewer"], ["marketer"])
    assert rows[4].why == "role_refused"
    for secret in ("bob-example", "Bob", invited["secret"], another["secret"], PASSWORD):
        assert secret not in repr(desk.access.record.latest("grill"))


def test_who_changes_themselves_goes_on_with_a_new_secret(desk: Desk) -> None:
    ana = desk.joined("ana", "marketer", "viewer")
    before, who = ana.secret(), ana.send("GET", "/desk/v1/own").get_json()["user_id"]
    assert ana.send("PUT", f"{PEOPLE}/{who}", {"roles": ["marketer"], "display": "Ana"}).status_code == 200

    assert ana.secret() != before
    assert desk.people.caller(before) is None
    assert ana.send("GET", "/desk/v1/own").get_json()["roles"] == ["marketer"]


def test_the_last_operator_cannot_be_removed_from_the_page(desk: Desk) -> None:
    ana = desk.joined("ana", "operator")
    who = ana.send("GET", "/desk/v1/own").get_json()["user_id"]

    assert ana.send("DELETE", f"{PEOPLE}/{who}").get_json()["code"] == "last_operator"
    assert ana.send("GET", "/desk/v1/own").status_code == 200


def test_wrong_input_is_named(desk: Desk) -> None:
    ana = desk.joined("ana", "marketer")
    for body, code in (
        ({"name": "ana", "roles": ["viewer"]}, "user_name_taken"),
        ({"name": "two words", "roles": ["viewer"]}, "user_name_refused"),
        ({"name": "bob", "roles": ["queen"]}, "role_refused"),
        ({"name": "bob", "roles": []}, "invalid_request"),
        ({"name": "bob", "roles": ["viewer"], "sites": [""]}, "sites_refused"),
        ({"name": "bob", "roles": ["viewer"], "admin": True}, "invalid_request"),
    ):
        assert ana.send("POST", PEOPLE, body).get_json()["code"] == code, body
    assert ana.send("DELETE", f"{PEOPLE}/0123456789abcdef").get_json()["code"] == "no_such_user"
    assert len(desk.people.users("grill")) == 1
