"""Applications for tests, built from parts that are made once in each worker. A pytest plugin.

Thousands of tests build an application of their own, with up to 150 routes. Three quarters of that time went into
what is the same in all of them: the description of each model, what builds each address, and the list of all
installed packages; the first page cost its templates. What a test asks the application, it asks the real one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache, wraps
from importlib.metadata import entry_points
from typing import Any, get_type_hints

import pytest
from flask import Flask
from flask_openapi3 import blueprint, openapi
from flask_openapi3 import utils as descriptions
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

PARTS = ("parse_header", "parse_cookie", "parse_path", "parse_query", "parse_form", "parse_body")
"""What describes a model as a part of a request. A description is read, never changed."""


@pytest.fixture(scope="session", autouse=True)
def parts_of_applications_are_made_once() -> Iterator[None]:
    """See above."""
    replies = _replies_once(descriptions.get_responses)
    name_of_operation = descriptions.get_operation_id_for_path
    with pytest.MonkeyPatch.context() as patch:
        for name in ("get_model_schema", *PARTS):
            patch.setattr(descriptions, name, cache(getattr(descriptions, name)))
        for module in (blueprint, openapi):
            patch.setattr(module, "get_responses", replies)
        patch.setattr(name_of_operation, "__signature__", inspect.signature(name_of_operation), raising=False)
        patch.setattr("flask_openapi3.utils.get_type_hints", _hints_once(get_type_hints))
        patch.setattr("flask_openapi3.openapi.entry_points", cache(entry_points))
        patch.setattr(Rule, "_compile_builder", _builders_once(Rule._compile_builder))
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": _Templates()})
        yield


class _Templates(BytecodeCache):
    """Compiled templates, by what stands in them."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if made := self._made.get((bucket.key, bucket.checksum)):
            bucket.bytecode_from_string(made)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._made[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


def _replies_once(plain: Callable[..., None]) -> Callable[..., None]:
    """Replies are described once for each set of models."""
    made: dict[Any, tuple[dict[str, Any], Any]] = {}

    def described(responses: Mapping[str, Any], schemas: dict[str, Any], operation: Any) -> None:
        if any(isinstance(reply, dict) for reply in responses.values()):
            return plain(responses, schemas, operation)
        if (key := tuple(responses.items())) not in made:
            own: dict[str, Any] = {}
            plain(responses, own, operation)
            made[key] = own, operation.responses
        own, replies = made[key]
        schemas.update(own)
        operation.responses = dict(replies)
        return None

    return described


def _hints_once(plain: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The types of a view's arguments, read once for each function in the code: each application has its own."""
    made: dict[Any, dict[str, Any]] = {}

    def hints(view: Any) -> dict[str, Any]:
        work = inspect.unwrap(view)
        key = (work.__code__, *work.__annotations__.items())
        if key not in made:
            made[key] = plain(view)
        return made[key]

    return hints


def _builders_once(plain: Callable[..., Any]) -> Callable[..., Any]:
    """What builds an address is compiled once for each path: called, it takes the converters of the rule."""
    made: dict[Any, Any] = {}

    @wraps(plain)
    def compiled(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return plain(rule, append_unknown)
        key = (*rule._trace, append_unknown)
        if key not in made:
            made[key] = plain(rule, append_unknown)
        return made[key]

    return compiled
