"""An offer, and checks that report every wrong field.

Who sees an offer may differ; prices never differ between customers. Money is in minor units (cents), hours and
dates are the site's local ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any

from recommender.item import MOST_LANGUAGES, by_language
from recommender.offers.discount import FREE_ITEM, Discount, parse_discount
from recommender.offers.errors import InvalidOffer

VERSION = 3
"""Of a stored offer. 2: with `discount`, `categories`, `once_per_visit` and `terms`; 3: with names and terms by
language."""

KINDS = ("discount", "bogo", "bundle", "gift", "informational")
STATUSES = ("active", "paused", "ended", "draft")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_OFFERS = 2_000
"""Running offers of one tenant. Each decision logs a propensity for every eligible one."""

NONE = "none"
"""The arm that shows nothing. No offer may have this id."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_MOST = 10**12  # upper limit of every number: sums of budgets must fit into 64 bits


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer as the marketer wrote it. `None` means no limit."""

    offer_id: str
    name: str
    text: str = ""
    kind: str = "discount"
    items: tuple[str, ...] = ()  # that it applies to; empty: all
    starts_on: str | None = None  # ISO date, inclusive
    ends_on: str | None = None  # ISO date, inclusive
    weekdays: tuple[int, ...] = ()  # 0 is Monday; empty: every day
    from_hour: int = 0  # 0..23
    to_hour: int = 24  # 1..24, exclusive; below from_hour the offer runs past midnight
    sites: tuple[str, ...] = ()  # empty: everywhere
    budget_count: int | None = None  # redemptions
    budget_money: int | None = None  # minor units given away
    cap_count: int | None = None  # at most so many times to one customer ...
    cap_days: int | None = None  # ... in so many days; None: ever
    never_twice: bool = False
    redemption_cost: int = 0  # what one redemption costs the business, minor units
    min_spend: int = 0
    window_hours: int = 72  # how long it can be redeemed after it was shown
    status: str = "active"
    categories: tuple[str, ...] = ()  # of dishes that it applies to, besides `items`
    discount: Discount | None = None  # None: nothing that a till can apply
    once_per_visit: bool = True
    terms: str = ""  # as shown; empty: a sentence made of the fields, in the language of the screen
    names: Mapping[str, str] = field(default_factory=dict, hash=False)  # by language; `name` where there is none
    terms_in: Mapping[str, str] = field(default_factory=dict, hash=False)  # by language, before `terms`


FIELDS = tuple(one.name for one in fields(Offer))
_LISTS = frozenset({"items", "weekdays", "sites", "categories"})


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    if "\x00" in value or len(value) > 500:
        raise ValueError("must be at most 500 characters without NUL")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("must not hold half a surrogate pair, which no file can store")
    return value.strip()


def _identifier(value: Any) -> str:
    text = _text(value)
    if not _ID.fullmatch(text) or text == NONE:
        raise ValueError("must be 1 to 64 letters, digits, or _ . : - and not 'none'")
    return text


def _whole(least: int, most: int = _MOST) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,18}", str(value).strip()):
            raise ValueError("must be a whole number")
        number = int(value)
        if not least <= number <= most:
            raise ValueError(f"must be at least {least}" if number < least else f"must be at most {most}")
        return number

    return check


def _optional(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None or value == "" else check(value)


def _day(value: Any) -> str:
    try:
        return date.fromisoformat(_text(value)).isoformat()
    except ValueError as error:
        raise ValueError("must be a date such as 2026-11-23") from error


def _choice(allowed: Sequence[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return str(value)

    return check


def _parts(value: Any) -> tuple[str, ...]:
    """Texts from a list, or from one text with `|` between them (CSV)."""
    parts = value.split("|") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)):
        raise ValueError("must be a list")
    return tuple(dict.fromkeys(part for part in map(_text, parts) if part))


def _weekday(value: Any) -> int:
    """`mon`, `Monday`, 0 and "0" are all Monday."""
    if isinstance(value, str) and not value.strip().isdecimal():
        return WEEKDAYS.index(value.strip()[:3].lower())
    return _whole(0, 6)(value)


def _days(value: Any) -> tuple[int, ...]:
    given = [part for part in value.split("|") if part] if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)):
        raise ValueError("must be a list")
    try:
        found = {_weekday(d) for d in given}
    except ValueError as error:
        raise ValueError("must be days such as mon, tue, or 0 (Monday) to 6") from error
    return tuple(sorted(found))


def _by_language(value: Any) -> dict[str, str]:
    """Texts by language tag, sorted; those that are empty are left out."""
    if not isinstance(value, Mapping) or len(value) > MOST_LANGUAGES:
        raise ValueError(f"must be texts by language, for at most {MOST_LANGUAGES} languages")
    texts = {language: _text(text) for language, text in by_language(value).items()}
    return {language: text for language, text in texts.items() if text}


def _flag(value: Any) -> bool:
    flags = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}
    text = str(value).strip().lower()
    if text not in flags:
        raise ValueError("must be true or false")
    return flags[text]


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "offer_id": _identifier,
    "name": _text,
    "text": _text,
    "kind": _choice(KINDS),
    "items": _parts,
    "starts_on": _optional(_day),
    "ends_on": _optional(_day),
    "weekdays": _days,
    "from_hour": _whole(0, 23),
    "to_hour": _whole(1, 24),
    "sites": _parts,
    "budget_count": _optional(_whole(0)),
    "budget_money": _optional(_whole(0)),
    "cap_count": _optional(_whole(1)),
    "cap_days": _optional(_whole(1, 3650)),
    "never_twice": _flag,
    "redemption_cost": _whole(0),
    "min_spend": _whole(0),
    "window_hours": _whole(1, 24 * 90),
    "status": _choice(STATUSES),
    "categories": _parts,
    "discount": parse_discount,
    "once_per_visit": _flag,
    "terms": _text,
    "names": _by_language,
    "terms_in": _by_language,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What offers may name. None: not checked, as nobody knows."""

    items: Collection[str] | None = None
    sites: Collection[str] | None = None
    categories: Collection[str] | None = None


