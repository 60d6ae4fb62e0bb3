"""Hostile bodies: authentication comes first, limits for each route, short replies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from werkzeug.test import TestResponse

from plumbing import json_limits
from plumbing.access.access import Caller
from plumbing.demands import BATCH, PICTURES
from plumbing.door import Body
from plumbing.json_limits import MOST_DEPTH, NotPlainJson
from tests.plumbing.test_door import Count, House


class Strict(BaseModel):
    """A body with one field, and no others."""

    model_config = ConfigDict(extra="forbid")
    name: Any = None


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)

    @made.door.route("POST", "/small", scopes=("event",), reply=Count, summary="Small")
    def small(caller: Caller, body: Strict) -> Body:
        return made.work()

    @made.door.route("POST", "/batch", scopes=("event",), size=BATCH, reply=Count, summary="Batch")
    def batch(caller: Caller, body: Strict) -> Body:
        return made.work()

    @made.door.route("POST", "/pictures", scopes=("event",), size=PICTURES, reply=Count, summary="Pictures")
    def pictures(caller: Caller, body: Strict) -> Body:
        return made.work()

    made.app.register_api(made.api)
    yield made
    made.shared.close()


def send(house: House, path: str, content: str | bytes, *, key: bool = True) -> TestResponse:
    """A body as it is."""
    headers = {"Content-Type": "application/json"} | ({"X-API-Key": house.key} if key else {})
    return house.app.test_client().post(path, data=content, headers=headers)


def test_without_a_key_no_body_is_parsed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[object] = []
    with monkeypatch.context() as spied:
        spied.setattr(json_limits, "read", lambda text, **_: parsed.append(text))
        replies = [send(house, "/small", body, key=False) for body in ("{", "[" * 10_000, '{"unknown": 1}')]

    assert [(reply.status_code, reply.get_json()["code"]) for reply in replies] == [(401, "key_refused")] * 3
    assert parsed == []


@pytest.mark.parametrize(
    "body",
    [
        "[" * 10_000,
        '{"name":' * 8_000,
        '{"name": ' + "[" * MOST_DEPTH + "]" * MOST_DEPTH + "}",
        '{"name": NaN}',
        '{"name": -Infinity}',
        '{"name": 1' + "0" * 5_000 + "}",
        '{"name": 1' + "0" * 400 + "}",
        '{"name": -9223372036854775808}',
        '{"name": "\\ud800"}',
        '{"name": ["a\\uDFFF\\uD800"]}',
        '{"\\udc00": 1}',
        b'{"name": "\xed\xa0\x80"}',
        '{"name": 1}'.encode("utf-16"),
        "{",
        "",
        "\x00",
        b"\xff\xfe\x00",
        '"' + '{\\"name\\":' * 500 + '"',
    ],
)
def test_json_that_nobody_sends_in_earnest_is_a_refusal_and_no_server_error(
    house: House, body: str | bytes
) -> None:
    reply = send(house, "/small", body)

    assert (reply.status_code, reply.get_json()["code"]) == (422, "invalid_request")
    assert len(reply.data) < 1_000
    assert house.done == 0


def test_thousands_of_wrong_fields_make_a_short_reply(house: House) -> None:
    few = send(house, "/small", json.dumps({f"{n}": 1 for n in range(4_000)}))
    long = send(house, "/small", json.dumps({"a" * 60_000: 1}))

    assert [reply.status_code for reply in (few, long)] == [422, 422]
    assert len(few.get_json()["fields"]) == 20
    assert "and 3980 more. 0: there is no field '0'." in few.get_json()["detail"]
    assert len(few.data) < 5_000
    assert len(long.data) < 1_000


def test_each_route_takes_so_many_bytes_and_so_many_values(house: House) -> None:
    large = json.dumps({"name": "a" * 70_000})
    many = json.dumps({"name": [0] * 2_000})

    got = [(path, send(house, path, body).status_code) for path in ("/small", "/batch") for body in (large, many)]
    pictures = [send(house, "/pictures", body) for body in (large, many)]

    assert got == [("/small", 413), ("/small", 200), ("/batch", 200), ("/batch", 200)]
    assert [reply.status_code for reply in pictures] == [200, 413]
    assert pictures[1].get_json()["code"] == "body_too_large"


def test_what_is_read_is_what_was_sent() -> None:
    value = {"a": [1, 2.5, None, True, {"b": "é"}], "c": "x,[{"}

    assert json_limits.read(json.dumps(value)) == value
    assert json_limits.parts_of(json.dumps(value).encode()) >= 8
    with pytest.raises(NotPlainJson):
        json_limits.read("[" * 100 + "]" * 100)
