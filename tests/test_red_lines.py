"""The red lines of the product, a test for each: it fails when the line is crossed, by accident too.

They read routes, schemas, sources and commands, and look at what the application does with drawn people.
"""

from __future__ import annotations

import ast
import base64
import itertools
import json
import re
import runpy
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

import app
from data.faces import people
from doorway.dialects.compreface.refused import REFUSED
from identity.config import IdentityConfig
from identity.engines.manifests import PACKS, load_pack, pack_names
from recommender.offers.errors import SensitiveInput
from recommender.offers.learning.uplift import refuse_sensitive
from recommender.orders.reasons import reason_for
from recommender.scene import Item
from tests.conftest import ROOT
from tests.journey import EVERYTHING, Place, frames_of, picture
from tests.sources import HALVES, calls, imported, sources
from tests.test_docs import commands
from tests.watch import COMPILER, Watch

DEVICES = itertools.count(2)
OUTSIDE = {"data", "bench", "tests", "scripts"}
STAFF = {"/desk/v1/people" + rest for rest in ("", "/{user_id}", "/{user_id}/link")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, engine_cache: Path) -> Place:
    """An installation with thresholds and two customers of one tenant."""
    made = Place(tmp_path_factory.mktemp("home"), engine_cache)
    made.calibrate(30)
    menu = [
        {"item_id": name, "name": name, "price": price, "category": "soups"}
        for name, price in (("pho", 900), ("ramen", 1100), ("miso", 400))
    ]
    assert made.send("POST", "/recommender/v1/items", {"rows": menu}).status_code == 200
    return made


def press(place: Place) -> tuple[str, str]:
    """A nonce, and the key of a device of its own: no test pauses another one's device."""
    key = place.access.create_key(place.tenant, EVERYTHING, device=f"till-{next(DEVICES)}", site="mill")
    return str(place.send("POST", "/identity/v1/presses", {}, key=key).get_json()["nonce"]), key


def described(place: Place) -> dict[str, Any]:
    description: dict[str, Any] = place.app.api_doc
    return description


def fields_of(place: Place) -> set[tuple[str, str]]:
    """(schema, field) of everything that is sent or answered."""
    schemas = described(place)["components"]["schemas"]
    return {(name, field) for name, schema in schemas.items() for field in schema.get("properties", {})}


