"""The marketer's answer about offers: does the policy earn more than its alternatives?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from plumbing.clock import MINUTE
from recommender.assembly import RecommenderStores
from recommender.caches import Cache
from recommender.desk.models import run_row, version_row
from recommender.offers.portfolio import STATUSES
from recommender.scene import Report
from recommender.scenes.registry import OFFERS
from recommender.times import from_us
from recommender.training.trainer import Trainer


def proof_of(
    stores: RecommenderStores, trainer: Trainer, tenant: str, held: Cache[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The body of GET /recommender/v1/desk/offers; `held` keeps what was read of the log for a minute."""
    shelf, now_us = trainer.shelf(tenant, OFFERS), trainer.now_us()
    current = shelf.current()
    manifest = shelf.manifest(current) if current else None
    in_force = Report.from_dict(manifest["report"]) if manifest else None
    stamp = (current, now_us // MINUTE, stores.offers.size(tenant), stores.offers.settings_as_read(tenant))
    answers = dict(
        (held or Cache()).get(tenant, stamp, lambda: trainer.scenes[OFFERS].report(tenant, now_us, in_force))
    )
    for history in (answers["history"], answers["best_single"].get("history", [])):
        for row in history:
            row["until"] = from_us(row["until_us"])
    runs = trainer.models.runs(tenant, OFFERS)
    published = {run.version: run.ended_us for run in runs if run.state == "published" and run.ended_us}
    rows = [version_row(shelf, name, name == current, published.get(name)) for name in reversed(shelf.names())]
    return answers | {
        "version": current,
        "versions": [row for row in rows if row],
        "runs": [run_row(run) for run in runs],
    }


def portfolio_of(stores: RecommenderStores, tenant: str) -> dict[str, Any]:
    usage, shown = stores.offers.all_usage(tenant), stores.offers.times_shown(tenant)
    rows = [
        asdict(offer) | asdict(usage[offer.offer_id]) | {"shown": shown.get(offer.offer_id, 0)}
        for offer in stores.offers.offers(tenant)
    ]
    items = [{"item_id": item.item_id, "name": item.name} for item in stores.catalogue.all(tenant, "item")]
    counts = {state: sum(row["status"] == state for row in rows) for state in STATUSES}
    spent = sum(row["spent_money"] for row in rows)
    summary = "There is no offer yet. Write the first one below, or import a file."
    if rows:
        one = counts["active"] == 1
        others = [f"{counts[state]} {state}" for state in STATUSES[1:] if counts[state]]
        active = f"{counts['active']} {'offer is' if one else 'offers are'} active"
        summary = (
            f"{', '.join([active, *others])}; "
            f"{sum(row['spent_count'] for row in rows):,} redemptions have cost {spent / 100:,.2f} so far."
        )
    return {"rows": rows, "items": items, "answer": summary}
