"""`usual_client`: what it sends, how it repeats, what it raises; and that it needs nothing but Python."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import ssl
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NotRequired, get_origin, get_type_hints

import pytest
from jsonschema import ValidationError

import usual_client
from app import create_app
from plumbing.settings import Config
from tests.browser.fake_server import serve
from tests.clients.recorder import Recorder
from tests.clients.requests import Sent, check, of_terminals
from tests.conftest import ROOT
from usual_client import AsyncUsual, Busy, Context, KeyRefused, NoAnswer, PictureRefused, Problem, Usual

CONTEXT: Context = {
    "site": "market",
    "region": "north",
    "local_time": "2026-05-04T08:30:00+02:00",
    "basket": ["tea", "bun"],
    "party_size": 2,
    "lat": 54.4,
    "lon": 6.9,
    "pickup": "station",
    "repeat": "avoid",
    "without_allergens": ["nuts"],
    "max_price": 900,
    "min_price": 100,
}
LINES: list[usual_client.Line] = [{"item_id": "tea", "quantity": 2, "price": 300, "options": ["large"]}]
ABOUT: usual_client.About = {"site": "market", "region": "north", "recommendation_id": "r-1"}
CONSENT = {"purposes": {"orders": True}, "notice_version": "1", "age_confirmed": True, "language": "de"}
OFFER: Any = {"item_id": "cake-hour", "name": "Cake hour"}
SHOWN: Any = {"recommendation_id": "r-2", "items": [OFFER]}
PICTURE = b"a picture"

CALLS: dict[str, list[Callable[[Usual], object]]] = {
    "live": [lambda till: till.live()],
    "settings": [lambda till: till.settings()],
    "call_staff": [lambda till: till.call_staff()],
    "news": [lambda till: till.news("3.42", token="t")],
    "press": [lambda till: till.press()],
    "register_key": [lambda till: till.register_key(bytes(65))],
    "recognise": [
        lambda till: till.recognise("n", [PICTURE], moves=[PICTURE]),
        lambda till: till.recognise("n", message=b"sealed"),
    ],
    "recognise_by_code": [lambda till: till.recognise_by_code("7KQ25", "2580")],
    "visit": [lambda till: till.visit("n", [PICTURE], "offers", n=3, moves=[PICTURE], **CONTEXT)],
    "visit_by_code": [lambda till: till.visit_by_code("7KQ25", "2580", "orders", n=3, **CONTEXT)],
    "raise_token": [lambda till: till.raise_token("t", "2580")],
    "not_me": [lambda till: till.not_me("t"), lambda till: till.not_me("t", permanent=True)],
    "face_again": [lambda till: till.face_again("t")],
    "notice": [lambda till: till.notice("de", place="taxi", version="1")],
    "receipt_key": [lambda till: till.receipt_key()],
    "enrol": [
        lambda till: till.enrol(
            CONSENT, nonce="n", frames=[PICTURE], pin="2580", earlier="AAAAA", somebody_else=True
        ),
        lambda till: till.enrol(CONSENT, pin="2580"),
    ],
    "confirm": [lambda till: till.confirm("7KQ25-X4DPT")],
    "forget": [lambda till: till.forget("7KQ25")],
    "forget_face": [lambda till: till.forget_face("n", [PICTURE], pin="2580", moves=[PICTURE])],
    "set_pin": [lambda till: till.set_pin("7KQ25", "s", "2580")],
    "add_face": [
        lambda till: till.add_face(
            "7KQ25", "n", [PICTURE], pin="2580", notice_version="1", language="de", somebody_else=True
        )
    ],
    "drop_face": [lambda till: till.drop_face("7KQ25", pin="2580")],
    "suggest": [lambda till: till.suggest("destinations", token="t", n=3, **CONTEXT)],
    "similar": [lambda till: till.similar("tea", n=3, **CONTEXT)],
    "events": [lambda till: till.events([usual_client.event("rode", items=LINES, pickup={"place": "station"})])],
    "order": [lambda till: till.order(LINES, token="t", event_id="A-17", **ABOUT)],
    "offer": [lambda till: till.offer("redeemed", OFFER, SHOWN, token="t", order_id="A-17", site="market")],
    "rows": [lambda till: till.rows("items"), lambda till: till.rows("places"), lambda till: till.rows("offers")],
    "row": [
        lambda till: till.row("items", "a tea"),
        lambda till: till.row("places", "station"),
        lambda till: till.row("offers", "cake-hour"),
    ],
    "store": [lambda till: till.store("items", [{"item_id": "tea", "name": "Tea"}])],
    "link_code": [lambda till: till.link_code("member 17")],
    "hand_over": [lambda till: till.hand_over("station")],
    "ride": [lambda till: till.ride(watch="w", since=3)],
    "end_ride": [lambda till: till.end_ride("r")],
    "driver_code": [lambda till: till.driver_code()],
}

NOT_FOR_TILLS = {
    "DELETE /v1/driver/ride",  # a driver's screen is a page of the house
    "GET /v1/driver/ride",
    "PUT /v1/driver/ride/accepted",
    "GET /v1/events/stream",  # `news` waits for the same, and holds no line
    "GET /recommender/v1/former-items",  # of who keeps the menu, and its ids
    "GET /recommender/v1/former-places",
}

OF_THE_OFFICE = {"POST /recommender/v1/items"}
"""What a till may do beside a terminal's work, with a key of the scope `train`: keep the menu."""

