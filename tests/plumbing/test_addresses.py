"""Links that commands print lead to the server of the home, and a page that is not let in is named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import app
from plumbing.address import origin_of
from plumbing.init_cli import begin
from tests.browser.fake_server import serve
from tests.clients.recorder import Recorder

PAGE = "http://127.0.0.1:8090"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("USUAL_LISTEN", "127.0.0.1:18201")
    begin(tmp_path / "home")
    return tmp_path / "home"


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app.assemble(), [*words, "--home", str(home)])


def serves(home: Path, address: str, process: int) -> None:
    """A server describes itself."""
    about = {"version": 1, "process": process, "address": address, "since": "2026-05-04T08:00:00+00:00"}
    (home / "server-identity.json").write_text(json.dumps(about))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://127.0.0.1:18202", "http://127.0.0.1:18202/"),
        ("http://0.0.0.0:18202", "http://127.0.0.1:18202/"),
        ("http://[::1]:18202", "http://[::1]:18202/"),
    ],
)
@pytest.mark.parametrize("words", [("keys", "pair", "kiosk"), ("people", "invite", "ana@example.org")])
def test_a_link_leads_to_the_server_that_runs(
    home: Path, words: tuple[str, ...], address: str, shown: str
) -> None:
    serves(home, address, os.getpid())

    assert run(home, *words).stdout.startswith(shown)


def test_without_a_server_a_link_leads_where_the_settings_say(home: Path) -> None:
    serves(home, "http://127.0.0.1:18202", 4_000_000)  # killed

    assert run(home, "keys", "pair", "kiosk").stdout.startswith("http://127.0.0.1:18201/kiosk#pair=")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8090", "kiosk.example", "ftp://kiosk.example", "http://", "http://a:b"]
)
def test_an_address_without_a_scheme_is_refused(home: Path, url: str) -> None:
    for words in (("keys", "pair", "own"), ("people", "invite", "ana@example.org")):
        done = run(home, *words, "--url", url)

        assert (done.exit_code, "begin it with http:// or https://" in done.stderr) == (2, True)


def test_a_page_of_ones_own_needs_its_address(home: Path) -> None:
    done = run(home, "keys", "pair", "own")

    assert (done.exit_code, "Say where your page is" in done.stderr) == (2, True)


@pytest.mark.parametrize(("origins", "named"), [("", True), ("https://a.example", True), (PAGE, False)])
def test_a_page_that_the_settings_do_not_let_in_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, origins: str, named: bool
) -> None:
    monkeypatch.setenv("USUAL_ORIGINS", origins)

    done = run(home, "keys", "pair", "own", "--url", f"{PAGE}/here")

    wanted = f"USUAL_ORIGINS={origins},{PAGE}" if origins else f"USUAL_ORIGINS={PAGE}"
    assert done.stdout.startswith(f"{PAGE}/here#pair=")
    assert (f"{PAGE} is not in USUAL_ORIGINS" in done.stderr, wanted in done.stderr) == (named, named)


@pytest.mark.parametrize("let_in", [True, False])
def test_the_running_server_is_asked_whom_it_lets_in(home: Path, let_in: bool) -> None:
    """Its settings count, not those of the terminal that the command is given in."""
    recorder = Recorder()
    recorder.answers.append((200, {}, {"Access-Control-Allow-Origin": PAGE} if let_in else {}))
    with serve(recorder.app()) as address:
        serves(home, address, os.getpid())

        done = run(home, "keys", "pair", "own", "--url", PAGE)

    assert ("is not in USUAL_ORIGINS" in done.stderr) is not let_in


def test_an_origin_is_what_a_browser_sends() -> None:
    assert origin_of("https://Kiosk.example:443/a?b#c") == "https://kiosk.example"
    assert origin_of("http://[::1]:8090/") == "http://[::1]:8090"


def test_somebody_invited_without_a_role_is_said_to_see_only(home: Path) -> None:
    assert "viewer" in run(home, "people", "invite", "ana@example.org").stderr
    assert "viewer" not in run(home, "people", "invite", "bo@example.org", "--role", "operator").stderr
