"""A real server answers while a training runs beside it: what it costs the answers, and what the training takes.

The training is stopped and goes on again (SIGSTOP, SIGCONT) from one block of requests to the next: what else the
machine does hits both kinds of blocks alike.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Row, family_of, processor_s
from data.demo import stage
from data.demo.client import Client
from data.demo.server import Server, free_port, serving
from data.demo.setting import TENANT, Setting
from data.town.town import Town
from identity.tokens import Claims, mint
from plumbing.access.token_keys import TokenKeys
from plumbing.clock import MINUTE, system_clock
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from recommender.scene import Event, OrderLine

EVENTS, QUICK = 1_000_000, 40_000
BLOCK = 40
BATCH = 20_000
DEVICE = "kiosk-bench"


def beside(events: int, blocks: int) -> list[Row]:
    """`orders` on so many events, while suggestions are asked for: without and with the training, in turn."""
    section = f"Suggestions over HTTP beside a training of orders on {events:,} events"
    with tempfile.TemporaryDirectory(prefix="usual-beside-") as folder:
        setting = Setting(Path(folder), "dlib", None, Path(folder) / "cache", system_clock)
        customers = _filled(setting.home, events)
        access, database = stage.access_of(setting)
        keys = [
            access.create_key(TENANT, scopes, device=device, site="market")
            for scopes, device in ((("suggest",), DEVICE), (("train",), "office-bench"))
        ]
        database.close()
        tokens = tokens_of(setting.home, customers)
        with (
            recommender_alone(),
            serving(setting, free_port(0), workers=1) as server,
            Client(server.url, keys[0]) as kiosk,
            Client(server.url, keys[1]) as office,
        ):
            _ask(kiosk, tokens, 3 * BLOCK)
            run_id = str(office.call("POST", "/recommender/v1/models/orders/train")["run_id"])
            quiet, busy = _in_turn(server, kiosk, tokens, blocks)
            run, used = _until_it_ends(server, office, run_id)
    return [
        Row(section, "without, p50", float(np.percentile(quiet, 50)), "ms"),
        Row(section, "without, p99", float(np.percentile(quiet, 99)), "ms"),
        Row(section, "with the training, p50", float(np.percentile(busy, 50)), "ms"),
        Row(section, "with the training, p99", float(np.percentile(busy, 99)), "ms"),
        Row(section, "p99 with : without", float(np.percentile(busy, 99) / np.percentile(quiet, 99)), "", 1.2),
        Row(section, f"requests of each kind: {len(quiet)}; published", float(run["state"] == "published"), "", 1,
            "more"),
        Row(section, "peak memory of the training", float(run["peak_mb"]), "MB", 1024),
        Row(section, "processor time of the training, from reading to publishing", used, "s", 180),
    ]  # fmt: skip


@contextmanager
def recommender_alone() -> Iterator[None]:
    """No engine of faces takes time meanwhile."""
    os.environ["USUAL_ONLY"] = "recommender"
    try:
        yield
    finally:
        del os.environ["USUAL_ONLY"]


def _filled(home: Path, events: int) -> list[str]:
    """A state folder with the orders of a town; its customers."""
    drawn, catalogue = Town.scaled(max(events // 20, 50), 500, events, seed=5)
    stores = open_stores(RecommenderConfig(home=home, token_keys=[]))
    columns = (drawn.customer, drawn.item, drawn.time_us, drawn.hour, drawn.weekday, drawn.site)
    customers = [str(one) for one in drawn.customers]
    items, sites = [str(one) for one in drawn.items], [str(one) for one in drawn.sites]
    made = (
        Event(f"e{number}", "ordered", "orders", customers[who], time_us + number, hour, weekday,
              (OrderLine(items[item]),), site=sites[site])
        for number, (who, item, time_us, hour, weekday, site) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        )
    )  # fmt: skip
    while batch := list(islice(made, BATCH)):
        stores.events.record(TENANT, batch, batch[-1].time_us)
    stores.catalogue.put(TENANT, "item", catalogue)
    stores.close()
    return customers[:200]


def tokens_of(home: Path, customers: list[str]) -> list[str]:
    keys, now_us = TokenKeys(home, system_clock), system_clock()
    return [
        mint(keys, Claims(one, TENANT, DEVICE, ("orders",), "face", now_us, now_us + 10 * MINUTE, f"t{number}"))
        for number, one in enumerate(customers)
    ]


def _ask(kiosk: Client, tokens: list[str], n: int) -> list[float]:
    """Milliseconds of `n` personal suggestions."""
    taken = []
    for number in range(n):
        began = time.perf_counter()
        kiosk.suggestions("orders", tokens[number % len(tokens)], {})
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def _worker_of(server: Server) -> int | None:
    """The process of the training; None when it has ended."""
    for pid in family_of(server.process.pid):
        with suppress(OSError):
            if b"recommender.worker" in (Path("/proc") / str(pid) / "cmdline").read_bytes():
                return pid
    return None


def _in_turn(server: Server, kiosk: Client, tokens: list[str], blocks: int) -> tuple[list[float], list[float]]:
    """Blocks of requests without and with the training; the two change places from pair to pair."""
    quiet: list[float] = []
    busy: list[float] = []
    time.sleep(3.0)  # its imports are over
    for block in range(blocks):
        for running in (block % 2 == 0, block % 2 == 1):
            pid = _worker_of(server)
            if pid is None:
                return quiet, busy
            os.kill(pid, signal.SIGCONT if running else signal.SIGSTOP)
            time.sleep(0.02)
            (busy if running else quiet).extend(_ask(kiosk, tokens, BLOCK))
    return quiet, busy


def _until_it_ends(server: Server, office: Client, run_id: str) -> tuple[dict[str, Any], float]:
    """The run, and the processor seconds that its process has used."""
    used = 0.0
    while (pid := _worker_of(server)) is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        used = max(used, processor_s(pid))
        time.sleep(0.05)
    return dict(office.call("GET", f"/recommender/v1/models/orders/runs/{run_id}")), used
