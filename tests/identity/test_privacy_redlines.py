"""Red lines: the requests that identity takes, its replies, and what it is able to do at all."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from flask_openapi3.models.info import Info
from pydantic import BaseModel, ValidationError

import identity
from identity.calibrate import Calibrator
from identity.capture.embed import Capture
from identity.capture.quality import Quality
from identity.engines.protocol import Face
from identity.service import IdentityService, Recognition
from identity.tokens import Claims
from identity.web import schemas as web_models
from plumbing.describing.later import DescribedApp
from tests.identity.halves import KIOSK, World, pictures

SOURCE = Path(identity.__file__).parent


def description(world: World) -> dict[str, Any]:
    app = DescribedApp("identity", info=Info(title="identity", version="1"))
    app.register_api(world.half.blueprint)
    return app.api_doc


def test_these_are_all_routes_and_none_takes_a_list_of_people(world: World) -> None:
    paths = {(method, path) for path, operations in description(world)["paths"].items() for method in operations}

    assert paths == {
        ("post", "/identity/v1/presses"),
        ("post", "/identity/v1/recognitions"),
        ("post", "/identity/v1/recognitions/by-code"),
        ("post", "/identity/v1/enrolments"),
        ("post", "/identity/v1/opt-outs"),
        ("post", "/identity/v1/not-me"),
        ("post", "/identity/v1/not-me/permanent"),
        ("delete", "/identity/v1/not-me/permanent"),
        ("put", "/identity/v1/enrolments/{receipt}/face"),
        ("delete", "/identity/v1/enrolments/{receipt}/face"),
        ("post", "/identity/v1/tokens/raise"),
        ("put", "/identity/v1/enrolments/{receipt}/pin"),
        ("put", "/identity/v1/enrolments/{receipt}/confirmed"),
        ("delete", "/identity/v1/enrolments/{receipt}"),
        ("get", "/identity/v1/notice"),
        ("post", "/identity/v1/me/sessions"),
        ("get", "/identity/v1/me"),
        ("delete", "/identity/v1/me"),
        ("get", "/identity/v1/me/notice"),
        ("put", "/identity/v1/me/pause"),
        ("delete", "/identity/v1/me/pause"),
        ("put", "/identity/v1/me/purposes"),
        ("put", "/identity/v1/me/pin"),
        ("delete", "/identity/v1/me/face"),
        ("delete", "/identity/v1/me/not-me"),
        ("get", "/identity/v1/receipt-key"),
        ("get", "/identity/v1/desk/recognition"),  # of the operators' and the privacy officers' pages
        ("get", "/identity/v1/desk/promises"),
    }


def test_every_route_that_looks_at_a_face_asks_for_a_press(world: World) -> None:
    """Frames without the nonce of a press are refused; an enrolment without a face has neither."""
    found = 0
    for model in vars(web_models).values():
        if inspect.isclass(model) and issubclass(model, BaseModel) and "frames" in model.model_fields:
            found += 1
            for body in ({"frames": ["x"]}, {"frames": ["x"], "nonce": ""}):
                with pytest.raises(ValidationError):
                    model.model_validate(body)
            assert model.model_validate({"frames": ["x"], "nonce": "n"})
    assert found == 4


def test_no_answer_has_a_number_beside_the_retention_and_the_age(world: World) -> None:
    """Neither score nor rank, count, distance or vector: 256 answers with two decimals rebuild a template."""
    schemas = description(world)["components"]["schemas"]
    numbers = {
        (name, field)
        for name, schema in schemas.items()
        if name.endswith("Reply")
        for field, kind in schema["properties"].items()
        if re.search("'(number|integer)'", str(kind))
    }

    assert numbers == {
        ("NoticeReply", "retention_months"),
        ("NoticeReply", "minimum_age"),
        ("EnrolmentReply", "confirm_within_s"),  # a constant: so long may somebody read their code
        ("PromisesReply", "erased"),  # sums of the whole house, for privacy officers: no press changes one
        ("PromisesReply", "open"),
        ("PromisesReply", "late"),
        ("PromisesReply", "overdue"),
        ("PromisesReply", "due_to_expire"),
    }
    words = re.compile("score|rank|count|distance|similar|vector|embedding|template|confidence|probab", re.I)
    assert not [
        field for schema in schemas.values() for field in schema.get("properties", {}) if words.search(field)
    ]


def test_what_leaves_the_service_holds_no_number_of_a_face(world: World) -> None:
    world.enrol(1)
    seen = world.recognise(1)

    kinds = {field.name: type(getattr(seen, field.name)) for field in fields(Recognition)}

    expected = {"decision": str, "token": str, "expires_us": int, "purposes": tuple, "liveness": str}
    assert kinds == expected | {"hint": type(None), "news": tuple}  # news: words of a fixed list
    assert world.recognise(9).hint == "come_closer"  # a word about the picture, of a fixed list
    assert {field.name for field in fields(Claims)}.isdisjoint({"score", "customer_id", "name", "template"})


def test_nothing_about_a_person_is_read_from_a_face() -> None:
    names = {field.name for kind in (Face, Quality, Capture) for field in fields(kind)}

    assert names == {
        *("box", "landmarks", "score", "scheme", "covered"),
        *("eye_distance", "yaw", "sharpness", "brightness", "contrast", "cover"),
        *("vector", "quality", "pack", "masked"),
        "claimed",  # who made the vector, the kiosk or the server: of the machine, not of the face
    }


def test_no_function_is_named_after_what_must_not_be() -> None:
    forbidden = {
        "gender",
        "emotion",
        "race",
        "ethnic",
        "watch",
        "alert",
        "track",
        "export",
        "search",
        "video",
        "stream",
    }
    names = [
        node.name
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    ]

    assert forbidden & {part for name in names for part in re.findall("[a-z]+", name.casefold())} == set()


def test_no_template_can_be_had_from_the_service() -> None:
    service, calibrator = (
        sorted(name for name in vars(kind) if not name.startswith("_")) for kind in (IdentityService, Calibrator)
    )

    assert service == [
        *("add_face", "challenge", "confirm", "engine", "enrol", "forget", "forget_face", "notice", "opt_out"),
        *("press", "raise_level", "recognise", "recognise_by_code", "seal_for", "set_pin", "try_press", "warm"),
    ]
    assert calibrator == [
        *("calibrate", "calibrate_on_pictures", "calibrate_on_pictures_of_devices", "calibrate_on_vectors"),
        *("own_scores", "threshold"),
    ]


def test_nothing_but_fetching_a_pack_speaks_to_the_network() -> None:
    """No telemetry, no vendor, no sharing: a file that imports no network library cannot use one."""
    speaks = {"socket", "ssl", "http", "urllib", "requests", "httpx", "smtplib", "ftplib", "asyncio", "aiohttp"}
    crossing = {}
    for path in SOURCE.rglob("*.py"):
        imported = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
        if imported & speaks:
            crossing[path.name] = imported & speaks

    assert set(crossing) <= {"fetch.py"}


def test_every_purpose_is_off_until_it_is_ticked() -> None:
    consent = web_models.ConsentBody()

    assert (consent.purposes, consent.age_confirmed) == ({}, False)


def test_consent_names_each_purpose_by_itself(world: World) -> None:
    """Refusing the others takes nothing from the one that was agreed to."""
    for person, (purpose, pin) in enumerate((("orders", None), ("offers", None), ("destinations", "4711"))):
        world.enrol(person, purposes=(purpose,), pin=pin)

    assert [world.recognise(n).purposes for n in range(3)] == [("orders",), ("offers",), ("destinations",)]


def test_one_press_embeds_at_most_one_face_of_each_frame(world: World) -> None:
    nonce, _ = world.service.press(KIOSK)
    world.service.recognise(KIOSK, nonce, pictures(1, 3))

    assert world.engine.calls == 3
