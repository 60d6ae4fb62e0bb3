"""The breach drill: everything but the keys is stolen, and nothing joins customers with pseudonyms.

Forty customers come over some weeks, as people do; some leave. Then identity.db, the audit, both lists of erasures
and recommender.db are dumped, and every column is compared with every column of the other half (`breach`).
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from identity.audit.lines import tag_of
from plumbing.clock import DAY, HOUR, MINUTE, SECOND
from plumbing.storage.tombstones import SLOT, SLOTS_AT
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from recommender.scene import Context, Event, Item, OrderLine
from recommender.service import RecommenderService, SuggestRequest, service_of
from tests.breach import Table, Value, joined, values_by_owner
from tests.identity.halves import KIOSK, START, TOKEN_KEY, World, pictures

MENU = ("tea", "soup", "pie")
CUSTOMERS, LEAVE, DAYS = 40, 12, 30
OF_IDENTITY = (
    "customers",
    "templates",
    "tops",
    "consent_events",
    "enrolment_answers",
    "identity-tombstones",
    "audit",
)


@dataclass
class Town:
    """Both halves, and what the judge knows: whose each id is."""

    home: Path
    identity: World = field(init=False)
    recommender: RecommenderService = field(init=False)
    ids: dict[str, int] = field(default_factory=dict)  # customer id or pseudonym -> customer
    records: dict[str, int] = field(default_factory=dict)  # consent record
    secrets: dict[str, int] = field(default_factory=dict)  # of the audit
    hashes: dict[bytes, int] = field(default_factory=dict)  # tombstones of either half
    events: int = 0

    def __post_init__(self) -> None:
        self.identity = World(self.home)
        config = RecommenderConfig(home=self.home, token_keys=(TOKEN_KEY,))
        stores = open_stores(config)
        stores.catalogue.put("north", "item", [Item(name, name.title(), price=300) for name in MENU])
        self.recommender = service_of(config, stores, self.identity.clock)

    def pass_s(self, seconds: float) -> None:
        self.identity.clock.now += round(seconds * SECOND)

    def live(self, rng: random.Random) -> None:
        """People join, come again, and some leave, from breakfast to dinner, day after day."""
        joins = sorted(rng.sample(range(DAYS * 10), CUSTOMERS))
        leaves = dict.fromkeys(rng.sample(range(CUSTOMERS), LEAVE))
        receipts: dict[int, str] = {}
        for hour in range(DAYS * 10):
            self.identity.clock.now = (
                START + hour // 10 * DAY + (8 + hour % 10) * HOUR + rng.randrange(20 * MINUTE)
            )
            for who in [who for who, joined_at in enumerate(joins) if joined_at == hour]:
                receipts[who] = self.identity.enrol(who, somebody_else=True).receipt
                self.know(who, receipts[who])
                self.pass_s(rng.uniform(20, 90))
                self.visit(who, rng)
            for who in list(receipts):
                if rng.random() < 0.012:
                    self.pass_s(rng.uniform(30, 300))
                    self.visit(who, rng)
                if who in leaves and hour > joins[who] + 40 and rng.random() < 0.05:
                    self.pass_s(rng.uniform(30, 300))
                    self.leave(who, receipts.pop(who))

    def know(self, who: int, receipt: str) -> None:
        accounts = self.identity.service.customers.accounts
        row = accounts.of_receipt(KIOSK, receipt)
        account = accounts.find("north", row.customer_id)
        assert account is not None
        self.ids |= {row.customer_id: who, account.links.pseudonym: who}
        self.secrets[account.links.audit] = who
        self.records |= dict.fromkeys(getattr(account.links, "consents", {}).values(), who)
        departed = self.identity.service.customers.accounts._departed
        self.hashes[departed._hash("north", row.customer_id)] = who
        self.hashes[bytes.fromhex(self.recommender.events.tombstone("north", account.links.pseudonym))] = who

    def visit(self, who: int, rng: random.Random) -> None:
        nonce, _ = self.identity.service.press(KIOSK)
        seen = self.identity.service.recognise(KIOSK, nonce, pictures(who, 1))  # drawn already
        if seen.token is None:
            return
        self.pass_s(rng.uniform(0.05, 0.3))
        self.recommender.suggest(SuggestRequest("north", KIOSK.name, "orders", seen.token, Context(), 3))
        self.pass_s(rng.uniform(20, 120))
        self.events += 1
        moment = self.identity.clock.now - round(rng.uniform(0.01, 0.2) * SECOND)
        lines = (OrderLine(rng.choice(MENU)),)
        event = Event(f"{rng.getrandbits(64):x}", "ordered", "orders", "", moment, 12.5, 0, lines)
        self.recommender.record("north", KIOSK.name, seen.token, [event])

    def leave(self, who: int, receipt: str) -> None:
        before = len(self.identity.elsewhere.tokens)
        self.identity.service.forget(KIOSK, receipt)
        self.pass_s(0.05)
        for token in self.identity.elsewhere.tokens[before:]:
            self.recommender.erase(token)

    # --- the dumps

    def of_identity(self) -> dict[str, Table]:
        tables = self._database("identity.db") | self._list("identity-tombstones")
        return tables | {"audit": self._audit()}

    def of_recommender(self) -> dict[str, Table]:
        return self._database("recommender.db") | self._list("recommender-tombstones")

    def _database(self, name: str) -> dict[str, Table]:
        tables = {}
        with closing(sqlite3.connect(self.home / name)) as opened:
            names = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in names:
                found = opened.execute(f"SELECT * FROM {table}")
                columns, rows = [part[0] for part in found.description], found.fetchall()
                tables[table] = Table(table, columns, rows, [self._owner(row) for row in rows])
        return tables

    def _owner(self, row: tuple[Value, ...]) -> int:
        for value in row:
            known = self.ids.get(str(value), self.records.get(str(value), -1))
            if known < 0 and isinstance(value, str) and len(value) == 64:
                known = self.hashes.get(bytes.fromhex(value), -1) if set(value) <= set("0123456789abcdef") else -1
            if known >= 0:
                return known
        return -1

    def _list(self, name: str) -> dict[str, Table]:
        content = (self.home / name).read_bytes()[SLOTS_AT:]
        slots = [content[at : at + SLOT] for at in range(0, len(content), SLOT)]
        rows = [(slot,) for slot in slots]
        return {name: Table(name, ["hash"], rows, [self.hashes.get(slot, -1) for slot in slots])}

    def _audit(self) -> Table:
        owners: dict[int, int] = {}
        for secret, who in self.secrets.items():
            owners |= {line.number: who for line in self.identity.half.audit.lines_of(secret)}
        lines = self.identity.half.audit.path.read_text().splitlines(True)
        rows = [tuple(line.split()) for line in lines]
        return Table(
            "audit",
            [f"part {place}" for place in range(len(rows[0]))],
            rows,
            [owners.get(n, -1) for n in range(len(lines))],
        )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    made.live(random.Random(29))
    yield made
    made.identity.close()
    made.recommender.database.close()


@pytest.fixture(scope="module")
def dumps(town: Town) -> tuple[dict[str, Table], dict[str, Table]]:
    return town.of_identity(), town.of_recommender()


Dumps = tuple[dict[str, Table], dict[str, Table]]


def test_the_drill_has_something_to_find(town: Town, dumps: Dumps) -> None:
    ours, theirs = values_by_owner(dumps[0]), values_by_owner(dumps[1])

    assert ours["customers"] == CUSTOMERS - ours["identity-tombstones"]
    assert ours["identity-tombstones"] == theirs["recommender-tombstones"] >= 8
    assert theirs["events"] >= 60
    assert ours["audit"] >= 2 * CUSTOMERS


@pytest.mark.parametrize("name", OF_IDENTITY)
def test_nothing_of_a_table_of_identity_joins_with_the_recommender(dumps: Dumps, name: str) -> None:
    """The audit names nobody: its lines are no customer's unless something joins them with one, or one another."""
    ours, theirs = dumps
    if name not in ours:
        pytest.skip("there is no such table any more")
    against = list(theirs.values()) if name != "audit" else [ours[one] for one in OF_IDENTITY[:-1] if one in ours]

    assert joined([ours[name]], against, CUSTOMERS) == {}


