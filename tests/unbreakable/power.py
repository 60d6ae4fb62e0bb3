"""Power cuts: what was acknowledged is kept, nobody who left comes back, and the server starts and serves.

The real server is recorded (`recording`) while people opt in and out, order, see offers, and a training is
published. Then the power is cut at random moments of the recording: the folder is rebuilt as a cut may leave it,
opened by the product's own code and compared with what was acknowledged; some are served by the real server.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.measure import Row
from data.demo import stage
from data.demo.client import Client, Refused
from data.demo.server import free_port, serving
from data.demo.setting import TENANT, Setting, StageError
from data.faces import people
from plumbing.storage.state import State
from tests.unbreakable.installation import Installation, installation
from tests.unbreakable.recording import Disk, Recorder, recording

SECTION = "power cuts"
CUTS, SERVED = (1_000, 60), (100, 5)  # in full, in short
ROUNDS = (24, 6)
SEED = 5


@dataclass
class Person:
    """What one customer did; numbers are those of the recording. `left` is when the opt-out was sent."""

    seed: int
    receipt: str
    enrolled: int
    purposes: tuple[str, ...]
    left: int = sys.maxsize
    gone: int = sys.maxsize


@dataclass
class Acknowledged:
    """What the server said it had done, and when."""

    people: list[Person] = field(default_factory=list)
    events: list[tuple[int, str, Person | None]] = field(default_factory=list)
    decisions: list[tuple[int, str, Person]] = field(default_factory=list)
    versions: list[tuple[int, str]] = field(default_factory=list)


def act(house: Installation, recorder: Recorder, rounds: int) -> Acknowledged:
    """Opt in, order, see offers, opt out; a training is published meanwhile."""
    done = Acknowledged()
    with house.served() as server:
        kiosk, office = house.client(server, "kiosk-market"), house.client(server, "office", *stage.OFFICE)
        dish = str(kiosk.suggestions("orders", None, {})["items"][0]["item_id"])
        run = stage.begin_training(office, "orders")
        for n in range(rounds):
            with suppress(Refused):  # two drawn people may look alike
                _visit(kiosk, recorder, done, n, dish)
            if n % 2:
                _leave(kiosk, recorder, done.people[n // 2 % len(done.people)], by_face=n % 4 == 1)
            _note_version(office, recorder, done, run)
        for _ in range(300):
            if done.versions:
                break
            time.sleep(0.2)
            _note_version(office, recorder, done, run)
        kiosk.close()
        office.close()
    return done


def _visit(kiosk: Client, recorder: Recorder, done: Acknowledged, n: int, dish: str) -> None:
    seed = 41_000 + n
    frames = [people.draw_face(seed, moment) for moment in range(3)]
    enrolled = kiosk.enrol(frames, ("orders", "offers"), None)
    person = Person(seed, enrolled["receipt"], recorder.now(), ("orders", "offers"))
    done.people.append(person)
    token = kiosk.recognise([people.draw_face(seed, 7)])["token"]
    for who, name in ((person, f"own-{n}"), (None, f"guest-{n}")):
        kiosk.events([_order(name, dish)], token if who and token else None)
        done.events.append((recorder.now(), name, who if token else None))
    if token:
        offer = kiosk.suggestions("offers", token, {})
        if offer["fallback"] not in ("database_busy", "disk_full") and offer["items"]:
            done.decisions.append((recorder.now(), offer["recommendation_id"], person))


def _leave(kiosk: Client, recorder: Recorder, person: Person, *, by_face: bool) -> None:
    if person.left < sys.maxsize:
        return
    person.left = recorder.now()
    if by_face and kiosk.opt_out([people.draw_face(person.seed, 9)]) == "forgotten":
        person.gone = recorder.now()
        return
    with suppress(Refused):
        if kiosk.call("DELETE", f"/identity/v1/enrolments/{person.receipt}")["forgotten"]:
            person.gone = recorder.now()


def _note_version(office: Client, recorder: Recorder, done: Acknowledged, run: str) -> None:
    if done.versions:
        return
    state = office.call("GET", f"/recommender/v1/models/orders/runs/{run}")
    if state["state"] != "running":
        done.versions.append((recorder.now(), str(state["version"])))


def _order(name: str, dish: str) -> dict[str, Any]:
    at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    return {"event_id": name, "type": "ordered", "occurred_at": at, "items": [{"item_id": dish, "quantity": 1}]}


# --- after the cut


def put(left: dict[str, bytes], home: Path) -> None:
    """Write what a cut left into an empty folder."""
    shutil.rmtree(home, ignore_errors=True)
    for name, content in left.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def judge(home: Path, at: int, done: Acknowledged) -> Counter[str]:
    """Open the folder with the product's own code, and count what is wrong."""
    wrong: Counter[str] = Counter()
    for part in (_judge_identity, _judge_recommender, _judge_passing):
        try:
            wrong += part(home, at, done)
        except Exception as error:
            sys.stderr.write(f"cut at {at}: {part.__name__}: {error!r}\n")
            wrong["could not be opened"] += 1
    return wrong


