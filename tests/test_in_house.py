"""Both halves in one house: an opt-out counts at once, whoever made it, and no kept answer outlives it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet, InvalidToken
from prometheus_client import CollectorRegistry
from werkzeug.test import TestResponse

import app
from doorway import commands as doorway_commands
from doorway.visits import visits
from identity import tokens
from identity.config import IdentityConfig
from identity.customers.leaving.erasure import Erasures
from identity.web import half as identity_half
from plumbing import openapi
from plumbing.access.token_keys import TokenKeys
from plumbing.clock import Clock, system_clock
from plumbing.settings import Config
from plumbing.shared import Shared
from plumbing.storage.state import State
from recommender.config import RecommenderConfig
from recommender.scene import Item
from recommender.web import half as recommender_half
from tests.identity.fakes import FakeEngine
from tests.identity.halves import b64, pictures

TENANT, DEVICE = "mill", "till-1"


class House:
    """What `create_app` puts together, with a fake engine."""

    def __init__(self, home: Path, *, tenant: str = TENANT, now_us: Clock = system_clock) -> None:
        self.home = home
        self.shared = shared = Shared.open(State(home), now_us)
        self.recommender = recommender_half.build(
            RecommenderConfig.of(Config(home=home), shared.token_keys), access=shared.access, now_us=shared.now_us
        )
        self.recommender.service.stores.catalogue.put(tenant, "item", [Item("soup", "Soup")])
        self.identity = identity_half.build(
            IdentityConfig(home=home, token_keys=shared.token_keys),
            access=shared.access,
            now_us=shared.now_us,
            forget_elsewhere=self.recommender.erase,
            waiting=self.recommender.service.waiting,
            replies=(shared.once,),
            registry=CollectorRegistry(),
            engine=FakeEngine(),
        )
        shared.once.is_current = self.identity.service.customers.accounts.stands
        made = openapi.new_app("Test", "Both halves.")
        for part in (self.identity.blueprint, self.recommender.blueprint):
            made.register_api(part)
        made.register_api(visits(shared, self.identity, self.recommender))
        self.client = made.test_client()
        self.key = shared.access.create_key(tenant, ("identify", "enrol", "suggest", "event"), device=DEVICE)

    def close(self) -> None:
        self.identity.close()
        self.recommender.close()
        self.shared.close()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        sent = {"X-API-Key": self.key} | {name.replace("_", "-"): text for name, text in headers.items()}
        return self.client.open(path, method=method, json=body, headers=sent)

    def nonce(self) -> str:
        return str(self.send("POST", "/identity/v1/presses", {}).get_json()["nonce"])

    def enrol(self, person: int) -> str:
        """Their receipt."""
        version = self.identity.service.notice.version
        consent = {"purposes": {"orders": True}, "notice_version": version, "age_confirmed": True}
        body = {"nonce": self.nonce(), "frames": b64(pictures(person)), "consent": consent}
        receipt = str(self.send("POST", "/identity/v1/enrolments", body).get_json()["receipt"])
        assert self.send("PUT", f"/identity/v1/enrolments/{receipt}/confirmed").status_code == 204
        return receipt


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("house"))
    yield made
    made.close()


def visit(place: House, person: int, **headers: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The request, and its answer."""
    body = {"nonce": place.nonce(), "frames": b64(pictures(person, 1, 50)), "scene": "orders"}
    answer = place.send("POST", "/v1/visits", body, **headers)
    assert answer.status_code == 200, answer.get_json()
    return body, answer.get_json()


def test_a_visit_repeated_after_the_opt_out_greets_nobody(place: House) -> None:
    receipt = place.enrol(0)
    body, first = visit(place, 0, Idempotency_Key="visit-1")
    assert first["decision"] == "matched"
    again = place.send("POST", "/v1/visits", body, Idempotency_Key="visit-1").get_json()
    assert again["token"] == first["token"]

    place.send("DELETE", f"/identity/v1/enrolments/{receipt}")

    gone = place.send("POST", "/v1/visits", body, Idempotency_Key="visit-1")
    assert gone.get_json().get("decision") != "matched"
    assert gone.get_json().get("token") is None


