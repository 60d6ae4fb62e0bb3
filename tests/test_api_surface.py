"""The description of the API as somebody meets who connects a till: ids, texts, scopes, examples, codes, and that
nothing of it goes away."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi3.openapi import OpenAPI
from jsonschema import Draft202012Validator

from app import create_app
from doorway.front.pages import errors
from plumbing.describing.finish import CODES, PROBLEM, operations, scopes_of
from plumbing.describing.vocabulary import VALUES
from plumbing.settings import Config
from tests.conftest import ROOT
from tests.journey import EVERYTHING

PRODUCT = ("plumbing", "identity", "recommender", "screens", "desk", "doorway")
Described = dict[str, Any]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> OpenAPI:
    return create_app(Config(home=tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def client(app: OpenAPI) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def description(client: FlaskClient) -> Described:
    found: Described = client.get("/openapi.json").get_json()
    return found


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """scripts/api.py as a module."""
    spec = spec_from_file_location("api", ROOT / "scripts" / "api.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_id(description: Described) -> dict[str, tuple[str, str, Described]]:
    """(method, path, operation) by operation id."""
    return {
        operation["operationId"]: (method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }


def examples(operation: Described) -> Iterator[tuple[Any, Described]]:
    """(example, its schema) of an operation's parameters, body and replies."""
    for parameter in operation.get("parameters", ()):
        if "example" in parameter:
            yield parameter["example"], parameter["schema"]
    for body in (operation.get("requestBody", {}), *operation["responses"].values()):
        for kind, content in (body.get("content") or {}).items():
            if kind != PROBLEM:
                assert "example" in content, (operation["operationId"], kind)
                yield content["example"], content["schema"]


# --- what every operation says -----------------------------------------------------------------------


def test_every_operation_has_an_id_that_a_person_would_choose(description: Described) -> None:
    ids = Counter(operation["operationId"] for _, operation in operations(description))

    assert [one for one, count in ids.items() if count > 1] == []
    assert [one for one in ids if not re.fullmatch(r"[a-z]+(_[a-z]+){0,4}", one)] == []
    assert {"suggest", "record_events", "press", "recognise", "enrol", "put_items", "stream_events"} <= set(ids)


def test_every_operation_has_a_text_and_its_scopes(description: Described) -> None:
    for _, operation in operations(description):
        first, *rest = operation["description"].split("\n\n")
        assert len(first) >= 20, operation["operationId"]
        assert first != operation["summary"], operation["operationId"]
        [scopes] = [row for row in rest if row.startswith("Scopes: ")]
        assert set(re.findall(r"`(\w+)`", scopes)) == set(scopes_of(operation)), operation["operationId"]


def test_every_operation_has_an_example_and_every_example_is_valid(description: Described) -> None:
    empty = []
    for method, operation in operations(description):
        found = list(examples(operation))
        silent = not operation.get("parameters") and "requestBody" not in operation
        nothing = all(PROBLEM in (one.get("content") or {PROBLEM: 0}) for one in operation["responses"].values())
        if not found and not (silent and nothing):
            empty.append((method, operation["operationId"]))
        for example, schema in found:
            whole = {**schema, "components": description["components"]}
            problems = [error.message for error in Draft202012Validator(whole).iter_errors(example)]
            assert problems == [], (operation["operationId"], example)

    assert empty == []


