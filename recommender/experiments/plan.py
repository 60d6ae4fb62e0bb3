"""An experiment as a marketer writes it: question, variants, measure, the smallest effect worth knowing. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from recommender.offers.settings import RANGES

VERSION = 1
"""Of an experiment as it is stored."""

DRAFT, RUNNING, STOPPED, DECIDED = "draft", "running", "stopped", "decided"
STATES = (DRAFT, RUNNING, STOPPED, DECIDED)

METRICS: Mapping[str, tuple[str, ...]] = {
    "orders": ("first", "any", "value"),
    "destinations": ("first", "any"),
    "offers": ("value", "redeemed"),
}
"""What may decide, by scene: the first suggestion was taken, any of the first five, the value of a visit in minor
units of money, or an offer was redeemed."""

GUARDS = ("completed", "not_me", "answer_ms")
"""What must not get worse: visits that end with an order or a ride, "not me", and the time to an answer."""

IN_MONEY = ("value",)
AS_IT_IS, MODEL, RULES, OFFERS = "as_it_is", "model", "rules", "offers"
KINDS: Mapping[str, tuple[str, ...]] = {
    "orders": (MODEL, RULES),
    "destinations": (MODEL, RULES),
    "offers": (MODEL, OFFERS),
}
"""What may differ, by scene; `as_it_is` may always stand for what is live."""

OFFER_SETTINGS = ("exploration", "share", "nag_count", "nag_days")
"""Settings of offers that a variant may change. The holdout and its salt stay what they are for everybody."""

MOST_VARIANTS = 5
LEAST_SHARE = 0.05
LEAST_TRAFFIC = 0.01
LONGEST_TEXT = 500
MOST_OFF = 100
LATEST_US = 2**57  # in the year 6536; nanoseconds of this century are beyond it


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant. `name` is a letter, A is the control; `label` says in the marketer's words what it is.

    `kind` is as_it_is, model (`version` of the scene), rules (what the document of the name `document` said when
    the draft was saved, in `rules`), or offers (`settings` that differ, offers that are `off`).
    """

    name: str
    label: str
    share: float
    kind: str = AS_IT_IS
    version: str = ""
    document: str = ""
    rules: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    off: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment of a tenant. Moments in microseconds UTC; None: not set, or not yet.

    `minimum_effect` is a share for first, any and redeemed (.02 is two points), minor units for value.
    `begins` and `ends` bound the stretch of the scene's layer that it has while it runs.
    """

    experiment_id: str
    name: str
    question: str
    scene: str
    metric: str
    minimum_effect: float
    variants: tuple[Variant, ...]
    traffic: float = 1.0
    state: str = DRAFT
    starts_us: int | None = None
    ends_us: int | None = None
    begins: float = 0.0
    started_us: int | None = None
    stopped_us: int | None = None
    winner: str = ""  # of a decided one; "" ended without a change
    vanished: tuple[str, ...] = ()  # variants that could not be shown any more
    result: Mapping[str, Any] | None = None  # the last figures, once it has stopped

    @property
    def shares(self) -> tuple[float, ...]:
        """Of each variant, in their order."""
        return tuple(variant.share for variant in self.variants)

    @property
    def stretch(self) -> tuple[float, float]:
        """Its part of the layer of the scene."""
        return self.begins, self.begins + self.traffic

    def is_live(self, now_us: int) -> bool:
        """Whether customers are assigned now."""
        begun = self.starts_us is None or now_us >= self.starts_us
        return self.state == RUNNING and begun and (self.ends_us is None or now_us < self.ends_us)

    def variant(self, name: str) -> Variant | None:
        """The variant with this letter."""
        return next((one for one in self.variants if one.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """As it is stored and answered."""
        return asdict(self) | {"v": VERSION}


def from_dict(stored: Mapping[str, Any]) -> Experiment:
    """The inverse of `to_dict`. Raises ValueError for a version of a later release."""
    if stored.get("v") != VERSION:
        raise ValueError(f"an experiment of version {stored.get('v')} is not known here")
    values = {name: value for name, value in stored.items() if name != "v"}
    values["variants"] = tuple(
        Variant(**(one | {"off": tuple(one.get("off", ()))})) for one in values.get("variants", ())
    )
    return Experiment(**(values | {"vanished": tuple(values.get("vanished", ()))}))


Wrong = tuple[str, str, Mapping[str, Any]]
"""A wrong field: its name, the id of the message about it (`experiment-wrong-...`), the message's values."""