def test_nor_after_an_opt_out_that_reached_no_database(place: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the key is gone: what is kept is looked at before it is given again."""
    receipt = place.enrol(1)
    body, first = visit(place, 1, Idempotency_Key="visit-2")
    seen = {"nonce": place.nonce(), "frames": b64(pictures(1, 1, 51))}
    place.send("POST", "/identity/v1/recognitions", seen, Idempotency_Key="seen-2")
    order = {"events": [event("kept-1")]}
    bearer = f"Bearer {first['token']}"
    sent = {"Idempotency_Key": "order-2", "Authorization": bearer}
    assert place.send("POST", "/recommender/v1/events", order, **sent).status_code == 201

    def nowhere(*_: object) -> None:
        raise OSError("no connection, no room")

    monkeypatch.setattr(Erasures, "_everywhere", nowhere)
    place.send("DELETE", f"/identity/v1/enrolments/{receipt}")

    for path, again, name in (("/v1/visits", body, "visit-2"), ("/identity/v1/recognitions", seen, "seen-2")):
        answer = place.send("POST", path, again, Idempotency_Key=name)
        assert answer.get_json().get("token") is None, path
    late = place.send("POST", "/recommender/v1/events", order, **sent)
    assert (late.status_code, late.get_json()["code"]) == (410, "erased")
    suggest = place.send("GET", "/recommender/v1/suggestions/orders", Authorization=bearer)
    assert (suggest.status_code, suggest.get_json()["code"]) == (410, "erased")


def event(number: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    items = [{"item_id": "soup", "quantity": 1}]
    return {"event_id": number, "type": "ordered", "occurred_at": now, "items": items}


def test_an_opt_out_by_command_closes_the_token_before_the_command_ends(
    place: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recommender's database is out of reach for the command: the server refuses the token all the same."""
    receipt = place.enrol(2)
    _, first = visit(place, 2)
    bearer = f"Bearer {first['token']}"
    assert place.send("GET", "/recommender/v1/suggestions/orders", Authorization=bearer).status_code == 200

    def away(*_: object) -> None:
        raise OSError("no connection")

    monkeypatch.setattr(doorway_commands, "hand_over", lambda home, keys: away)
    words = ["identity", "forget", "--home", str(place.home), "--tenant", TENANT, receipt]
    done = CliRunner().invoke(app.assemble(), words)
    assert "informs" in done.output, done.output

    after = place.send("GET", "/recommender/v1/suggestions/orders", Authorization=bearer)
    assert (after.status_code, after.get_json()["code"]) == (410, "erased")


def test_a_pause_closes_tokens_from_before_and_not_those_from_after(place: House) -> None:
    place.enrol(3)
    _, first = visit(place, 3)
    accounts = place.identity.service.customers.accounts
    claims = tokens.read(place.shared.token_keys, str(first["token"]))
    customer = tokens.customer_of(place.identity.vault.keys.derive("token ids"), claims.token_id)
    account = accounts.find(TENANT, customer)
    assert account is not None

    place.identity.service.customers.standings.pause(account.row)
    place.identity.service.customers.standings.resume(account.row)

    before = place.send("GET", "/recommender/v1/suggestions/orders", Authorization=f"Bearer {first['token']}")
    assert (before.status_code, before.get_json()["code"]) == (401, "token_expired")
    _, second = visit(place, 3)
    after = place.send("GET", "/recommender/v1/suggestions/orders", Authorization=f"Bearer {second['token']}")
    assert after.status_code == 200


def test_who_has_every_key_reads_no_token_and_no_pseudonym_out_of_kept_answers(place: House) -> None:
    """Files of kept answers, opened with all keys of the installation: without the device's own key, nothing."""
    place.enrol(4)
    visit(place, 4, Idempotency_Key="visit-4")
    seen = {"nonce": place.nonce(), "frames": b64(pictures(4, 1, 51))}
    place.send("POST", "/identity/v1/recognitions", seen, Idempotency_Key="seen-4")
    keys = [Fernet(key) for key in TokenKeys(place.home, system_clock)]
    keys += [Fernet((place.home / "replies.key").read_bytes())]
    keys += [Fernet(base64.urlsafe_b64encode(place.identity.vault.keys.derive("replies")))]

    texts = 0
    for name in ("access-moments.db", "identity-moments.db"):
        content = (place.home / name).read_bytes()
        assert b"visit-4" not in content
        assert b"seen-4" not in content
        for text in re.findall(rb"gAAAA[\w-]{40,}={0,2}", content):
            texts += 1
            for key in keys:
                with pytest.raises(InvalidToken):
                    key.decrypt(text)
    assert texts == 0


def test_the_keys_of_tokens_are_followed_when_they_are_rotated(place: House) -> None:
    TokenKeys(place.home, system_clock).rotate()

    _, answer = visit(place, 4)

    assert answer["decision"] == "matched"
    assert answer["suggestions"]["fallback"] != "token_altered"