MODELS = {
    "Context": "ContextModel",
    "Line": "LineModel",
    "Event": "EventModel",
    "Press": "PressReply",
    "Seal": "SealModel",
    "Reason": "ReasonModel",
    "Suggestion": "SuggestionModel",
    "Suggestions": "SuggestionsReply",
    "Recognition": "RecognitionReply",
    "Visit": "VisitReply",
    "Stored": "EventsReply",
}
"""The types of the client, and the models of the description that they stand for."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    with serve(recorder.app()) as recorder.address:
        yield recorder


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def till(recorder: Recorder, pauses: list[float]) -> Usual:
    return Usual(recorder.address, "usual-k1-key", sleep=pauses.append)


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory, engine_cache: Path) -> dict[str, Any]:
    app = create_app(Config(home=tmp_path_factory.mktemp("home"), cache=engine_cache))
    described: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return described


def methods(kind: type) -> set[str]:
    """The public methods of a client, apart from the one that calls any route."""
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if name[0] != "_"} - {"call"}


def test_every_call_is_one_of_the_description_and_none_of_a_terminal_is_missing(
    recorder: Recorder, till: Usual, description: dict[str, Any]
) -> None:
    assert set(CALLS) == methods(Usual)
    for calls in CALLS.values():
        for call in calls:
            before = len(recorder.heard)
            call(till)
            assert len(recorder.heard) > before

    called = {check(description, sent) for sent in recorder.heard}
    terminals = of_terminals(description)
    assert terminals - called == NOT_FOR_TILLS
    assert called - terminals == {"GET /health/live"} | OF_THE_OFFICE


def test_a_call_that_the_description_does_not_have_is_noticed(description: dict[str, Any]) -> None:
    """The check above can fail: a route, a field of a query, of a body and of an object in it."""
    visit = {"nonce": "n", "frames": ["x"], "scene": "orders"}
    for wrong in (
        Sent("GET", "/v1/visit"),
        Sent("GET", "/v1/screen", {"colour": ["red"]}),
        Sent("POST", "/v1/visits", body=visit | {"who": 1}, key="k"),
        Sent("POST", "/v1/visits", body=visit | {"context": {"colour": "red"}}, key="k"),
        Sent("POST", "/v1/visits", body=visit),
    ):
        with pytest.raises((AssertionError, ValidationError)):
            check(description, wrong)
    assert check(description, Sent("POST", "/v1/visits", body=visit, key="k")) == "POST /v1/visits"


def test_each_method_names_its_route(recorder: Recorder, till: Usual, description: dict[str, Any]) -> None:
    for name, calls in CALLS.items():
        said = inspect.getdoc(getattr(Usual, name)) or ""
        calls[0](till)
        if name not in ("order", "offer"):
            route = check(description, recorder.heard[-1])
            assert re.search(re.escape(route) + r"(?!\S)", said), f"{name}: {route}"


def test_a_till_that_awaits_has_the_same_methods_and_answers(recorder: Recorder) -> None:
    till = AsyncUsual(recorder.address, "usual-k1-key")
    recorder.answers.append((200, {"items": []}, {}))

    async def ask() -> object:
        return await till.suggest("orders", site="market")

    assert methods(AsyncUsual) == methods(Usual)
    assert asyncio.run(ask()) == {"items": []}
    assert recorder.heard == [Sent("GET", "/recommender/v1/suggestions/orders", {"site": ["market"], "n": ["5"]})]


@pytest.mark.parametrize("name", MODELS)
def test_a_type_of_the_client_is_that_of_the_description(name: str, description: dict[str, Any]) -> None:
    hints = get_type_hints(getattr(usual_client, name), include_extras=True)
    model = description["components"]["schemas"][MODELS[name]]
    required = set(model.get("required", ()))

    assert set(hints) <= set(model["properties"])
    if name in ("Line", "Event"):
        assert {key for key, hint in hints.items() if get_origin(hint) is not NotRequired} == required
    elif name != "Context":
        assert {key for key, hint in hints.items() if get_origin(hint) is not NotRequired} <= required


@cache
def codes() -> set[str]:
    """Every code that the source gives to a problem."""
    sources = [
        path.read_text()
        for half in ("identity", "recommender", "plumbing")
        for path in (ROOT / half).rglob("*.py")
    ]
    pattern = r"code(?:: ClassVar\[str\])? = \"(\w+)\"|reply\(\d+, \"(\w+)\""
    return {one or other for text in sources for one, other in re.findall(pattern, text)}


def test_every_code_that_has_a_name_is_one_of_the_server() -> None:
    assert set(usual_client.BY_CODE) - codes() == set()
    assert len(usual_client.BY_CODE) == sum(len(kind.codes) for kind in usual_client.NAMED)


def test_a_refusal_is_raised_by_its_name_with_what_the_server_says(recorder: Recorder, till: Usual) -> None:
    said = {"code": "no_face", "detail": "Look at the camera.", "hint": "look_at_the_camera"}
    recorder.answers += [(422, said, {}), (401, {"code": "key_refused"}, {}), (418, {"code": "teapot"}, {})]

    with pytest.raises(PictureRefused, match=r"Look at the camera. \(no_face\)") as picture:
        till.visit("n", [PICTURE])
    with pytest.raises(KeyRefused):
        till.press()
    with pytest.raises(Problem) as other:
        till.press()

    assert (picture.value.status, picture.value.hint, len(recorder.heard)) == (422, "look_at_the_camera", 3)
    assert (type(other.value), other.value.code) == (Problem, "teapot")


def test_a_busy_server_is_asked_again_after_its_pause_with_the_same_key(
    recorder: Recorder, till: Usual, pauses: list[float]
) -> None:
    busy = (503, {"code": "overloaded"}, {"Retry-After": "2"})
    recorder.answers += [busy, (502, "<html>a proxy</html>", {}), (201, {"accepted": 1, "duplicates": 0}, {})]

    assert till.order(LINES)["accepted"] == 1
    assert len({sent.key for sent in recorder.heard}) == 1
    assert len({sent.body["events"][0]["event_id"] for sent in recorder.heard}) == 1
    assert pauses[0] == 2.0
    assert 0.25 <= pauses[1] <= 0.75


def test_a_server_that_stays_busy_is_left_after_a_few_tries_and_a_long_pause_is_not_waited_for(
    recorder: Recorder, till: Usual, pauses: list[float]
) -> None:
    recorder.answers += [(503, {"code": "overloaded"}, {})] * 3 + [
        (429, {"code": "too_many_requests"}, {"Retry-After": "60"})
    ]

    with pytest.raises(Busy):
        till.suggest()
    with pytest.raises(Busy) as long:
        till.suggest()

    assert (len(recorder.heard), len(pauses), long.value.retry_after_s) == (4, 2, 60.0)


def test_a_request_that_is_wrong_is_sent_once(recorder: Recorder, till: Usual, pauses: list[float]) -> None:
    recorder.answers.append((422, {"code": "invalid_request"}, {}))

    with pytest.raises(usual_client.RequestInvalid):
        till.suggest()
    assert (len(recorder.heard), pauses) == (1, [])


def test_no_server_is_one_error_after_a_few_tries(pauses: list[float]) -> None:
    with serve(Recorder().app()) as gone:
        pass
    with pytest.raises(NoAnswer, match=r"127\.0\.0\.1 does not answer"):
        Usual(gone, "key", sleep=pauses.append).press()
    assert len(pauses) == 2


def test_tls_where_none_is_spoken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    wrong.reason = "WRONG_VERSION_NUMBER"
    for kind, error in (("HTTPS", wrong), ("HTTP", ConnectionResetError(104, "reset by peer"))):

        def refuse(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(f"http.client.{kind}Connection.request", refuse)
    for address, says in (("https://usual.example", "speaks no TLS"), ("http://usual.example", "speak TLS")):
        with pytest.raises(NoAnswer, match=says):
            Usual(address, "key", tries=1).press()


def test_an_order_whose_token_has_ended_is_a_guests(recorder: Recorder, till: Usual) -> None:
    recorder.answers += [(410, {"code": "customer_left"}, {}), (201, {"accepted": 1, "duplicates": 0}, {})]

    till.order(LINES, token="usual-t1.x", event_id="A-17")

    first, second = recorder.heard
    assert first.body["events"][0]["event_id"] == second.body["events"][0]["event_id"] == "A-17"
    assert first.key != second.key
    assert [headers.get("Authorization") for headers in recorder.headers] == ["Bearer usual-t1.x", None]


def test_all_pages_of_the_catalogue_are_read(recorder: Recorder, till: Usual) -> None:
    recorder.answers += [
        (200, {"rows": [{"item_id": "a"}], "next_cursor": "a"}, {}),
        (200, {"rows": [{"item_id": "b"}]}, {}),
    ]

    assert [row["item_id"] for row in till.rows("items")] == ["a", "b"]
    assert [sent.query.get("cursor") for sent in recorder.heard] == [None, ["a"]]


@pytest.mark.parametrize("server", ["usual.example", "ftp://usual.example", ""])
def test_an_address_that_is_none_is_refused_at_once(server: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        Usual(server, "key")


def test_the_client_needs_nothing_but_python() -> None:
    """So its one file can be copied into a till's program, and its distribution has no dependency."""
    tree = ast.parse(Path(usual_client.__file__).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    alone = tomllib.loads((ROOT / "usual_client" / "pyproject.toml").read_text())
    house = tomllib.loads((ROOT / "pyproject.toml").read_text())
    shipped = alone["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
    assert alone["project"]["dependencies"] == []
    assert alone["project"]["requires-python"] == house["project"]["requires-python"]
    assert sorted(shipped) == sorted(
        p.name for p in (ROOT / "usual_client").iterdir() if p.suffix in (".py", ".typed")
    )
