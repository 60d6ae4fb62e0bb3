"""What a marketer asks of an experiment, answered in a sentence first, in their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from babel.dates import format_datetime
from babel.numbers import format_currency, format_decimal, format_percent

from plumbing.clock import Clock
from plumbing.words import Words
from recommender.experiments.errors import InvalidExperiment, VariantMissing
from recommender.experiments.plan import (
    AS_IT_IS,
    DECIDED,
    DRAFT,
    IN_MONEY,
    MODEL,
    OFFERS,
    RULES,
    RUNNING,
    Experiment,
    Variant,
    Wrong,
)
from recommender.experiments.power import days_needed, visits_needed
from recommender.service import RecommenderService
from recommender.store.experiment_traffic import traffic_of
from recommender.store.tenant_settings import TenantSettings

JOINED = "\u2060"
WORDS = Words(Path(__file__).parent / "words")


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: in which language, in whose money and zone, and of which sites (empty: of all)."""

    language: str
    settings: TenantSettings
    sites: frozenset[str] = frozenset()

    def say(self, message_id: str, **values: Any) -> str:
        """A sentence."""
        return WORDS.text(self.language, f"experiment-{message_id}", **values)

    def money(self, minor: float, *, signed: bool = False) -> str:
        """Minor units as text."""
        amount = minor / 10**self.settings.digits
        text = format_currency(abs(amount), self.settings.currency, locale=self.language)
        return _sign(amount, signed) + str(text)

    def number(self, value: float, digits: int = 0, *, signed: bool = False) -> str:
        """A number as text."""
        shape = "#,##0" if not digits else "#,##0." + "0" * digits
        rounded = round(value, digits)
        return _sign(rounded, signed) + str(format_decimal(abs(rounded), format=shape, locale=self.language))

    def percent(self, share: float, digits: int = 0) -> str:
        """A share as text."""
        shape = "#,##0%" if not digits else "#,##0." + "0" * digits + "%"
        return str(format_percent(share, format=shape, locale=self.language))

    def amount(self, metric: str, value: float) -> str:
        """A difference of the measure: money, or successes of 100 visits."""
        return self.money(value, signed=True) if metric in IN_MONEY else self.number(100 * value, 1, signed=True)

    def moment(self, at_us: int) -> str:
        """A day and a time in the tenant's zone."""
        at = datetime.fromtimestamp(at_us / 1e6, self.settings.zone)
        return str(format_datetime(at, "short", locale=self.language))


def _sign(value: float, signed: bool) -> str:
    """The sign, joined to what follows: no line ends between them."""
    return f"−{JOINED}" if value < 0 else f"+{JOINED}" if signed and value > 0 else ""


def overview(service: RecommenderService, tenant: str, reader: Reader, now_us: int) -> dict[str, Any]:
    """All experiments, each with its sentence; first the verdict of the one that runs."""
    service.experimenting.flush()
    rows = [
        _brief(one, _sums(service.stores.experiments.figures(tenant, one, now_us), reader), reader, now_us)
        for one in service.stores.experiments.all(tenant)
    ]
    rows.sort(key=lambda row: row["state"] != RUNNING)
    running = [row for row in rows if row["state"] == RUNNING]
    answer = reader.say("answer-none")
    if running:
        first, others = running[0], len(running) - 1
        values = {"name": first["name"], "verdict": first["sentence"]}
        one = reader.say("answer-one", **values)
        answer = reader.say("answer-more", **values, others=others) if others else one
    return {"answer": answer, "experiments": rows, "currency": reader.settings.currency}


def _brief(experiment: Experiment, figures: Mapping[str, Any], reader: Reader, now_us: int) -> dict[str, Any]:
    return {
        "experiment_id": experiment.experiment_id,
        "name": experiment.name,
        "question": experiment.question,
        "scene": experiment.scene,
        "metric": experiment.metric,
        "state": experiment.state,
        "started_us": experiment.started_us,
        "stopped_us": experiment.stopped_us,
        "ends_us": experiment.ends_us,
        "winner": experiment.winner,
        "sentence": sentence(experiment, figures, reader, now_us),
        "kind": (figures.get("verdict") or {}).get("kind", ""),
        "days_left": (figures.get("verdict") or {}).get("more_days"),
    }


