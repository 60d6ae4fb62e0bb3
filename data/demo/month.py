"""`usual month`: thirty days of offers in Lindenholm, decided, learned from and proven by the product itself.

What people do is made up: whom an offer moves, and how far. Everything else is real: every visit is a decision of
the product with its holdout, caps, budgets and log; every week it trains on what it logged; the marketing page
then shows what the offers earned. The truth is known, so the proof can be judged.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import numpy as np
from numpy.typing import NDArray

from data.demo.terminal import Progress, bars, say
from data.town import menu
from data.town.town import Town
from plumbing.cli import WholeNumber, state_of
from plumbing.clock import HOUR, MINUTE, SECOND, system_clock
from plumbing.storage.state import State
from recommender.assembly import RecommenderStores, trainer_of
from recommender.offers.answers import Saying, said
from recommender.offers.decision import OfferDecision, Policy
from recommender.offers.portfolio import NONE
from recommender.offers.settings import OfferSettings
from recommender.scene import Context, Request
from recommender.scenes.offer_decisions import decide_offer
from recommender.scenes.offer_outcomes import record_outcome, record_purchases
from recommender.scenes.offers import OffersScene

CUSTOMERS, DAYS = 800, 30
HISTORY = 30
"""Days before the month: what customers spent then is known, as of a till that has been there for a while."""

HOLDOUT = 0.1
EXPECTED = 150.0
"""The effect that intervals are made for, minor units a visit; said before the month began, as it must be."""

TRAINED_EVERY = 7
STAYS_OPEN = 4
"""Days until the last window has closed and what came late is in: the month ends so long before today."""


class HouseInUse(Exception):
    """This folder holds a catalogue or events that are not of the town."""


class MonthExists(Exception):
    """This folder holds a month already; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at a till: when, who, where, and what the order costs without any offer (minor units)."""

    at: datetime
    customer: int
    site: str
    amount: int

    @property
    def time_us(self) -> int:
        return round(self.at.timestamp()) * SECOND


@dataclass(frozen=True, slots=True)
class People:
    """The truth that the product cannot see: how each of n customers reacts to offers.

    Every array has shape (n,), except `likes` with shape (n, offers).
    """

    moved: NDArray[np.float64]  # chance that an offer they like brings them to order more
    takes_along: NDArray[np.float64]  # chance to redeem one for what they would have ordered anyway
    extra: NDArray[np.float64]  # what they order more, minor units
    likes: NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator, visits: list[Visit], n: int, offers: int) -> People:
        """Those who come seldom are moved; those who come daily take the discount along and nothing more."""
        weekly = np.bincount([v.customer for v in visits], minlength=n) / (HISTORY + DAYS) * 7
        regular = 1 / (1 + np.exp(-(weekly - 3.2) / 0.5))
        appeal = rng.uniform(0.3, 1.0, offers)
        return cls(
            moved=0.9 * (1 - regular) + 0.05,
            takes_along=0.1 + 0.5 * regular,
            extra=rng.gamma(6.0, 130.0, n),
            likes=np.clip(appeal[None, :] * rng.uniform(0.5, 1.3, (n, offers)), 0, 1),
        )


def visits_of_day(town: Town) -> list[Visit]:
    """The town's visits with their bills, by time; guests are left out."""
    v, price = town.visits, np.array([dish.price or 0 for dish in town.dishes])
    starts = np.flatnonzero(np.diff(v.order, prepend=-1))
    bills = np.add.reduceat(price[v.dish] * v.quantity, starts)
    return [
        Visit(town.moment(int(v.day[k]), float(v.hour[k])), int(v.customer[k]), menu.SITES[v.site[k]], int(bill))
        for k, bill in zip(starts.tolist(), bills.tolist(), strict=True)
        if v.customer[k] >= 0
    ]


