"""What requests cost on this machine, with the real code: server, engine, gallery, database, training."""

from __future__ import annotations

import base64
import json
import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench.fleet import databases
from bench.fleet.costs import Cost, Costs
from bench.measure import family_of, machine, processor_s, resident_mb, run_in_own_process, timed
from bench.served import installed
from bench.visits import scene_frame, terminal_keys
from data.demo.client import Client
from data.demo.server import Server
from data.demo.setting import Setting
from data.town.town import Town
from plumbing.clock import system_clock

TEMPLATE = 256  # numbers of a template, as the packs of grade production have them
SCANNED = 1_000_000
TRAINED = (50_000, 200_000)  # lines


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often each thing is done: enough for processor time that is counted in hundredths of a second."""

    presses: int = 400
    visits: int = 120
    suggestions: int = 400
    events: int = 300
    scans: int = 20


SHORT = Repeats(100, 24, 100, 60, 4)


def measured(pack: str, models: Path | None, cache: Path, repeats: Repeats, scanned: int = SCANNED) -> Costs:
    """Costs of this machine with state in SQLite. Takes a minute or two: a server is set up with drawn people."""
    where = machine()
    with tempfile.TemporaryDirectory(prefix="usual-fleet-") as folder:
        setting = Setting(Path(folder), pack, models, cache, system_clock)
        with installed(setting) as (server, town, members):
            frames = [scene_frame(member.person_seed, 40) for member in members]
            keys = terminal_keys(setting)
            spent = _requests(server, keys, frames, town, repeats)
            server_mb = resident_mb(server.process.pid)
        counted = databases.counted(setting, keys[0], frames[0], town)
        disk = databases.sqlite(setting.folder / "alone", repeats.events)
    scan_ms, template_bytes = _scan(scanned, repeats.scans)
    train_s, train_mb = _training()
    requests = {
        kind: Cost(*spent[kind], counted[kind]["commits"], counted[kind]["marks"], counted[kind]["reads"])
        for kind in spent
    }
    return Costs(
        where=f"{where['cpus']} processors, {where['cpu']}, Python {where['python']}, pack {pack};"
        f" load before {where['load_before']:.1f}",
        state="sqlite",
        requests=requests,
        scan_ms=scan_ms,
        scan_faces=scanned,
        template_bytes=template_bytes,
        server_mb=server_mb,
        commit_ms=disk.commit_ms,
        commits_s=disk.commits_s,
        mark_ms=disk.mark_ms,
        read_ms=disk.read_ms,
        event_bytes=disk.event_bytes,
        train_s=train_s,
        train_mb=train_mb,
    )


# --- requests over HTTP ------------------------------------------------------------------------------


def _requests(
    server: Server, keys: Sequence[str], frames: Sequence[bytes], town: Town, repeats: Repeats
) -> dict[str, tuple[float, float, int]]:
    """Of each kind: processor milliseconds of the server and of its engines for one, and bytes sent for one."""
    at = town.moment(int(np.max(town.visits.day)) + 1, 12.5).isoformat()
    context = {"site": "market", "local_time": at}
    clients = [Client(server.url, key) for key in keys]
    pictures = [base64.b64encode(frame).decode() for frame in frames]

    def visit(k: int) -> None:
        one = clients[k % len(clients)]
        sent = {"nonce": one.press(), "frames": [pictures[k % len(pictures)]], "scene": "orders"}
        one.call("POST", "/v1/visits", sent | {"context": context, "n": 5})

    def order(k: int) -> None:
        clients[k % len(clients)].events([order_of(town, k)], None)

    pid = server.process.pid
    try:
        press = _spent(pid, lambda k: clients[k % len(clients)].press(), repeats.presses)
        both = _spent(pid, visit, repeats.visits)
        suggestion = _spent(
            pid, lambda k: clients[k % len(clients)].suggestions("orders", None, context), repeats.suggestions
        )
        event = _spent(pid, order, repeats.events)
    finally:
        for one in clients:
            one.close()
    body = len(json.dumps({"events": [order_of(town, 0)]}))
    head = 400  # of a request, with the key
    return {
        "press": (*press, head),
        "visit": (both[0] - press[0], both[1], head + max(map(len, pictures))),
        "suggestion": (*suggestion, head),
        "event": (*event, head + body),
    }


def order_of(town: Town, k: int) -> dict[str, Any]:
    """A guest's order of two lines, now."""
    dishes = town.dishes
    return {
        "event_id": f"fleet-{k}-{secrets.token_hex(4)}",
        "type": "ordered",
        "items": [{"item_id": dishes[(k + n) % len(dishes)].item_id, "quantity": 1} for n in range(2)],
        "occurred_at": datetime.now(UTC).isoformat(),
        "site": "market",
    }


def _spent(pid: int, run: Callable[[int], object], n: int) -> tuple[float, float]:
    """Processor milliseconds of one `run`: of the server's own processes, and of the engines and decoders."""
    for k in range(5):
        run(k)
    engines, all_of_it = _engines_s(pid), processor_s(pid)
    for k in range(n):
        run(k)
    engine = 1000 * (_engines_s(pid) - engines) / n
    return max(0.0, 1000 * (processor_s(pid) - all_of_it) / n - engine), engine


def _engines_s(pid: int) -> float:
    """Processor seconds of the processes that see pictures."""
    seconds = 0.0
    for one in family_of(pid):
        line = Path("/proc") / str(one) / "cmdline"
        if line.exists() and b"identity.sandbox" in line.read_bytes():
            seconds += processor_s(one)
    return seconds


# --- gallery and training ----------------------------------------------------------------------------


def _scan(faces: int, n: int) -> tuple[float, float]:
    """Processor milliseconds of one search in the rows of a large gallery, and bytes of a template in them."""
    from identity.matching.fixed_point import FixedPointRows
    from identity.matching.gallery import SHORTLIST
    from identity.vectors import unit

    rng = np.random.default_rng(0)
    block = unit(rng.standard_normal((min(faces, 50_000), TEMPLATE), np.float32))
    rows = FixedPointRows(TEMPLATE, faces)
    for first in range(0, faces, len(block)):
        there = np.arange(first, min(first + len(block), faces))
        rows.put(there, np.roll(block[: len(there)], first // len(block), axis=1))
    times = timed(lambda k: rows.nearest(block[k][None], SHORTLIST), n, warm=1)
    held = 2 * TEMPLATE + 8 + np.dtype("U32").itemsize  # the row, its number, the customer's id
    return times.processor_ms, float(held)


def _training() -> tuple[float, float]:
    """Processor seconds and memory that a million more lines take, from trainings of two sizes."""
    small, large = (run_in_own_process("bench.training", str(lines)) for lines in TRAINED)
    millions = (TRAINED[1] - TRAINED[0]) / 1e6
    return (large["seconds"] - small["seconds"]) / millions, (large["peak_mb"] - small["peak_mb"]) / millions
