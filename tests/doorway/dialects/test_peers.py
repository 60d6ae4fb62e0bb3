"""What a tenant agrees on with Square and Toast: by the API and the command line, and never shown again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug.test import TestResponse

from doorway.dialects.command import dialects
from doorway.dialects.square import fetching
from doorway.dialects.square.fetching import SquareSilent, fetch
from plumbing.dialect_peers import Peer
from plumbing.shared import Shared
from plumbing.storage.state import State
from plumbing.webhooks.sending import NotDelivered
from tests.doorway.dialects.tills import HOST, SIGNING, TENANT, TOKEN, House
from tests.recommender.service_fixtures import Installation, installation

__all__ = ["installation"]

SQUARE = {"secret": SIGNING, "access_token": TOKEN, "sites": {"L8": "mill"}}


@pytest.fixture
def house(installation: Installation, tmp_path: Path) -> Iterator[House]:
    made = House(installation, tmp_path / "state")
    yield made
    made.close()


def send(house: House, method: str, name: str, body: Any = None, *, scope: str = "admin") -> TestResponse:
    key = house.shared.access.create_key(TENANT, [scope])
    return house.client.open(f"/v1/dialects/{name}/peer", method=method, json=body, headers={"X-API-Key": key})


def test_what_was_agreed_is_shown_without_secrets_and_on_record_without_them(house: House) -> None:
    """Also not in the files of the house."""
    nothing = send(house, "GET", "square").get_json()
    assert (nothing["set_at"], HOST + nothing["path"]) == (None, house.address)
    said = send(house, "PUT", "square", SQUARE | {"address": house.address})
    assert said.status_code == 200, said.get_json()
    shown = send(house, "GET", "square").get_json()
    assert (shown["sites"], shown["has_access_token"], shown["earlier_until"]) == ({"L8": "mill"}, True, None)
    record = json.dumps([str(dict(row)) for row in house.world.door.rows("SELECT * FROM changes")])
    assert "dialect square" in record
    house.world.door.scrub()
    files = [path.read_bytes() for path in house.world.home.rglob("*") if path.is_file()]
    for secret in (SIGNING, TOKEN):
        assert secret not in record
        assert secret not in json.dumps(shown)
        assert not any(secret.encode() in content for content in files)


def test_a_new_secret_keeps_the_rest_and_the_one_before_for_a_day(house: House) -> None:
    send(house, "PUT", "square", SQUARE | {"address": house.address})
    shown = send(house, "PUT", "square", {"secret": "another-signing-key"}).get_json()
    assert (shown["address"], shown["sites"]) == (house.address, {"L8": "mill"})
    assert shown["earlier_until"] is not None
    assert house.shared.peers.get(TENANT, "square").secrets == ("another-signing-key", SIGNING)
    key = house.shared.access.create_key(TENANT, ["admin"])
    old = {"X-API-Key": key, "If-Match": '"an-earlier-tag"'}
    late = house.client.put("/v1/dialects/square/peer", json={"sandbox": True}, headers=old)
    assert late.get_json()["code"] == "changed_meanwhile"
    assert send(house, "DELETE", "square").status_code == 204
    assert house.shared.peers.find(TENANT, "square") is None
    assert send(house, "DELETE", "square").status_code == 404


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("square", {"secret": SIGNING, "access_token": TOKEN}, "peer_incomplete"),
        (
            "square",
            {"secret": SIGNING, "access_token": TOKEN, "address": "http://usual.example/"},
            "peer_incomplete",
        ),
        ("square", {"address": HOST + "/api/square/another"}, "peer_incomplete"),
        ("toast", {"secret": SIGNING}, "peer_incomplete"),
        ("toast", {"secret": "short"}, "invalid_request"),
        ("gorse", {"secret": SIGNING}, "invalid_request"),
    ],
)
def test_what_is_missing_is_named(house: House, name: str, body: Mapping[str, Any], code: str) -> None:
    reply = send(house, "PUT", name, body)
    assert (reply.status_code, reply.get_json()["code"]) == (422, code)
    assert SIGNING not in reply.text


def test_it_needs_the_scope_of_an_administrator(house: House) -> None:
    for method in ("GET", "PUT", "DELETE"):
        reply = send(house, method, "square", SQUARE if method == "PUT" else None, scope="train")
        assert reply.get_json()["code"] == "scope_missing"


def test_the_command_reads_secrets_and_repeats_none(tmp_path: Path) -> None:
    home = tmp_path / "home"
    shared = Shared.open(State(home), lambda: 1_795_435_200_000_000)
    path = shared.peers.path(TENANT, "square")
    shared.close()
    words = ["secret", "square", "--home", str(home), "--tenant", TENANT]

    def said(*more: str, given: str = f"{SIGNING}\n{TOKEN}\n") -> tuple[int, str]:
        done = CliRunner().invoke(dialects, [*words, *more], input=given)
        return done.exit_code, done.output

    assert said("--address", HOST + path, "--site", "L8=mill")[0] == 0
    assert "counts until" in said(given="the-next-signing-key\n")[1]
    for given in ("short\n", "with a blank in the secret\n"):
        code, output = said(given=given)
        assert (code, given.strip() in output) == (1, False)
    assert said("--remove") == (0, "square calls no more.\n")
    assert said("--remove") == (0, "Nothing was agreed with square.\n")
    assert said()[0] == 1  # without an address
    shown = CliRunner().invoke(dialects, ["address", "square", *words[2:]])
    assert shown.output == f"{path}\n"


def test_an_order_is_asked_for_with_the_tenants_token_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    answers = [b'{"order": {"id": "a/b"}}', b'{"order": {"id": "other"}}', b"[]", b"not JSON"]

    def ask(method: str, url: str, headers: Mapping[str, str], **_: Any) -> bytes:
        asked.append((method, url, headers["Authorization"]))
        if not answers:
            raise NotDelivered("status 401")
        return answers.pop(0)

    monkeypatch.setattr(fetching, "ask", ask)
    assert fetch(Peer(SIGNING, TOKEN), "a/b") == {"id": "a/b"}
    for sandbox in (True, False, False, False):
        with pytest.raises(SquareSilent):
            fetch(Peer(SIGNING, TOKEN, sandbox=sandbox), "a/b")
    assert asked[0] == ("GET", "https://connect.squareup.com/v2/orders/a%2Fb", f"Bearer {TOKEN}")
    assert asked[1][1].startswith("https://connect.squareupsandbox.com/")
    assert not any(SIGNING in str(one) for one in asked)
