"""What a marketer asks of the models, answered in a sentence first."""

from __future__ import annotations

from typing import Any

from recommender.service import RecommenderService
from recommender.store.runs import Run
from recommender.store.versions import VersionStore
from recommender.times import from_us
from recommender.training.trainer import Trainer

PROVEN_FROM = 30
"""Customers who came back: with fewer, no gain over counting can be proven (ranking.gate's `least`)."""

FIRST = ("hr@1", "acc@1")
"""Metrics that say how often the first suggestion was right."""

WORDS = {"orders": ("order", "orders"), "destinations": ("ride", "rides")}


def overview(service: RecommenderService, trainer: Trainer, tenant: str) -> dict[str, Any]:
    """The body of GET /recommender/v1/models."""
    counts = trainer.catalogue.counts(tenant)
    return {
        "events": trainer.events.counts(tenant),
        "catalogue": {
            "items": counts.get("item", 0),
            "places": counts.get("place", 0),
            "offers": len(service.stores.offers.offers(tenant)),
        },
        "scenes": [
            scene_row(service, trainer, tenant, name)
            for name, scene in trainer.scenes.items()
            if scene.learns_from is not None  # the others have a page of their own
        ],
    }


def scene_row(service: RecommenderService, trainer: Trainer, tenant: str, scene: str) -> dict[str, Any]:
    """One scene: what is served, how good it is, what happened lately."""
    shelf = trainer.shelf(tenant, scene)
    served = service.caches.model(tenant, scene)
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
        "in_force": method_in_force(report),
        "explained": explained(report),
        "missing": missing(trainer, tenant, scene),
        "methods": [row for row in report.get("rows", []) if isinstance(row, dict)],
        "versions": versions,
        "runs": [run_row(run) for run in runs],
    }


def sentence(scene: str, report: dict[str, Any]) -> str:
    """How good the served model is, against counting, with its uncertainty."""
    one, many = WORDS[scene]
    if not report:
        return f"No model of {many} is in force: customers get their own most frequent, guests what is popular."
    value, baseline, metric = report.get("value"), report.get("baseline_value"), report.get("metric", "")
    if method_in_force(report) == "counting" or value is None or baseline is None:
        return f"Counting what each customer chose is in force. Why: {report.get('why', '')}."
    proof = _proof(report, metric, value, baseline)
    ours, counting = _first_right(report, method_in_force(report)), _first_right(report, "counting")
    if ours is None or counting is None:
        return f"The model predicts the next {one} better than counting does: {proof}."
    sample = f"over {report.get('n_validation', 0):,} {many} that it had not seen"
    right = f"The first suggestion was right for {100 * ours:.0f} of 100 {many}; counting alone manages"
    return f"{right} {100 * counting:.0f}. Measured: {proof}, {sample}."


def _proof(report: dict[str, Any], metric: str, value: float, baseline: float) -> str:
    interval = [bound for bound in report.get("interval") or [] if bound is not None]
    figures = f"{metric} {value:.3f} against {baseline:.3f}"
    if len(interval) == 2:
        figures += f", a gain of {interval[0]:+.3f} to {interval[1]:+.3f} with 95 % certainty"
    return figures


def _first_right(report: dict[str, Any], method: str) -> float | None:
    rows = [row for row in report.get("rows", []) if isinstance(row, dict) and row.get("method") == method]
    shares = [row[name] for row in rows for name in FIRST if isinstance(row.get(name), int | float)]
    return float(shares[0]) if shares else None


def method_in_force(report: dict[str, Any]) -> str:
    """The row of the report's table that is served."""
    return str(report.get("method") or report.get("in_force") or "")


def explained(report: dict[str, Any]) -> str:
    """What the chart's figure means, in plain words."""
    metric = str(report.get("metric", ""))
    words = {
        "ndcg": "how high up the list the right ones stand, from 0 to 1",
        "mrr": "one over the place of the right one in the list",
        "recall": "the share of what was chosen that the list held",
        "acc": "how often the right one was among the first",
        "hr": "how often the right one was among the first",
    }
    meaning = words.get(metric.split("@")[0].lower())
    return f"{metric}: {meaning}; longer is better" if meaning else metric


def missing(trainer: Trainer, tenant: str, scene: str) -> str | None:
    """What is needed, and how much more of it."""
    kind, event_type = trainer.scenes[scene].kind, trainer.scenes[scene].learns_from
    _, many = WORDS[scene]
    if not trainer.catalogue.counts(tenant).get(kind, 0):
        return f"There are no {kind}s in the catalogue yet. Import them: usual import {kind}s FILE"
    back = trainer.events.returning_customers(tenant, event_type or "", 2)
    if back >= PROVEN_FROM:
        return None
    who = "customer has" if back == 1 else "customers have"
    more = f"{PROVEN_FROM - back} more are needed before a gain over counting can be proven"
    return f"{back} {who} at least 2 {many}; {more}."


def version_row(shelf: VersionStore, name: str, current: bool, published_us: int | None) -> dict[str, Any] | None:
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