def _judge_identity(home: Path, at: int, done: Acknowledged) -> Counter[str]:
    from identity.audit.log import Audit
    from identity.audit.seal import AuditSeal
    from identity.config import PURPOSES, IdentityConfig
    from identity.consent.ledger import ConsentLedger
    from identity.customers.accounts import digest, holder_of
    from identity.errors import KeyDestroyed
    from identity.store import IdentityStores
    from identity.vault.keyfile import KeyFile, master_keys
    from identity.vault.vault import Vault
    from plumbing.clock import DAY, system_clock

    wrong: Counter[str] = Counter()
    vault = Vault(KeyFile(home / "identity-keys", lambda: master_keys(home / "master.key")))
    stores = IdentityStores.open(State(home), vault)
    config = IdentityConfig(home, (b"none is needed",))
    ledger = ConsentLedger(config, stores, vault, system_clock, lambda: system_clock() // DAY)
    try:
        for person in done.people:
            row = stores.customers.customer_of_receipt(TENANT, digest(person.receipt))
            purposes: tuple[str, ...] | None = None
            if row is not None:
                with suppress(KeyDestroyed):
                    vault.open(holder_of(row), "links", row.links)
                    purposes = tuple(name for name in ledger.standing(row).given if name in PURPOSES)
            if person.enrolled <= at < person.left and purposes != person.purposes:
                wrong["acknowledged and lost"] += 1
            if person.gone <= at and purposes is not None:
                wrong["left and came back"] += 1
        audit = Audit(
            home / "identity-audit.log", system_clock, AuditSeal(home / "identity-audit-head", vault.keys)
        )
        faults = audit.examined().faults
        wrong["false alarms of the audit"] += bool(faults)
        audit.close()
    finally:
        stores.database.close()
        vault.keys.close()
    return wrong


def _judge_recommender(home: Path, at: int, done: Acknowledged) -> Counter[str]:
    from plumbing.storage.files import load_or_create_secret
    from recommender.assembly import open_stores
    from recommender.config import RecommenderConfig
    from recommender.store.versions import VersionStore

    wrong: Counter[str] = Counter()
    token_keys = tuple(load_or_create_secret(home / "token.key", b"").split())
    database = open_stores(RecommenderConfig(home=home, token_keys=token_keys)).database
    try:
        if database.rows("PRAGMA quick_check")[0][0] != "ok":
            wrong["could not be opened"] += 1
        events = {row[0] for row in database.rows("SELECT event_id FROM events WHERE tenant = ?", (TENANT,))}
        logged = {row[0] for row in database.rows("SELECT decision_id FROM offer_decisions")}
        for acknowledged, name, who in done.events:
            if acknowledged <= at and (who is None or at < who.left) and name not in events:
                wrong["acknowledged and lost"] += 1
        for acknowledged, name, who in done.decisions:
            if acknowledged <= at < who.left and name not in logged:
                wrong["acknowledged and lost"] += 1
        shelf = VersionStore(home / "models", TENANT, "orders")
        for acknowledged, version in done.versions:
            if acknowledged <= at and version and shelf.current() != version:
                wrong["acknowledged and lost"] += 1
        shelf.load(shelf.candidates()[0])
    finally:
        database.close()
    return wrong


def _judge_passing(home: Path, at: int, done: Acknowledged) -> Counter[str]:
    from identity.web.opened import passing_database
    from plumbing.clock import system_clock
    from plumbing.shared import Shared
    from recommender.store import open_moments

    wrong: Counter[str] = Counter()
    shared = Shared.open(State(home), system_clock)
    stores = [shared.databases[1], open_moments(State(home)), passing_database(State(home))]
    wrong["could not be opened"] += sum(store.trouble() is not None for store in stores)
    wrong["could not be opened"] += not shared.access.keys(TENANT)
    for store in stores[1:]:
        store.close()
    shared.close()
    return wrong


def serve(house: Installation, setting: Setting, at: int, done: Acknowledged) -> Counter[str]:
    """Start the real server on what a cut left, and ask it for everything."""
    wrong: Counter[str] = Counter()
    try:
        with serving(setting, free_port(0)) as server, Client(server.url, house.keys["kiosk-market"]) as kiosk:
            asked: list[Callable[[], Any]] = [
                lambda: kiosk.call("GET", "/health/ready"),
                lambda: kiosk.press(),
                lambda: kiosk.visit([people.draw_face(90_001, 1)], "orders", {}),
                lambda: kiosk.events([_order(f"after-{at}", _dish(kiosk))], None),
                *(partial(kiosk.suggestions, scene, None, {}) for scene in ("orders", "offers")),
            ]
            for ask in asked:
                wrong["answers of 500"] += _status(ask) >= 500
            here = [person for person in done.people if person.enrolled <= at < person.left][:5]
            for person in here:
                leaves = partial(kiosk.call, "DELETE", f"/identity/v1/enrolments/{person.receipt}")
                wrong["could not opt out"] += _status(leaves) != 200
    except StageError as error:
        sys.stderr.write(f"cut at {at}: {error}\n")
        wrong["starts refused"] += 1
    return wrong


def _dish(kiosk: Client) -> str:
    return str(kiosk.suggestions("orders", None, {})["items"][0]["item_id"])


def _status(ask: Callable[[], Any]) -> int:
    try:
        ask()
    except Refused as error:
        return error.status
    except OSError:
        return 599
    return 200


def rows(short: bool) -> list[Row]:
    """The figures; without a C compiler a row that says so and fails."""
    with installation() as house:
        house.key("kiosk-market")
        house.key("office", *stage.OFFICE, site="")
        _in_one_file(house.setting.home)
        try:
            with recording(house.setting.home) as recorder:
                done = act(house, recorder, ROUNDS[short])
                ops = recorder.ops()
                disk = Disk.of(recorder)
        except (OSError, subprocess.CalledProcessError) as error:
            return [Row(SECTION, "the server could be recorded", 0, "", 1, "more", note=repr(error))]
        return _figures(short, house, ops, disk, done)


def _in_one_file(home: Path) -> None:
    """Nothing is left in a `-wal` when the recording begins."""
    for path in home.glob("*.db"):
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


def _figures(short: bool, house: Installation, ops: list[Any], disk: Disk, done: Acknowledged) -> list[Row]:
    rng = random.Random(SEED)
    moments = sorted(rng.sample(range(len(ops)), min(CUTS[short], len(ops))))
    to_serve = set(rng.sample(moments, min(SERVED[short], len(moments))))
    wrong: Counter[str] = Counter()
    served: Counter[str] = Counter()
    next_op = 0
    with tempfile.TemporaryDirectory(prefix="usual-cut-") as name:
        setting = replace(house.setting, folder=Path(name))
        for moment in moments:
            for op in ops[next_op : moment + 1]:
                disk.do(op)
            next_op, at = moment + 1, ops[moment].sequence
            left = disk.cut(rng)
            put(left, setting.home)
            found = judge(setting.home, at, done)
            wrong += found
            if moment in to_serve:
                put(left, setting.home)
                served += serve(house, setting, at, done)
    facts = {
        "acknowledged": len(done.people) + len(done.events) + len(done.decisions) + len(done.versions),
        "left": sum(person.gone < sys.maxsize for person in done.people),
        "recorded": len(ops),
    }
    lasting = ("acknowledged and lost", "left and came back", "could not be opened", "false alarms of the audit")
    return [
        Row(SECTION, "cuts", len(moments), "cuts", CUTS[short], "more", note=json.dumps(facts)),
        *(Row(SECTION, name, wrong[name], "times", 0) for name in lasting),
        Row(SECTION, "cuts that were served afterwards", len(to_serve), "cuts", SERVED[short], "more"),
        *(Row(SECTION, name, served[name], "times", 0) for name in ("starts refused", "answers of 500")),
        Row(SECTION, "could not opt out by receipt", served["could not opt out"], "people", 0),
    ]
