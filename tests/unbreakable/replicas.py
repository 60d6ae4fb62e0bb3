"""Three replicas on one PostgreSQL: who opts out on one is out on all, one that is killed loses nothing, and what
is due is trained once."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import numpy as np
import psycopg

from bench.measure import Row
from data.demo.client import Client, Refused
from data.demo.members import Member
from data.faces.people import draw_face
from tests.conftest import ROOT
from tests.unbreakable.many import CONTEXT, House, Replica, at_once, database_server, enrolled, house, proxy
from tests.unbreakable.scheduling import DAYS_FROM, Watched, schedule_at
from tests.unbreakable.traffic import Book, at_rate, pictures_of

SECTION = "three replicas on PostgreSQL"
NUMBER = 3
RATE = 40.0
TERMINALS = 16
IN_FORCE_S, DEAF_S = 0.05, 1.0
LISTENERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'usual listening'"


def rows(short: bool) -> list[Row]:
    """Every part of the trial, on one installation. Raises RuntimeError: PostgreSQL or nginx is not installed."""
    outs, kills, trainings = (10, 2, 4) if short else (200, 10, 50)
    with house(customers=2 * outs + 2 if short else 12) as place, place.replicas(NUMBER) as replicas:
        found = _opt_outs(place, replicas, outs)
        found += _killed(place, replicas, kills, 4.0 if short else 8.0)
    return found + _trained_once(trainings)


# --- opting out --------------------------------------------------------------------------------------


def _opt_outs(place: House, replicas: Sequence[Replica], number: int) -> list[Row]:
    """Half of them while messages arrive, half while the connections that listen are cut again and again."""
    found = []
    for name, cut, most in (("", False, IN_FORCE_S), (", listeners killed", True, DEAF_S)):
        with Client(replicas[0].url, place.key("first")) as kiosk:
            missing = number + 1 - (len(place.members) - 1)
            place.members += enrolled(kiosk, max(0, missing), 70_000 + 10_000 * cut)
        waiting = [place.members.pop() for _ in range(min(number, len(place.members) - 1))]
        with _deaf(place) if cut else nullcontext():
            took = [_leaves(place, replicas, member, f"out-{cut:d}-{n // 8}") for n, member in enumerate(waiting)]
        whole = [one for one in took if one is not None]
        seen = [after for after, _ in whole]
        late = sum(one > most for one in seen)
        note = f"of {len(seen)}; {len(took) - len(seen)} that no replica knew before"
        found += [
            Row(
                SECTION, f"opt-out valid in {NUMBER} replicas{name}, p95", _p95(seen), "ms", 1000 * most, note=note
            ),
            Row(
                SECTION,
                f"opt-outs valid later than {1000 * most:.0f} ms{name}",
                late,
                "late",
                None if not cut else 0,
            ),
            Row(
                SECTION,
                f"the same from the beginning of the opt-out{name}, p95",
                _p95([one for _, one in whole]),
                "ms",
            ),
            Row(SECTION, f"opt-outs that were tried{name}", len(whole), "", number * 0.8, "more"),
            Row(SECTION, f"opt-outs that never became valid{name}", sum(one > 10 for one in seen), "", 0),
        ]
    return found


def _p95(seconds: list[float]) -> float:
    return 1000 * float(np.percentile(seconds, 95)) if seconds else float("nan")


@contextmanager
def _deaf(place: House) -> Iterator[None]:
    """Inside, no message arrives for longer than a moment."""

    def cut(ended: threading.Event) -> None:
        with psycopg.connect(place.server.url, autocommit=True) as raw:
            while not ended.wait(0.02):
                raw.execute(LISTENERS.encode())

    with at_once(cut):
        time.sleep(0.2)
        yield


def _leaves(place: House, replicas: Sequence[Replica], member: Member, device: str) -> tuple[float, float] | None:
    """Seconds from the answer to the opt-out, and from its begin, until a token from before opens nothing on any
    replica. None: it never opened anything on one of them."""
    key = place.key(device)  # a device may try ten receipts a minute
    with Client(replicas[0].url, key) as kiosk:
        token = _token(kiosk, member)
        if token is None:
            return None
        closed: list[float] = []
        open_before: list[bool] = []
        ready = threading.Barrier(len(replicas) + 1)

        def ask(replica: Replica) -> None:
            with Client(replica.url, key) as screen:
                _personal(screen, token)  # its caches are warm, its connection is open
                open_before.append(_personal(screen, token))
                ready.wait(30)
                until = time.monotonic() + 15
                while _personal(screen, token) and time.monotonic() < until:
                    time.sleep(0.001)
                closed.append(time.monotonic())

        threads = [threading.Thread(target=ask, args=(replica,)) for replica in replicas]
        for thread in threads:
            thread.start()
        ready.wait(30)
        began = time.monotonic()
        kiosk.call("DELETE", f"/identity/v1/enrolments/{member.receipt}")
        answered = time.monotonic()
        for thread in threads:
            thread.join()
    last = max(closed)
    return (max(0.0, last - answered), last - began) if all(open_before) else None


def _token(kiosk: Client, member: Member) -> str | None:
    for first in (90, 93, 96):  # a customer may be missed once
        seen = kiosk.recognise([draw_face(member.person_seed, first + number) for number in range(3)])
        if seen["token"] is not None and seen["decision"] == "matched":
            return str(seen["token"])
    return None


def _personal(screen: Client, token: str) -> bool:
    """Whether the token still opens what is somebody's."""
    try:
        said = screen.suggestions("orders", token, CONTEXT)
    except Refused:
        return False
    return said["fallback"] not in ("identity_silent", "no_token")


