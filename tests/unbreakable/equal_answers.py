"""Whether time or size of an answer shows who pressed: a customer, a doubtful match, a paused one, a stranger.

All kinds in turn on one quiet server, each from several faces, so that what the machine does at the time and what
a picture costs weigh on all alike. Compared by rank: AUC .5 is chance, and the kinds are compared two by two.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import Any
from urllib.request import Request, urlopen

import numpy as np

from bench.measure import Row
from data.demo.client import Client
from data.demo.members import Member
from data.demo.server import Server
from data.demo.setting import TENANT
from data.faces import people
from identity.cli.commands import open_half
from identity.customers.accounts import digest
from plumbing.clock import DAY, system_clock
from tests.unbreakable.installation import Installation, installation

SECTION = "equal answers"
STRANGER = 900_000  # seeds of people who are nobody's customer
KIOSKS = 150  # each may fail five presses in a row, and ten in a minute
DECISIONS = {"customer": "matched", "doubtful": "ambiguous", "paused": "unknown", "stranger": "unknown"}
SIZES = (5, 20, 50)
CONTEXT = {"site": "market", "local_time": "2026-11-29T12:30:00+01:00"}


def rows(short: bool) -> list[Row]:
    """AUC of the worst pair and sizes, of visits and of recognitions alone."""
    with installation() as house:
        pictures = _pictures(house)
        _mark(house)
        with house.served() as server, _kiosks(house, server) as kiosks:
            sizes = {n: _sizes(kiosks[-16 * place :], pictures, n) for place, n in enumerate(SIZES, 1)}
            visits = measured(kiosks, pictures, 40 if short else 400, "/v1/visits")
            held = _held(house, server)
            alone = measured(kiosks, pictures, 40 if short else 400, "/identity/v1/recognitions")
    made = [Row(SECTION, f"sizes of an answer with n = {n}", len(found), "", 1) for n, found in sizes.items()]
    for what, times in (("visit", visits), ("recognition", alone)):
        worst, pair = _worst(times)
        made.append(Row(SECTION, f"{what}: AUC of the worst pair, from .5", abs(worst - 0.5), "", 0.05, note=pair))
        for kind, taken in times.items():
            made.append(Row(SECTION, f"{what}: {kind}, median", float(np.median(taken)), "ms"))
    made.append(Row(SECTION, "visit: held for, at the median at most", held, "ms", 3))
    made.append(
        Row(
            SECTION,
            "visit: p95 of all",
            float(np.percentile(np.concatenate(list(visits.values())), 95)),
            "ms",
            300,
        )
    )
    return made


def _members(house: Installation) -> dict[str, list[Member]]:
    """Customers of each kind: a third each."""
    members = [member for member in house.members if "orders" in member.purposes]
    return {kind: members[place::3] for place, kind in enumerate(("customer", "doubtful", "paused"))}


def _pictures(house: Installation) -> dict[str, list[str]]:
    """Three frames of some people of each kind, in base64."""
    seeds = {kind: [member.person_seed for member in some] for kind, some in _members(house).items()}
    seeds["stranger"] = [STRANGER + number for number in range(len(seeds["customer"]))]
    return {
        kind: [
            base64.b64encode(people.jpeg(people.draw_face(seed, 90 + frame))).decode()
            for frame in range(3)
            for seed in some
        ]
        for kind, some in seeds.items()
    }


def _mark(house: Installation) -> None:
    """Some customers' face alone is not enough, others are paused."""
    half, members = open_half(house.setting.home, "dlib"), _members(house)
    stores = half.stores

    def ids(kind: str) -> list[str]:
        rows = [stores.customers.customer_of_receipt(TENANT, digest(one.receipt)) for one in members[kind]]
        return [row.customer_id for row in rows if row is not None]

    try:
        stores.customers.require_second_factor(TENANT, ids("doubtful"))
        for customer_id in ids("paused"):
            stores.customers.pause(TENANT, customer_id, system_clock() + DAY)
    finally:
        half.close()


@contextmanager
def _kiosks(house: Installation, server: Server) -> Iterator[list[Client]]:
    kiosks = [house.client(server, f"kiosk-{number}") for number in range(KIOSKS)]
    try:
        yield kiosks
    finally:
        for kiosk in kiosks:
            kiosk.close()


def measured(
    kiosks: Sequence[Client], pictures: dict[str, list[str]], each: int, route: str
) -> dict[str, list[float]]:
    """Milliseconds of `each` answers of every kind, the kinds in random turns."""
    rng = np.random.default_rng(13)
    times: dict[str, list[float]] = {kind: [] for kind in pictures}
    sent = [(kind, number) for number in range(each + 3) for kind in rng.permutation(list(pictures))]
    for turn, (kind, number) in enumerate(sent):
        kiosk, frame = kiosks[number % len(kiosks)], pictures[kind][number % len(pictures[kind])]
        taken, answer = _answer(kiosk, frame, route)
        if number >= 3 and answer["decision"] == DECISIONS[kind]:  # the first ones warm what is read once
            times[kind].append(taken)
        if turn % 50 == 49:
            time.sleep(0.2)  # what runs beside the requests has its turn
    return times


def _answer(kiosk: Client, frame: str, route: str, n: int = 5) -> tuple[float, dict[str, Any]]:
    body: dict[str, object] = {"nonce": kiosk.press(), "frames": [frame]}
    if route == "/v1/visits":
        body |= {"scene": "orders", "context": CONTEXT, "n": n}
    began = time.perf_counter()
    answer = kiosk.call("POST", route, body)
    return 1000 * (time.perf_counter() - began), answer


def _held(house: Installation, server: Server) -> float:
    """The bound, in milliseconds, below which half of all visits were held, by the server's own count."""
    asked = Request(f"{server.url}/metrics", headers={"X-API-Key": house.key("operator", "admin")})
    with urlopen(asked, timeout=10) as reply:
        text = reply.read().decode()
    counted = {
        float(bound): float(count)
        for bound, count in re.findall(
            r'^usual_visit_held_seconds_bucket\{le="([^"]+)"\} (\S+)$', text, re.MULTILINE
        )
    }
    half = max(counted.values()) / 2
    return 1000 * min(bound for bound, count in counted.items() if count >= half)


def _sizes(kiosks: Sequence[Client], pictures: dict[str, list[str]], n: int) -> set[int]:
    return {
        len(json.dumps(_answer(kiosks[number % len(kiosks)], frame, "/v1/visits", n)[1], separators=(",", ":")))
        for number, frame in enumerate(frames[k] for k in range(4) for frames in pictures.values())
    }


def auc(first: Sequence[float], second: Sequence[float]) -> float:
    """How often a value of the first is the larger one; .5 is chance."""
    a, b = np.asarray(first)[:, None], np.asarray(second)[None, :]
    return float(np.mean((a > b) + 0.5 * (a == b)))


def _worst(times: dict[str, list[float]]) -> tuple[float, str]:
    found = {f"{a}, {b}": auc(times[a], times[b]) for a, b in combinations(times, 2)}
    pair = max(found, key=lambda name: abs(found[name] - 0.5))
    return found[pair], ", ".join(f"{name}: {value:.3f}" for name, value in found.items())