def detail(
    service: RecommenderService, tenant: str, experiment: Experiment, reader: Reader, now_us: int
) -> dict[str, Any]:
    """One experiment with all its figures."""
    service.experimenting.flush()
    known = service.stores.experiments.figures(tenant, experiment, now_us)
    figures = _sums(known, reader)
    rows = figures.get("variants") or [_planned(one) for one in experiment.variants]
    remarks = [reader.say("vanished", variant=name) for name in experiment.vanished]
    names = {one.offer_id: one.name for one in service.stores.offers.offers(tenant)}
    document = experiment.to_dict()
    del document["result"], document["v"]
    return {
        **_brief(experiment, figures, reader, now_us),
        "experiment": document,
        "variants": [
            row | {"what": what_differs(variant, reader, names)}
            for row, variant in zip(rows, experiment.variants, strict=True)
        ],
        "ratio": "" if reader.sites else ratio_sentence(figures.get("ratio"), reader),
        "ratio_broken": bool((figures.get("ratio") or {}).get("broken")),
        "cost": cost_sentence(experiment, figures.get("cost"), reader) if figures else "",
        "guards": guard_sentences(rows, reader) if figures else [],
        "remarks": remarks,
        "visits": figures.get("visits", 0),
        "exploration": {
            "site": [row for row in known.get("site", []) if not reader.sites or row["group"] in reader.sites],
            "daypart": figures.get("daypart", []),
        },
        "currency": reader.settings.currency,
    }


def _sums(figures: Mapping[str, Any], reader: Reader) -> Mapping[str, Any]:
    """Sums of all sites are not for a reader of some: from them and one's own the others' follow."""
    return {} if reader.sites else figures


def _planned(variant: Variant) -> dict[str, Any]:
    """The row of a variant before anybody was in it."""
    empty = dict.fromkeys(("visits", "mean", "difference", "low", "high", "error"))
    named = {"name": variant.name, "label": variant.label, "share": variant.share}
    return named | {"customers": 0, "guards": {}, "vanished": False} | empty


def sentence(experiment: Experiment, figures: Mapping[str, Any], reader: Reader, now_us: int) -> str:
    """The verdict."""
    if experiment.state == DRAFT:
        return reader.say("draft")
    said = _verdict(experiment, figures, reader)
    if experiment.state == DECIDED:
        end = reader.say("decided", variant=experiment.winner) if experiment.winner else reader.say("no-change")
        return f"{end} {said}"
    if experiment.starts_us is not None and now_us < experiment.starts_us:
        return reader.say("later", date=reader.moment(experiment.starts_us))
    return said


def _verdict(experiment: Experiment, figures: Mapping[str, Any], reader: Reader) -> str:
    if reader.sites:
        return reader.say("of-all-sites")
    verdict = dict(figures["verdict"])
    kind = verdict["kind"]
    if kind == "ratio":
        return reader.say("ratio", **_split(figures["ratio"], reader))
    if kind in ("empty", "few_customers", "few_rewards"):
        values = {name: verdict[name] for name in ("variant", "missing") if name in verdict}
        return reader.say(kind.replace("_", "-"), **values)
    values = {"variant": verdict["variant"]}
    for name in ("low", "high"):
        values[name] = reader.amount(experiment.metric, verdict[name])
    unit = "amount-value" if experiment.metric in IN_MONEY else "amount-share"
    values["difference"] = reader.say(unit, amount=reader.amount(experiment.metric, verdict["difference"]))
    if kind == "open" and verdict.get("more_days") is not None:
        return reader.say("open", **values, visits=_rounded(verdict["more_visits"]), days=verdict["more_days"])
    return reader.say("open-far" if kind == "open" else kind, **values)


