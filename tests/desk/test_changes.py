"""Everything that changes something stands in the record: who, when, what, before and after."""

from __future__ import annotations

import ast
import csv
import inspect
import io
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyotp
import pytest
from flask import Flask

from app import create_app
from desk.record_words import answer_of
from doorway.dialects.compreface.refused import REFUSED
from plumbing.access.changes import Change
from plumbing.clock import DAY, HOUR, MINUTE, SECOND
from plumbing.demands import Demand, demand_of
from plumbing.settings import Config
from plumbing.storage.database import DatabaseBusy
from tests import postgres
from tests.desk.world import PASSWORD, TENANT, Desk, Person, open_desk
from tests.engines import TEMPLATE

CUSTOMER = "a customer's own act: PRIVACY.md keeps who did what out of every list of staff"
TILL = "an event of a till or a screen: the log of events is where it stands"
PRESS = "a press at a screen: nothing of the installation changes"
HALVES = "a signed message between our own processes"
LISTENED = "a row comes from the security log (`plumbing/access/heard.py`)"
RIDE = "a ride between a tablet and its driver's screen: it is forgotten with the ride, so no list keeps it"
REPLY = "begins a sign-in, changes nothing: the sign-in itself has a row"
TRIED = "what one would see: nothing is stored, changed or learned from"

WITHOUT_DOOR_ROW = {
    "/identity/v1/enrolments": CUSTOMER,
    "/identity/v1/enrolments/<receipt>": CUSTOMER,
    "/identity/v1/enrolments/<receipt>/confirmed": CUSTOMER,
    "/identity/v1/enrolments/<receipt>/face": CUSTOMER,
    "/identity/v1/enrolments/<receipt>/pin": CUSTOMER,
    "/identity/v1/me": CUSTOMER,
    "/identity/v1/me/face": CUSTOMER,
    "/identity/v1/me/not-me": CUSTOMER,
    "/identity/v1/me/pause": CUSTOMER,
    "/identity/v1/me/pin": CUSTOMER,
    "/identity/v1/me/purposes": CUSTOMER,
    "/identity/v1/me/sessions": CUSTOMER,
    "/identity/v1/opt-outs": CUSTOMER,
    "/identity/v1/not-me": CUSTOMER,
    "/identity/v1/not-me/permanent": CUSTOMER,
    "/recommender/v1/me/account": CUSTOMER,
    "/recommender/v1/me/events/<event_id>": CUSTOMER,
    "/recommender/v1/accounts/<account>/link-codes": CUSTOMER,
    "/identity/v1/presses": PRESS,
    "/identity/v1/recognitions": PRESS,
    "/identity/v1/recognitions/by-code": PRESS,
    "/identity/v1/tokens/raise": PRESS,
    "/v1/visits": PRESS,
    "/v1/visits/by-code": PRESS,
    "/recommender/v1/events": TILL,
    "/recommender/v1/heartbeats": HALVES,
    "/recommender/v1/erasures/waiting": HALVES,
    "/v1/edge/questions": HALVES,
    "/v1/edge/pairings": LISTENED,
    "/v1/pairings": LISTENED,
    "/desk/v1/sessions": LISTENED,
    "/desk/v1/sessions/current": LISTENED,
    "/desk/v1/invitations/accept": LISTENED,
    "/desk/v1/own/password": LISTENED,
    "/desk/v1/own/code-app": LISTENED,  # PUT; POST only offers what the app is set up with
    "/desk/v1/own/code-app/off": LISTENED,
    "/desk/v1/own/sessions": LISTENED,
    "/desk/v1/own/sessions/<session_id>": LISTENED,
    "/recommender/v1/desk/preview": TRIED,
    "/recommender/v1/desk/rules/check": TRIED,
    "/desk/v1/invitations/look": REPLY,
    "/v1/screen/calls": PRESS,
    "/v1/ride": RIDE,
    "/v1/driver/ride": RIDE,
    "/v1/driver/ride/accepted": RIDE,
    "/api/feedback": TILL,
    "/api/feedback/<user_id>/<item_id>": CUSTOMER,
    "/api/session/recommend": TRIED,
    "/api/user": TRIED,
    "/api/users": TRIED,
    "/api/v1/recognition/recognize": PRESS,
    "/api/v1/recognition/subjects/<subject>": CUSTOMER,
    **{one.path: "only refuses, and says why" for one in REFUSED if "<subject>" not in one.path},
    "/desk/v1/oidc/begin": REPLY,
    "/api/square/<peer_id>": "orders and refunds of a till, signed by Square: they are events, not settings",
    "/api/toast/<peer_id>": "orders and redemptions of a till, with Toast's key: they are events, not settings",
    "/desk/v1/oidc/end": "says where the provider ends its session: the signing out before it has a row",
}
"""Routes that change something, or seem to, without a row by the door; each with its reason."""

