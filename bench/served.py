"""The real server with drawn customers: a whole visit over HTTP, suggestions over HTTP, memory."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Row, processor_s, resident_mb, timed
from data.demo import stage
from data.demo.client import Client
from data.demo.stage import Setting
from data.faces import people
from data.town.town import Town
from plumbing.clock import system_clock

ENROLLED = 12
TARGETS_MS = {"dlib": 60.0, "open-model-zoo": 30.0}


@contextmanager
def _silent(label: str, total: int) -> Iterator[Any]:
    class Bar:
        def update(self, n: int) -> None: ...

    yield Bar()


@contextmanager
def installed(setting: Setting) -> Iterator[tuple[stage.Server, Town, list[stage.Member]]]:
    """A small installation that serves: the town's history, 12 customers opted in, both scenes trained."""
    stage.sweep(setting)
    keys = stage.make_keys(setting)
    stage.calibrate(setting, _silent, 60)
    with stage.serving(setting, stage.free_port(0)) as server:
        with Client(server.url, keys["kiosk"]) as kiosk, Client(server.url, keys["office"]) as office:
            town = Town.build()
            stage.load_catalogue(office, town)
            stage.import_history(setting, town, town.customers[ENROLLED:], _silent)
            members = stage.opt_in(kiosk, town, range(ENROLLED), _silent)
            runs = {scene: stage.begin_training(office, scene) for scene in ("orders", "destinations")}
            stage.finish_training(office, runs, _silent)
        yield server, town, members


def served(pack: str, models: Path | None, cache: Path, n: int) -> list[Row]:
    """One visit after the other on a small installation with `pack`."""
    with tempfile.TemporaryDirectory(prefix="usual-bench-") as folder:
        setting = Setting(Path(folder), pack, models, cache, system_clock)
        with installed(setting) as (server, town, members):
            access, database = stage.access_of(setting)
            key = access.create_key(stage.TENANT, stage.KIOSK, device="kiosk-bench", site="market")
            database.close()
            with Client(server.url, key) as kiosk:
                rows = _visits(kiosk, town, members, pack, n, server.process.pid)
            rows.append(
                Row(rows[0].section, "resident memory of the server", resident_mb(server.process.pid), "MB", 600)
            )
    return rows


def _visits(kiosk: Client, town: Town, members: list[stage.Member], pack: str, n: int, pid: int) -> list[Row]:
    """A frame of 1280x960 in, recognition and five suggestions out; pressing first is part of it."""
    at = town.moment(int(np.max(town.visits.day)) + 1, 12.5).isoformat()
    context = {"site": "market", "local_time": at}
    moments = [
        base64.b64encode(people.jpeg(people.draw_face(member.person_seed, 40 + k, (1280, 960)))).decode()
        for k in range(2)
        for member in members
    ]
    decisions: list[str] = []

    def visit(k: int) -> None:
        sent = {"nonce": kiosk.press(), "frames": [moments[k % len(moments)]], "scene": "orders"}
        told = kiosk.call("POST", "/v1/visits", sent | {"context": context, "n": 5})
        decisions.append(told["decision"])

    for k in range(5):
        visit(k)
    used = processor_s(pid)
    times = timed(visit, n, warm=0)
    used = processor_s(pid) - used
    frame = base64.b64decode(moments[0])
    section = (
        f"A whole visit over HTTP, {pack}: press, one JPEG of 1280x960 ({len(frame) // 1024} kB), five suggestions"
    )
    if pack not in TARGETS_MS:
        return [Row(section, "p50", times.p50, "ms")]
    token = kiosk.recognise([people.draw_face(members[0].person_seed, 50)])["token"]
    asked = timed(lambda k: kiosk.suggestions("orders", token, context), 4 * n, warm=5)
    return [
        Row(section, "p50", times.p50, "ms", TARGETS_MS[pack]),
        Row(section, "p99", times.p99, "ms"),
        Row(section, "processor time of the server for one", 1000 * used / n, "ms"),
        Row(
            section,
            "recognised",
            100 * decisions.count("matched") / len(decisions),
            "%",
            note="of drawn customers",
        ),
        Row(section, "suggestions alone, p50", asked.p50, "ms"),
        Row(section, "suggestions alone, p99", asked.p99, "ms"),
    ]
