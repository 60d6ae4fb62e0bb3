"""What a marketer asks of the models, answered in a sentence first."""

from __future__ import annotations

from typing import Any

from recommender.artifacts import Shelf
from recommender.moments import from_us
from recommender.service import Service
from recommender.store.events import LEARNED_FROM
from recommender.store.models import Run
from recommender.training import KINDS, Trainer

PROVEN_FROM = 30
"""Customers who came back: with fewer, no gain over counting can be proven (ranking.gate's `least`)."""

WORDS = {"orders": ("order", "orders"), "destinations": ("ride", "rides")}


def overview(service: Service, trainer: Trainer, tenant: str) -> dict[str, Any]:
    """The body of GET /recommender/v1/models."""
    counts = trainer.catalogue.counts(tenant)
    return {
        "events": trainer.events.counts(tenant),
        "catalogue": {
            "items": counts.get("item", 0),
            "places": counts.get("place", 0),
            "offers": len(service.offers.offers(tenant)),
        },
        "scenes": [scene_row(service, trainer, tenant, scene) for scene in trainer.scenes],
    }


def scene_row(service: Service, trainer: Trainer, tenant: str, scene: str) -> dict[str, Any]:
    """One scene: what is served, how good it is, what happened lately."""
    shelf = trainer.shelf(tenant, scene)
    served = service.live.model(tenant, scene)
    runs = trainer.models.runs(tenant, scene)
    published = {run.version: run.ended_us for run in runs if run.state == "published" and run.ended_us}
    versions = [
        row
        for name in reversed(shelf.names())
        if (row := version_row(shelf, name, name == served.version, published.get(name)))
    ]
    report = (shelf.manifest(served.version) or {}).get("report", {}) if served.version else {}
    return {
        "scene": scene,
        "version": served.version,
        "skipped": list(served.skipped),
        "sentence": sentence(scene, report),
        "missing": missing(trainer, tenant, scene),
        "methods": [row for row in report.get("rows", []) if isinstance(row, dict)],
        "versions": versions,
        "runs": [run_row(run) for run in runs],
    }


def sentence(scene: str, report: dict[str, Any]) -> str:
    """How good the served model is, against counting, with its uncertainty."""
    one, many = WORDS[scene]
    if not report:
        return f"No model of {many} is in force: everybody sees what is popular here and now."
    value, baseline, metric = report.get("value"), report.get("baseline_value"), report.get("metric", "")
    interval = [bound for bound in report.get("interval") or [] if bound is not None]
    asked = f"over the last {report.get('n_validation', 0):,} {many} kept aside"
    if report.get("in_force") == "counting" or value is None or baseline is None:
        return f"Counting how often each customer chose what is in force: {report.get('why', '')}."
    told = f"{metric} {value:.3f} against {baseline:.3f} for counting"
    if len(interval) == 2:
        told += f" (difference between {interval[0]:+.3f} and {interval[1]:+.3f}, 95 %)"
    return f"The model foretells the next {one} better than counting does: {told}, {asked}."


def missing(trainer: Trainer, tenant: str, scene: str) -> str | None:
    """What is needed, and how much more of it."""
    kind, (_, many) = KINDS[scene], WORDS[scene]
    if not trainer.catalogue.counts(tenant).get(kind, 0):
        return f"There are no {kind}s in the catalogue yet. Import them: usual import {kind}s FILE"
    back = trainer.events.returning_customers(tenant, LEARNED_FROM[scene], 2)
    if back >= PROVEN_FROM:
        return None
    return (
        f"{back} customers have at least 2 {many}; {PROVEN_FROM - back} more are needed before a gain over "
        "counting can be proven."
    )


def version_row(shelf: Shelf, name: str, current: bool, published_us: int | None) -> dict[str, Any] | None:
    manifest = shelf.manifest(name)
    if manifest is None:
        return None
    report, cut = manifest["report"], manifest.get("cut", {})
    return {
        "version": name,
        "current": current,
        "parent": manifest.get("parent"),
        "in_force": str(report.get("in_force", "")),
        "why": str(report.get("why", "")),
        "metric": str(report.get("metric", "")),
        "value": report.get("value"),
        "baseline_value": report.get("baseline_value"),
        "interval": list(report.get("interval") or []),
        "lines": cut.get("lines", 0),
        "customers": cut.get("customers", 0),
        "until": from_us(cut["until_us"]) if cut.get("until_us") is not None else None,
        "seed": manifest.get("seed", 0),
        "published_at": from_us(published_us) if published_us else None,
    }


def run_row(run: Run) -> dict[str, Any]:
    """A training as the routes answer it."""
    return {
        "run_id": run.run_id,
        "scene": run.scene,
        "state": run.state,
        "stage": run.stage,
        "share": run.share,
        "why": run.why,
        "version": run.version,
        "started_at": from_us(run.started_us),
        "ended_at": from_us(run.ended_us) if run.ended_us else None,
    }