def _rounded(visits: int) -> int:
    """Two digits: nobody knows more of the future."""
    step = int(10 ** max(len(str(visits)) - 2, 0))
    return -(-visits // step) * step


def _split(ratio: Mapping[str, Any], reader: Reader) -> dict[str, str]:
    found = [reader.number(n) if n is not None else reader.say("few") for n in ratio["customers"]]
    return {"found": " : ".join(found), "planned": " : ".join(reader.percent(share) for share in ratio["shares"])}


def ratio_sentence(ratio: Mapping[str, Any] | None, reader: Reader) -> str:
    """Whether customers are split as planned."""
    if not ratio or not any(ratio["customers"]):
        return reader.say("ratio-empty")
    return reader.say("ratio" if ratio["broken"] else "ratio-fine", **_split(ratio, reader))


def cost_sentence(experiment: Experiment, cost: Mapping[str, Any] | None, reader: Reader) -> str:
    """What trying has cost so far."""
    if not cost:
        return reader.say("cost-none")
    in_money = experiment.metric in IN_MONEY
    texts = {name: reader.money(cost[name]) if in_money else reader.number(cost[name]) for name in ("low", "high")}
    amount = reader.money(cost["value"]) if in_money else reader.number(cost["value"])
    return reader.say("cost-value" if in_money else "cost-share", variant=cost["best"], amount=amount, **texts)


def guard_sentences(rows: Sequence[Mapping[str, Any]], reader: Reader) -> list[str]:
    """What got worse, one sentence each; one sentence when nothing did."""
    found = []
    for row in rows:
        for name, guard in row["guards"].items():
            if guard["worse"]:
                control = rows[0]["guards"][name]["mean"]
                shape = reader.number if name == "answer_ms" else reader.percent
                values = {"mean": shape(guard["mean"], 1), "control": shape(control, 1)}
                found.append(reader.say(f"guard-{name}", variant=row["name"], **values))
    return found or [reader.say("guards-fine")]


def what_differs(variant: Variant, reader: Reader, names: Mapping[str, str]) -> str:
    """What a variant shows, in words; `names` are those of offers by their ids."""
    if variant.kind == AS_IT_IS:
        return reader.say("as-it-is")
    if variant.kind == MODEL:
        return reader.say("kind-model", version=variant.version)
    if variant.kind == RULES:
        return reader.say("kind-rules", document=variant.document)
    texts = [reader.say("kind-offers")] if variant.settings else []
    if variant.off:
        texts.append(reader.say("kind-off", names=", ".join(names.get(one, one) for one in variant.off)))
    return ", ".join(texts)


def refuse_wrong(wrong: Sequence[Wrong], reader: Reader) -> None:
    """Raises InvalidExperiment when anything is."""
    if wrong:
        raise InvalidExperiment([(name, reader.say(f"wrong-{kind}", **values)) for name, kind, values in wrong])


def require_variants(service: RecommenderService, tenant: str, experiment: Experiment, reader: Reader) -> None:
    """Raises VariantMissing when a variant names what is not there."""
    for variant in experiment.variants:
        missing = service.experimenting.sources.lacks(tenant, experiment.scene, variant)
        if missing:
            kind = variant.kind if variant.kind in (MODEL, RULES) else OFFERS
            raise VariantMissing(variant.name, reader.say(f"missing-{kind}", name=missing))


def estimate(
    service: RecommenderService,
    tenant: str,
    asked: tuple[str, str, float, tuple[float, ...], float],
    reader: Reader,
    now_us: Clock,
) -> dict[str, Any]:
    """How long an experiment takes. `asked` are scene, metric, smallest effect, shares and share of customers."""
    scene, metric, effect, shares, customers = asked
    traffic = traffic_of(service.database, tenant, scene, metric, now_us())
    visits, days = visits_needed(traffic.variance, shares, effect), days_needed(traffic, shares, effect, customers)
    reply = {"visits": visits, "days": days, "visits_per_day": traffic.visits_per_day, "mean": traffic.mean}
    if traffic.visits_per_day <= 0:
        return reply | {"sentence": reader.say("takes-nobody"), "assumed": True}
    if days is None or visits is None:
        return reply | {"sentence": reader.say("takes-long"), "assumed": traffic.assumed}
    values = {"days": days, "visits": _rounded(visits)}
    if traffic.assumed and metric not in IN_MONEY:
        said = reader.say("takes-assumed", **values, share=reader.percent(traffic.mean))
    else:
        said = reader.say("takes", **values)
    return reply | {"sentence": said, "assumed": traffic.assumed}
