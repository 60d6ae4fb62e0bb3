"""The marketer's answer about offers: do they earn more than showing none, and which of them does?"""

from __future__ import annotations

from typing import Any

from recommender.assembly import RecommenderStores
from recommender.desk.models import run_row, version_row
from recommender.desk.reports import OfferReports
from recommender.offers.answers import Saying, said
from recommender.scene import Report
from recommender.scenes.registry import OFFERS
from recommender.times import from_us
from recommender.training.trainer import Trainer


def reports_of(stores: RecommenderStores, trainer: Trainer, *, at_once: bool = False) -> OfferReports:
    """The figures about offers of an installation, kept between requests. `at_once`: nobody else is served."""

    def build(tenant: str) -> dict[str, Any]:
        shelf = trainer.shelf(tenant, OFFERS)
        current = shelf.current()
        manifest = shelf.manifest(current) if current else None
        published = Report.from_dict(manifest["report"]) if manifest else None
        found = trainer.scenes[OFFERS].report(tenant, trainer.now_us(), published)
        for history in (found["history"], found["best_single"].get("history", [])):
            for row in history:
                row["until"] = from_us(row["until_us"])
        made = {"figures": found, "decided": stores.offers.size(tenant)[0]}
        return made | {"shown": stores.offers.times_shown(tenant), "made_at": from_us(trainer.now_us())}

    return OfferReports(stores.offers, trainer.now_us, build, at_once=at_once)


def saying_of(stores: RecommenderStores, tenant: str, language: str = "en") -> Saying:
    """How a tenant's figures are said in a language."""
    names = {offer.offer_id: offer.name for offer in stores.offers.offers(tenant)}
    return Saying(language, stores.offers.tenant_settings(tenant).currency, names)


def proof_of(
    stores: RecommenderStores,
    trainer: Trainer,
    tenant: str,
    reports: OfferReports | None = None,
    language: str = "en",
) -> dict[str, Any]:
    """The body of GET /recommender/v1/desk/offers."""
    shelf = trainer.shelf(tenant, OFFERS)
    current = shelf.current()
    report = (reports or reports_of(stores, trainer, at_once=True)).get(tenant, current)
    saying = saying_of(stores, tenant, language)
    runs = trainer.models.runs(tenant, OFFERS)
    published = {run.version: run.ended_us for run in runs if run.state == "published" and run.ended_us}
    rows = [version_row(shelf, name, name == current, published.get(name)) for name in reversed(shelf.names())]
    common = {
        "version": current,
        "versions": [row for row in rows if row],
        "runs": [run_row(run) for run in runs],
        "currency": saying.currency,
        "counting": bool(report.get("counting")),
        "made_at": report.get("made_at"),
    }
    if "figures" not in report:  # a large log that nobody has counted yet
        return common | {"answer": saying.text("earn-counting"), "decisions": None}
    return common | said(report["figures"], saying)
