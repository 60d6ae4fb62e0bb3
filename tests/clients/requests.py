"""Requests of a client, held against the description of the API."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from doorway.dialects.switch import NAMES
from plumbing.demands import SCREEN

SCREENS = {*SCREEN, "drive"}
"""The scopes of terminals: of kiosks, tablets, drivers' screens and tills."""


DIALECTS = frozenset(NAMES)
"""The tags of their operations."""


@dataclass(frozen=True)
class Sent:
    """One request as a client sends it; `query` has a list of texts for each name."""

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    body: Any = None
    key: str = ""  # its Idempotency-Key


def operation_of(description: dict[str, Any], sent: Sent) -> tuple[str, dict[str, Any]]:
    """(path of the description, operation) of a request; a fixed path before one with a parameter."""
    found = [
        (path, methods[sent.method.lower()])
        for path, methods in description["paths"].items()
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)), sent.path)
        and sent.method.lower() in methods
    ]
    assert found, f"the description has no {sent.method} {sent.path}"
    return min(found, key=lambda one: one[0].count("{"))


def check(description: dict[str, Any], sent: Sent) -> str:
    """The operation that a request calls, "GET /path"; fails where a field of it is none of that operation."""
    path, operation = operation_of(description, sent)
    known = {row["name"] for row in operation.get("parameters", ()) if row["in"] == "query"}
    assert set(sent.query) <= known, f"{sent.method} {path} takes no {set(sent.query) - known}"
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        assert sent.body in (None, {}), f"{sent.method} {path} takes no body"
    else:
        schema = content["schema"] | {"components": description["components"]}
        Draft202012Validator(schema).validate(sent.body)
        assert_known(description, content["schema"], sent.body)
    assert bool(sent.key) == (sent.method == "POST"), f"{sent.method} {path}: an Idempotency-Key, or none"
    return f"{sent.method} {path}"


def assert_known(description: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Fail where an object has a field that its model does not have, also where the model would ignore it."""
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, dict) and "properties" in schema:
        assert set(value) <= set(schema["properties"]), set(value) - set(schema["properties"])
        for name, inner in value.items():
            assert_known(description, schema["properties"][name], inner)
    elif isinstance(value, list) and "items" in schema:
        for inner in value:
            assert_known(description, schema["items"], inner)


def of_terminals(description: dict[str, Any]) -> set[str]:
    """Every operation that a terminal's key opens, but those of dialects: other systems' clients call them."""
    return {
        f"{method.upper()} {path}"
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if not DIALECTS.intersection(operation["tags"])
        for way in operation.get("security", ())
        if set(way.get("api_key", ())) and set(way["api_key"]) <= SCREENS
    }
