"""The files of the browsers' engine as they are served: whole or not at all, and kept for good."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from screens.engine import EngineFolder, Progress
from screens.web import build

WASM, NETWORK = b"\0asm" + bytes(2_000), b"network" * 100
DESCRIPTION = "/screens/engine/engine.json"
THREAD = "/screens/static/js/engine/worker.js"


def written(home: Path, network: bytes = NETWORK, progress: Progress = lambda *_: None) -> EngineFolder:
    folder = EngineFolder.of(home)
    contents = {"wasm": (".wasm", WASM), "embedder": (".onnx", network)}
    described: Any = {"pack": "some@1", "masks": False, "runtime": "runtime 1", "input": {"side": 128}}
    folder.write(**described, contents=contents, progress=progress)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> EngineFolder:
    return written(tmp_path)


def client_of(folder: EngineFolder) -> FlaskClient:
    app = Flask("pages")
    app.register_blueprint(build(engine=folder))
    return app.test_client()


def test_the_description_gives_addresses_with_hashes(folder: EngineFolder) -> None:
    reply = client_of(folder).get(DESCRIPTION)

    assert reply.headers["Cache-Control"] == "no-cache"
    described = reply.get_json()
    assert {name: described[name] for name in ("v", "pack", "input")} == {
        "v": 1,
        "pack": "some@1",
        "input": {"side": 128},
    }
    digest = hashlib.sha256(WASM)
    assert described["files"]["wasm"] == {
        "url": f"/screens/engine/wasm.{digest.hexdigest()[:16]}.wasm",
        "integrity": f"sha256-{base64.b64encode(digest.digest()).decode()}",
    }


def test_a_file_is_kept_for_good_and_sent_small(folder: EngineFolder) -> None:
    client = client_of(folder)
    address = client.get(DESCRIPTION).get_json()["files"]["wasm"]["url"]
    plain = client.get(address)
    over_http, over_tls = (
        client.get(address, headers={"Accept-Encoding": asked})
        for asked in ("gzip, deflate", "gzip, deflate, br, zstd")
    )

    assert plain.data == gzip.decompress(over_http.data) == brotli.decompress(over_tls.data) == WASM
    found = [reply.headers.get("Content-Encoding") for reply in (plain, over_http, over_tls)]
    assert found == [None, "gzip", "br"]
    assert len({reply.headers["ETag"] for reply in (plain, over_http, over_tls)}) == 3
    for reply in (plain, over_http, over_tls):
        assert reply.mimetype == "application/wasm"
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert reply.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("ending", ["", ".gz", ".br"])
def test_an_altered_file_is_not_sent_and_the_log_says_what_to_do(folder: EngineFolder, ending: str) -> None:
    client, file = client_of(folder), folder.files["wasm"]
    path = folder.path / f"{file.name}{ending}"
    assert client.get(f"/screens/engine/{file.name}").status_code == 200
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    with capture_logs() as lines:
        assert client.get(f"/screens/engine/{file.name}").status_code == 404
    assert lines == [
        {
            "event": "engine_file_altered",
            "log_level": "error",
            "file": file.name,
            "to_do": "Run `usual screens fetch`.",
        }
    ]
    assert folder.digest_of("wasm") is None
    assert folder.digest_of("embedder") is not None


def test_nothing_is_served_before_it_was_fetched_nor_of_another_version(tmp_path: Path) -> None:
    client = client_of(EngineFolder.of(tmp_path))
    assert client.get(DESCRIPTION).status_code == 404
    folder = written(tmp_path)
    assert client.get(DESCRIPTION).status_code == 200
    path = folder.path / "engine.json"
    path.write_text(path.read_text().replace('"v": 2', '"v": 3'))
    assert client.get(DESCRIPTION).status_code == 404
    assert client.get("/screens/engine/..%2f..%2fsecret").status_code == 404


def test_a_folder_of_version_1_is_served_with_gzip_until_it_is_fetched_again(folder: EngineFolder) -> None:
    description = folder.path / "engine.json"
    described = json.loads(description.read_bytes()) | {"v": 1}
    for file in described["files"].values():
        del file["br"]
        (folder.path / f"{file['name']}.br").unlink()
    description.write_text(json.dumps(described))
    asked = {"Accept-Encoding": "gzip, br"}

    reply = client_of(folder).get(f"/screens/engine/{folder.files['wasm'].name}", headers=asked)
    assert (reply.headers["Content-Encoding"], gzip.decompress(reply.data)) == ("gzip", WASM)
    assert client_of(folder).get(DESCRIPTION).get_json()["v"] == 1
    again = written(folder.path.parent.parent)
    reply = client_of(again).get(f"/screens/engine/{again.files['wasm'].name}", headers=asked)
    assert (reply.headers["Content-Encoding"], brotli.decompress(reply.data)) == ("br", WASM)


def test_what_is_there_is_not_compressed_again_and_the_rest_says_how_far_it_is(
    folder: EngineFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screens.engine.PIECE", 250)
    said: list[tuple[str, int, int]] = []

    again = written(folder.path.parent.parent, b"better" * 100, lambda *one: said.append(one))

    assert said == [("embedder, compressed", done, 600) for done in (0, 250, 500, 600)]
    assert again.content(hashlib.sha256(b"better" * 100).hexdigest()) == b"better" * 100


def test_another_network_has_another_address_and_the_older_one_goes(tmp_path: Path) -> None:
    before = written(tmp_path).files["embedder"].name
    after = written(tmp_path, b"better" * 100)

    assert after.files["embedder"].name != before
    assert not (after.path / before).exists()
    assert after.content(hashlib.sha256(WASM).hexdigest()) == WASM
    assert after.content(hashlib.sha256(NETWORK).hexdigest()) is None


def test_only_the_engines_thread_may_compile_and_only_its_page_may_start_it(folder: EngineFolder) -> None:
    client = client_of(folder)
    policies = {
        page: client.get(page).headers["Content-Security-Policy"]
        for page in ("/kiosk", "/taxi", "/driver", "/me", "/screens/engine", THREAD)
    }
    compiling = {page for page, policy in policies.items() if "wasm-unsafe-eval" in policy}
    starting = {page for page, policy in policies.items() if "usual-engine" in policy}

    assert compiling == {THREAD}
    assert starting == {"/kiosk", "/taxi", "/screens/engine"}
    assert all("worker-src 'self'" in policies[page] for page in starting)
    assert "connect-src 'self'" in policies[THREAD]
    assert "unsafe-inline" not in " ".join(policies.values())