def tables(place: Place) -> Iterator[tuple[str, str, list[tuple[str, int]]]]:
    """(database, table, [(column, its place in the primary key)]) of every database of the installation."""
    for path in sorted(place.home.glob("*.db")):
        with closing(sqlite3.connect(path)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in names:
                if not name.startswith(("sqlite_", "_")):
                    rows = connection.execute("SELECT name, pk FROM pragma_table_info(?)", (name,)).fetchall()
                    yield path.name, name, rows


def names_everywhere(place: Place) -> set[str]:
    """Words of every name that the product gives: functions, classes, fields, columns, paths, commands."""
    names = {field for _, field in fields_of(place)} | set(described(place)["paths"])
    names |= {column for _, table, columns in tables(place) for column, _ in [(table, 0), *columns]}
    names |= {" ".join(path) for path, _ in commands(app.assemble())}
    for tree in sources().values():
        names |= {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }
    return {word for name in names for word in re.findall(r"[A-Z]?[a-z]+", name)} | names


def words(place: Place) -> set[str]:
    return {word.casefold() for word in names_everywhere(place)}


def routes_with_pictures(place: Place) -> dict[str, dict[str, Any]]:
    """path and method -> schema of the body, of each route that takes a picture."""
    description, found = described(place), {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            schema = description["components"]["schemas"].get(name, {})
            if {"frames", "moves"} & set(schema.get("properties", {})):
                found[f"{method.upper()} {path}"] = schema
    return found


def numbers_in(value: Any) -> int:
    """The length of the longest list of numbers in a JSON value."""
    if isinstance(value, dict):
        return max((numbers_in(part) for part in value.values()), default=0)
    if isinstance(value, list):
        plain = sum(isinstance(part, int | float) for part in value)
        return max(plain, max((numbers_in(part) for part in value), default=0))
    return 0


def test_no_age_gender_race_emotion_or_health_is_read_from_a_face(place: Place) -> None:
    """Neither a name says so, nor is there a network that could: a pack detects, finds landmarks and embeds."""
    forbidden = {"gender", "sex", "race", "ethnic", "ethnicity", "emotion", "mood", "skin", "smile", "illness"}
    roles = {file.role for name in pack_names() for file in load_pack(name).files}

    assert words(place) & forbidden == set()
    assert {word for word in words(place) if word == "ages" or "estimate_age" in word} == set()
    assert {role for role in roles if not re.search("detect|embed|landmark|align|pose", role)} == set()


def test_there_is_no_watch_list_and_no_alert_on_a_person(place: Place) -> None:
    forbidden = {"watchlist", "blacklist", "blocklist", "alert", "alerts", "wanted_person"}

    assert words(place) & forbidden == set()
    lists = {
        path for path in described(place)["paths"] if re.search("customers|people|persons|faces|visitors", path)
    }
    # Another system's routes are refused (tests/doorway/dialects/test_compreface.py).
    refused = {re.sub(r"<(\w+)>", r"{\1}", one.path) for one in REFUSED}
    assert lists - refused == STAFF  # who works at the desk; customers stand in no list
    # A webhook is told devices and places, and nothing of a person (tests/doorway/test_webhooks.py).
    allowed = ("plumbing/handover", "identity/engines/fetch", "plumbing/webhooks/sending")
    speaking = [
        path.relative_to(ROOT)
        for path, tree in sources().items()
        if any(name.endswith(("urlopen", "urlretrieve", "create_connection")) for name, _ in calls(tree))
    ]
    assert [path for path in speaking if not str(path).startswith(allowed)] == []


def test_nobody_is_enrolled_but_the_person_at_the_device(place: Place) -> None:
    """A template comes from a press at a device alone: no address, no folder, no list, no command."""
    for route, schema in routes_with_pictures(place).items():
        assert "nonce" in schema["properties"], route
        assert schema["additionalProperties"] is False, route
        assert {"url", "urls", "path", "folder", "people", "persons", "name"}.isdisjoint(schema["properties"]), (
            route
        )
    taking = {
        " ".join(path)
        for path, command in commands(app.assemble())
        for option in command.params
        if re.search("picture|photo|(?<!type)face|image|frame", option.name or "")
        or (isinstance(option, click.Argument) and re.search("picture|photo", option.name or ""))
    }
    assert taking <= {"calibrate", "identity calibrate", "evaluate faces", "demo", "evaluate town"}
    for nonce in ({}, {"nonce": "nobody-pressed"}):
        body = nonce | {"frames": frames_of(3), "consent": {}}
        assert place.send("POST", "/identity/v1/enrolments", body).status_code >= 400
    assert stored(place) == 0


def stored(place: Place) -> int:
    """How many templates are held."""
    with closing(sqlite3.connect(place.home / "identity.db")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM templates").fetchone()
    return int(count)


VIDEOS = {
    "mp4": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom",
    "webm": b"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f\x42\x86\x81\x01",
    "avi": b"RIFF\x24\x00\x00\x00AVI LIST",
    "mpeg-ts": b"\x47\x40\x00\x10" + bytes(184),
    "gif": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
    "playlist": b"#EXTM3U\n#EXT-X-VERSION:3\n",
    "address": b"rtsp://camera/stream",
}


@pytest.mark.parametrize("kind", VIDEOS)
def test_nobody_is_recognised_in_a_video_or_a_stream(place: Place, kind: str) -> None:
    frame = base64.b64encode(VIDEOS[kind] + bytes(4_000)).decode()

    nonce, key = press(place)
    reply = place.send("POST", "/identity/v1/recognitions", {"nonce": nonce, "frames": [frame]}, key=key)

    assert 400 <= reply.status_code < 500
    assert reply.get_json().get("token") is None


def test_nothing_looks_at_faces_in_the_background() -> None:
    """No file opens a camera or a stream, and what runs beside the requests knows no engine."""
    opening = {"VideoCapture", "cv2.VideoCapture", "imread", "cv2.imread"}
    found = {(path.name, name) for path, tree in sources().items() for name, _ in calls(tree) if name in opening}
    assert found <= {("folder.py", "cv2.imread")}  # `evaluate faces`, on a folder that its user names
    behind = [path for path in sources() if path.parts[-2] in ("training",) or path.name in ("retention.py",)]
    assert behind
    assert [path for path in behind if any("engines" in name for name in imported(sources()[path]))] == []


def test_no_photo_can_be_searched_for(place: Place) -> None:
    """Each route that takes a picture needs a device's scope and a press that was made on that device."""
    staff = place.access.create_key(place.tenant, ("privacy", "admin", "train"), device="office")
    for route, schema in routes_with_pictures(place).items():
        method, path = route.split(" ", 1)
        nonce, _ = press(place)
        body = {"nonce": nonce, "frames": frames_of(3)}
        body |= {"scene": "orders"} if "scene" in schema["properties"] else {}
        path = path.replace("{receipt}", "A" * 20)
        assert place.send(method, path, body, key=staff).status_code == 403, route
        elsewhere = place.access.create_key(place.tenant, ("identify", "enrol", "suggest"), device="other")
        seen = place.send(method, path, body, key=elsewhere)
        assert seen.status_code >= 400 or not seen.get_json().get("token"), route
    assert "search" not in {word for path, _ in commands(app.assemble()) for word in path}


def leading(database: Path, table: str, columns: list[tuple[str, int]]) -> set[str]:
    """The first column of each key of a table: of the primary one and of every other unique one."""
    first = {column for column, place in columns if place == 1}
    with closing(sqlite3.connect(database)) as connection:
        names = connection.execute("SELECT name FROM pragma_index_list(?) WHERE [unique]", (table,)).fetchall()
        for (name,) in names:
            first |= {
                row[0] for row in connection.execute("SELECT name FROM pragma_index_info(?) LIMIT 1", (name,))
            }
    return first


def test_two_tenants_never_learn_that_a_customer_is_the_same_person(place: Place) -> None:
    """The tenant leads every key, no request names one, and one face has nothing in common at two tenants."""
    free = {"spare", "ride_marks"}  # free room; one number for the whole installation
    free |= {"pairings", "sessions", "invitations"}  # found by a secret, before anybody knows whose it is
    without = [
        (database, table)
        for database, table, columns in tables(place)
        if table not in free and "tenant" not in leading(place.home / database, table, columns)
    ]
    assert without == []
    sent = {(schema, field) for schema, field in fields_of(place) if schema.endswith(("Body", "Model"))}
    named = {schema for schema, field in sent if field == "tenant"}
    assert named <= {"ErasureModel"}  # a part of a reply: the receipt of an erasure
    parameters = [
        part["name"]
        for operations in described(place)["paths"].values()
        for operation in operations.values()
        for part in operation.get("parameters", ())
    ]
    assert "tenant" not in parameters


def test_no_template_leaves(place: Place) -> None:
    """No reply has a list of numbers, and no command writes a vector."""
    place.enrol(1)
    seen = place.recognise(1)
    replies = [seen, *(place.send("GET", path).get_json() for path in readable(place))]

    assert max(numbers_in(reply) for reply in replies if reply) < 50
    assert {
        (schema, field) for schema, field in fields_of(place) if re.search("template|vector|embedding", field)
    } == set()
    exporting = [" ".join(path) for path, _ in commands(app.assemble()) if "export" in path]
    assert exporting == ["export", "keys token export"]  # the keys of tokens open no template
    source = ast.unparse(sources()[ROOT / "recommender" / "cli" / "commands.py"])
    assert "template" not in source.replace("templates/", "")


def readable(place: Place) -> list[str]:
    """The routes that are read without a body or a name in the path."""
    return [
        path
        for path, operations in described(place)["paths"].items()
        if "get" in operations and "{" not in path and not path.startswith("/health")
    ]


def test_nothing_biometric_is_sold_or_shared() -> None:
    """What speaks to another machine imports nothing that has seen a face."""
    speaking = {"urllib.request", "http.client", "requests", "httpx", "socket", "smtplib", "ftplib"}
    found = {
        str(path.relative_to(ROOT))
        for path, tree in sources().items()
        if any(name in speaking or name.partition(".")[0] in ("requests", "httpx") for name in imported(tree))
    }
    touching = [
        path
        for path in found
        if any(
            name.startswith(("identity.capture", "identity.matching", "identity.vault", "identity.frames"))
            for name in imported(sources()[ROOT / path])
        )
    ]
    assert touching == []


def test_the_same_item_costs_the_same_for_everybody(place: Place) -> None:
    """A price comes from the catalogue: no request, event or token names one for a person."""
    place.enrol(2)
    token = place.recognise(2)["token"]
    assert token
    prices = []
    for authorization in ({}, {"Authorization": f"Bearer {token}"}):
        reply = place.send("GET", "/recommender/v1/suggestions/orders?n=3&site=mill", **authorization)
        assert reply.status_code == 200, reply.get_json()
        prices.append({row["item_id"]: row["price"] for row in reply.get_json()["items"]})
    guest, customer = prices

    assert guest.keys() & customer.keys()
    assert {item: price for item, price in customer.items() if guest.get(item, price) != price} == {}
    assert "price" not in {field for name, field in fields_of(place) if "Context" in name} - {
        "max_price",
        "min_price",
    }
    served = ast.unparse(sources()[ROOT / "recommender" / "rules" / "serving.py"])
    assert "'price': item.price if item else None" in served


def test_nothing_is_paid_with_a_face(place: Place) -> None:
    forbidden = {"pay", "payment", "payments", "charge", "wallet", "card", "debit", "iban"}

    assert words(place) & forbidden == set()
    assert [path for path in described(place)["paths"] if re.search("pay|charge|wallet", path)] == []
    with pytest.raises(ValueError, match="destinations need the PIN"):
        IdentityConfig(
            home=Path("unused"),
            token_keys=(b"k",),
            needs={"orders": "face", "offers": "face", "destinations": "face"},
        )


@pytest.mark.parametrize("column", ["gender", "ethnicity", "religion", "health", "sexual_orientation", "age"])
def test_no_segment_is_made_from_what_is_sensitive(column: str) -> None:
    with pytest.raises(SensitiveInput):
        refuse_sensitive(["visits", column])


@pytest.mark.parametrize("explored", [True, False])
@pytest.mark.parametrize("bundle", [True, False])
def test_a_sensitive_item_gives_no_reason_that_says_something_about_the_customer(
    explored: bool, bundle: bool
) -> None:
    """The reason is the same whatever the customer did: the context is not even looked at."""
    item = Item("pills", "Pills", "pharmacy", 500, sensitive=True)

    reason = reason_for(None, item, 0, np.ones(3, np.float32), explored, bundle)  # type: ignore[arg-type]

    assert reason.code == "suggested"


def test_no_consent_is_ticked_beforehand_and_refusing_costs_nothing(place: Place) -> None:
    pages = [path.read_text() for path in (ROOT / "screens" / "templates").rglob("*.html")]
    assert [
        box for page in pages for box in re.findall(r"<input[^>]*checkbox[^>]*>", page) if "checked" in box
    ] == []
    scripts = "\n".join(path.read_text() for path in (ROOT / "screens" / "static" / "js").rglob("*.js"))
    assert not re.search(r"\.checked\s*=\s*true", scripts)
    notice = place.send("GET", "/identity/v1/notice").get_json()
    for purposes in ({}, {"orders": False}):
        nonce, key = press(place)
        body = {
            "nonce": nonce,
            "frames": frames_of(4),
            "consent": {"purposes": purposes, "notice_version": notice["version"], "age_confirmed": True},
        }
        assert place.send("POST", "/identity/v1/enrolments", body, key=key).status_code == 422
    guest = place.send("GET", "/recommender/v1/suggestions/orders?n=3&site=mill").get_json()
    assert guest["items"]


def test_every_model_is_pinned_and_none_is_pickled(tmp_path: Path) -> None:
    for manifest in PACKS.glob("*.json"):
        for file in json.loads(manifest.read_text())["files"]:
            assert re.fullmatch("[0-9a-f]{64}", file["sha256"]), (manifest.name, file["name"])
    pickling = {"pickle", "cPickle", "joblib", "dill", "cloudpickle", "shelve", "marshal", "torch"}
    assert [
        path for path, tree in sources().items() if pickling & {name.partition(".")[0] for name in imported(tree)}
    ] == []
    loads = [
        (path.name, ast.unparse(call))
        for path, tree in sources().items()
        for name, call in calls(tree)
        if name in ("np.load", "numpy.load")
        and not any(word.arg == "allow_pickle" and ast.unparse(word.value) == "False" for word in call.keywords)
    ]
    assert loads == []
    pickled = tmp_path / "array.npy"
    np.save(pickled, np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(pickled, allow_pickle=False)


A_VISIT = """
import tempfile
from pathlib import Path
from tests.journey import Place

place = Place(Path(tempfile.mkdtemp()), Path({cache!r}))
place.calibrate(20)
joined = place.enrol(1)
for person in (1, 9):
    place.recognise(person)
place.send("DELETE", "/identity/v1/enrolments/" + joined["receipt"])
assert place.send("GET", "/health/live").status_code == 200
print("done")
"""
"""Thresholds, joining, a customer, a stranger, opting out."""


def test_nothing_speaks_to_the_network_unasked(tmp_path: Path, engine_cache: Path) -> None:
    """Counted on a run that has no network: the resolver only counts who asks."""
    if COMPILER is None:
        pytest.skip("no C compiler")
    watch = Watch(tmp_path / "watch")
    apart = ("unshare", "-n") if shutil.which("unshare") and (Path("/proc/self/ns/net").exists()) else ()

    done = watch.run("-c", A_VISIT.format(cache=str(engine_cache)), cwd=ROOT, within=apart)

    assert done.stdout.endswith("done\n"), done.stderr
    seen = watch.seen()
    assert seen.lookups == []
    assert seen.connections == []


def test_the_pictures_of_these_tests_are_drawn() -> None:
    """No photograph is in the project, neither here nor in the demo; pages of a made-up desk a script draws."""
    assert picture(people.draw_face(1, 0))
    script = runpy.run_path(str(ROOT / "scripts" / "desk_pictures.py"))
    drawn = {Path(f"docs/pictures/desk-{page}.png") for page in script["PAGES"]}
    kinds = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"}
    found = [
        path.relative_to(ROOT)
        for top in (*HALVES, *sorted(OUTSIDE), "docs", "notebooks")
        for path in (ROOT / top).rglob("*")
        if path.suffix.casefold() in kinds and "state" not in path.parts
    ]
    # Drawn faces, packed as telephones and cameras pack their pictures: see the README beside them.
    packed = {path for path in found if path.parent == Path("tests/fixtures/pictures")}
    assert set(found) - drawn - packed == set()
