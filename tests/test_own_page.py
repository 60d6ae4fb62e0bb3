"""A customer's own page in the whole house: one file from both halves, its schema, and `usual access`."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

import app
from identity.errors import CustomerLeft
from recommender.service import RecommenderService
from recommender.tokens import Claims, read
from tests.journey import Place
from tests.plumbing.liars import as_json, http, peer

PIN = "2580"
DISHES = [{"item_id": "soup", "name": "Soup of the day", "price": 450}]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, engine_cache: Path) -> Place:
    place = Place(tmp_path_factory.mktemp("home"), engine_cache)
    assert place.send("POST", "/recommender/v1/items", {"rows": DISHES}).status_code == 200
    return place


def joined(place: Place, pin: str = PIN, **purposes: bool) -> str:
    """The code of a customer who joined without a face, and has it in hand."""
    notice = place.send("GET", "/identity/v1/notice").get_json()
    consent = {
        "purposes": purposes or {"orders": True},
        "notice_version": notice["version"],
        "age_confirmed": True,
    }
    body = {"way": "code", "pin": pin, "consent": consent}
    made = place.send("POST", "/identity/v1/enrolments", body)
    assert made.status_code == 201, made.text
    receipt = str(made.get_json()["receipt"])
    assert place.send("PUT", f"/identity/v1/enrolments/{receipt}/confirmed").status_code == 204
    return receipt


def visit(place: Place, receipt: str) -> str:
    """Order a soup, recognised by code and PIN; the id of the event."""
    seen = place.send("POST", "/identity/v1/recognitions/by-code", {"receipt": receipt, "pin": PIN}).get_json()
    moment = datetime.fromtimestamp(place.clock() / 1e6, UTC).isoformat()
    event = {"event_id": uuid.uuid4().hex, "type": "ordered", "item_id": "soup", "occurred_at": moment}
    headers = {"Authorization": f"Bearer {seen['token']}"}
    assert place.send("POST", "/recommender/v1/events", {"events": [event]}, **headers).status_code == 201
    return event["event_id"]


def from_phone(place: Place, method: str, path: str, token: str = "", body: Any = None) -> TestResponse:
    """A request without an API key."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return place.app.test_client().open(path, method=method, json=body, headers=headers)


def signed_in(place: Place, receipt: str) -> str:
    reply = from_phone(place, "POST", "/identity/v1/me/sessions", body={"receipt": receipt, "pin": PIN})
    assert reply.status_code == 200, reply.text
    return str(reply.get_json()["token"])


def access(place: Place, receipt: str, *more: str, tenant: str = "mill") -> Result:
    words = ["access", "--home", str(place.home), "--tenant", tenant, receipt, *more]
    return CliRunner().invoke(app.assemble(), words)


def test_one_file_has_what_both_halves_hold_and_fits_its_schema(place: Place) -> None:
    receipt = joined(place)
    event_id = visit(place, receipt)
    schema = from_phone(place, "GET", "/v1/me/schema").get_json()
    held = from_phone(place, "GET", "/v1/me", signed_in(place, receipt)).get_json()

    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(held)
    assert held["format"] == schema["$id"] == "usual-export-1"
    assert held["identity"]["purposes"]["orders"] is True
    assert [event["event_id"] for event in held["recommender"]["events"]] == [event_id]
    assert {one["item_id"] for one in held["recommender"]["why"]} == {"soup"}


def test_what_was_not_theirs_is_gone_and_suggested_from_no_more(place: Place) -> None:
    receipt = joined(place)
    event_id, token = visit(place, receipt), signed_in(place, receipt)
    removed = from_phone(place, "DELETE", f"/recommender/v1/me/events/{event_id}", token).get_json()

    assert removed["removed"] is True
    assert from_phone(place, "GET", "/v1/me", token).get_json()["recommender"]["events"] == []


def test_who_takes_the_consent_to_the_tie_back_is_not_tied_any_more(place: Place) -> None:
    """At once, by the screen's tokens and the page's, whether or not the page unties as well."""
    receipt = joined(place)
    first = signed_in(place, receipt)
    version = from_phone(place, "GET", "/identity/v1/me/notice?language=en", first).get_json()["version"]

    def agree(token: str, agreed: bool) -> str:
        body = {"purposes": {"account": agreed}, "notice_version": version, "language": "en"}
        reply = from_phone(place, "PUT", "/identity/v1/me/purposes", token, body)
        return str(reply.get_json()["token"])

    def tie(token: str) -> int:
        code = place.send("POST", "/recommender/v1/accounts/card-17/link-codes").get_json()["link_code"]
        return from_phone(place, "POST", "/recommender/v1/me/account", token, {"link_code": code}).status_code

    def purposes_at_the_screen() -> tuple[str, ...]:
        seen = place.send("POST", "/identity/v1/recognitions/by-code", {"receipt": receipt, "pin": PIN}).get_json()
        return read(place.identity.config.token_keys, seen["token"]).purposes

    tied = agree(first, True)
    assert tie(tied) == 200
    assert "account" in purposes_at_the_screen()
    after = agree(tied, False)

    assert "account" not in purposes_at_the_screen()
    assert (tie(tied), tie(after)) == (401, 403)


