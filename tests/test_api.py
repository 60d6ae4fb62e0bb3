"""The whole API: its OpenAPI description, its documentation page, its refusals, and no 5xx on nonsense."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from app import create_app, try_once
from identity.sandbox.connection import Launch
from identity.sandbox.pool import EnginePool
from plumbing.access.roles import with_implied
from plumbing.demands import BATCH, KNOWN, PICTURES, Demand
from plumbing.settings import Config, WrongSetting
from tests.conftest import ROOT
from tests.identity import rogues
from tests.journey import EVERYTHING, Place, picture
from tests.sources import HALVES

SIGNING_IN = (
    "/desk/v1/sessions",
    "/desk/v1/sessions/current",  # signing out
    "/desk/v1/invitations/accept",
    "/desk/v1/invitations/look",
    "/desk/v1/oidc",
    "/desk/v1/oidc/begin",
    "/desk/v1/oidc/callback",
    "/desk/v1/oidc/end",  # who has signed out has nothing to show any more
)  # of the desk: who signs in has nothing to show yet
PUBLIC = (
    "/health/live",
    "/health/ready",
    "/v1/pairings",
    "/identity/v1/me/sessions",
    "/v1/me/schema",
    *(f"/api/{name}/{whose}" for name in ("square", "toast") for whose in ("", "{peer_id}")),  # a secret of theirs
    *SIGNING_IN,
)
TOASTS = "/api/toast/{peer_id}"
"""Which answers in Toast's own form."""

OWN_PAGE = "/me"
BETWEEN_HALVES = (
    "/recommender/v1/heartbeats",
    "/recommender/v1/erasures/waiting",
    "/identity/v1/opt-outs/since",
    "/v1/edge/pairings",
    "/v1/edge/questions",
)  # signed messages of one half to the other, or of a store box to its centre: no client calls them
FIRST_PAGE = "/"
PAGES = (
    "/docs",
    "/openapi.json",
    "/screens/",
    "/clients/",
    "/images/",
    "/recommender/static/",
    "/kiosk",
    "/taxi",
    "/driver",
    "/watch",
    "/marketing",
    "/policy",
)


EXAMPLES = 30 if os.environ.get("USUAL_ENDURE") else 4
"""Of each operation; `make endure` sends many more (tests/unbreakable/schema.py)."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, engine_cache: Path) -> Place:
    return Place(tmp_path_factory.mktemp("home"), engine_cache)


def test_the_description_is_valid_openapi_3_1(place: Place) -> None:
    description = place.client.get("/openapi.json").get_json()

    assert description["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(description).iter_errors()) == []


def test_the_description_lists_every_route_and_method(place: Place) -> None:
    described = place.client.get("/openapi.json").get_json()["paths"]

    missing = [
        f"{method} {rule.rule}"
        for rule in place.app.url_map.iter_rules()
        if not rule.rule.startswith(PAGES)
        and rule.rule not in (FIRST_PAGE, OWN_PAGE, *BETWEEN_HALVES)
        and not (rule.rule.startswith("/desk") and not rule.rule.startswith("/desk/v1"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if method.lower() not in described.get(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), {})
    ]
    assert missing == []


def models(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Every model of the product below one."""
    for model in kind.__subclasses__():
        if model.__module__.partition(".")[0] in HALVES:
            yield model
        yield from models(model)


def test_no_two_models_of_the_description_have_one_name(place: Place) -> None:
    """Of two the description keeps one, and a client that is generated from it sends the wrong body."""
    described = place.client.get("/openapi.json").get_json()["components"]["schemas"]
    named: dict[str, set[type[BaseModel]]] = {}
    for model in models(BaseModel):
        named.setdefault(model.__name__, set()).add(model)

    assert len(named) > 100
    assert {name: found for name, found in named.items() if name in described and len(found) > 1} == {}


