"""What the promises on consent and erasing cost a visit: the same visits with and without them, turn by turn."""

from __future__ import annotations

import base64
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.measure import Row, in_turn

SECTION = "Consent and erasing: their cost on POST /v1/visits, with and without in the same run"
PEOPLE = 6
PROMISED_MS = 3.0


def consent(cache: Path, n: int) -> list[Row]:
    """The figures; `n` visits each way, of customers who are recognised."""
    with tempfile.TemporaryDirectory(prefix="usual-consent-") as folder:
        visit = visits_of(Path(folder) / "home", cache)
        with_all, without = in_turn([visit, lambda k: bare(visit, k)], n)
    added = with_all.p50 - without.p50
    return [
        Row(SECTION, "a visit, all promises kept", with_all.p50, "ms"),
        Row(
            SECTION,
            "the same without them",
            without.p50,
            "ms",
            None,
            "less",
            "what is left out: see bench/consent.py",
        ),
        Row(SECTION, "added at the median", added, "ms", PROMISED_MS),
        Row(SECTION, "as a ratio", with_all.p50 / without.p50, "x"),
    ]


def visits_of(home: Path, cache: Path) -> Any:
    """A visit of a recognised customer, through the application's own routes; a device for every ten."""
    from app import create_app
    from data.faces import people
    from plumbing.settings import Config

    app = create_app(Config(home=home, cache=cache))
    identity, access = app.extensions["usual"]["identity"], app.extensions["usual"]["access"]
    identity.warm()
    pictures = ([people.jpeg(people.draw_face(people.STRANGERS + k, f)) for f in range(3)] for k in range(40))
    identity.calibrator.calibrate_on_pictures("bench", pictures)
    client = app.test_client()
    keys = {}

    def sent(path: str, body: Any, device: int, method: str = "POST") -> Any:
        if device not in keys:
            keys[device] = access.create_key("bench", ("identify", "enrol", "suggest"), device=f"till-{device}")
        reply = client.open(path, method=method, json=body, headers={"X-API-Key": keys[device]})
        assert reply.status_code < 300, reply.get_data(as_text=True)
        return reply.get_json() if reply.data else None

    def frames(person: int, first: int, count: int) -> list[str]:
        drawn = (people.jpeg(people.draw_face(person, first + k)) for k in range(count))
        return [base64.b64encode(picture).decode() for picture in drawn]

    notice = client.get("/identity/v1/notice", headers={"X-API-Key": access.create_key("bench", ("enrol",))})
    agreed = {"purposes": {"orders": True}, "notice_version": notice.get_json()["version"], "age_confirmed": True}
    for person in range(PEOPLE):
        nonce = sent("/identity/v1/presses", {}, person)["nonce"]
        body = {"nonce": nonce, "frames": frames(person, 0, 3), "consent": agreed}
        receipt = sent("/identity/v1/enrolments", body, person)["receipt"]
        sent(f"/identity/v1/enrolments/{receipt}/confirmed", None, person, "PUT")
    looks = [frames(person, 50, 1) for person in range(PEOPLE)]
    turns = itertools.count()

    def visit(_: int) -> object:
        turn = next(turns)
        nonce = sent("/identity/v1/presses", {}, turn // 10)["nonce"]
        body = {"nonce": nonce, "frames": looks[turn % PEOPLE], "scene": "orders"}
        return sent("/v1/visits", body, turn // 10)

    return visit


def bare(visit: Any, k: int) -> object:
    """The visit without what consent and erasing ask of it."""
    with _without():
        return visit(k)


@contextmanager
def _without() -> Iterator[None]:
    """Left out: the list of closed tokens, the pace of answers, the news of notices, and reading the ledger more
    than once for a customer."""
    from identity.consent.ledger import ConsentLedger
    from plumbing.pace import Pace
    from recommender.in_flight import InFlight

    read = ConsentLedger.standing

    def remembered(ledger: ConsentLedger, row: Any) -> Any:
        if row.customer_id not in _STANDINGS:
            _STANDINGS[row.customer_id] = read(ledger, row)
        return _STANDINGS[row.customer_id]

    with ExitStack() as stack:
        stack.enter_context(patch.object(InFlight, "check", lambda self, claims: True))
        stack.enter_context(patch.object(Pace, "hold", lambda self, kind: 0.0))
        stack.enter_context(patch.object(ConsentLedger, "standing", remembered))
        stack.enter_context(patch("identity.service.news_for", lambda *_: ()))
        yield


_STANDINGS: dict[str, Any] = {}
