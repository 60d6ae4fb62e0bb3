"""The real server with drawn customers: a whole visit over HTTP, suggestions over HTTP, memory."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.measure import Row, processor_s, resident_mb, timed
from data.demo import stage
from data.demo.client import Client
from data.demo.members import Member
from data.demo.server import Server, free_port, serving
from data.demo.setting import TENANT, Setting, sweep
from data.demo.terminal import Bar
from data.faces import people
from data.town.town import Town
from plumbing.clock import system_clock

ENROLLED = 12
TARGETS_MS = {"dlib": 60.0, "open-model-zoo": 30.0}


class _NoBar:
    def update(self, n: int) -> None:
        """Nothing is printed."""


@contextmanager
def silent(label: str, total: int) -> Iterator[Bar]:
    yield _NoBar()


@contextmanager
def installed(setting: Setting) -> Iterator[tuple[Server, Town, list[Member]]]:
    """A small installation that serves: the town's history, 12 customers opted in, both scenes trained."""
    sweep(setting)
    keys = stage.make_keys(setting)
    stage.calibrate_pack(setting, silent, 60)
    with serving(setting, free_port(0)) as server:
        with Client(server.url, keys["kiosk"]) as kiosk, Client(server.url, keys["office"]) as office:
            town = Town.build()
            stage.load_catalogue(office, town)
            stage.import_history(setting, town, town.customers[ENROLLED:], silent)
            members = stage.opt_in(kiosk, town, range(ENROLLED), silent, setting)
            runs = {scene: stage.begin_training(office, scene) for scene in ("orders", "destinations")}
            stage.finish_training(office, runs, silent)
        yield server, town, members


def served(pack: str, models: Path | None, cache: Path, n: int) -> list[Row]:
    """One visit after the other on a small installation with `pack`."""
    with tempfile.TemporaryDirectory(prefix="usual-bench-") as folder:
        setting = Setting(Path(folder), pack, models, cache, system_clock)
        with installed(setting) as (server, town, members):
            access, database = stage.access_of(setting)
            key = access.create_key(TENANT, stage.KIOSK, device="kiosk-bench", site="market")
            database.close()
            with Client(server.url, key) as kiosk:
                rows = _visits(kiosk, town, members, pack, n, server.process.pid)
            rows.append(
                Row(rows[0].section, "resident memory of the server", resident_mb(server.process.pid), "MB", 600)
            )
    return rows


def _frames_of(members: list[Member]) -> list[str]:
    """Two JPEGs of 1280x960 of every member, in base64."""
    faces = (people.draw_face(member.person_seed, 40 + k, (1280, 960)) for k in range(2) for member in members)
    return [base64.b64encode(people.jpeg(face)).decode() for face in faces]


def _visits(kiosk: Client, town: Town, members: list[Member], pack: str, n: int, pid: int) -> list[Row]:
    """A frame of 1280x960 in, recognition and five suggestions out; pressing first is part of it."""
    at = town.moment(int(np.max(town.visits.day)) + 1, 12.5).isoformat()
    context = {"site": "market", "local_time": at}
    moments = _frames_of(members)
    decisions: list[str] = []

    def visit(k: int) -> None:
        sent = {"nonce": kiosk.press(), "frames": [moments[k % len(moments)]], "scene": "orders"}
        answer = kiosk.call("POST", "/v1/visits", sent | {"context": context, "n": 5})
        decisions.append(answer["decision"])

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
    alone = timed(lambda k: kiosk.suggestions("orders", token, context), 4 * n, warm=5)
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
        Row(section, "suggestions alone, p50", alone.p50, "ms"),
        Row(section, "suggestions alone, p99", alone.p99, "ms"),
    ]
