"""Parts that all applications of a worker share change nothing about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from flask_openapi3 import blueprint, openapi
from flask_openapi3 import utils as descriptions
from werkzeug.routing import Rule

from app import create_app
from plumbing.settings import Config
from tests.applications import PARTS


def made(home: Path) -> tuple[Any, dict[str, tuple[str, str] | None]]:
    """The description of an application, and an address of each of its routes."""
    app = create_app(Config(home=home, only="recommender"))
    addresses = {
        f"{rule.endpoint} {rule.rule}": rule.build(dict.fromkeys(rule.arguments, "1") | {"other": "2"})
        for rule in app.url_map.iter_rules()
    }
    reply = json.loads(app.test_client().get("/openapi.json").data)
    for part in app.extensions["usual_open"]:
        part.close()
    return reply, addresses


def test_description_and_addresses_are_those_of_an_application_made_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = [made(tmp_path / name) for name in ("first", "second")]  # made, and taken from what was made
    for name in ("get_model_schema", *PARTS):
        monkeypatch.setattr(descriptions, name, getattr(descriptions, name).__wrapped__)
    for module in (blueprint, openapi):
        monkeypatch.setattr(module, "get_responses", descriptions.get_responses)
    monkeypatch.setattr("flask_openapi3.utils.get_type_hints", get_type_hints)
    monkeypatch.setattr(Rule, "_compile_builder", Rule._compile_builder.__wrapped__)  # type: ignore[attr-defined]
    alone = made(tmp_path / "alone")

    assert shared == [alone, alone]
