"""The security log: what is in it, what never is, and that it stops nothing."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from identity.errors import FrameTooLarge, TooManyFailures
from plumbing import openapi, problem_json
from plumbing.access.access import Access, Caller, PairingRefused
from plumbing.access.watch import COMMANDS
from plumbing.cli import state_options
from plumbing.clock import MINUTE, system_clock
from plumbing.door import Body, Door
from plumbing.init_cli import begin
from plumbing.problem import Problem
from plumbing.security.line_file import KEPT
from plumbing.security.log import FILE, LINES_A_MINUTE, SecurityLog
from plumbing.shared import Shared
from plumbing.storage.state import State

START = 1_700_000_000_000_000


class Clock:
    """A clock that moves only when a test sets it."""

    now = START

    def __call__(self) -> int:
        return self.now


class ReceiptPath(BaseModel):
    """A path with a secret in it."""

    receipt: str = Field(max_length=40)


class Reply(BaseModel):
    """Any."""


class House:
    """An application with a few routes, and its security log."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE
        self.shared = Shared.open(State(home), system_clock, SecurityLog(self.path, system_clock))
        self.app = openapi.new_app("Test", "Watched.")
        problem_json.register(self.app)
        api = APIBlueprint("test", __name__)
        door = Door(api, access=self.shared.access, limits=self.shared.limits, once=self.shared.once)
        self.raises: Problem | None = None

        @door.route("DELETE", "/receipts/<receipt>", scopes=("enrol",), reply=Reply, summary="Needs enrol")
        def of_receipt(caller: Caller, path: ReceiptPath) -> Body:
            return self._work()

        @door.route("PUT", "/schedule", scopes=("train",), reply=Reply, summary="Changes a setting")
        def schedule(caller: Caller) -> Body:
            return self._work()

        self.app.register_api(api)

    def _work(self) -> Body:
        if self.raises is not None:
            raise self.raises
        return {}

    def send(self, method: str, path: str, key: str = "") -> int:
        headers = {"X-API-Key": key} if key else {}
        return self.app.test_client().open(path, method=method, headers=headers).status_code

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.shared.close()


def test_a_wrong_key_a_missing_scope_and_no_key_are_noted_without_secret_or_path(house: House) -> None:
    key = house.shared.access.create_key("mill", ["enrol"])
    assert house.send("PUT", "/schedule", "usual-k1-guess") == 401
    assert house.send("PUT", "/schedule", key) == 403
    assert house.send("DELETE", "/receipts/ABCD-EFGH") == 401

    created, wrong, scope, none = house.lines
    assert (created["event"], created["tenant"], created["scopes"]) == ("key_created", "mill", "enrol")
    assert (wrong["event"], wrong["route"], wrong["v"]) == ("key_refused", "PUT /schedule", 1)
    assert (scope["event"], scope["scope"], scope["key"]) == ("scope_missing", "train", created["key"])
    assert (none["event"], none["route"]) == ("key_missing", "DELETE /receipts/<receipt>")
    assert "2023" not in str(wrong["at"])
    text = house.path.read_text()
    assert not any(secret in text for secret in (key, "guess", "ABCD", "127.0.0.1"))
    assert house.path.stat().st_mode & 0o777 == 0o600


def test_administration_lock_outs_and_refused_files_are_noted(house: House) -> None:
    key = house.shared.access.create_key("mill", ["enrol", "train"])
    assert house.send("PUT", "/schedule", key) == 200
    for house.raises in (TooManyFailures(30), FrameTooLarge(), Problem("of no interest")):
        house.send("DELETE", "/receipts/ABCD", key)

    events = [(line["event"], line.get("code")) for line in house.lines[1:]]
    assert events == [
        ("administration", None),
        ("lock_out", "too_many_failures"),
        ("file_refused", FrameTooLarge.code),
    ]
    assert {line["tenant"] for line in house.lines} == {"mill"}