def test_leaving_on_the_page_erases_in_both_halves_at_once(place: Place) -> None:
    receipt = joined(place)
    visit(place, receipt)
    token = signed_in(place, receipt)
    gone = from_phone(place, "DELETE", "/identity/v1/me", token).get_json()

    assert (gone["forgotten"], gone["everywhere"]) == (True, True)
    for path in ("/v1/me", "/identity/v1/me", "/recommender/v1/me"):
        assert from_phone(place, "GET", path, token).status_code in (401, 410)


def test_access_writes_the_same_file_and_the_customer_sees_that_it_did(place: Place, tmp_path: Path) -> None:
    receipt = joined(place)
    event_id = visit(place, receipt)
    before = place.identity.audit.count("mill", "access", "by_staff")
    result = access(place, receipt, "--out", str(tmp_path / "answer.json"))
    answer = json.loads((tmp_path / "answer.json").read_text())
    own = from_phone(place, "GET", "/v1/me", signed_in(place, receipt)).get_json()

    assert result.exit_code == 0, result.output
    assert (tmp_path / "answer.json").stat().st_mode & 0o777 == 0o600
    assert answer["format"] == "usual-export-1"
    assert [event["event_id"] for event in answer["recommender"]["events"]] == [event_id]
    same = ("purposes", "consent_records", "notice", "face", "last_visit", "kept_until")
    assert {name: answer["identity"][name] for name in same} == {name: own["identity"][name] for name in same}
    assert place.identity.audit.count("mill", "access", "by_staff") == before + 1
    assert event_id not in result.output


def test_a_code_of_nobody_of_another_tenant_or_with_a_mistake_is_named_and_writes_nothing(
    place: Place, tmp_path: Path
) -> None:
    receipt = joined(place)
    gone = joined(place)
    place.send("DELETE", f"/identity/v1/enrolments/{gone}")
    sign = "3" if receipt[0] != "3" else "4"
    out = ("--out", str(tmp_path / "answer.json"))
    results = [
        access(place, gone, *out),
        access(place, receipt, *out, tenant="cab"),
        access(place, sign + receipt[1:], *out),
    ]

    assert [result.exit_code for result in results] == [1, 1, 1]
    assert "receipt" in results[0].output.lower()
    assert results[0].output == results[1].output  # whether another tenant has it is nobody's business
    assert results[2].output != results[0].output
    assert list(tmp_path.iterdir()) == []


def test_access_asks_the_recommenders_own_process_and_half_a_file_is_none(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lies in identity's own folder, what is held is where USUAL_RECOMMENDER_URL says."""
    receipt = joined(place)
    event_id = visit(place, receipt)
    theirs = from_phone(place, "GET", "/recommender/v1/me", signed_in(place, receipt)).get_json()
    theirs["events"][0]["site"] = "over there"
    for name, answer in (("there", as_json(theirs)), ("html", http(b"<html>ok</html>")), ("other", as_json({}))):
        with peer(lambda request, answer=answer: answer) as (url, _):  # type: ignore[misc]
            monkeypatch.setenv("USUAL_RECOMMENDER_URL", url)
            result = access(place, receipt, "--out", str(tmp_path / name))
        assert (result.exit_code, (tmp_path / name).exists()) == ((0, True) if name == "there" else (1, False))

    answer = json.loads((tmp_path / "there").read_text())["recommender"]
    assert [(event["event_id"], event["site"]) for event in answer["events"]] == [(event_id, "over there")]


def test_an_answer_that_cannot_be_written_is_one_line(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = access(place, joined(place), "--out", str(tmp_path / "file" / "answer.json"))

    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert result.output.startswith("Error: ")


def test_who_opts_out_while_the_file_is_made_gets_none_and_the_error_says_so(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = joined(place)
    own_data = RecommenderService.own_data

    def meanwhile(self: RecommenderService, claims: Claims) -> Any:
        place.send("DELETE", f"/identity/v1/enrolments/{receipt}")
        return own_data(self, claims)

    monkeypatch.setattr(RecommenderService, "own_data", meanwhile)
    result = access(place, receipt, "--out", str(tmp_path / "answer.json"))

    assert result.exit_code == 1
    assert CustomerLeft().detail in result.output
    assert list(tmp_path.iterdir()) == []
