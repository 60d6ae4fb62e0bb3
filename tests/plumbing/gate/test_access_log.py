"""The access log: a line for each request, and nothing of whoever asked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from prometheus_client import CollectorRegistry

from plumbing.clock import SECOND
from plumbing.gate.gate import Gate
from plumbing.security.access_log import AccessLog
from tests.plumbing.gate.test_gate import Exchange, Guarded
from tests.plumbing.gate.test_head import Head

NOW = 1_800_000_000 * SECOND + 123_456


def test_a_line_names_the_route_and_never_what_was_asked_for(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path)
    path = tmp_path / "access.log"
    gate = Gate(
        guarded.house.app,
        guarded.house.shared.access,
        CollectorRegistry(),
        threads=1,
        log=AccessLog(path, lambda: NOW),
    )
    try:
        for method, asked in (
            ("GET", "/open?receipt=SECRETRECEIPT"),
            ("GET", "/no/SECRETPATH"),
            ("POST", "/parcels"),
        ):
            where, _, query = asked.partition("?")
            asyncio.run(gate.__rsgi__(Head(method=method, path=where, query_string=query), Exchange()))
    finally:
        gate.close()

    text = path.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/open", 200),
        ("GET", "-", 404),
        ("POST", "/parcels", 401),
    ]
    assert {name for line in lines for name in line} == {"v", "at", "method", "route", "status", "ms"}
    assert lines[0]["at"] == "2027-01-15T08:00:00+00:00", "whole seconds"
    assert "SECRET" not in text
    assert path.stat().st_mode & 0o077 == 0


def test_a_full_file_becomes_an_older_one_and_a_moved_one_is_begun_anew(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.log", lambda: NOW, most_bytes=150)
    log.note("GET", "/a", 200, 1.0)
    log.note("GET", "/b", 200, 1.0)
    assert "/b" in (tmp_path / "access.log.1").read_text()

    log.note("GET", "/c", 200, 1.0)
    (tmp_path / "access.log").rename(tmp_path / "by-logrotate")
    log.note("GET", "/d", 200, 1.0)

    assert "/c" in (tmp_path / "by-logrotate").read_text()
    assert "/d" in (tmp_path / "access.log").read_text()


def test_what_cannot_be_written_stops_no_request(tmp_path: Path) -> None:
    AccessLog(tmp_path / "missing" / "access.log", lambda: NOW).note("GET", "/a", 200, 1.0)
