"""`deploy/replicas`: what nginx does with a picture, a POST and an address, and how replicas get their secrets."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from plumbing.problem_json import BodyTooLarge
from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "replicas"
CONF = FOLDER / "nginx.conf"
UNITS = {"k": 2**10, "m": 2**20}


@pytest.fixture(scope="module")
def start() -> ModuleType:
    spec = spec_from_file_location("replicas_start", FOLDER / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def said(name: str, text: str) -> list[str]:
    """Every value of a directive of nginx, without comments."""
    plain = re.sub(r"#.*", "", text)
    return [value.strip() for value in re.findall(rf"^\s*{name}\s+([^;]*);", plain, re.MULTILINE)]


def octets(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]] if text[-1] in UNITS else int(text)


def test_no_picture_touches_a_disk() -> None:
    text = CONF.read_text()
    largest, held = said("client_max_body_size", text), said("client_body_buffer_size", text)

    assert len(largest) == len(held) == 2
    assert all(octets(buffer) > octets(most) for most, buffer in zip(largest, held, strict=True))
    assert said("client_body_in_file_only", text) == ["off"]
    assert said("proxy_max_temp_file_size", text) == ["0"]


def test_nobody_is_written_down() -> None:
    text = CONF.read_text()

    assert said("access_log", text) == ["off"]
    assert said("error_log", text) == ["stderr crit"]  # "error" names the caller's address and the path


def test_a_post_that_may_have_been_taken_is_never_sent_twice() -> None:
    [passed_on] = said("proxy_next_upstream", CONF.read_text())

    assert passed_on.split() == ["error", "timeout"]  # neither non_idempotent nor http_503


def test_what_nginx_says_itself_is_a_problem_with_a_code() -> None:
    problems = [json.loads(text) for text in re.findall(r"return \d+ '(\{.*\})';", CONF.read_text())]

    assert [(one["status"], one["code"]) for one in problems] == [(413, BodyTooLarge.code), (503, "replica_away")]
    assert all(one["type"] == f"/docs/errors/{one['code']}" for one in problems)


def test_what_a_caller_says_about_its_address_counts_for_nothing() -> None:
    headers = dict(value.split(None, 1) for value in said("proxy_set_header", CONF.read_text()))

    assert headers["X-Forwarded-For"] == "$remote_addr"
    assert headers["X-Forwarded-Proto"] == "$scheme"
    assert headers["Forwarded"] == headers["X-Forwarded-Host"] == '""'


def test_idle_connections_end_before_a_replica_ends_them() -> None:
    from plumbing.serving.server import HEAD_S

    upstream = CONF.read_text().partition("upstream usual")[2].partition("server {")[0]
    assert all(int(value.rstrip("s")) < HEAD_S for value in said("keepalive_timeout", upstream))


def test_every_replica_is_in_the_configuration(start: ModuleType, tmp_path: Path) -> None:
    replicas = start.homes(tmp_path, 3, 8101)
    text = start.configuration(replicas, tmp_path / "nginx", "127.0.0.1:8080")

    assert [value.split()[0] for value in said("server", text)][:3] == [
        f"127.0.0.1:{port}" for port in (8101, 8102, 8103)
    ]
    assert all("max_fails=2" in value for value in said("server", text)[:3])
    assert not re.search(r"@[A-Z]+@", text)
    assert {one.home.stat().st_mode & 0o777 for one in replicas} == {0o700}


def test_replicas_get_the_same_secrets_and_none_is_overwritten(start: ModuleType, tmp_path: Path) -> None:
    first, second, third = (one.home for one in start.homes(tmp_path, 3, 8101))
    (first / "token.key").write_bytes(b"first")
    (first / "access.db").write_bytes(b"state")
    assert start.share_secrets(first, [second, third]) == ["replica-2/token.key", "replica-3/token.key"]
    assert start.share_secrets(first, [second, third]) == []
    assert (third / "token.key").read_bytes() == b"first"
    assert (third / "token.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in second.iterdir()] == ["token.key"]

    (third / "token.key").write_bytes(b"another")
    with pytest.raises(start.CannotStart, match="two installations"):
        start.share_secrets(first, [second, third])
    assert (third / "token.key").read_bytes() == b"another"


@pytest.mark.parametrize(
    ("nginx", "database", "says"),
    [
        (None, "postgresql://usual@db/usual", "nginx is not installed"),
        ("/usr/sbin/nginx", "", "Set USUAL_DATABASE"),
    ],
)
def test_what_is_missing_is_named_before_anything_starts(
    start: ModuleType, nginx: str | None, database: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: nginx)

    with pytest.raises(start.CannotStart, match=says):
        start.check({"USUAL_DATABASE": database}, apart=False)


def test_who_does_not_stop_is_killed(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "STOP_S", 0.1)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        start._stop([process], signal.SIGTERM)

    assert process.returncode == -signal.SIGKILL


class Ended:
    """A process that has ended, or one that goes on."""

    def __init__(self, status: int | None) -> None:
        self.returncode = status

    def poll(self) -> int | None:
        return self.returncode


def test_a_replica_that_ended_is_started_again(
    start: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [replica] = start.homes(tmp_path, 1, 8101)
    replica.process, nginx, started = Ended(-9), Ended(None), []

    def begin(workers: int, environment: object) -> None:
        started.append(workers)
        replica.process, nginx.returncode = Ended(None), 0

    monkeypatch.setattr(replica, "start", begin)
    monkeypatch.setattr(start, "AGAIN_S", 0.0)
    monkeypatch.setattr(start, "LOOK_S", 0.0)
    assert start.watch([replica], nginx, 2, {}) == 0
    assert started == [2]
    assert "replica 1: ended" in capsys.readouterr().out
