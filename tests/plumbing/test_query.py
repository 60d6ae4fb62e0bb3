"""What a route reads from the query of its address."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field

from plumbing.query import Query


class Wanted(Query):
    dishes: list[str] = Field(default_factory=list)


class Other(Query):
    site: str = ""


def test_its_schema_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The framework asks on every request."""
    made: list[str] = []
    original = BaseModel.model_json_schema.__func__  # type: ignore[attr-defined]

    def counting(cls: type[BaseModel], *arguments: Any, **named: Any) -> dict[str, Any]:
        made.append(cls.__name__)
        return dict(original(cls, *arguments, **named))

    monkeypatch.setattr(BaseModel, "model_json_schema", classmethod(counting))
    seen = [(Wanted.model_json_schema(), Other.model_json_schema()) for _ in range(3)]

    assert made == ["Wanted", "Other"]
    assert seen[2][0]["properties"]["dishes"]["type"] == "array"
    assert list(seen[2][1]["properties"]) == ["site"]


def test_who_asks_in_a_way_of_their_own_may_change_it() -> None:
    """The description of the API does."""
    Wanted.model_json_schema(ref_template="#/{model}")["properties"].clear()

    assert "dishes" in Wanted.model_json_schema(ref_template="#/{model}")["properties"]
