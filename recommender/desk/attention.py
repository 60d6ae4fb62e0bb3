"""What needs somebody's attention: one list for the overview, for `usual desk overview` and for alert mails.

A part of the product adds its own: a function that gets what was asked (`Asked`) and yields items, named in
`SOURCES`; what another half or the doorway knows comes through `Asked.others`. An item's `name` says what it is
about and stays the same as long as it lasts, so that it is mailed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from plumbing.clock import DAY, HOUR, Clock
from plumbing.words import Message
from recommender.assembly import RecommenderStores
from recommender.desk.crowd import by_days, together
from recommender.desk.period import LEAST_PEOPLE
from recommender.desk.shares import Share, direction
from recommender.figures.days import bounds_us, day_of
from recommender.scenes.registry import OFFERS
from recommender.store.figures import Filter
from recommender.store.runs import DRY_RUN
from recommender.training.trainer import Trainer

SILENT_US = 48 * HOUR
"""A site that has had no order for so long, and had some in the four weeks before, is named."""

BUDGET_SHARE = 0.9
WRONG_ROWS_US = 7 * DAY


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that needs attention. `level`: act, or know. `href` is the page where something can be done."""

    name: str
    message: Message
    href: str
    level: Literal["act", "know"] = "act"
    site: str = ""  # it is of this site alone
    since_us: int | None = None


Others = Callable[[str], Iterable[Item]]
"""What another part of the installation knows of a tenant."""


def nothing(tenant: str) -> Iterable[Item]:
    """No items."""
    return ()


@dataclass(frozen=True)
class Asked:
    """For whom, and with what to look."""

    tenant: str
    stores: RecommenderStores
    trainer: Trainer
    now_us: Clock
    others: Others = nothing


Source = Callable[[Asked], Iterable[Item]]


def attention(asked: Asked) -> list[Item]:
    """All items, those to act on first."""
    found = [item for source in SOURCES for item in source(asked)]
    found += asked.others(asked.tenant)
    return sorted(found, key=lambda item: (item.level != "act", item.name))


def trainings(asked: Asked) -> Iterator[Item]:
    """The last training of a scene failed, was lost, or its version was refused. A dry run publishes nothing."""
    for scene in asked.trainer.scenes:
        last = asked.trainer.models.runs(asked.tenant, scene, 20)
        ended = [run for run in last if run.state != "running" and run.kind != DRY_RUN]
        if ended and ended[0].state in ("failed", "lost", "refused"):
            run = ended[0]
            yield Item(
                name=f"training {scene} {run.run_id}",
                message=Message.of(f"attention-training-{run.state}", scene=scene),
                href="/desk/trainings",
                level="know" if run.state == "refused" else "act",
                since_us=run.ended_us,
            )


def rolled_back(asked: Asked) -> Iterator[Item]:
    """A version went back by itself, and the earlier one is pinned until somebody unpins it."""
    for scene in asked.trainer.scenes:
        pin = asked.trainer.notes.pin(asked.tenant, scene)
        if pin is not None and pin.automatic:
            yield Item(
                name=f"rolled back {scene} {pin.at_us}",
                message=Message("attention-rolled-back", {"scene": scene, **pin.message.values}),
                href="/desk/suggestions",
                since_us=pin.at_us,
            )


def budgets(asked: Asked) -> Iterator[Item]:
    """A running offer has little budget left."""
    usage = asked.stores.offers.all_usage(asked.tenant)
    for offer in asked.stores.offers.offers(asked.tenant):
        if offer.status != "active":
            continue
        used = usage[offer.offer_id]
        shares = []
        if offer.budget_count:
            shares.append(used.spent_count / offer.budget_count)
        if offer.budget_money:
            shares.append(used.spent_money / offer.budget_money)
        if shares and max(shares) >= BUDGET_SHARE:
            yield Item(
                name=f"budget {offer.offer_id}",
                message=Message.of("attention-budget", offer=offer.name, share=min(max(shares), 1.0)),
                href="/desk/offers",
            )


def latest_orders(stores: RecommenderStores, tenant: str, now_us: int, days: int) -> dict[str, int]:
    """When each site had its latest order, of those with one in the last days. Exact for the last two days; an
    older one is known by its day alone, and taken for noon: no event of so long ago is read."""
    zone = stores.tenants.get(tenant).zone
    found = stores.figures.last_days(tenant, day_of(now_us - days * DAY, zone))
    older = {site: bounds_us(day, zone)[0] + 12 * HOUR for site, day in found.items()}
    return {site: min(at, now_us) for site, at in older.items()} | stores.figures.latest_by_site(
        tenant, now_us - SILENT_US
    )


def silent_sites(asked: Asked) -> Iterator[Item]:
    """No event for two days, of the whole tenant or of a site that had orders before."""
    now_us = asked.now_us()
    latest = latest_orders(asked.stores, asked.tenant, now_us, 28)
    late = {site: at for site, at in latest.items() if now_us - at > SILENT_US}
    if latest and len(late) == len(latest):
        days = (now_us - max(latest.values())) // DAY
        yield Item(
            "no events", Message.of("attention-no-events", days=days), "/desk/data", since_us=max(late.values())
        )
        return
    for site, at in sorted(late.items()):
        if site:
            days = (now_us - at) // DAY
            message = Message.of("attention-site-silent", site=site, days=days)
            yield Item(f"site {site} silent", message, "/desk/data", site=site, since_us=at)


def imports(asked: Asked) -> Iterator[Item]:
    """The last import of a kind was refused in the last days."""
    for entry in asked.stores.import_log.latest_of_each(asked.tenant):
        if entry.state == "refused" and asked.now_us() - entry.began_us < WRONG_ROWS_US:
            message = Message.of("attention-import", file=entry.file, wrong=entry.wrong)
            yield Item(f"import {entry.import_id}", message, "/desk/data", since_us=entry.began_us)


def skipped_versions(asked: Asked) -> Iterator[Item]:
    """Nothing is published although there is enough to learn from."""
    for scene in asked.trainer.scenes:
        if scene == OFFERS:
            continue
        shelf = asked.trainer.shelf(asked.tenant, scene)
        kind = asked.trainer.scenes[scene].learns_from or ""
        if shelf.current() is None and asked.stores.events.has_customers(asked.tenant, kind, 30):
            yield Item(
                f"untrained {scene}", Message.of("attention-untrained", scene=scene), "/desk/trainings", "know"
            )


def acceptance_fell(asked: Asked) -> Iterator[Item]:
    """Suggestions are taken less often than four weeks before, by more than chance."""
    zone = asked.stores.tenants.get(asked.tenant).zone
    today = asked.now_us()

    def week(ago: int) -> Share:
        first, last = (day_of(today - n * DAY, zone) for n in (7 + ago, 1 + ago))
        wanted = Filter(first, last, scenes=("orders", "destinations"))
        found = together(by_days(asked.stores.figures, asked.tenant, wanted).values())
        if found.crowd.shown < LEAST_PEOPLE:
            return Share(0, 0)
        return Share(found.sums["taken_any"], found.sums["shown"])

    now, before = week(0), week(28)
    if min(now.whole, before.whole) >= 200 and direction(now, before) < 0:
        values = {"now": now.value or 0.0, "before": before.value or 0.0}
        yield Item("acceptance fell", Message("attention-acceptance-fell", values), "/desk/suggestions")


SOURCES: tuple[Source, ...] = (
    trainings,
    rolled_back,
    budgets,
    silent_sites,
    imports,
    skipped_versions,
    acceptance_fell,
)
"""Each part of the product that has something to say."""