OFFER = {"offer_id": "lunch", "name": "Lunch", "text": "A free cola", "items": ["cola"], "status": "paused"}
DISH = {"item_id": "cola", "name": "Cola", "category": "drinks", "price": 300}
PLACE = {"item_id": "home", "name": "Elm Street 4", "lat": 52.52, "lon": 13.4}
V1 = "/recommender/v1"
OWN = "/desk/v1/own"
EXAMPLES: tuple[tuple[str, str, Any, str], ...] = (
    ("PUT", f"{V1}/items/cola", DISH, "the dish cola"),
    ("PUT", f"{V1}/items/cola", DISH | {"price": 320}, "the dish cola"),
    ("POST", f"{V1}/items", {"rows": [DISH]}, "several dishes"),
    ("PUT", f"{V1}/places/home", PLACE, "the place home"),
    ("POST", f"{V1}/places", {"rows": [PLACE | {"lat": 52.5}]}, "several places"),
    ("DELETE", f"{V1}/places/home", None, "the place home"),
    ("PUT", f"{V1}/offers/lunch", OFFER, "the offer lunch"),
    ("POST", f"{V1}/offers", {"rows": [OFFER | {"name": "Lunch for two"}]}, "several offers"),
    ("DELETE", f"{V1}/offers/lunch", None, "the offer lunch"),
    ("PUT", f"{V1}/desk/settings", {"nag_days": 9}, "the settings offers"),
    ("PUT", f"{V1}/desk/sharing", {"least_people": 12}, "the number of people behind what everybody sees"),
    ("DELETE", f"{V1}/items/cola", None, "the dish cola"),
    ("PUT", "/desk/v1/four-eyes", {"kinds": []}, "what needs a second person"),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("desk")) as opened:
        yield opened


