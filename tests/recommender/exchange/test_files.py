"""Files in and out: whole or not at all, wrong rows by their number, the same again out of what came in."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from plumbing.init_cli import begin
from recommender.cli.commands import export_command, import_command, train
from recommender.cli.versions import rollback, versions
from recommender.errors import BadRows, FileUnreadable
from recommender.exchange.checks import check_offers
from recommender.exchange.files import import_file
from tests.recommender.service_fixtures import NOON, Installation, World

ITEMS = "item_id,name,category,price,dayparts,allergens,available\n"
EVENTS = "event_id,type,occurred_at,customer,item_id,quantity\n"
AT = "2026-11-20T12:00:00+01:00"
Take = Callable[..., int]


@pytest.fixture
def take(world: World, tmp_path: Path) -> Take:
    """Write a file and take it in."""

    def work(what: str, content: str | bytes, name: str = "file.csv") -> int:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        stores = world.half.service.stores
        return import_file(world.half.service, stores, what, path, "grill", NOON)  # type: ignore[arg-type]

    return work


def test_a_menu_from_csv(world: World, take: Take) -> None:
    """Lists by `|`, empty cells as if the column were not there, a byte order mark and quotes understood."""
    rows = '"tea","Tea, hot",,250,breakfast|lunch,milk|soy,\nsoup,Soup,warm,480,,,true\n'
    assert take("items", "\ufeff" + ITEMS + rows) == 2
    tea = world.call("GET", "/items/tea").json
    assert (tea["name"], tea["price"], tea["dayparts"]) == ("Tea, hot", 250, ["breakfast", "lunch"])
    assert (tea["allergens"], tea["available"]) == (["milk", "soy"], True)
    assert world.call("GET", "/items/soup").json["available"] is True


OPTIONS = [(2, "options"), (3, "options"), (4, "choices")]
BAD_FILES: list[tuple[str, str, list[tuple[int, str]]]] = [
    ("items", ITEMS + "a,A,,1,,,\nb,B,,-1,,,\nc,C,,x,,,\na,A,,1,,,\n", [(3, "price"), (4, "price"), (5, "row 2")]),
    ("items", ITEMS + "a,A,,1,,,\nb,B,,-1,,,\nc,C,,1,,,\na,A,,1,,,\n", [(3, "price"), (5, "row 2")]),
    ("items", ITEMS + "a,A,,1,,,maybe\nb,B,,1,teatime,,\n", [(2, "available"), (3, "dayparts")]),
    ("items", ITEMS + "a,A,,1,teatime,,\n,B,,1,,,\n", [(2, "dayparts"), (3, "item_id")]),
    ("items", ITEMS + "a,A,,1,,,\nb,B\n", [(3, "cells")]),
    ("items", ITEMS + "a,A,,1,,,,,,\n", [(2, "cells")]),
    ("items", "item_id,name,price,name_xyzz\na,A,1,B\nb,B,1,\n", [(2, "language code")]),
    ("items", 'item_id,name,price,options\na,A,1,{}\nb,B,1,[\nc,C,1,"[{""id"": ""s""}]"\n', OPTIONS),
    ("places", "item_id,name,lat,lon,text_de\nx,X,1,1,da\n", [(2, "texts")]),
    ("places", "item_id,name,lat,lon\nx,X,95,0\nx,X,1,1\n", [(2, "lat")]),
    ("offers", "offer_id,name,items,budget_count\no,O,burger,1\np,P,pizza,-1\n", [(3, "budget_count")]),
    ("events", EVENTS + f"e,ordered,2026-11-20,ann,cola,1\nf,ordered,{AT},ann,cola,1\n", [(2, "offset")]),
    ("events", EVENTS + "e,ordered,20.11.2026,ann,cola,1\n", [(2, "offset")]),
    (
        "events",
        EVENTS + f"e,ordered,{AT},ann,cola,1\nf,ordered,{AT},ann,cola,1\ne,ordered,{AT},ann,cola,1\n",
        [(4, "row 2")],
    ),
    ("events", EVENTS + f"e,ordered,{AT},ann,cola,1\ne,ordered,{AT},bob,burger,1\n", [(3, "row 2")]),
    (
        "events",
        EVENTS + f"e,ordered,{AT},ann,pizza,1\nf,ordered,2030{AT[4:]},ann,cola,1\n",
        [(2, "pizza"), (3, "future")],
    ),
    ("events", EVENTS + f"e,ordered,{AT},ann,cola,0\n", [(2, "quantity")]),
]


@pytest.mark.parametrize(("what", "content", "wrong"), BAD_FILES)
def test_wrong_rows_are_named_and_nothing_is_stored(
    world: World, take: Take, what: str, content: str, wrong: list[tuple[int, str]]
) -> None:
    """Every wrong row with its number (the header is row 1) and the field; the good ones stay out too."""
    before = [world.count(table) for table in ("catalogue", "offers", "events", "lines")]
    with pytest.raises(BadRows) as caught:
        take(what, content)
    assert [row.row for row in caught.value.wrong] == [number for number, _ in wrong]
    for row, (_, word) in zip(caught.value.wrong, wrong, strict=True):
        assert word in row.message
    assert [world.count(table) for table in ("catalogue", "offers", "events", "lines")] == before


@pytest.mark.parametrize(
    ("what", "content", "name", "word"),
    [
        ("items", "item_id,name\nx,X\n", "file.csv", "lacks the columns price"),
        ("events", "event_id,item_id\n1,cola\n", "file.csv", "type, occurred_at"),
        ("items", ITEMS, "file.csv", "no rows"),
        ("items", "", "file.csv", "lacks the columns"),
        ("items", b"item_id,name,price\n\xff\xfe,x,1\n", "file.csv", "UTF-8"),
        ("items", ITEMS, "file.xlsx", "ends in .csv"),
    ],
)
def test_files_that_are_no_table(take: Take, what: str, content: str | bytes, name: str, word: str) -> None:
    """Missing columns, no rows, another encoding, another kind of file: said so."""
    with pytest.raises(FileUnreadable, match=word):
        take(what, content, name)


def test_json_lines_name_their_lines(world: World, take: Take) -> None:
    """One object a line; what is no JSON or no object is named by its line."""
    good = json.dumps({"item_id": "tea", "name": "Tea", "price": 250})
    assert take("items", f"\n{good}\n", "file.jsonl") == 1
    with pytest.raises(BadRows) as caught:
        take("items", f"{good}\n{{\n\n[1]\n", "file.jsonl")
    assert [row.row for row in caught.value.wrong] == [2, 4]


def test_events_from_both_kinds_of_file(world: World, take: Take) -> None:
    """CSV rows of one event_id are one order; JSON lines are the events of the API with a customer."""
    rows = f"e,ordered,{AT},ann,cola,2\ne,ordered,{AT},ann,burger,1\nf,ordered,{AT},,cola,\n"
    assert take("events", EVENTS + rows) == 2
    ride = {
        "event_id": "r",
        "type": "rode",
        "customer": "ann",
        "item_id": "work",
        "pickup": "home",
        "occurred_at": AT,
    }
    assert take("events", json.dumps(ride), "rides.jsonl") == 1
    assert take("events", EVENTS + rows) == 0  # the same again is nothing new
    history = world.half.service.events.history("grill", "ann", "ordered", 10)
    assert dict(zip(history.items[history.item].tolist(), history.quantity.tolist(), strict=True)) == {
        "burger": 1,
        "cola": 2,
    }
    assert world.suggest(token=world.token()).json["items"][0]["reason"]["code"] == "usual"
    with pytest.raises(BadRows, match=r"row 3.*used before"):
        take("events", EVENTS + f"new,ordered,{AT},ann,cola,1\ne,ordered,{AT},ann,cola,9\n")


def test_a_forgotten_customer_is_not_imported_back(world: World, take: Take) -> None:
    """A file from before the erasure is refused, its rows named."""
    world.half.erase(world.token(purposes=["erasure"]))
    with pytest.raises(BadRows, match="row 3: is about a customer who was forgotten"):
        take("events", EVENTS + f"e,ordered,{AT},bob,cola,1\nf,ordered,{AT},ann,cola,1\n")
    assert world.count("events") == 0


def run(home: Path, *arguments: str) -> tuple[int, str]:
    commands = click.Group(
        commands={
            str(command.name): command for command in (import_command, export_command, train, versions, rollback)
        }
    )
    begin(home)
    result = CliRunner().invoke(commands, [*arguments, "--home", str(home), "--tenant", "grill"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


FULL: dict[str, Any] = {
    "names": {"de": "=Tee, heiß", "ja": "お茶", "zh-Hant": "茶|茶"},
    "texts": {"en": 'Hot; "good"', "ja": "熱いお茶です。"},
    "image": "0123456789abcdef" * 2 + "-1200x800",
    "options": [
        {
            "id": "size",
            "name": "Size",
            "names": {"de": "Größe"},
            "choices": [{"id": "s", "name": "Small"}, {"id": "l", "name": "Large", "price": 60}],
        },
        {"id": "with", "name": "With", "choose": "many", "choices": [{"id": "milk", "name": "Milk", "price": -1}]},
    ],
}


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_what_goes_out_comes_in_again(installation: Installation, tmp_path: Path, ending: str) -> None:
    """Exported and taken in elsewhere, catalogue, offers and events are the same, and so is their export."""
    one, two = installation.open(tmp_path / "one"), installation.open(tmp_path / "two")
    body = {"event_id": "r", "type": "rode", "item_id": "work", "pickup": "home"}
    one.order("cola", "burger", token=one.token(), occurred_at="2026-11-23T07:00:00-05:00")
    chosen = [{"item_id": "cola", "options": ["large", "oat"]}, {"item_id": "cola"}]
    event = {"event_id": "c", "type": "ordered", "occurred_at": one.moment(minutes=-30), "items": chosen}
    one.call("POST", "/events", key="desk", json={"events": [event]})
    ride = {"events": [body | {"occurred_at": "2026-11-23T17:45:00+05:45"}]}
    one.call("POST", "/events", token=one.token(), json=ride)
    one.call(
        "PUT",
        "/items/tea",
        key="desk",
        json={"item_id": "tea", "name": 'T "é", ok', "price": 1, "tags": ["a", "b"], "allergens": []} | FULL,
    )
    station = {"item_id": "work", "name": "Work", "lat": 52.52, "lon": 13.4, "names": {"de": "Arbeit"}}
    one.call("PUT", "/places/work", key="desk", json=station)
    evening = {"offer_id": "evening", "name": "Evening", "names": {"de": "Abend"}, "terms_in": {"ja": "夜のみ"}}
    assert one.call("PUT", "/offers/evening", key="desk", json=evening).status_code == 200
    for what in ("items", "places", "offers", "events"):
        first, second = tmp_path / f"1-{what}.{ending}", tmp_path / f"2-{what}.{ending}"
        assert run(one.home, "export", what, str(first))[0] == 0
        assert run(two.home, "import", what, str(first))[0] == 0
        assert run(two.home, "export", what, str(second))[0] == 0
        assert first.read_bytes() == second.read_bytes()
    said = {item.item_id: item.allergens for item in two.half.service.stores.catalogue.all("grill", "item")}
    assert (said["tea"], said["cola"]) == ((), None)  # none of them; nobody said
    tea, work = (two.call("GET", path, key="desk").json for path in ("/items/tea", "/places/work"))
    assert {name: tea[name] for name in ("names", "texts", "image")} == {
        name: FULL[name] for name in ("names", "texts", "image")
    }
    assert tea["options"] == one.call("GET", "/items/tea", key="desk").json["options"]
    assert [choice["price"] for choice in tea["options"][0]["choices"]] == [0, 60]
    assert work["names"] == {"de": "Arbeit"}
    found = two.call("GET", "/offers/evening", key="desk").json
    assert (found["names"], found["terms_in"]) == ({"de": "Abend"}, {"ja": "夜のみ"})
    rows = [
        w.half.service.database.rows("SELECT time_us, hour, weekday, origin FROM events ORDER BY 1")
        for w in (one, two)
    ]
    assert list(map(tuple, rows[0])) == list(map(tuple, rows[1]))
    one.close()
    two.close()


def test_the_commands_say_what_they_did(world: World, tmp_path: Path) -> None:
    """Import, train, versions, roll back: a line each; what is wrong ends with status 1 and one sentence."""
    bad = tmp_path / "bad.csv"
    bad.write_text(ITEMS + "a,A,,-1,,,\n")
    code, output = run(world.home, "import", "items", str(bad))
    assert (code, "row 2: price" in output, "Traceback" in output) == (1, True, False)
    assert run(world.home, "versions", "orders")[1].startswith("No version")
    code, output = run(world.home, "train", "orders")
    assert (code, "No customer has 2 orders" in output) == (1, True)
    rows = "".join(
        f"{c}-{v},ordered,2026-11-{10 + v}T12:00:00+00:00,c{c},cola,1\n" for c in range(6) for v in range(4)
    )
    good = tmp_path / "good.csv"
    good.write_text(EVENTS + rows)
    said = "Times: 24 by their own offsets.\n24 events stored for grill.\n"
    assert run(world.home, "import", "events", str(good)) == (0, said)
    code, output = run(world.home, "train", "orders")
    assert (code, "(published)" in output) == (0, True)
    assert run(world.home, "versions", "orders")[1].startswith("* 0001-")
    assert run(world.home, "rollback", "orders")[0] == 1


FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "'=x",
    "''",
    "'",
    " =1+1",
    "＝1",
    "-",
    "'quoted'",
    "Ann's",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_an_export_is_a_formula(installation: Installation, tmp_path: Path, text: str) -> None:
    """A quote stands in front of it; read back it is the same; numbers stay numbers."""
    one, two = installation.open(tmp_path / "one"), installation.open(tmp_path / "two")
    dish = {"item_id": text.strip().replace("/", "-"), "name": text.strip(), "price": 1, "category": text.strip()}
    dish |= {"tags": [text.strip().replace("|", "")]}
    place = {"item_id": "down-under", "name": text.strip(), "lat": 52.51, "lon": 13.41}
    assert one.call("POST", "/items", key="desk", json={"rows": [dish]}).status_code == 200
    assert one.call("PUT", "/places/down-under", key="desk", json=place).status_code == 200
    offer = {"offer_id": "o", "name": text.strip(), "text": text.strip(), "budget_count": 5}
    assert one.call("PUT", "/offers/o", key="desk", json=offer).status_code == 200
    for what in ("items", "places", "offers"):
        file = tmp_path / f"{what}.csv"
        assert run(one.home, "export", what, str(file))[0] == 0
        with file.open(newline="", encoding="utf-8") as table:
            cells = [cell for row in csv.reader(table) for cell in row]
        assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+@\t\r＝＋－＠")]
        assert not [cell for cell in cells if cell.startswith("-")]
        assert run(two.home, "import", what, str(file))[0] == 0
    first, second = (
        {row["item_id"]: row for row in w.call("GET", "/items", key="desk").json["rows"]} for w in (one, two)
    )
    assert first == second
    assert two.call("GET", "/offers/o", key="desk").json["text"] == text.strip()
    assert two.call("GET", "/places/down-under").json == one.call("GET", "/places/down-under").json
    one.close()
    two.close()


def test_a_negative_number_stays_a_number(world: World, tmp_path: Path) -> None:
    """West of Greenwich: no quote in front of a longitude."""
    world.call("DELETE", "/places/home", key="desk")
    world.call("DELETE", "/places/work", key="desk")
    pier = {"item_id": "pier", "name": "Pier", "lat": 50.1, "lon": -5.2}
    assert world.call("PUT", "/places/pier", key="desk", json=pier).status_code == 200
    assert run(world.home, "export", "places", str(tmp_path / "places.csv"))[0] == 0
    assert ",-5.2" in (tmp_path / "places.csv").read_text()


def test_rides_from_files_are_coarse_and_served(world: World, take: Take) -> None:
    """CSV and JSON lines: the cell is stored; 0,0, swapped and far positions are named by their row."""
    head = "event_id,type,occurred_at,customer,item_id,pickup\n"
    assert take("events", head + f'a,rode,{AT},ann,work,"geo:52.5162745,13.3977042"\n') == 1
    row = world.half.service.database.rows("SELECT origin FROM events")[0]
    assert row["origin"] == "geo:52.516,13.398"
    bad = [f'{k},rode,{AT},ann,work,"geo:{spot}"\n' for k, spot in enumerate(("0,0", "13.4,52.5", "48,2"))]
    with pytest.raises(BadRows) as caught:
        take("events", head + "".join(bad))
    words = ("without a signal", "change places", "40 km")
    assert [row.row for row in caught.value.wrong] == [2, 3, 4]
    assert all(word in row.message for word, row in zip(words, caught.value.wrong, strict=True))
    line = {"event_id": "j", "type": "rode", "occurred_at": AT, "customer": "ann", "item_id": "work"}
    with pytest.raises(BadRows, match="both"):
        take("events", json.dumps(line | {"pickup": {"lat": 52.5}}), "rides.jsonl")


@pytest.mark.parametrize("offset", ["+23:59", "-23:59", "+14:00", "-00:07"])
def test_no_offset_of_a_device_stops_the_export(world: World, tmp_path: Path, offset: str) -> None:
    event = {"event_id": "e", "type": "ordered", "occurred_at": "2026-11-20T00:01:00" + offset, "item_id": "cola"}
    file = tmp_path / "events.jsonl"
    (tmp_path / "in.jsonl").write_text(json.dumps(event) + "\n")

    assert run(world.home, "import", "events", str(tmp_path / "in.jsonl"))[0] == 0
    assert run(world.home, "export", "events", str(file))[0] == 0

    assert "2026-11-" in file.read_text()


@pytest.mark.parametrize("row", ["[" * 20_000, '{"price": 1' + "0" * 400 + "}", '{"a": "\\ud800"}'])
def test_a_hostile_line_is_a_wrong_row(take: Take, row: str) -> None:
    with pytest.raises(BadRows):
        take("items", row + "\n", name="file.jsonl")


def test_an_offer_that_no_file_can_store_is_refused() -> None:
    with pytest.raises(BadRows):
        check_offers([{"offer_id": "o", "name": "half \ud800"}], set(), [1])
