"""The checker that refuses a breaking change of the API: each kind of change, and what it lets through."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from tests.conftest import ROOT

SPEC = spec_from_file_location("api_changes", ROOT / "scripts" / "api_changes.py")
assert SPEC is not None
assert SPEC.loader is not None
CHANGES = module_from_spec(SPEC)
SPEC.loader.exec_module(CHANGES)

TEXT = {"type": "string", "maxLength": 64}
BEFORE: dict[str, Any] = {
    "paths": {
        "/orders": {
            "post": {
                "operationId": "record_order",
                "security": [{"api_key": ["event"]}],
                "x-error-codes": ["unknown_item", "key_refused"],
                "parameters": [{"in": "query", "name": "site", "required": False, "schema": TEXT}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Taken"}}}},
                    "204": {},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Order": {
                "type": "object",
                "additionalProperties": False,
                "required": ["items"],
                "properties": {
                    "items": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
                    "way": {"enum": ["here", "away"], "type": "string"},
                    "note": {"anyOf": [TEXT, {"type": "null"}]},
                },
            },
            "Line": {
                "type": "object",
                "required": ["item_id"],
                "properties": {"item_id": TEXT, "price": {"type": "number", "minimum": 0}},
            },
            "Taken": {
                "type": "object",
                "required": ["stored", "state"],
                "properties": {"stored": {"type": "integer"}, "state": {"enum": ["new", "known"]}},
            },
        }
    },
}
Change = Callable[[dict[str, Any], dict[str, Any]], object]
"""Of the operation and of the schemas."""

BREAKING: dict[str, Change] = {
    "its id was 'record_order'": lambda o, s: o.update(operationId="add_order"),
    "it needs the scope 'admin'": lambda o, s: o.update(security=[{"api_key": ["event", "admin"]}]),
    "the error code 'unknown_item' is gone": lambda o, s: o["x-error-codes"].remove("unknown_item"),
    "the parameter 'site' is gone": lambda o, s: o["parameters"].clear(),
    "the parameter 'site' is required": lambda o, s: o["parameters"][0].update(required=True),
    "the new parameter 'till' is required": lambda o, s: o["parameters"].append(
        {"in": "query", "name": "till", "required": True, "schema": TEXT}
    ),
    "parameter site: maxLength is 8": lambda o, s: o["parameters"][0].update(schema={**TEXT, "maxLength": 8}),
    "it takes no body any more": lambda o, s: o.pop("requestBody"),
    "the reply 204 is gone": lambda o, s: o["responses"].pop("204"),
    "reply 200: application/json is gone": lambda o, s: o["responses"]["200"]["content"].clear(),
    "body: the field 'note' is gone": lambda o, s: s["Order"]["properties"].pop("note"),
    "body: the field 'way' is required": lambda o, s: s["Order"]["required"].append("way"),
    "body.way: the values away are refused": lambda o, s: s["Order"]["properties"]["way"].update(enum=["here"]),
    "body.note: null or string became string": lambda o, s: s["Order"]["properties"].update(note=TEXT),
    "body.items[].price: number became integer": lambda o, s: s["Line"]["properties"]["price"].update(
        type="integer"
    ),
    "body.items[].price: minimum is 1": lambda o, s: s["Line"]["properties"]["price"].update(minimum=1),
    "body.items[].item_id: the pattern is another one": lambda o, s: s["Line"]["properties"].update(
        item_id={**TEXT, "pattern": "^[a-z]+$"}
    ),
    "body.items[]: unknown fields are refused": lambda o, s: s["Line"].update(additionalProperties=False),
    "reply 200: the field 'stored' is gone": lambda o, s: s["Taken"]["properties"].pop("stored"),
    "reply 200: the field 'stored' may be missing": lambda o, s: s["Taken"]["required"].remove("stored"),
    "reply 200.stored: integer became number": lambda o, s: s["Taken"]["properties"]["stored"].update(
        type="number"
    ),
    "reply 200.stored: integer became integer or null": lambda o, s: s["Taken"]["properties"].update(
        stored={"anyOf": [{"type": "integer"}, {"type": "null"}]}
    ),
}
HARMLESS: dict[str, Change] = {
    "a new code": lambda o, s: o["x-error-codes"].append("too_many_requests"),
    "a text": lambda o, s: o.update(description="Takes an order.", summary="Take an order"),
    "fewer scopes": lambda o, s: o.update(security=[]),
    "a parameter that may be left out": lambda o, s: o["parameters"].append(
        {"in": "query", "name": "till", "required": False, "schema": TEXT}
    ),
    "a field that may be sent": lambda o, s: s["Order"]["properties"].update(till=TEXT),
    "a value that may be sent": lambda o, s: s["Order"]["properties"]["way"]["enum"].append("car"),
    "a longer text": lambda o, s: s["Line"]["properties"]["item_id"].update(maxLength=128),
    "nothing needed any more": lambda o, s: s["Order"]["required"].clear(),
    "a field that is answered": lambda o, s: s["Taken"]["properties"].update(took_ms={"type": "number"}),
    "a reply": lambda o, s: o["responses"].update({"202": {}}),
}


def changed(change: Change) -> dict[str, Any]:
    """The description after a change."""
    after = deepcopy(BEFORE)
    change(after["paths"]["/orders"]["post"], after["components"]["schemas"])
    return after


@pytest.mark.parametrize("sentence", BREAKING)
def test_a_breaking_change_is_named(sentence: str) -> None:
    assert CHANGES.breaking(BEFORE, changed(BREAKING[sentence])) == [f"POST /orders: {sentence}"]


@pytest.mark.parametrize("what", HARMLESS)
def test_an_addition_is_taken(what: str) -> None:
    assert CHANGES.breaking(BEFORE, changed(HARMLESS[what])) == []


def test_an_operation_stays_until_its_announced_last_day_is_over() -> None:
    announced = deepcopy(BEFORE)
    announced["paths"]["/orders"]["post"]["x-sunset"] = "2027-06-30"
    after: dict[str, Any] = {"paths": {}, "components": {}}

    gone = ["POST /orders: the operation is gone"]
    assert CHANGES.breaking(BEFORE, after) == gone
    assert CHANGES.breaking(announced, after, date(2027, 6, 30)) == gone
    assert CHANGES.breaking(announced, after, date(2027, 7, 1)) == []
