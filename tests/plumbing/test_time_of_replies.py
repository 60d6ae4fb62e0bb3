"""The screens take the time from the `Date` of each reply: the real server writes one, whatever it answers."""

from __future__ import annotations

import http.client
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from data.demo.server import free_port, serving
from data.demo.setting import Setting, sweep
from plumbing.clock import system_clock

OFF_S = 5.0  # the same clock wrote it, a moment before

ASKED = (
    ("GET", "/kiosk", 200),
    ("GET", "/sw.js", None),
    ("GET", "/v1/screen", None),
    ("GET", "/recommender/v1/items", None),
    ("POST", "/recommender/v1/events", None),
    ("POST", "/v1/visits", None),
    ("GET", "/health/ready", 200),
    ("GET", "/nothing/here", 404),
)


def test_every_reply_of_the_real_server_says_the_time(tmp_path: Path, engine_cache: Path) -> None:
    setting = Setting(tmp_path / "demo", "dlib", None, engine_cache, system_clock)
    setting.folder.mkdir()
    sweep(setting)
    with serving(setting, free_port(0), patience_s=120.0, workers=1) as server:
        address = urlsplit(server.url)
        for method, path, status in ASKED:
            line = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
            line.request(method, path, b"{}" if method == "POST" else None, {"Content-Type": "application/json"})
            reply = line.getresponse()
            reply.read()
            said = reply.getheader("Date")
            line.close()

            assert status in (None, reply.status), (path, reply.status)
            assert said is not None, path
            assert abs(parsedate_to_datetime(said).timestamp() - time.time()) < OFF_S, (path, said)