@dataclass
class Month:
    """One run. `clock_us` is the simulated now."""

    stores: RecommenderStores
    tenant: str
    town: Town
    people: People
    rng: np.random.Generator
    clock_us: int = 0
    policy: Policy | None = None
    later: list[tuple[int, int, int]] = field(default_factory=list)  # purchases to come: time, customer, amount
    events: int = 0

    def __post_init__(self) -> None:
        self.codes = {offer.offer_id: code for code, offer in enumerate(self.town.offers)}

    def now_us(self) -> int:
        return self.clock_us

    def pseudonym(self, customer: int) -> str:
        return f"month-{self.town.seed}-{customer:04d}"

    def live(self, day: list[Visit]) -> None:
        """One day's visits in one transaction: a crash leaves whole days."""
        with self.stores.offers.transaction():
            for visit in day:
                self._catch_up(visit.time_us)
                self.visit(visit)

    def visit(self, visit: Visit) -> None:
        """Decide, then let the customer do what they do."""
        self.clock_us = visit.time_us
        context = Context(visit.site, local_time=visit.at)
        request = Request(
            None,
            context,
            self.town.dishes,
            1,
            visit.time_us,
            self.rng,
            tenant=self.tenant,
            customer=self.pseudonym(visit.customer),
        )
        decision = decide_offer(self.stores.offers, request, self.policy)
        more = self._react(visit, decision) if decision.arm != NONE else 0
        self._buy(visit.time_us + 2 * MINUTE, visit.customer, visit.amount + more)

    def _react(self, visit: Visit, decision: OfferDecision) -> int:
        """View, perhaps redeem; returns what is spent on top at once."""
        if self.rng.random() > 0.92:
            return 0  # never looked at the screen
        self._record(decision, "viewed", visit.time_us + SECOND)
        who = visit.customer
        likes = self.people.likes[who, self.codes[decision.arm]]
        if self.rng.random() < self.people.moved[who] * likes:
            self._record(decision, "completed", visit.time_us + MINUTE)
            if self.rng.random() < 0.7:  # and they like to come again
                again = visit.time_us + int(self.rng.uniform(8, 60) * HOUR)
                heapq.heappush(self.later, (again, who, visit.amount))
            return round(float(self.people.extra[who]))
        if self.rng.random() < self.people.takes_along[who]:
            self._record(decision, "completed", visit.time_us + MINUTE)
        return 0

    def _record(self, decision: OfferDecision, kind: str, at_us: int) -> None:
        self.events += 1
        record_outcome(
            self.stores.offers, self.tenant, decision.decision_id, kind, f"month-{self.events}", at_us, at_us
        )

    def _buy(self, at_us: int, customer: int, amount: int) -> None:
        self.events += 1
        row = (f"month-{self.events}", self.pseudonym(customer), at_us, amount)
        record_purchases(self.stores.offers, self.tenant, [row], at_us)

    def _catch_up(self, now_us: int) -> None:
        """Those who came back meanwhile."""
        while self.later and self.later[0][0] <= now_us:
            self._buy(*heapq.heappop(self.later))

    def finish(self, now_us: int) -> None:
        """Make the purchases that are still due; then the windows close."""
        with self.stores.offers.transaction():
            self._catch_up(now_us)
        self.clock_us = now_us

    def train(self, home: Path) -> str:
        """Train as the schedule would; the policy that comes into force decides from the next visit on."""
        from recommender.config import RecommenderConfig

        config = RecommenderConfig(home=home, token_keys=())
        trainer = trainer_of(self.stores, config, self.now_us)
        run_id = self.stores.models.begin(self.tenant, "offers", self.clock_us)
        outcome = trainer.run(self.tenant, "offers", run_id, seed=0, accept_changed_data=True)
        if outcome is not None and outcome.state == "published":
            version = trainer.shelf(self.tenant, "offers").load(outcome.version)
            self.policy = OffersScene(self.stores.offers).load(version.arrays, version.texts)
        return outcome.why if outcome else "nothing to learn from yet"


def simulate_month(
    stores: RecommenderStores,
    home: Path,
    tenant: str,
    *,
    customers: int,
    days: int,
    seed: int,
    now_us: int,
    progress: Progress,
) -> Month:
    """The whole month; `progress(label, total)` gives a progress bar (see `terminal.bars`)."""
    today = datetime.fromtimestamp(now_us / SECOND, ZoneInfo(menu.ZONE)).date()
    last = today - timedelta(days=STAYS_OPEN + 1)
    town = Town.build(seed, customers=customers, days=HISTORY + days, last_day=last)
    visits = visits_of_day(town)
    rng = np.random.default_rng([31, seed])
    month = Month(stores, tenant, town, People.draw(rng, visits, customers, len(town.offers)), rng)
    first_us = round(town.moment(HISTORY, 0.0).timestamp()) * SECOND
    stores.catalogue.put(tenant, "item", list(town.dishes))
    stores.offers.save_offers(tenant, list(town.offers), first_us)
    salt = rng.bytes(16).hex()
    stores.offers.save_settings(tenant, OfferSettings(salt, holdout_share=HOLDOUT, effect_scale=EXPECTED))
    before = [v for v in visits if v.time_us < first_us]
    bought = [(f"before-{k}", month.pseudonym(v.customer), v.time_us, v.amount) for k, v in enumerate(before)]
    record_purchases(stores.offers, tenant, bought, first_us)
    with progress(f"{days} days of offers", days) as bar:
        for number, day in enumerate(by_day(visits[len(before) :]), 1):
            month.live(day)
            if number % TRAINED_EVERY == 0:
                month.train(home)
            bar.update(1)
    month.finish(now_us)
    month.train(home)
    return month