def parse_offer(
    given: Mapping[str, Any],
    *,
    items: Collection[str] | None = None,
    sites: Collection[str] | None = None,
    known: Known | None = None,
) -> Offer:
    """An offer from JSON or a CSV row; `items` and `sites` are the known ids (None: not checked), or `known`.

    Raises:
        InvalidOffer: with every wrong field, not only the first.
    """
    wrong: list[tuple[str, str]] = [(str(name), "is not known") for name in given if name not in _CHECKS]
    values: dict[str, Any] = {}
    for name, check in _CHECKS.items():
        if name not in given:
            continue
        try:
            values[name] = check(given[name])
        except ValueError as error:
            wrong.append((name, str(error)))
    for name in ("offer_id", "name"):
        if not given.get(name):
            wrong = [row for row in wrong if row[0] != name] + [(name, "is needed")]
    wrong += _contradictions(values, known or Known(items, sites))
    if wrong:
        raise InvalidOffer(wrong)
    discount = values.get("discount")
    if discount is not None and "kind" not in given:
        values["kind"] = "gift" if discount.kind == FREE_ITEM else "discount"
    return Offer(**values)


def _contradictions(values: Mapping[str, Any], known: Known) -> list[tuple[str, str]]:
    """Fields that contradict each other, or that name an item or a site that does not exist."""
    found = []
    starts, ends = values.get("starts_on"), values.get("ends_on")
    if starts and ends and ends < starts:
        found.append(("ends_on", f"is before starts_on ({starts})"))
    if values.get("from_hour", 0) == values.get("to_hour", 24):
        found.append(("to_hour", "equals from_hour: the offer would never run"))
    if values.get("cap_days") is not None and values.get("cap_count") is None:
        found.append(("cap_days", "needs cap_count"))
    discount = values.get("discount")
    free = (discount.item,) if discount is not None and discount.kind == FREE_ITEM else ()
    named = (
        ("items", values.get("items", ()), known.items),
        ("categories", values.get("categories", ()), known.categories),
        ("sites", values.get("sites", ()), known.sites),
        ("discount", free, known.items),
    )
    for name, given, there in named:
        missing = [one for one in given if there is not None and one not in there]
        if missing:
            found.append((name, f"not known: {', '.join(missing[:10])}"))
    return found


def to_json(offer: Offer) -> str:
    """The offer as one line of JSON with sorted keys and the version of its format."""
    return json.dumps(asdict(offer) | {"v": VERSION}, sort_keys=True)


def from_json(text: str) -> Offer:
    """The inverse of `to_json`, of every version. Fields that this version does not know are ignored.

    An offer of the first version says nowhere what it gives, and could be redeemed twice in one visit.
    """
    stored = json.loads(text)
    values: dict[str, Any] = {k: tuple(v) if k in _LISTS else v for k, v in stored.items() if k in FIELDS}
    if values.get("discount") is not None:
        values["discount"] = Discount(**values["discount"])
    if "v" not in stored:
        values["once_per_visit"] = False
    return Offer(**values)


def as_row(offer: Offer) -> dict[str, Any]:
    """The offer as plain values for a file: the discount is one text, and what is in no language is left out."""
    row = asdict(offer) | {"discount": offer.discount.as_text() if offer.discount else None}
    return {name: value for name, value in row.items() if value or name not in ("names", "terms_in")}
