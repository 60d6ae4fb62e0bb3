"""Checks rows of a file against the same schemas as the API, and names each wrong row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from plumbing.wrong_fields import in_words, names_itself
from recommender.errors import BadRows, ImageHostUnknown, RowProblem
from recommender.offers.errors import InvalidOffer
from recommender.offers.portfolio import Known, Offer, parse_offer
from recommender.scene import Item, Kind
from recommender.schemas.catalogue import ItemModel, PlaceModel


def check_offers(
    rows: Sequence[Mapping[str, Any]],
    known: Known | set[str],
    numbers: Sequence[int] | None = None,
    *,
    from_file: bool = False,
) -> list[Offer]:
    """Rows as offers; `known` is what they may name, or the item ids alone.

    A file of ours says in `retired` which dishes and categories an offer names that the menu had once.

    Raises:
        BadRows: names every wrong row, by its number (default: 0, 1, ...), and field.
    """
    there = known if isinstance(known, Known) else Known(items=known)
    offers: dict[str, Offer] = {}
    wrong: list[RowProblem] = []
    for number, row in zip(numbers or range(len(rows)), rows, strict=True):
        try:
            once = _names(row.get("retired")) if from_file else frozenset()
            given = {name: value for name, value in row.items() if name != "retired" or not from_file}
            offer = parse_offer(given, known=_with(there, once) if once else there)
        except InvalidOffer as error:
            says = "; ".join(f"{name} {message}" for name, message in error.fields)
            wrong.append(RowProblem(number, says, column=error.fields[0][0]))
            continue
        if offer.offer_id in offers:
            wrong.append(RowProblem(number, f"offer_id {offer.offer_id!r} appears twice"))
        offers[offer.offer_id] = offer
    if wrong:
        raise BadRows(wrong)
    return list(offers.values())


def _names(value: Any) -> frozenset[str]:
    parts = value.split("|") if isinstance(value, str) else value
    return frozenset(map(str, parts)) if isinstance(parts, list | tuple) else frozenset()


def _with(known: Known, more: frozenset[str]) -> Known:
    """What may be named, and some names more."""

    def also(names: Collection[str] | None) -> Collection[str] | None:
        return None if names is None else {*names, *more}

    return Known(also(known.items), known.sites, also(known.categories))


MODELS: Mapping[Kind, type[ItemModel] | type[PlaceModel]] = {"item": ItemModel, "place": PlaceModel}


def check_rows(rows: Sequence[Mapping[str, Any]], kind: Kind, numbers: Sequence[int] | None = None) -> list[Item]:
    """Rows as items or places.

    Raises:
        BadRows: names every wrong row by its number (default: 0, 1, ...), and every id that is there twice.
    """
    items: list[Item] = []
    wrong: list[RowProblem] = []
    seen: dict[str, int] = {}
    what = "field" if numbers is None else "column"  # a file numbers its rows
    for number, row in zip(numbers or range(len(rows)), rows, strict=True):
        try:
            item = MODELS[kind].model_validate(row).to_item()
        except ValidationError as error:
            wrong += problems_of(error, number, known=MODELS[kind].model_fields, what=what)
            continue
        if item.item_id in seen:
            says = f"item_id {item.item_id!r} is in row {seen[item.item_id]} too"
            wrong.append(RowProblem(number, says, item.item_id, "item_id"))
        seen.setdefault(item.item_id, number)
        items.append(item)
    if wrong:
        raise BadRows(wrong)
    return items


def check_image_hosts(items: Iterable[Item], hosts: Collection[str]) -> None:
    """Raises ImageHostUnknown: the picture of an item is on a host that is not among `hosts`, or on a port of its
    own."""
    for item in items:
        if item.image.startswith("https:") and (place := urlsplit(item.image).netloc.lower()) not in hosts:
            raise ImageHostUnknown(item.item_id, place)


def problems_of(
    error: ValidationError,
    first: int,
    lines: Sequence[int] = (),
    *,
    known: Collection[str] = (),
    what: str = "field",
) -> list[RowProblem]:
    """What pydantic found, by row: what is about a line of an event is of that line's row, all else of the first.

    Args:
        lines: the number of the row of each of the event's `items`; empty: they are all in one row.
        known, what: the fields that there are, and what one is called.
    """
    by_row: dict[int, list[Any]] = {}
    for part in error.errors(include_url=False, include_context=False):
        where = part["loc"]
        at = where[1] if len(where) > 1 and where[0] == "items" and isinstance(where[1], int) else None
        row = first if at is None or at >= len(lines) else lines[at]
        by_row.setdefault(row, []).append(part)
    return [
        RowProblem(row, _text(parts, known, what), _value(parts[0]), _column(parts[0]))
        for row, parts in by_row.items()
    ]


def _text(parts: Sequence[Any], known: Collection[str], what: str) -> str:
    return ", ".join(_said(part, known, what) for part in parts)


def _said(part: Any, known: Collection[str], what: str) -> str:
    where = ".".join(map(str, part["loc"])) or "row"
    if len(part["loc"]) == 1 and names_itself(part):
        return in_words(part, known, what)
    return f"{where}: {in_words(part, known if len(part['loc']) == 1 else ())}"


def _value(part: Any) -> str:
    """The value that was refused; "" where it is a list or an object."""
    value = part["input"]
    return str(value) if isinstance(value, str | int | float) else ""


def _column(part: Any) -> str:
    """The field; of a line of an event the line's own field. "": the row as a whole."""
    names = [name for name in part["loc"] if isinstance(name, str)]
    return names[-1] if names[:1] == ["items"] else "".join(names[:1])