def by_day(visits: list[Visit]) -> Iterator[list[Visit]]:
    """Visits of one local day after the other."""
    day: list[Visit] = []
    for visit in visits:
        if day and visit.at.date() != day[-1].at.date():
            yield day
            day = []
        day.append(visit)
    if day:
        yield day


def simulate_in_state(
    state: State,
    tenant: str,
    now_us: int,
    progress: Progress,
    *,
    customers: int = CUSTOMERS,
    days: int = DAYS,
    seed: int = 0,
    beside_others: bool = True,
) -> dict[str, Any]:
    """The same in an installation; returns what the desk says afterwards.

    `beside_others`: also where the tenant has a catalogue or events already.

    Raises:
        MonthExists: it holds offers of this tenant; two months in one log would prove neither.
        HouseInUse: it holds something else of this tenant.
    """
    from recommender.assembly import open_stores
    from recommender.config import RecommenderConfig

    home = state.home
    stores = open_stores(
        RecommenderConfig(home=home, token_keys=(), database=state.url, keys_database=state.keys_url)
    )
    try:
        if stores.offers.offers(tenant):
            where = home if state.url is None else "The database"
            raise MonthExists(f"{where} holds offers of {tenant!r}. Name an empty folder with --home.")
        if not beside_others:
            _require_unused(stores, tenant)
        simulate_month(
            stores, home, tenant, customers=customers, days=days, seed=seed, now_us=now_us, progress=progress
        )
        saying = Saying(currency=stores.offers.tenant_settings(tenant).currency)
        return said(OffersScene(stores.offers).report(tenant, now_us), saying)
    finally:
        stores.close()


def _require_unused(stores: RecommenderStores, tenant: str) -> None:
    """Raises HouseInUse."""
    held = {**stores.catalogue.counts(tenant), **stores.events.counts(tenant)}
    if any(held.values()):
        what = ", ".join(f"{count:,} {name}" for name, count in sorted(held.items()) if count)
        raise HouseInUse(
            f"Nothing was done: {tenant!r} has {what} here, and the month is made up: dishes, offers, what people"
            " do about them. Name a new folder with --home, or say --beside-others."
        )


def for_evaluation(home: Path, progress: Callable[[str, float], None]) -> None:
    """The month for `usual evaluate offers` where there is no other data."""

    class Days:
        done = 0

        def update(self, n: int) -> None:
            self.done += n
            progress("thirty days in the town", 0.95 * self.done / DAYS)

    @contextmanager
    def bar(label: str, total: int) -> Iterator[Days]:
        yield Days()

    simulate_in_state(State(home), "demo", system_clock(), bar)


@click.command()
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/state/month"),
    show_default=True,
    help="The state folder the month is lived in; it must hold no offers yet.",
)
@click.option("--tenant", default="demo", show_default=True, help="Whose offers.")
@click.option(
    "--customers", default=CUSTOMERS, show_default=True, type=WholeNumber(100, 5_000), help="How many agreed."
)
@click.option("--days", default=DAYS, show_default=True, type=WholeNumber(7, 90), help="How long it goes on.")
@click.option("--seed", default=0, show_default=True, help="Another seed, other people.")
@click.option("--beside-others", is_flag=True, help="Also where the tenant has a catalogue or events already.")
def month(home: Path, tenant: str, customers: int, days: int, seed: int, beside_others: bool) -> None:
    """Thirty days of offers in the town of people who do not exist, ready for the marketing page.

    Every visit is decided, logged and learned from by the product; what people do about offers is made up.
    """
    try:
        report = simulate_in_state(
            state_of(home),
            tenant,
            system_clock(),
            bars,
            customers=customers,
            days=days,
            seed=seed,
            beside_others=beside_others,
        )
    except (MonthExists, HouseInUse) as error:
        raise click.ClickException(str(error)) from error
    say(f"{report['decisions']:,} decisions about {customers} customers. {report['answer']}")
    say(f"See it: usual serve --home {home}, and: usual people invite NAME --role marketer --home {home}")
