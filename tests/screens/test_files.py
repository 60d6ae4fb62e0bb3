"""The files of the pages: kept for good under the address of their release, small, and all of one release."""

from __future__ import annotations

import gzip
import re
import sys

import pytest
from flask import Flask
from flask.testing import FlaskClient

from screens.assets import Assets, assets_of
from screens.web import STATIC, build
from tests.conftest import ROOT

MOST_BYTES = 150_000
MOST_FILES = 20
ZIPPED = {"Accept-Encoding": "gzip"}


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    app = Flask("pages")
    app.register_blueprint(build())
    return app.test_client()


@pytest.fixture(scope="module")
def assets() -> Assets:
    return assets_of(ROOT / "screens" / "static")


def named(client: FlaskClient, page: str) -> set[str]:
    """The scripts, styles and words that a page names: everything that it needs to start."""
    html = client.get(f"/{page}").text
    return {name for name in re.findall(r'(?:src|href)="([^"#]+)', html) if not name.endswith(".svg")}


@pytest.mark.parametrize("page", ["kiosk", "taxi"])
def test_script_style_and_words_of_a_page_are_small(
    client: FlaskClient, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row of the list of screens: at most 150 kB, as they are sent."""
    sizes = {name: len(client.get(name, headers=ZIPPED).data) for name in named(client, page)}

    with capsys.disabled():
        sys.stdout.write(f"\n{page}: {sum(sizes.values())} bytes of script, style and words, {len(sizes)} files\n")
    assert sum(sizes.values()) <= MOST_BYTES
    assert len(sizes) <= MOST_FILES


@pytest.mark.parametrize("page", ["kiosk", "taxi"])
def test_a_page_names_its_joined_modules_and_all_that_these_import(
    client: FlaskClient, assets: Assets, page: str
) -> None:
    """So that the browser asks for all of them at once, not one layer of imports after another."""
    script = assets.first_module(f"js/{page}.js")
    modules = {script, *assets.modules_of(f"js/{page}.js")}
    sent = {name.partition(f"/r/{assets.release}/")[2] for name in named(client, page) if name.endswith(".js")}

    assert script == f"js/{page}.joined.js"
    assert sent == modules
    for name in modules:
        imports = re.findall(r'(?:from|^import) "(\.[^"]+)"', assets.content(name).decode(), re.MULTILINE)
        assert all(
            (assets.folder / name).parent.joinpath(one).resolve().relative_to(assets.folder).as_posix() in modules
            for one in imports
        )


def test_a_screen_keeps_each_module_once_by_itself_or_joined(assets: Assets) -> None:
    kept = [name for name in assets.to_keep if name.endswith(".js")]
    joined = b"".join(assets.joined.values()).decode()
    alone = {name for name in kept if name not in assets.joined}
    inside = set(re.findall(r"^// (js/[\w/]+\.js)$", joined, re.MULTILINE))

    assert set(assets.joined) <= set(kept)
    assert alone.isdisjoint(inside)
    assert alone | inside == {name for name in assets.names if name.endswith(".js")}


def test_a_file_of_this_release_is_kept_for_good_and_any_other_address_is_asked_again(
    client: FlaskClient, assets: Assets
) -> None:
    kept = client.get(f"{STATIC}/r/{assets.release}/js/kiosk.js")
    other = client.get(f"{STATIC}/r/0123456789abcdef/js/kiosk.js")
    plain = client.get(f"{STATIC}/js/kiosk.js")

    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert other.headers["Cache-Control"] == plain.headers["Cache-Control"] == "no-cache"
    assert kept.data == other.data == plain.data
    again = client.get(f"{STATIC}/js/kiosk.js", headers={"If-None-Match": plain.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_file_is_sent_compressed_where_the_browser_can_read_that(client: FlaskClient) -> None:
    small, plain = client.get(f"{STATIC}/css/base.css", headers=ZIPPED), client.get(f"{STATIC}/css/base.css")

    assert gzip.decompress(small.data) == plain.data
    assert small.headers["Content-Encoding"] == "gzip"
    assert small.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize("name", ["../web.py", "%2e%2e/web.py", "js/none.js", "js", ""])
def test_no_other_file_is_served(client: FlaskClient, assets: Assets, name: str) -> None:
    assert client.get(f"{STATIC}/r/{assets.release}/{name}").status_code == 404


def test_a_service_worker_is_there_for_each_screen_and_for_nothing_else(client: FlaskClient) -> None:
    kiosk = client.get("/screens/worker.js?page=kiosk")

    assert kiosk.headers["Service-Worker-Allowed"] == "/"
    assert kiosk.headers["Cache-Control"] == "no-cache"
    assert "connect-src 'self'" in kiosk.headers["Content-Security-Policy"]
    assert client.get("/screens/worker.js?page=me").status_code == 404
    assert client.get("/screens/worker.js").status_code == 404
    assert "'none'" in client.get("/me").headers["Content-Security-Policy"].split("trusted-types ")[-1]


def test_the_release_changes_with_any_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    releases = set()
    for text in ("one", "two"):
        folder = tmp_path_factory.mktemp("static")
        (folder / "a.js").write_text(text)
        releases.add(assets_of(folder).release)

    assert len(releases) == 2