def test_every_example_of_a_request_is_taken(app: OpenAPI, description: Described) -> None:
    """As far as the checks of fields go: no example gets `invalid_request`, or a mistake of ours."""
    access = app.extensions["usual"]["access"]
    refused = {}

    for name, (method, path, operation) in by_id(description).items():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        places = {p["name"]: p["example"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        key = access.create_key("mill", EVERYTHING, device="till-1")
        reply = app.test_client().open(
            path.format(**places), method=method, json=content["example"], headers={"X-API-Key": key}
        )
        if reply.status_code >= 500 or (reply.get_json(silent=True) or {}).get("code") == "invalid_request":
            refused[name] = reply.get_json()

    assert refused == {}


def test_the_examples_of_a_till_are_what_the_application_answers(app: OpenAPI, description: Described) -> None:
    """Dishes in, an order in, suggestions out: the fields of the examples are those of real replies."""
    named = by_id(description)
    key = app.extensions["usual"]["access"].create_key("diner", EVERYTHING, device="till-2")
    client = app.test_client()

    for name in (
        "put_items",
        "put_item",
        "list_items",
        "get_item",
        "record_events",
        "suggest",
        "get_screen",
        "poll_events",
    ):
        method, path, operation = named[name]
        sent = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        reply = client.open(
            path.format(item_id="ramen", scene="orders"), method=method, json=sent, headers={"X-API-Key": key}
        )
        [example] = [
            content["example"]
            for status, one in operation["responses"].items()
            for content in (one.get("content") or {}).values()
            if status == str(reply.status_code)
        ]
        assert set(example) <= set(reply.get_json()), (name, reply.get_json())


def test_idempotency_and_pages_are_declared(description: Described) -> None:
    for method, operation in operations(description):
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        with_key = method == "post" and bool(scopes_of(operation))
        assert ("Idempotency-Key" in names) == with_key, operation["operationId"]
        assert ("cursor" in names) == ("page by page" in operation["description"]), operation["operationId"]


def test_every_code_of_an_operation_is_in_the_catalogue(description: Described) -> None:
    for _, operation in operations(description):
        assert set(operation[CODES]) - set(errors()) == set(), operation["operationId"]
        assert "internal_server_error" in operation[CODES]


def test_no_two_models_of_requests_and_replies_have_one_name() -> None:
    """In the description the second one would replace the first."""
    bases = {"BaseModel", "Body", "Strict"}
    found = defaultdict(set)
    for path in (path for top in PRODUCT for path in (ROOT / top).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and bases & {ast.unparse(base) for base in node.bases}:
                found[node.name].add(str(path.relative_to(ROOT)))
    del found["Strict"]  # a base, of the desk and of the recommender

    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_the_vocabulary_of_examples_has_no_word_that_no_field_has(description: Described) -> None:
    fields = {name for one in description["components"]["schemas"].values() for name in one.get("properties", ())}
    fields |= {row["name"] for _, operation in operations(description) for row in operation.get("parameters", ())}

    assert set(VALUES) - fields == set()


# --- the catalogue of errors -------------------------------------------------------------------------


def test_every_error_of_the_code_is_in_the_catalogue_with_what_to_do(script: ModuleType) -> None:
    """After a change of an error: `.venv/bin/python scripts/api.py`."""
    assert script.catalogue() == errors()
    for code, row in errors().items():
        assert min(len(row["means"]), len(row["what_to_do"])) > 10, code


def test_the_type_of_a_problem_leads_to_its_page(client: FlaskClient) -> None:
    problem = client.get("/recommender/v1/items").get_json()
    as_json = client.get(problem["type"])
    as_page = client.get(problem["type"], headers={"Accept": "text/html,*/*;q=0.8"})

    assert (as_json.status_code, as_json.mimetype) == (200, "application/json")
    assert as_json.get_json()["code"] == problem["code"] == "key_refused"
    assert as_page.mimetype == "text/html"
    assert errors()["key_refused"]["title"] in as_page.text
    assert all(page.headers["Vary"] == "Accept" for page in (as_json, as_page))


def test_the_list_of_errors_names_all_and_an_unknown_code_is_a_problem(client: FlaskClient) -> None:
    listed = [row["code"] for row in client.get("/docs/errors").get_json()["rows"]]
    page = client.get("/docs/errors", headers={"Accept": "text/html"}).text
    missing = client.get("/docs/errors/none_such")

    assert listed == sorted(errors())
    assert all(f'href="/docs/errors/{code}"' in page for code in listed)
    assert (missing.status_code, missing.get_json()["code"]) == (404, "not_found")


# --- the first page ----------------------------------------------------------------------------------


def test_the_first_page_leads_everywhere_and_is_json_for_a_program(client: FlaskClient) -> None:
    page = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    plain = client.get("/").get_json()
    links = re.findall(r'href="([^"]+)"', page.text)

    assert page.mimetype == "text/html"
    assert {"/docs", "/health/ready", "/kiosk", "/desk"} <= set(links)
    assert all(client.get(link, follow_redirects=True).status_code in (200, 503) for link in links)
    assert set(links) <= set(plain.values())
    assert plain["name"] == "Usual"


def test_one_half_alone_names_what_it_has(tmp_path: Path) -> None:
    alone = create_app(Config(home=tmp_path / "home", only="recommender"))
    plain = alone.test_client().get("/").get_json()

    assert "kiosk" not in plain
    assert "policy" not in plain
    assert plain["desk"] == "/desk"


# --- nothing goes away -------------------------------------------------------------------------------


def test_no_change_breaks_a_client(script: ModuleType, description: Described) -> None:
    """`docs/api/openapi-1.json` is what clients were promised; `scripts/api.py` adds what is new."""
    golden = json.loads(script.DESCRIPTION.read_text())

    assert script.breaking(golden, description) == []
