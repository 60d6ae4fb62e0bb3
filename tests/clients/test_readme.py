"""The way from nothing to a suggestion in README.md: the till's file and its ten lines, before a real house."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from identity.web.schemas import ConsentBody
from tests.browser.fake_server import serve
from tests.clients.recorder import Answer, Recorder
from tests.conftest import ROOT
from tests.journey import Place
from tests.test_readme import blocks
from usual_client import Usual

CLIENTS = (ROOT / "docs" / "clients.md").read_text()


def names_of_the_page() -> dict[str, Any]:
    """What the Python of docs/clients.md defines."""
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", CLIENTS, re.DOTALL):
        exec(code, names)
    return names


def test_the_lines_of_the_page_on_clients_make_a_guest_of_every_failure() -> None:
    """docs/clients.md: who is matched, a picture that cannot be used, and a server that refuses."""
    names = names_of_the_page()
    recorder = Recorder()
    press: Answer = (201, {"nonce": "n"}, {})
    seen = {"token": "usual-t1.x", "suggestions": {"items": [{"name": "Tea"}]}}
    recorder.answers += [
        press,
        (200, seen, {}),
        press,
        (422, {"code": "no_face"}, {}),
        (403, {"code": "scope_missing"}, {}),
    ]

    with serve(recorder.app()) as address:
        till = Usual(address, "key")
        answers = [names["greet"](till, lambda: [b"a picture"]) for _ in range(3)]

    assert answers == [(["Tea"], "usual-t1.x"), ([], None), ([], None)]


def test_the_lines_without_a_camera_lead_to_a_suggestion_of_ones_own(tmp_path: Path, engine_cache: Path) -> None:
    """docs/clients.md: join with a code, order, come back."""
    names = names_of_the_page()
    place = Place(tmp_path / "home", engine_cache)
    dishes = [{"item_id": name.lower(), "name": name, "price": 300} for name in ("Tea", "Soup", "Cake")]
    assert place.send("POST", "/recommender/v1/items", {"rows": dishes}).status_code == 200
    key = place.access.create_key(
        place.tenant, ["enrol", "identify", "suggest", "event"], device="till", site="market"
    )

    with serve(place.app) as address:
        till = Usual(address, key)
        receipt = names["join"](till, "4711")
        till.order([{"item_id": "soup"}], token=till.recognise_by_code(receipt, "4711")["token"])

        assert names["own_dishes"](till, receipt, "4711")[0] == "Soup"


def test_the_javascript_of_the_pages_calls_what_the_module_has() -> None:
    """Each method is one of usual.js, and the consent has the fields of the API."""
    module = (ROOT / "screens" / "static" / "js" / "usual.js").read_text()
    methods = set(re.findall(r"^  (?:static )?(?:async )?(\w+)\(.*\) \{$", module, re.MULTILINE))
    quick = (ROOT / "docs" / "quick-start.md").read_text()
    called = set(
        re.findall(
            r"\b[uU]sual\.(\w+)\(", "".join(re.findall(r"```(?:js|html)\n(.*?)```", CLIENTS + quick, re.DOTALL))
        )
    )
    consent = set(re.findall(r"(\w+):", re.findall(r"const consent = \{ (.*) \};", CLIENTS)[0])) - {"orders"}

    assert {"paired", "visitByCode", "enrol"} <= called <= methods
    assert consent <= set(ConsentBody.model_fields)


def test_the_tills_ten_lines_run_with_the_file_that_the_house_serves(tmp_path: Path, engine_cache: Path) -> None:
    """In a folder with nothing else, by a Python that knows nothing of the house."""
    [code] = [code for code in blocks("python") if "usual_client" in code]
    place = Place(tmp_path / "home", engine_cache)
    dishes = [{"item_id": name.lower(), "name": name, "price": 300} for name in ("Tea", "Soup", "Cake")]
    assert place.send("POST", "/recommender/v1/items", {"rows": dishes}).status_code == 200
    key = place.access.create_key(place.tenant, ["identify", "suggest", "event"], site="market")
    till = tmp_path / "till"
    till.mkdir()
    served = place.client.get("/clients/1/usual_client.py")
    (till / "usual_client.py").write_bytes(served.data)

    with serve(place.app) as address:
        (till / "till.py").write_text(code.replace("http://127.0.0.1:8000", address))
        environment = {"KEY": key, "PATH": os.environ["PATH"]}
        command = [
            sys.executable,
            "-I",
            "-W",
            "error",
            "-c",
            "import runpy, sys; sys.path.insert(0, ''); runpy.run_path('till.py')",
        ]
        done = subprocess.run(command, cwd=till, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    *suggested, stored = done.stdout.splitlines()
    assert {line.partition(" - ")[0] for line in suggested} == {"Tea", "Soup", "Cake"}
    assert "'accepted': 1" in stored
    assert (served.headers["Cache-Control"], place.client.get("/clients/1/other.py").status_code) == (
        "no-cache",
        404,
    )