def test_keys_and_pairings_are_noted_when_they_are_made_used_and_ended(house: House) -> None:
    access = house.shared.access
    access.pair(access.create_pairing("mill", "kiosk"))
    with pytest.raises(PairingRefused):
        access.pair("a guess")
    access.create_key("mill", ["admin"])
    key_id = str(access.keys("mill")[1]["key_id"])
    access.rotate_key("mill", key_id)
    access.revoke_key("mill", key_id)

    assert [line["event"] for line in house.lines] == [
        "pairing_created",
        "paired",
        "pairing_refused",
        "key_created",
        "key_rotated",
        "key_revoked",
    ]


def test_a_thousand_wrong_keys_are_a_few_lines_and_a_count(tmp_path: Path) -> None:
    clock = Clock()
    log = SecurityLog(tmp_path / FILE, clock)
    for _ in range(1_000):
        log.note("key_refused")
    clock.now += MINUTE
    log.note("paired")

    lines = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert len(lines) == LINES_A_MINUTE + 2
    assert lines[-2]["more"] == 1_000 - LINES_A_MINUTE
    assert lines[-1]["event"] == "paired"


def test_a_count_that_nothing_follows_is_written_at_the_end(tmp_path: Path) -> None:
    log = SecurityLog(tmp_path / FILE, Clock(), lines_a_minute=1)
    for _ in range(5):
        log.note("key_refused")
    log.flush()
    log.flush()

    assert [json.loads(line).get("more") for line in (tmp_path / FILE).read_text().splitlines()] == [None, 4]


def test_its_files_have_a_bounded_size_and_number(tmp_path: Path) -> None:
    log = SecurityLog(tmp_path / FILE, Clock(), most_bytes=1_000, lines_a_minute=10_000)
    for _ in range(500):
        log.note("key_refused")

    assert len(list(tmp_path.iterdir())) <= KEPT + 1
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= (KEPT + 1) * 1_200


def test_several_writers_write_whole_lines(tmp_path: Path) -> None:
    logs = [SecurityLog(tmp_path / FILE, Clock(), lines_a_minute=1_000) for _ in range(4)]
    writers = [threading.Thread(target=lambda log=log: [log.note("paired") for _ in range(100)]) for log in logs]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert len([json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]) == 400


@pytest.mark.parametrize("how", ["a folder in its place", "a full disk", "no folder"])
def test_a_log_that_cannot_be_written_stops_nothing(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "gone" / FILE if how == "no folder" else tmp_path / FILE
    if how == "a folder in its place":
        path.mkdir()
    if how == "a full disk":
        SecurityLog(path, Clock()).note("paired")
        whole, write = path.read_bytes(), os.write
        monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:7]))

    SecurityLog(path, Clock()).note("key_refused")

    if how == "a full disk":
        assert path.read_bytes() == whole  # no half line is left


def test_it_goes_where_the_setting_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for where in ("file", "stdout", "both", "off"):
        home = tmp_path / where
        home.mkdir()
        SecurityLog.of(home, Clock(), where).note("paired")
        assert (home / FILE).exists() == (where in ("file", "both"))
        assert ("paired" in capsys.readouterr().out) == (where in ("stdout", "both"))
    with pytest.raises(ValueError, match="file, stdout, both, off"):
        SecurityLog.of(tmp_path, Clock(), "elsewhere")


def test_a_stream_that_was_closed_stops_nothing(tmp_path: Path) -> None:
    stream = io.StringIO()
    stream.close()

    SecurityLog(None, Clock(), stream=stream).note("paired")


def test_an_administrative_command_is_noted_and_another_is_not(tmp_path: Path) -> None:
    @click.group()
    def usual() -> None: ...

    @usual.command(name="export")
    @state_options
    def export(home: Path, tenant: str) -> None: ...

    @usual.command(name="versions")
    @state_options
    def versions(home: Path, tenant: str) -> None: ...

    begin(tmp_path)
    for name in ("versions", "export"):
        CliRunner().invoke(usual, [name, "--home", str(tmp_path), "--tenant", "mill"])

    [line] = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert (line["event"], line["tenant"]) == ("command", "mill")
    assert "export" in line["command"]
    assert line["user"]  # who administered what
    assert {"backup", "restore", "confirm-clock", "rotate", "forget"} <= COMMANDS


def test_access_alone_notes_nothing(house: House) -> None:
    Access(house.shared.databases[0], system_clock).create_key("mill", ["admin"])

    assert house.lines == []
