"""What a marketer asks of the models, answered in a sentence first."""

from __future__ import annotations

from typing import Any

from recommender.desk.quality import method_of, verdict, what_is_missing
from recommender.desk.runs import why_of
from recommender.desk.versions import NameOf, by_id, note_row, pin_row, run_says
from recommender.desk.words import WORDS
from recommender.service import RecommenderService
from recommender.store.runs import Run
from recommender.store.versions import VersionStore
from recommender.times import from_us
from recommender.training.trainer import Trainer


def overview(
    service: RecommenderService, trainer: Trainer, tenant: str, language: str = "en", name_of: NameOf = by_id
) -> dict[str, Any]:
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
            scene_row(service, trainer, tenant, name, language, name_of)
            for name, scene in trainer.scenes.items()
            if scene.learns_from is not None  # the others have a page of their own
        ],
    }


def scene_row(
    service: RecommenderService,
    trainer: Trainer,
    tenant: str,
    scene: str,
    language: str = "en",
    name_of: NameOf = by_id,
) -> dict[str, Any]:
    """One scene: what is served, how good it is, what happened lately."""
    shelf = trainer.shelf(tenant, scene)
    served = service.caches.model(tenant, scene)
    runs = trainer.models.runs(tenant, scene)
    published = {run.version: run.ended_us for run in runs if run.state == "published" and run.ended_us}
    pin, notes = trainer.notes.pin(tenant, scene), trainer.notes.all(tenant, scene)
    versions = [
        row | note_row(name, served.version, pin, notes.get(name), tenant, language, name_of)
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
        "missing": missing(trainer, tenant, scene, language),
        "methods": [row for row in report.get("rows", []) if isinstance(row, dict)],
        "pinned": pin_row(pin, tenant, language, name_of) if pin else None,
        "versions": versions,
        "runs": [run_row(run, tenant, language, name_of) for run in runs],
    }


def sentence(scene: str, report: dict[str, Any], baseline: str = "counting", language: str = "en") -> str:
    """How good the served model is, against its scene's baseline."""
    return WORDS.say(language, verdict(scene, baseline, report))


def method_in_force(report: dict[str, Any]) -> str:
    """The row of the report's table that is served."""
    return method_of(report)


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


def missing(trainer: Trainer, tenant: str, scene: str, language: str = "en") -> str | None:
    """What is needed, and how much more of it."""
    message = what_is_missing(trainer, tenant, scene)
    return None if message is None else WORDS.say(language, message)


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


def run_row(run: Run, tenant: str = "", language: str = "en", name_of: NameOf = by_id) -> dict[str, Any]:
    """A training as the routes answer it."""
    says, may_accept = run_says(run.report, tenant, language, name_of)
    return {
        "run_id": run.run_id,
        "scene": run.scene,
        "state": run.state,
        "stage": run.stage,
        "share": run.share,
        "why": why_of(run, tenant, language, name_of),
        "says": says,
        "may_accept": may_accept and run.state == "refused",
        "version": run.version,
        "started_at": from_us(run.started_us),
        "ended_at": from_us(run.ended_us) if run.ended_us else None,
    }