def parse(given: Mapping[str, Any], experiment_id: str) -> tuple[Experiment | None, list[Wrong]]:
    """A draft from a form, or every field that is wrong with it."""
    wrong: list[Wrong] = []
    scene = str(given.get("scene") or "")
    if scene not in METRICS:
        wrong.append(("scene", "scene", {}))
    if given.get("metric") not in METRICS.get(scene, ()):
        wrong.append(("metric", "metric", {}))
    name, question = _text(given, "name", wrong, needed=True), _text(given, "question", wrong)
    effect = _number(given.get("minimum_effect"))
    most = math.inf if given.get("metric") in IN_MONEY else 0.5
    if effect is None or not 0 < effect <= most:
        wrong.append(("minimum_effect", "effect", {}))
    traffic = _number(given.get("traffic", 1.0))
    if traffic is None or not LEAST_TRAFFIC <= traffic <= 1:
        wrong.append(("traffic", "traffic", {}))
    starts, ends = _moment(given, "starts_us", wrong), _moment(given, "ends_us", wrong)
    if starts is not None and ends is not None and ends <= starts:
        wrong.append(("ends_us", "end", {}))
    variants = _variants(given.get("variants"), scene, wrong)
    if wrong or effect is None or traffic is None:
        return None, wrong
    made = Experiment(
        experiment_id=experiment_id,
        name=name,
        question=question,
        scene=scene,
        metric=str(given["metric"]),
        minimum_effect=effect,
        variants=variants,
        traffic=traffic,
        starts_us=starts,
        ends_us=ends,
    )
    return made, []


def _text(given: Mapping[str, Any], name: str, wrong: list[Wrong], *, needed: bool = False) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or (needed and not value.strip()) or len(value) > LONGEST_TEXT:
        wrong.append((name, "text", {"most": LONGEST_TEXT}))
        return ""
    return value.strip()


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _moment(given: Mapping[str, Any], name: str, wrong: list[Wrong]) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < LATEST_US:
        wrong.append((name, "moment", {}))
        return None
    return value


def _variants(given: Any, scene: str, wrong: list[Wrong]) -> tuple[Variant, ...]:
    rows = given if isinstance(given, list) and all(isinstance(row, dict) for row in given) else []
    if not 2 <= len(rows) <= MOST_VARIANTS:
        wrong.append(("variants", "variants", {"most": MOST_VARIANTS}))
        return ()
    made = tuple(_variant(row, "ABCDE"[at], at, scene, wrong) for at, row in enumerate(rows))
    total = sum(one.share for one in made)
    if any(one.share < LEAST_SHARE for one in made) or abs(total - 1) > 0.005:
        wrong.append(("variants", "shares", {"least": round(LEAST_SHARE * 100)}))
        return ()
    made = tuple(replace(one, share=one.share / total) for one in made)
    differences = [(v.kind, v.version, v.document, repr(sorted(v.settings.items())), v.off) for v in made]
    if len(set(differences)) < len(differences):
        wrong.append(("variants", "same", {}))
    return made


def _variant(row: Mapping[str, Any], name: str, at: int, scene: str, wrong: list[Wrong]) -> Variant:
    where = f"variants.{at}"
    share, kind = _number(row.get("share")), row.get("kind", AS_IT_IS)
    if kind not in (AS_IT_IS, *KINDS.get(scene, ())):
        wrong.append((f"{where}.kind", "kind", {}))
        return Variant(name, "", share or 0.0)
    label, settings, off = _text(row, "label", wrong), row.get("settings") or {}, row.get("off") or []
    if kind == OFFERS:
        wrong += _wrong_offers(where, settings, off)
    needed = {MODEL: "version", RULES: "document"}.get(kind)
    value = str(row.get(needed) or "") if needed else ""
    if needed and not 0 < len(value) <= 200:
        wrong.append((f"{where}.{needed}", "needed", {}))
    offers = kind == OFFERS and isinstance(settings, dict) and isinstance(off, list)
    return Variant(
        name=name,
        label=label,
        share=share or 0.0,
        kind=kind,
        version=value if kind == MODEL else "",
        document=value if kind == RULES else "",
        settings=dict(settings) if offers else {},
        off=tuple(sorted(map(str, off))) if offers else (),
    )


def _wrong_offers(where: str, settings: Any, off: Any) -> list[Wrong]:
    texts = isinstance(off, list) and all(isinstance(one, str) for one in off) and len(off) <= MOST_OFF
    if not isinstance(settings, dict) or not texts or not (settings or off):
        return [(f"{where}.settings", "offers", {})]
    wrong: list[Wrong] = []
    for name, value in settings.items():
        low, high = RANGES.get(name, (0.0, 0.0))
        number = _number(value)
        none = value is None and name in ("share", "nag_count")
        whole = name not in ("nag_count", "nag_days") or (number is not None and number == int(number))
        if name not in OFFER_SETTINGS or not (none or (number is not None and low <= number <= high and whole)):
            wrong.append((f"{where}.settings", "setting", {"name": str(name)[:60], "low": low, "high": high}))
    return wrong


def room_for(running: Sequence[Experiment], scene: str) -> float:
    """The share of customers of a scene that no running experiment has."""
    return max(0.0, 1.0 - sum(one.traffic for one in running if one.scene == scene))
