"""Visits as terminals make them: the real server under load, the same work without HTTP, and what it holds.

`python -m bench.visits` is one process of the comparison: it prints how many visits or frames it did.
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import http.client
import itertools
import json
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import index
from bench.measure import ROOT, Row, processor_s, resident_mb
from bench.served import installed
from data.demo import stage
from data.demo.server import free_port, serving
from data.demo.setting import TENANT, Setting
from data.faces import people
from plumbing.clock import system_clock

TERMINALS = 8
PROCESSES = 2  # of the comparison without HTTP: as many as the machine of the promise has processors
CUSTOMERS = 10_000
FRAMES_OF_EACH = 2
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # <malloc.h>


def scene_frame(person_seed: int, moment: int) -> bytes:
    """A JPEG of 1280 x 960 as a camera gives it: a person in front of a wall, with noise in every pixel."""
    rng = np.random.default_rng([31, person_seed, moment])
    drawn = people.draw_face(person_seed, moment, (1280, 960), zoom=0.75)
    noisy = drawn + rng.normal(0, 2.5, drawn.shape).astype(np.float32)
    return people.jpeg(np.clip(noisy, 0, 255).astype(np.uint8))


@dataclass
class LoadReport:
    """What the terminals measured: a time, a decision or an error for each visit."""

    ms: list[float] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def visits(pack: str, models: Path | None, cache: Path, seconds: float) -> list[Row]:
    """Load for `seconds` over HTTP, before and after it the same without, then 10,000 customers."""
    with tempfile.TemporaryDirectory(prefix="usual-bench-") as folder:
        setting = Setting(Path(folder), pack, models, cache, system_clock)
        with installed(setting) as (server, town, members):
            at = town.moment(int(np.max(town.visits.day)) + 1, 12.5).isoformat()
            frames = [scene_frame(m.person_seed, 40 + k) for k in range(FRAMES_OF_EACH) for m in members]
            for n, frame in enumerate(frames):
                (setting.folder / f"frame-{n:03d}.jpg").write_bytes(frame)
            (setting.folder / "at").write_text(at)
            keys = terminal_keys(setting)
            share = max(2.0, seconds / 6)
            before_it = {what: without_http(setting, what, share) for what in ("visits", "frames")}
            load(server.url, keys, frames, at, 3.0)
            before, own = processor_s(server.process.pid), time.process_time()
            began = time.monotonic()
            report = load(server.url, keys, frames, at, seconds)
            took = time.monotonic() - began
            used = processor_s(server.process.pid) - before, time.process_time() - own
            after_it = {what: without_http(setting, what, share) for what in ("visits", "frames")}
        alone = {what: np.mean([before_it[what], after_it[what]], axis=0) for what in after_it}
        rows = rows_of(pack, frames, report, took, used, alone)
        return [*rows, memory(setting, keys, frames, at)]


def rows_of(
    pack: str,
    frames: list[bytes],
    report: LoadReport,
    took: float,
    used: tuple[float, float],
    alone: dict[str, NDArray[np.float64]],
) -> list[Row]:
    """The figures of one load."""
    count = max(len(report.ms), 1)
    kilobytes = np.mean([len(frame) for frame in frames]) / 1024
    section = (
        f"Visits over HTTP, {pack}, {TERMINALS} terminals, {took:.0f} s:"
        f" press, a JPEG of 1280x960 ({kilobytes:.0f} kB), five suggestions"
    )
    rate, recognised = len(report.ms) / took, report.decisions.count("matched") / count
    cost = 1000 * sum(used) / count
    first = report.errors[0] if report.errors else ""
    return [
        Row(section, "visits a second, load generator included", rate, "/s", 60, "more"),
        Row(section, "p50", float(np.percentile(report.ms, 50)), "ms"),
        Row(section, "p95", float(np.percentile(report.ms, 95)), "ms", 300),
        Row(section, "errors", len(report.errors), "", 0, note=first),
        Row(section, "recognised", 100 * recognised, "%", note="of drawn customers"),
        Row(section, "processor time of the server for one", 1000 * used[0] / count, "ms"),
        Row(section, "processor time of the load generator for one", 1000 * used[1] / count, "ms"),
        Row(section, f"the same visits without HTTP, {PROCESSES} processes", alone["visits"][0], "/s"),
        Row(section, "processor time of one without HTTP", alone["visits"][1], "ms"),
        Row(section, "over HTTP / without", rate / alone["visits"][0], "", 0.7, "more"),
        Row(section, "the same by processor time", alone["visits"][1] / cost, "", 0.7, "more"),
        Row(section, f"frames to vectors alone, {PROCESSES} processes", alone["frames"][0], "/s"),
        Row(section, "processor time of one frame to its vector", alone["frames"][1], "ms", 16),
        Row(section, "over HTTP / frames to vectors, by processor time", alone["frames"][1] / cost, ""),
    ]


def terminal_keys(setting: Setting) -> list[str]:
    """A device with a key of its own for each terminal."""
    access, database = stage.access_of(setting)
    try:
        return [
            access.create_key(TENANT, stage.KIOSK, device=f"terminal-{n}", site="market") for n in range(TERMINALS)
        ]
    finally:
        database.close()


def load(url: str, keys: list[str], frames: list[bytes], at: str, seconds: float) -> LoadReport:
    """Every terminal makes one visit after the other, on a connection of its own, for `seconds`."""
    report, until = LoadReport(), time.monotonic() + seconds
    request = {"scene": "orders", "context": {"site": "market", "local_time": at}, "n": 5}
    # All but the nonce is made once: the load is to be the server's.
    bodies = [
        ', "frames": ["' + base64.b64encode(frame).decode() + '"], ' + json.dumps(request)[1:] for frame in frames
    ]
    threads = [
        threading.Thread(target=terminal, args=(url, key, bodies, n, until, report)) for n, key in enumerate(keys)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return report


def terminal(url: str, key: str, bodies: list[str], first: int, until: float, report: LoadReport) -> None:
    """One terminal: press, then the visit, until the time is over."""
    host, _, port = url.removeprefix("http://").partition(":")
    line = http.client.HTTPConnection(host, int(port), timeout=30)

    def post(path: str, body: str) -> tuple[int, dict[str, Any]]:
        headers = {"X-API-Key": key, "Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
        line.request("POST", path, body.encode(), headers)
        reply = line.getresponse()
        return reply.status, json.loads(reply.read())

    for n in itertools.count(7 * first):
        if time.monotonic() >= until:
            break
        began = time.perf_counter()
        try:
            status, answer = post("/identity/v1/presses", "{}")
            if status == 201:
                body = '{"nonce": "' + answer["nonce"] + '"' + bodies[n % len(bodies)]
                status, answer = post("/v1/visits", body)
        except (OSError, http.client.HTTPException) as error:
            report.errors.append(type(error).__name__)
            line.close()
            continue
        if status != 200:
            report.errors.append(f"{status} {answer.get('code')}")
            continue
        report.ms.append(1000 * (time.perf_counter() - began))
        report.decisions.append(answer["decision"])
    line.close()


def without_http(setting: Setting, what: str, seconds: float) -> tuple[float, float]:
    """How many visits (or frames) a second as many processes do as the promise has processors, and the processor
    milliseconds of one."""
    order = [sys.executable, "-m", "bench.visits", what, str(setting.folder), setting.pack, str(setting.cache)]
    order += [str(seconds), *([str(setting.models)] if setting.models else [])]
    running = [
        subprocess.Popen(order, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    rates, costs = [], []
    for process in running:
        out, err = process.communicate()
        if process.returncode:
            raise RuntimeError(f"the comparison ended with {process.returncode}: {err.strip()[-800:]}")
        rate, cost = json.loads(out.strip().splitlines()[-1])
        rates.append(rate)
        costs.append(cost)
    return sum(rates), sum(costs) / len(costs)


def memory(setting: Setting, keys: list[str], frames: list[bytes], at: str) -> Row:
    """The server with 10,000 customers in its gallery, after some visits."""
    bulk(setting)
    with serving(setting, free_port(0)) as server:
        report = load(server.url, keys, frames, at, 10.0)
        held = resident_mb(server.process.pid)
    name = f"The server's memory with {CUSTOMERS:,} customers, {setting.pack}"
    recognised = report.decisions.count("matched")
    served = f"after {len(report.ms)} visits, {recognised} recognised, {len(report.errors)} errors"
    return Row(name, "resident, with the engine's processes, shared pages once", held, "MB", 450, note=served)


def bulk(setting: Setting) -> None:
    """Customers whom nobody looks like: random unit vectors, sealed as enrolments leave them."""
    from identity.engines.manifests import load_pack
    from identity.matching.thresholds import Thresholds
    from identity.vectors import unit

    with opened(setting) as half:
        pack = load_pack(setting.pack)
        vectors = unit(np.random.default_rng(5).standard_normal((CUSTOMERS, pack.size)))
        index.enrol(half.stores, half.vault, vectors, pack.id, TENANT)
        size = half.galleries.current(TENANT).size
        Thresholds(half.stores.thresholds, pack, half.config.promise, system_clock).renew(TENANT, size)


@contextmanager
def opened(setting: Setting) -> Iterator[Any]:
    from identity.cli.commands import open_half

    half = open_half(setting.home, setting.pack)
    try:
        yield half
    finally:
        half.close()


def keep_memory() -> None:
    """The comparison at its best: without this the C library may give a picture's memory back after each visit,
    and the next one has to fault it in again, for up to 4 ms."""
    library = ctypes.CDLL(None)
    library.mallopt(M_MMAP_THRESHOLD, 32 << 20)
    library.mallopt(M_TRIM_THRESHOLD, 64 << 20)


def main() -> None:
    """One process of the comparison: visits or frames a second."""
    keep_memory()
    reader = argparse.ArgumentParser(prog="python -m bench.visits")
    for name in ("what", "folder", "pack", "cache", "seconds"):
        reader.add_argument(name)
    reader.add_argument("models", nargs="?")
    options = reader.parse_args()
    folder = Path(options.folder)
    frames = [path.read_bytes() for path in sorted(folder.glob("frame-*.jpg"))]
    models = Path(options.models) if options.models else None
    setting = Setting(folder, options.pack, models, Path(options.cache), system_clock)
    do = {"visits": one_visit, "frames": one_frame}[options.what](setting, frames, (folder / "at").read_text())
    for n in range(6):
        do(n)
    began, used, count = time.monotonic(), time.process_time(), 0
    while time.monotonic() - began < float(options.seconds):
        do(count)
        count += 1
    took = time.monotonic() - began
    print(json.dumps([count / took, 1000 * (time.process_time() - used) / count]))


def one_frame(setting: Setting, frames: list[bytes], at: str) -> Callable[[int], object]:
    """A frame to its vector, in this process: decode, detect, choose, blank, align, embed."""
    from identity.capture.embed import embed_one
    from identity.engines.load import open_pack
    from identity.frames.decode import decode

    engine = open_pack(setting.pack, setting.models, setting.cache)
    return lambda n: embed_one(engine, decode(frames[n % len(frames)]))


def one_visit(setting: Setting, frames: list[bytes], at: str) -> Callable[[int], object]:
    """A press, a recognition and suggestions by the halves' own services, the engine in this process."""
    from app import create_app
    from identity.engines.load import open_pack
    from identity.service import Device
    from plumbing.settings import Config
    from recommender.schemas import ContextModel
    from recommender.service import SuggestRequest

    app = create_app(Config(home=setting.home, pack=setting.pack, models=setting.models, cache=setting.cache))
    halves = app.extensions["usual"]
    identity, recommender = halves["identity"].service, halves["recommender"].service
    identity.engine = open_pack(setting.pack, setting.models, setting.cache)
    recommender.warm()
    device = Device(TENANT, f"process-{secrets.token_hex(4)}")
    context = ContextModel.model_validate({"site": "market", "local_time": at}).to_context("market")

    def visit(n: int) -> object:
        nonce, _ = identity.press(device)
        seen = identity.recognise(device, nonce, [frames[n % len(frames)]])
        if seen.token is None:
            raise RuntimeError(f"a drawn customer was not recognised ({seen.decision})")
        return recommender.suggest(SuggestRequest(device.tenant, device.name, "orders", seen.token, context, 5))

    return visit


if __name__ == "__main__":
    main()