def test_no_table_was_forgotten(dumps: Dumps) -> None:
    """Whatever table comes later is compared as well."""
    others = [
        table for name, table in dumps[0].items() if name not in OF_IDENTITY and any(o >= 0 for o in table.owners)
    ]

    assert joined(others, dumps[1].values(), CUSTOMERS) == {}


def test_lines_of_the_audit_have_nothing_in_common(town: Town, dumps: Dumps) -> None:
    lines = town.identity.half.audit.path.read_text().splitlines()
    tags = [tag_of(line) for line in lines if set(tag_of(line)) != {"-"}]

    assert len(set(tags)) == len(tags)
    assert not any(town.identity.half.audit.lines_of(f"{number:032x}") for number in range(3))


@pytest.mark.parametrize("planted", ["time", "order", "hash", "equal"])
def test_a_join_that_is_planted_is_found(town: Town, dumps: Dumps, planted: str) -> None:
    """In tables beside the real ones: a time to the second, the same order, a hash, an id."""
    rng = random.Random(7)
    people = list(range(CUSTOMERS))
    rng.shuffle(people)
    times = {who: START + rng.randrange(DAYS * DAY) for who in people}
    ids = {who: f"{rng.getrandbits(128):032x}" for who in people}

    def table(name: str, rows: list[tuple[Value, ...]], owners: list[int]) -> Table:
        return Table(name, [f"column {n}" for n in range(len(rows[0]))], rows, owners)

    noise = [f"{rng.getrandbits(128):032x}" for _ in people]
    if planted == "time":
        mixed = rng.sample(people, len(people))
        ours = table("ours", [(times[who],) for who in people], people)
        theirs = table("theirs", [(times[who] + rng.randrange(90 * SECOND),) for who in mixed], mixed)
    elif planted == "order":
        ours, theirs = (
            table(name, [(some,) for some in rng.sample(noise, len(noise))], people) for name in ("ours", "theirs")
        )
    else:
        from hashlib import sha256

        said = {who: sha256(ids[who].encode()).hexdigest() if planted == "hash" else ids[who] for who in people}
        mixed = rng.sample(people, len(people))
        ours = table("ours", [(ids[who],) for who in people], people)
        theirs = table("theirs", [(said[who],) for who in mixed], mixed)

    found = joined([ours, dumps[0]["identity-tombstones"]], [theirs, *dumps[1].values()], CUSTOMERS)

    assert any(pair.startswith("ours") and "theirs" in pair for pair in found), found