@pytest.fixture(scope="module")
def ana(desk: Desk) -> Person:
    return desk.person("ana")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application of both halves."""
    return create_app(Config(home=tmp_path_factory.mktemp("whole")))


def changing(app: Flask) -> list[tuple[str, str, Demand | None]]:
    """Method, rule and demand of every route that is no GET, of all blueprints."""
    return [
        (method, rule.rule, demand_of(app, rule.endpoint))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"})
    ]


def test_every_route_that_changes_something_has_a_row_or_a_reason(whole: Flask) -> None:
    routes = changing(whole)
    without = {rule for _, rule, demand in routes if demand is None or not demand.records}

    assert len(routes) > 50
    assert without - set(WITHOUT_DOOR_ROW) == set()
    assert {rule for _, rule, demand in routes if demand and demand.records} & set(WITHOUT_DOOR_ROW) == set()


def calls(wanted: str, work: Callable[..., object], seen: frozenset[str] = frozenset()) -> bool:
    """Whether a function, or a function or method of its own module that it calls, calls `wanted`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(work)))
    names = {
        node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    if wanted in names:
        return True
    closure = inspect.getclosurevars(work)
    module = inspect.getmodule(work)
    near = {**closure.globals, **closure.nonlocals}
    for _, kind in inspect.getmembers(module, inspect.isclass):
        if kind.__module__ == work.__module__:
            near = dict(inspect.getmembers(kind, inspect.isfunction)) | near
    found = [near[name] for name in sorted(names - seen) if inspect.isfunction(near.get(name))]
    return any(calls(wanted, one, seen | names) for one in found if one.__module__ == work.__module__)


def test_every_administrative_route_says_what_it_changes(whole: Flask) -> None:
    silent = [
        f"{method} {rule}"
        for method, rule, demand in changing(whole)
        if demand is not None and demand.records and demand.work and not calls("note_change", demand.work)
    ]
    assert silent == []


def test_every_document_that_is_read_and_replaced_has_a_tag(whole: Flask) -> None:
    def does(wanted: str, endpoint: str) -> bool:
        demand = demand_of(whole, endpoint)
        return bool(demand and demand.work and calls(wanted, demand.work))

    rules = {
        (method, rule.rule): rule.endpoint for rule in whole.url_map.iter_rules() for method in rule.methods or ()
    }
    both = [path for method, path in rules if method == "PUT" and ("GET", path) in rules]
    own = [path for path in both if not path.startswith(("/identity", "/api/"))]  # of dialects GET only refuses

    assert len(own) >= 6
    for path in own:
        assert does("note_tag", rules["GET", path]), f"GET {path}"
        assert does("require_unchanged", rules["PUT", path]), f"PUT {path}"


@pytest.mark.parametrize(("method", "path", "body", "what"), EXAMPLES, ids=lambda value: str(value)[:40])
def test_a_change_has_its_row(ana: Person, method: str, path: str, body: Any, what: str) -> None:
    before = len(ana.record())
    reply = ana.send(method, path, body)
    assert reply.status_code in (200, 204), reply.text
    row, *rest = ana.record()

    assert len(rest) == before
    assert (row["who"], row["who_name"], row["state"]) == (f"user:{ana.user_id}", "Ana", "done")
    assert row["what"] == what
    assert row["differences"] or body == {"kinds": []}
    assert row["number"] > 0  # closed


def test_a_row_shows_what_was_there_and_what_is_there(desk: Desk) -> None:
    bob = desk.person("bob")
    bob.send("PUT", f"{V1}/items/tea", DISH | {"item_id": "tea", "price": 250})
    bob.send("PUT", f"{V1}/items/tea", DISH | {"item_id": "tea", "price": 280})

    changed = bob.record(who=f"user:{bob.user_id}")[0]["differences"]
    assert changed == [{"field": "price", "earlier": "250", "later": "280"}]


def test_a_refused_change_has_its_row(desk: Desk, ana: Person) -> None:
    reply = ana.send("PUT", f"{V1}/items/cola", DISH | {"item_id": "other"})
    row = ana.record()[0]

    assert reply.status_code >= 400
    assert (row["state"], row["why"]) == ("refused", reply.get_json()["code"])


def test_without_a_row_nothing_is_changed(desk: Desk, ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> str:
        raise DatabaseBusy

    monkeypatch.setattr(desk.shared.access.record, "begin", busy)
    reply = ana.send("PUT", f"{V1}/items/ghost", DISH | {"item_id": "ghost"})
    monkeypatch.undo()

    assert reply.status_code == 503
    assert ana.send("GET", f"{V1}/items/ghost").status_code == 404


def test_sign_ins_and_sign_outs_have_rows(desk: Desk) -> None:
    carl = desk.person("carl", password=PASSWORD)
    client = desk.app.test_client()
    client.post("/desk/v1/sessions", json={"name": "carl", "password": PASSWORD})
    client.delete("/desk/v1/sessions/current")

    rows = carl.record(kind="sign_in", who=f"user:{carl.user_id}")
    assert [row["what"] for row in rows[:2]] == ["signed out", "signed in"]


def test_what_somebody_changes_of_their_own_account_has_rows(desk: Desk) -> None:
    dana = desk.person("dana", password=PASSWORD)
    elsewhere = desk.app.test_client()
    for _ in range(2):
        elsewhere.post("/desk/v1/sessions", json={"name": "dana", "password": PASSWORD})
    offer = dana.send("POST", f"{OWN}/code-app", {"password": PASSWORD}).get_json()
    app = pyotp.parse_uri(offer["address"])
    assert isinstance(app, pyotp.TOTP)
    on = {"sealed": offer["sealed"], "code": app.at(desk.clock() // SECOND)}
    codes = dana.send("PUT", f"{OWN}/code-app", on).get_json()["recovery_codes"]
    more = dana.send("POST", f"{OWN}/recovery-codes", {"password": PASSWORD, "code": codes[0]}).get_json()
    off = {"password": PASSWORD, "code": more["recovery_codes"][0]}
    assert dana.send("POST", f"{OWN}/code-app/off", off).status_code == 204
    new = {"password": PASSWORD, "new_password": "four words that differ"}
    assert dana.send("PUT", f"{OWN}/password", new).status_code == 204
    assert dana.send("DELETE", f"{OWN}/sessions").status_code == 204

    rows = desk.person("oskar", ["marketer", "operator"]).record(who=f"user:{dana.user_id}")
    assert [row["what"] for row in rows[:5]] == [
        "signed out everywhere",
        "changed the own password",
        "removed the code app",
        "the recovery codes of the own account",
        "set up the code app",
    ]
    for secret in (PASSWORD, new["new_password"], *codes, *more["recovery_codes"]):
        assert secret not in repr(rows)


def test_five_wrong_keys_are_one_row_without_the_key(desk: Desk) -> None:
    oda = desk.person("oda", ["operator"])
    client = desk.app.test_client()
    for n in range(5):
        client.get(f"{V1}/items", headers={"X-API-Key": f"usual-k1-MARKED-{n}"})

    rows = [row for row in oda.record(kind="refusal") if row["why"] == "key_refused"]
    assert sum(row["times"] for row in rows) == 5
    assert len(rows) <= 2  # the minute may have changed in between
    assert "MARKED" not in str(rows)


def test_a_wrong_password_is_counted_for_the_person(desk: Desk) -> None:
    dora = desk.person("dora", ["operator"], password=PASSWORD)
    client = desk.app.test_client()
    for _ in range(3):
        client.post("/desk/v1/sessions", json={"name": "dora", "password": "MARKED wrong password"})

    refused = [row for row in dora.record(kind="refusal") if row["what"] == "a sign-in"]
    assert sum(row["times"] for row in refused) == 3
    reply = dora.send("GET", "/desk/v1/changes").get_json()
    assert "refused sign-in" in reply["answer"]
    assert "MARKED" not in str(reply)


def test_what_the_role_does_not_allow_is_counted(desk: Desk) -> None:
    eve = desk.person("eve", ["viewer"])
    assert eve.send("PUT", f"{V1}/items/cola", DISH).status_code == 403

    (row,) = (one for one in eve.record(kind="refusal") if one["who"] == f"user:{eve.user_id}")
    assert row["why"] == "scope_missing"


def test_a_viewer_sees_no_values_of_other_roles_and_no_sign_ins(desk: Desk, ana: Person) -> None:
    fay = desk.person("fay", ["viewer"])
    ana.send("PUT", f"{V1}/items/juice", DISH | {"item_id": "juice"})

    rows = fay.record()
    (row,) = (one for one in rows if one["what"] == "the dish juice")
    assert row["hidden"]
    assert row["differences"] == []
    assert not [one for one in rows if one["kind"] == "sign_in" and one["who"] != f"user:{fay.user_id}"]


def test_another_tenant_sees_nothing_of_it(desk: Desk) -> None:
    zoe = replace(desk, tenant="taxi").person("zoe", ["marketer", "operator"])

    assert not [row for row in zoe.record() if row["who"].startswith("user:") and row["who_name"] != "Zoe"]
    assert "Ana" not in zoe.send("GET", "/desk/v1/changes.csv").text


def test_a_secret_is_in_no_row(desk: Desk) -> None:
    record = desk.shared.access.record
    marked = {
        "password": "MARKED-1",
        "settings": {"client_secret": "MARKED-2", "api_key": "MARKED-3", "totp": "MARKED-4", "key_id": "shown"},
        "codes": ["MARKED-5"],
        "link": "https://desk.test/desk/sign-in#invitation=MARKED6",
        "key": "usual-k1-MARKED7",
        "address": "postgresql://usual:MARKED8@db/usual",  # pragma: allowlist secret - made up
        "hash": "$argon2id$v=19$MARKED9",
        "note": "the key usual-k1-MARKED10 was seen",
    }
    record.add(TENANT, "command:root", "usual test", earlier=marked, later=[marked])
    (row,) = record.latest(TENANT, 1)

    assert "MARKED" not in str(row)
    assert "shown" in str(row)


def test_the_file_is_safe_in_a_spreadsheet(desk: Desk, ana: Person) -> None:
    ana.send("PUT", f"{V1}/items/formula", DISH | {"item_id": "formula", "name": "=HYPERLINK(1)"})
    text = ana.send("GET", "/desk/v1/changes.csv").text
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))

    assert rows[0][:3] == ["at", "kind", "who_name"]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_the_first_line_answers_the_question_in_three_languages() -> None:
    now = 10 * DAY
    row = Change(
        "1", now - 2 * HOUR, "change", "user:a", "", (), "PUT /x", "schedule", "done", "", None, None, 1, 1
    )
    refused = replace(row, change_id="2", kind="refusal", state="refused", why="sign_in_refused", times=3)
    week = [refused, *(replace(row, change_id=str(n), at_us=row.at_us - n) for n in range(14))]

    def said(language: str, rows: list[Change]) -> str:
        return answer_of(language, rows, lambda one: "Ana", now)

    assert said("en", week) == (
        "Ana changed the schedule 2 hours ago; 14 changes in the last 7 days, 3 refused sign-ins."
    )
    assert said("de", week).startswith(
        "Ana hat vor 2 Stunden geändert: der Zeitplan. In den letzten 7 Tagen 14 Änd"
    )
    assert said("ja", week).startswith("2時間前にAnaさんが変更しました：スケジュール。過去7日間の変更は14件")
    assert said("en", []) == "Nobody changed anything in the last 7 days; no refused sign-ins."


@pytest.mark.parametrize(
    "query", ["from=2026-13-01", "kind=everything", "n=0", "before=x", "to=tomorrow", "nothing=1"]
)
def test_a_wrong_filter_is_refused_with_a_sentence(ana: Person, query: str) -> None:
    reply = ana.send("GET", f"/desk/v1/changes?{query}")

    assert reply.status_code == 422
    assert reply.get_json()["detail"]


def test_rows_come_page_by_page_and_by_day(desk: Desk, ana: Person) -> None:
    first = ana.send("GET", "/desk/v1/changes?n=3").get_json()
    second = ana.send("GET", f"/desk/v1/changes?n=3&before={first['next_cursor']}").get_json()

    assert len({row["change_id"] for row in first["rows"] + second["rows"]}) == 6
    assert ana.record(to="2020-01-01") == []


def test_old_rows_go_and_the_rest_stays_verifiable(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        record = desk.shared.access.record
        for n in range(3):
            record.add(TENANT, "user:a", "PUT /x", subject=f"old {n}")
        desk.clock.ahead_us += (record.keep_days + 1) * DAY + MINUTE
        record.add(TENANT, "user:a", "PUT /x", subject="new")
        record.tidy(TENANT)

        assert [row.subject for row in record.latest(TENANT)] == ["new"]
        assert record.check(TENANT)[0] == []


def test_on_postgresql_the_same(tmp_path: Path, postgres_url: str) -> None:
    """With row-level security: rows of a tenant, rows of nobody, two people, the chain."""
    with (
        postgres.database(postgres_url, TEMPLATE) as own,
        postgres.database(postgres_url) as keys,
        open_desk(tmp_path, database=own, keys_database=keys) as desk,
    ):
        ana, bob = desk.person("ana", ["marketer", "operator"]), desk.person("bob")
        desk.app.test_client().get(f"{V1}/items", headers={"X-API-Key": "usual-k1-MARKED"})
        assert ana.send("PUT", "/desk/v1/four-eyes", {"kinds": ["settings"]}).status_code == 200
        waits = ana.send("PUT", f"{V1}/desk/sharing", {"least_people": 12}).get_json()["proposal_id"]
        done = bob.send("POST", f"/desk/v1/proposals/{waits}/approve").get_json()

        assert done["state"] == "done"
        assert {row["kind"] for row in ana.record()} == {"change", "refusal"}
        assert [row["second_name"] for row in bob.record() if row["second"]] == ["Bob"]
        assert not [row for row in bob.record() if row["why"] == "key_refused"]  # of no tenant: for operators
        assert desk.shared.access.record.check(TENANT)[0] == []
