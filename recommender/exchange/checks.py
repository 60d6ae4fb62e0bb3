"""Checks rows of a file against the same schemas as the API, and names each wrong row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from recommender.errors import BadRows, ImageHostUnknown, RowProblem
from recommender.offers.errors import InvalidOffer
from recommender.offers.portfolio import Known, Offer, parse_offer
from recommender.scene import Item, Kind
from recommender.schemas.catalogue import ItemModel, PlaceModel


def check_offers(
    rows: Sequence[Mapping[str, Any]], known: Known | set[str], numbers: Sequence[int] | None = None
) -> list[Offer]:
    """Rows as offers; `known` is what they may name, or the item ids alone.

    Raises:
        BadRows: names every wrong row, by its number (default: 0, 1, ...), and field.
    """
    there = known if isinstance(known, Known) else Known(items=known)
    offers: dict[str, Offer] = {}
    wrong: list[RowProblem] = []
    for number, row in zip(numbers or range(len(rows)), rows, strict=True):
        try:
            offer = parse_offer(row, known=there)
        except InvalidOffer as error:
            wrong.append(RowProblem(number, "; ".join(f"{name} {message}" for name, message in error.fields)))
            continue
        if offer.offer_id in offers:
            wrong.append(RowProblem(number, f"offer_id {offer.offer_id!r} appears twice"))
        offers[offer.offer_id] = offer
    if wrong:
        raise BadRows(wrong)
    return list(offers.values())


MODELS: Mapping[Kind, type[ItemModel] | type[PlaceModel]] = {"item": ItemModel, "place": PlaceModel}


def check_rows(rows: Sequence[Mapping[str, Any]], kind: Kind, numbers: Sequence[int] | None = None) -> list[Item]:
    """Rows as items or places.

    Raises:
        BadRows: names every wrong row by its number (default: 0, 1, ...), and every id that is there twice.
    """
    items: list[Item] = []
    wrong: list[RowProblem] = []
    seen: dict[str, int] = {}
    for number, row in zip(numbers or range(len(rows)), rows, strict=True):
        try:
            item = MODELS[kind].model_validate(row).to_item()
        except ValidationError as error:
            wrong.append(RowProblem(number, error_text(error), wrong_value(error)))
            continue
        if item.item_id in seen:
            wrong.append(RowProblem(number, f"item_id {item.item_id!r} is in row {seen[item.item_id]} too"))
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


def error_text(error: ValidationError) -> str:
    """What pydantic found, in one line."""
    parts = error.errors(include_url=False, include_input=False, include_context=False)
    return ", ".join(f"{'.'.join(map(str, part['loc'])) or 'row'}: {part['msg']}" for part in parts)


def wrong_value(error: ValidationError) -> str:
    """The first value that pydantic refused; "" where it is a list or an object."""
    value = error.errors(include_url=False, include_context=False)[0]["input"]
    return str(value) if isinstance(value, str | int | float) else ""