# --- a replica is killed -----------------------------------------------------------------------------


def _killed(place: House, replicas: Sequence[Replica], kills: int, between_s: float) -> list[Row]:
    """One after the other, while people order; each is started again before the next one goes."""
    book = Book()
    ends: list[tuple[float, float]] = []
    keys = [place.key(f"terminal-{number}") for number in range(TERMINALS)]
    frames = pictures_of([member.person_seed for member in place.members])
    with Client(replicas[0].url, keys[0]) as first:
        item = str(first.suggestions("orders", None, CONTEXT, 1)["items"][0]["item_id"])
    with proxy(replicas) as url:
        began = time.monotonic()
        with at_once(*at_rate(url, keys, frames, item, book, RATE)):
            for number in range(kills):
                time.sleep(between_s)
                victim = replicas[number % len(replicas)]
                began_end = time.monotonic()
                victim.kill()
                ends.append((began_end, time.monotonic()))
                time.sleep(between_s / 4)
                victim.start()
                victim.ready()
            time.sleep(between_s / 2)
        took = time.monotonic() - began
    stored = {name for (name,) in place.rows("SELECT event_id FROM usual_recommender.events")}
    elsewhere = book.beside(ends)
    kinds = sorted({one.what for one in book.failures})
    return [
        Row(SECTION, f"replicas killed by SIGKILL under {RATE:.0f} visits/s", kills, "", note="behind nginx"),
        Row(
            SECTION,
            "visits meanwhile",
            book.visits / took,
            "/s",
            RATE * 0.9,
            "more",
            f"{book.visits} in {took:.0f} s",
        ),
        Row(
            SECTION,
            "failed requests that were not on their way at a kill",
            elsewhere,
            "",
            0,
            note="; ".join(kinds)[:80],
        ),
        Row(SECTION, "failed requests that were on their way there", len(book.failures) - elsewhere, ""),
        Row(SECTION, "refused requests", book.refused.total(), "", note=str(dict(book.refused))[:80]),
        Row(SECTION, "acknowledged events", len(book.events), "", 1, "more"),
        Row(SECTION, "acknowledged events lost", len(set(book.events) - stored), "", 0),
    ]


# --- what is due is trained once ---------------------------------------------------------------------


def _trained_once(number: int) -> list[Row]:
    """So many times a training is due, and the leader is killed around that moment."""
    ones = twice = 0
    with database_server() as server, tempfile.TemporaryDirectory(prefix="usual-due-") as folder:
        watched = Watched.make(Path(folder), server.url)
        processes = [_scheduler(watched, place) for place in range(NUMBER)]
        try:
            for day in range(number):
                due = DAYS_FROM + day
                watched.until_led()
                schedule_at(watched, due, lambda: _kill_leader(watched, processes))
                finished, begun_twice = watched.finished(due)
                ones += finished == 1
                twice += begun_twice
        finally:
            for process in processes:
                process.kill()
                process.wait()
    return [
        Row(
            SECTION,
            f"trained exactly once, of {number} times that the leader was killed",
            ones,
            "",
            number,
            "more",
        ),
        Row(SECTION, "trainings that ran at the same time as another", twice, "", 0),
    ]


def _scheduler(watched: Watched, place: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.unbreakable.scheduling", str(watched.folder), watched.url, str(place)]
    return subprocess.Popen(command, cwd=ROOT)


def _kill_leader(watched: Watched, processes: list[subprocess.Popen[bytes]]) -> None:
    place = watched.leader()
    if place is not None:
        with suppress(ProcessLookupError):
            processes[place].kill()
        processes[place].wait()
        processes[place] = _scheduler(watched, place)
