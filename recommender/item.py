"""A dish or a place, as the catalogue has it: its names by language, its picture, its sizes and extras."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

OURS = re.compile(r"[0-9a-f]{32}-[0-9]{1,5}x[0-9]{1,5}")
"""The name of a picture that this house keeps: the hash of its content, its width and its height."""

MOST_LANGUAGES = 30
"""In which a text of the catalogue or of an offer may be."""

T = TypeVar("T")
Choose: TypeAlias = Literal["one", "many"]

_LANGUAGE = re.compile(
    r"(?P<language>[a-z]{2,3})(-(?P<script>[a-z]{4}))?(-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a group of options: a size, a kind of milk, an extra. No other of the dish has its id."""

    id: str
    name: str
    names: Mapping[str, str] = field(default_factory=dict, hash=False)  # by language
    price: int = 0  # minor units, added to the dish's; below 0: taken off


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """What can be chosen of a dish: exactly `one` of the choices (the first unless another is said), or `many`."""

    id: str
    name: str
    names: Mapping[str, str] = field(default_factory=dict, hash=False)  # by language
    choose: Choose = "one"
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A dish or a place, as the catalogue has it now."""

    item_id: str
    name: str
    category: str = ""
    price: int | None = None  # minor units (cents); None for places
    dayparts: tuple[str, ...] = ()  # breakfast, lunch, afternoon, dinner, night; empty: always
    allergens: tuple[str, ...] | None = None  # None: nobody said; empty: it has none
    tags: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()  # empty: everywhere
    available: bool = True
    sensitive: bool = False  # makes no segment and no reason
    lat: float | None = None
    lon: float | None = None
    names: Mapping[str, str] = field(default_factory=dict, hash=False)  # by language; `name` where there is none
    texts: Mapping[str, str] = field(default_factory=dict, hash=False)  # a short description, by language
    image: str = ""  # a picture of the house's own folder, or an https address; "": none
    options: tuple[OptionGroup, ...] = ()


def language_code(text: str) -> str:
    """A BCP 47 language tag in its usual spelling: "DE-at" is "de-AT". Raises ValueError: it is none."""
    found = _LANGUAGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no language code such as de, pt-BR or zh-Hant")
    script, region = found["script"], found["region"]
    parts = (found["language"].lower(), script and script.title(), region and region.upper())
    return "-".join(part for part in parts if part) + found["variants"].lower()


class LanguageTwice(ValueError):
    """One language is there in two spellings; the message names it."""


def by_language(given: Mapping[Any, T]) -> dict[str, T]:
    """The same with each language in its usual spelling, sorted.

    Raises:
        ValueError: a key is no language code; LanguageTwice: two are the same.
    """
    found: dict[str, T] = {}
    for tag, value in given.items():
        language = language_code(str(tag))
        if language in found:
            raise LanguageTwice(f"{language} is there twice")
        found[language] = value
    return dict(sorted(found.items()))


def least_price(price: int, options: Iterable[OptionGroup]) -> int:
    """What the dish costs with the cheapest choices, in minor units."""
    for group in options:
        prices = [choice.price for choice in group.choices]
        price += min(prices, default=0) if group.choose == "one" else sum(one for one in prices if one < 0)
    return price


def usual_choices(item: Item, asked: Sequence[str]) -> list[str]:
    """The choices that hold of those asked for: exactly one of a group that takes one, the first unless another is
    asked for."""
    found: list[str] = []
    for group in item.options:
        mine = [choice.id for choice in group.choices if choice.id in asked]
        if group.choose == "one":
            mine = mine[-1:] or [choice.id for choice in group.choices[:1]]
        found += mine
    return found


def price_with(item: Item, choices: Sequence[str]) -> int | None:
    """What the dish costs with these choices, in minor units; None: it has no price."""
    prices = [choice.price for group in item.options for choice in group.choices if choice.id in choices]
    return None if item.price is None else item.price + sum(prices)


def options_of(rows: Iterable[Mapping[str, Any] | OptionGroup]) -> tuple[OptionGroup, ...]:
    """Groups of options from what JSON has of them; the inverse of `options_json`.

    Raises:
        KeyError, TypeError: it is not that.
    """
    return tuple(one if isinstance(one, OptionGroup) else _group(one) for one in rows)


def _group(row: Mapping[str, Any]) -> OptionGroup:
    choices = tuple(one if isinstance(one, Choice) else Choice(**one) for one in row.get("choices", ()))
    return OptionGroup(**{**row, "choices": choices})


def options_json(options: Sequence[OptionGroup]) -> list[dict[str, Any]]:
    """Groups of options as JSON has them: what is empty or usual is left out."""
    return [
        _full(group, "choose") | {"choices": [_full(one, "price") for one in group.choices]} for group in options
    ]


def _full(one: OptionGroup | Choice, always: str) -> dict[str, Any]:
    found = {name: value for name, value in asdict(one).items() if name != "choices"}
    return {name: value for name, value in found.items() if value or name == always}
