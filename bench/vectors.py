"""Whole visits of devices that send vectors, beside visits with pictures in the same run, over HTTP.

A visit is a press, a sealed and signed message with one to three vectors, and five suggestions. Everybody who
comes is another customer, as at many counters. The load generator seals and signs, and shares the processors.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key

from bench.measure import Row, processor_s, resident_mb
from bench.served import installed, silent
from bench.visits import FRAMES_OF_EACH, TERMINALS, LoadReport, load, opened, scene_frame, terminal_keys
from data.demo import stage
from data.demo.client import Client
from data.demo.server import free_port, serving
from data.demo.setting import TENANT, Setting, sweep
from data.town.town import Town
from identity.device_vectors.message import Claims, Content, Shape, Sight
from identity.device_vectors.sealing import public_key_of, sealed_message
from identity.edge.people import FORMAT
from identity.edge.replica import Replica
from identity.engines.manifests import load_pack
from identity.vectors import Array, unit
from plumbing.clock import DAY, system_clock

PACK = "open-model-zoo"
LIMITS = {10_000: (400.0, 250.0), 100_000: (200.0, 400.0)}
"""Customers: at least so many visits a second, at most so many MB."""
P95_MS, FASTER = 100.0, 5.0
NOISE = 0.02
GOOD = Claims(faces=1, eye_distance=120.0, yaw=3.0, sharpness=20.0, brightness=120.0, contrast=40.0)


@dataclass
class Device:
    """A terminal of its own, with the key that it signs with."""

    key: str
    signing: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def message(self, pressed: Mapping[str, Any], looks: Array) -> str:
        """`looks`, unit vectors (n, d), for the press that was answered with `pressed`; base64."""
        seal = pressed["seal"]
        made = sealed_message(
            Content(tuple(Sight(one, GOOD) for one in looks)),
            Shape("recognise", seal["size"]),
            pack=seal["pack"],
            device=seal["device"],
            nonce=pressed["nonce"],
            key_id=bytes.fromhex(seal["key_id"]),
            seal_key=base64.urlsafe_b64decode(seal["public_key"] + "="),
            signing_key=self.signing,
        )
        return base64.b64encode(made).decode()


def vectors(
    models: Path | None, cache: Path, seconds: float, counts: tuple[int, ...] = tuple(LIMITS)
) -> list[Row]:
    """`seconds` of load for each number of customers; without `models` nothing is beside."""
    rows, rates = [], {}
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="usual-bench-") as folder:
            found, rates[count] = _sealed(Setting(Path(folder), PACK, None, cache, system_clock), count, seconds)
        rows += found
    if models is not None:
        rate = _pictured(models, cache, seconds)
        section = f"Visits with vectors beside visits with pictures, {PACK}"
        ratio = rates[counts[0]] / rate
        rows.append(
            Row(
                section, "visits a second, times as many", ratio, "", FASTER, "more", f"{rate:.1f}/s with pictures"
            )
        )
    return rows


def _pictured(models: Path, cache: Path, seconds: float) -> float:
    """Visits a second with pictures, by as many terminals."""
    with tempfile.TemporaryDirectory(prefix="usual-bench-") as folder:
        setting = Setting(Path(folder), PACK, models, cache, system_clock)
        with installed(setting) as (server, town, members):
            at = town.moment(int(np.max(town.visits.day)) + 1, 12.5).isoformat()
            frames = [scene_frame(m.person_seed, 40 + k) for k in range(FRAMES_OF_EACH) for m in members]
            keys = terminal_keys(setting)
            load(server.url, keys, frames, at, 3.0)
            report = load(server.url, keys, frames, at, seconds)
    return len(report.ms) / seconds


def _sealed(setting: Setting, count: int, seconds: float) -> tuple[list[Row], float]:
    """The figures of a server without an engine, and its visits a second."""
    sweep(setting)
    office = stage.make_keys(setting)["office"]
    faces = unit(np.random.default_rng(5).standard_normal((count, load_pack(PACK).size)))
    with opened(setting) as half:
        _join(half, faces)
    devices = _devices(setting)
    with patch.dict(os.environ, USUAL_ENGINES="0"):  # the server takes it over
        began = time.monotonic()
        with serving(setting, free_port(0), patience_s=180.0) as server:
            start_s = time.monotonic() - began
            town = Town.build()
            with Client(server.url, office) as client:
                stage.load_catalogue(client, town)
            stage.import_history(setting, town, town.customers, silent)
            with Client(server.url, office) as client:
                stage.finish_training(client, {"orders": stage.begin_training(client, "orders")}, silent)
            visit = partial(
                _visits, server.url, faces, town.moment(int(np.max(town.visits.day)) + 1, 12.5).isoformat()
            )
            _at_once(devices, partial(visit, 3.0))
            used = processor_s(server.process.pid)
            report = _at_once(devices, partial(visit, seconds))
            if not report.ms:
                raise RuntimeError(f"no visit succeeded: {report.errors[:3]}")
            cost = 1000 * (processor_s(server.process.pid) - used) / max(len(report.ms), 1)
            held = resident_mb(server.process.pid)
    return _rows(count, report, seconds, cost, held, start_s), len(report.ms) / seconds


def _join(half: Any, faces: Array) -> None:
    """A customer with orders and a face for each of `faces` (n, d), as a store box writes those of its site."""
    service = half.service
    replica = Replica(
        half.config,
        half.stores,
        half.vault,
        half.matchers,
        service.customers.accounts,
        service.erasures,
        system_clock,
    )
    pack = half.matchers.clear.pack.id
    with half.stores.customers.writing():
        for face in faces:
            replica.put(
                TENANT,
                {
                    "format": FORMAT,
                    "tag": secrets.token_hex(16),
                    "pseudonym": secrets.token_urlsafe(16),
                    "code": secrets.token_hex(32),
                    "templates": {pack: base64.b64encode(face.astype("<f4").tobytes()).decode()},
                    "given": ["face", "orders"],
                    "notice": "1",
                    "months": 12,
                    "last_day": system_clock() // DAY,
                    "paused_until_us": 0,
                    "needs_second_factor": 0,
                },
            )
    half.matchers.keep_thresholds()


def _devices(setting: Setting) -> list[Device]:
    devices = [Device(key) for key in terminal_keys(setting)]
    access, database = stage.access_of(setting)
    try:
        for n, device in enumerate(devices):
            access.modes.choose(TENANT, f"terminal-{n}", "vectors")
            access.modes.register(TENANT, f"terminal-{n}", public_key_of(device.signing))
    finally:
        database.close()
    return devices


def _at_once(devices: list[Device], visits: Any) -> LoadReport:
    report = LoadReport()
    threads = [threading.Thread(target=visits, args=(one, n, report)) for n, one in enumerate(devices)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return report


def _visits(
    url: str, faces: Array, at: str, seconds: float, device: Device, first: int, report: LoadReport
) -> None:
    """One terminal: press, seal, visit, until the time is over; a customer comes once in all."""
    line = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    random, until = np.random.default_rng([7, first, int(1000 * seconds)]), time.monotonic() + seconds

    def post(path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        headers = {"X-API-Key": device.key, "Content-Type": "application/json"}
        line.request("POST", path, json.dumps(body).encode(), headers | {"Idempotency-Key": secrets.token_hex(16)})
        reply = line.getresponse()
        return reply.status, json.loads(reply.read())

    wanted = {"scene": "orders", "context": {"site": "market", "local_time": at}, "n": 5}
    order = random.permutation(np.arange(first, len(faces), TERMINALS))
    for n, who in enumerate(order):
        if time.monotonic() >= until:
            break
        looks = unit(faces[who] + NOISE * random.standard_normal((1 + n % 3, faces.shape[1])))
        began = time.perf_counter()
        status, answer = post("/identity/v1/presses", {})
        if status == http.client.CREATED:
            sealed = {"nonce": answer["nonce"], "device_message": device.message(answer, looks)}
            status, answer = post("/v1/visits", wanted | sealed)
        if status != http.client.OK:
            report.errors.append(f"{status} {answer.get('code')}")
            continue
        report.ms.append(1000 * (time.perf_counter() - began))
        report.decisions.append(answer["decision"])
    line.close()


def _rows(count: int, report: LoadReport, seconds: float, cost: float, held: float, start_s: float) -> list[Row]:
    section = (
        f"Visits with vectors, {count:,} customers, {TERMINALS} terminals, {seconds:.0f} s, suggestions included"
    )
    rate, memory = LIMITS.get(count, (0.0, float("inf")))
    matched = 100 * report.decisions.count("matched") / max(len(report.decisions), 1)
    first = report.errors[0] if report.errors else ""
    return [
        Row(section, "visits a second, load generator included", len(report.ms) / seconds, "/s", rate, "more"),
        Row(section, "p95", float(np.percentile(report.ms, 95)), "ms", P95_MS),
        Row(section, "errors", len(report.errors), "", 0, note=first),
        Row(section, "recognised", matched, "%", 99.0, "more"),
        Row(section, "processor time of the server for one", cost, "ms"),
        Row(section, "memory of the server", held, "MB", memory),
        Row(section, "start, the gallery included", start_s, "s", 3.0 if count >= 100_000 else None),
    ]