def test_every_operation_says_what_it_does_and_who_may(place: Place) -> None:
    description = place.client.get("/openapi.json").get_json()

    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), f"{method} {path}"
            assert "security" in operation or path in PUBLIC, f"{method} {path}"


def least(schema: dict[str, Any], components: dict[str, Any]) -> Any:
    """The smallest value that is valid under a JSON schema."""
    if "$ref" in schema:
        return least(components[schema["$ref"].rpartition("/")[2]], components)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return least(schema["anyOf"][0], components)
    kind = str(schema.get("type"))
    if kind == "object" or "properties" in schema:
        return {name: least(schema["properties"][name], components) for name in schema.get("required", ())}
    if kind == "array":
        return [least(schema["items"], components)] * schema.get("minItems", 0)
    return {"string": "a" * schema.get("minLength", 0), "number": 0.0, "boolean": False}.get(kind, 0)


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Method, path, operation and the arguments of a valid call, of everything that is described."""
    components = description["components"]["schemas"]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            rest = {
                row["name"]: least(row["schema"], components)
                for row in operation.get("parameters", ())
                if row["in"] == "path"
            }
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            arguments = {} if body is None else {"json": least(body["schema"], components)}
            yield method.upper(), path.format(**rest), operation, arguments


def test_every_route_but_the_public_ones_declares_its_scopes_and_refuses_a_call_without_a_key(
    place: Place,
) -> None:
    client = place.app.test_client()  # without a key
    refusals = {}

    for method, path, operation, call in operations(place.client.get("/openapi.json").get_json()):
        if path in PUBLIC and (path not in SIGNING_IN or "security" not in operation):
            assert "security" not in operation, path
            continue
        of_a_customer = operation["security"] == [{"token": []}]  # on their own page: no key, a token of theirs
        scoped = of_a_customer or all(way["api_key"] for way in operation["security"])
        assert scoped, f"{method} {path} declares no scope"
        reply = client.open(path, method=method, **call)
        expected = (401, "sign_in_needed" if of_a_customer else "key_refused")
        refusals[f"{method} {path}"] = (reply.status_code, reply.get_json()["code"]) == expected

    assert len(refusals) > 30
    assert [route for route, refused in refusals.items() if not refused] == []


def test_every_declared_scope_is_needed(place: Place) -> None:
    access = place.app.extensions["usual"]["access"]
    others = {scope: {one for one in EVERYTHING if scope not in with_implied([one])} for scope in EVERYTHING}
    keys = {scope: access.create_key("mill", rest, device="kiosk") for scope, rest in others.items()}
    client, tried = place.app.test_client(), []

    for method, path, operation, call in operations(place.client.get("/openapi.json").get_json()):
        for scope in {one for way in operation.get("security", ()) for one in way.get("api_key", ())}:
            reply = client.open(path, method=method, headers={"X-API-Key": keys[scope]}, **call)
            tried.append(
                (
                    f"{method} {path}",
                    reply.status_code,
                    reply.get_json()["code"],
                    scope in reply.get_json()["detail"],
                )
            )

    assert len(tried) > 30
    assert [row for row in tried if row[1:] != (403, "scope_missing", True)] == []


def test_the_documentation_page_loads_nothing_from_elsewhere(place: Place) -> None:
    page = place.client.get("/docs/swagger")

    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    for address in loaded:
        assert not address.startswith(("http:", "https:", "//")), address
        if not address.startswith(("data:", "#")):
            with place.client.get(address if address.startswith("/") else f"/docs/{address}") as file:
                assert file.status_code == 200, address


def test_without_a_key_nothing_but_health_and_pairing_answers(place: Place) -> None:
    description = place.client.get("/openapi.json").get_json()

    for path, operations in description["paths"].items():
        for method in operations:
            reply = place.client.open(re.sub(r"\{\w+\}", "orders", path), method=method.upper(), json={})
            if path.startswith(("/health", "/v1/pairings", "/v1/me/schema")) or path in SIGNING_IN:
                continue
            assert reply.status_code in (401, 422) or path == TOASTS, (method, path, reply.status_code)
            assert path != TOASTS or reply.get_json() == {"transactionStatus": "ERROR_INVALID_TOKEN"}


def test_a_link_pairs_a_browser_once_and_its_cookie_alone_opens_nothing(place: Place) -> None:
    code = place.access.create_pairing("mill", "kiosk", device="till-7", site="mill")
    browser = place.app.test_client()

    paired = browser.post("/v1/pairings", json={"code": code})
    again = browser.post("/v1/pairings", json={"code": code})
    with_header = browser.post("/identity/v1/presses", json={}, headers={"X-Usual-Page": "kiosk"})
    without = browser.post("/identity/v1/presses", json={})

    cookie = paired.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert [r.status_code for r in (paired, again, with_header, without)] == [200, 403, 201, 401]


def test_metrics_need_a_key_and_name_nobody(place: Place) -> None:
    place.send("GET", "/recommender/v1/suggestions/orders")

    metrics = place.send("GET", "/metrics").text

    assert place.client.get("/metrics").status_code == 401
    assert "suggestions" in metrics
    assert not any(word in metrics for word in ("till-1", "mill", "usual-k1"))


def test_an_unknown_route_and_bad_json_are_problems_too(place: Place) -> None:
    missing = place.client.get("/nowhere")
    broken = place.client.post(
        "/recommender/v1/events", data="{", headers={"X-API-Key": place.key, "Content-Type": "application/json"}
    )

    assert (missing.status_code, missing.mimetype) == (404, "application/problem+json")
    assert broken.status_code in (400, 422)
    assert broken.mimetype == "application/problem+json"


@pytest.mark.parametrize("only", ["identity", "recommender"])
def test_a_half_alone_serves_its_own_routes_and_none_of_the_other(
    only: str, tmp_path: Path, engine_cache: Path
) -> None:
    app = create_app(Config(home=tmp_path, cache=engine_cache, only=only))

    paths = app.test_client().get("/openapi.json").get_json()["paths"]

    other = {"identity": "recommender", "recommender": "identity"}[only]
    assert any(path.startswith(f"/{only}/v1") for path in paths)
    assert not any(path.startswith((f"/{other}/v1", "/v1/visits", "/v1/me")) for path in paths)


def test_a_missing_engine_pack_leaves_the_guest_path_open_and_readiness_says_why(tmp_path: Path) -> None:
    app = create_app(Config(home=tmp_path, pack="open-model-zoo", models=tmp_path / "nothing", cache=tmp_path))
    key = app.extensions["usual"]["access"].create_key("mill", EVERYTHING)
    client = app.test_client()

    guest = client.get("/recommender/v1/suggestions/orders", headers={"X-API-Key": key})
    ready = client.get("/health/ready")

    assert (guest.status_code, guest.get_json()["fallback"]) == (200, "no_token")
    assert ready.status_code == 503
    assert ready.get_json()["parts"]["identity"] != "ok"


@pytest.mark.parametrize("order", [rogues.CRASH, rogues.HANG, rogues.FAIL, rogues.BABBLE])
def test_a_pack_that_ends_hangs_or_fails_makes_a_guest_and_never_an_error(
    tmp_path: Path, engine_cache: Path, order: int
) -> None:
    """The visit gets the reply of a guest; at the next one the pack runs again."""
    app = create_app(Config(home=tmp_path, pack="dlib", cache=engine_cache))
    identity = app.extensions["usual"]["identity"]
    pack = EnginePool(Launch("dlib", None, tmp_path, "tests.identity.rogues:rogue"), timeout_s=1.0)
    pack.start()
    identity.service.engine = pack
    key = app.extensions["usual"]["access"].create_key("mill", EVERYTHING, device="kiosk")
    client, headers = app.test_client(), {"X-API-Key": key}

    def visit(shade: int) -> Any:
        nonce = client.post("/identity/v1/presses", json={}, headers=headers).get_json()["nonce"]
        sent = {"nonce": nonce, "frames": [picture(np.full((96, 96, 3), shade, np.uint8))], "scene": "orders"}
        return client.post("/v1/visits", json=sent, headers=headers)

    during = visit(order)
    pack.timeout_s = 20.0
    after = visit(1)
    counted = client.get("/metrics", headers=headers).text
    pack.close()
    identity.close()

    assert (during.status_code, during.get_json()["decision"]) == (200, "unknown")
    assert during.get_json()["suggestions"]["fallback"] == "no_token"
    assert 'usual_suggestions_total{fallback="no_token",scene="orders"} 1.0' in counted
    assert after.get_json()["code"] == "face_off_centre"  # the pack runs: it saw a face in the corner


@pytest.mark.parametrize("half", ["lat=52.5", "lon=13.4"])
def test_half_a_position_is_refused_and_is_no_server_error(tmp_path: Path, engine_cache: Path, half: str) -> None:
    """Latitude and longitude come together or not at all."""
    place = Place(tmp_path, engine_cache)
    row = {"item_id": "station", "name": "Station", "lat": 52.5, "lon": 13.4}
    assert place.send("PUT", "/recommender/v1/places/station", row).status_code == 200

    reply = place.send("GET", f"/recommender/v1/suggestions/destinations?{half}")

    assert (reply.status_code, reply.get_json()["code"]) == (422, "position_refused")


@pytest.mark.slow
def test_no_generated_request_makes_a_server_error(place: Place) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", place.app)

    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        _probe(result.ok(), place)


def _probe(operation: APIOperation[Any, Any, Any, Any], place: Place) -> None:
    @given(case=operation.as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def refused_or_answered(case: schemathesis.Case[Any]) -> None:
        reply = case.call(headers={"X-API-Key": place.key})
        assert reply.status_code < 500, (case.method, case.path, reply.text)

    refused_or_answered()


def test_a_setting_that_cannot_be_keeps_the_server_from_starting_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    for needs in ("destinations=face", "foo"):
        with pytest.raises(WrongSetting, match="USUAL_NEEDS"):
            try_once(Config(home=home, needs=needs))
    monkeypatch.setenv("USUAL_TRUSTED_PROXIES", "abc")
    with pytest.raises(WrongSetting, match="USUAL_TRUSTED_PROXIES"):
        Config.from_environment()
    assert not home.exists()


def test_the_proxy_of_replicas_lets_in_every_large_body(place: Place) -> None:
    """`deploy/nginx/server.conf` lets in 2 MB, and more on the routes of pictures and catalogues alone."""
    [pattern] = re.findall(r"location ~ (\S+) \{", (ROOT / "deploy" / "nginx" / "server.conf").read_text())
    app = place.client.application
    demands: dict[str, Demand] = app.extensions[KNOWN]
    sizes = {
        re.sub(r"<[^>]+>", "abc", rule.rule): demands[rule.endpoint].size.most_bytes
        for rule in app.url_map.iter_rules()
        if rule.endpoint in demands
    }
    large = {path for path, size in sizes.items() if size > BATCH.most_bytes}

    assert len(large) > 5
    assert {path for path in large if not re.match(pattern, path)} == set()
    assert max(sizes.values()) == PICTURES.most_bytes


def test_a_start_without_the_files_of_the_pack_says_once_that_recognition_is_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config(home=tmp_path / "home", cache=tmp_path / "nothing", pack="opencv-zoo")
    try_once(config)

    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith("Recognition is off, guests are served. Pack 'opencv-zoo' has no file")
    assert said.endswith("Run `usual models fetch opencv-zoo`.")


def test_a_server_for_vectors_alone_needs_no_files_of_the_pack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try_once(Config(home=tmp_path / "home", cache=tmp_path / "nothing", pack="opencv-zoo", engines=0))

    assert "Recognition is off" not in capsys.readouterr().err
