"""Dishes and places, as they are sent and answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from plumbing.query import Query
from recommender.allergens import parted
from recommender.destinations.places import check_given
from recommender.item import (
    MOST_LANGUAGES,
    OURS,
    Choose,
    Item,
    LanguageTwice,
    by_language,
    least_price,
    options_of,
)
from recommender.schemas.base import Daypart, Id, Lat, Lon, Price, Strict, Text, Word

MOST_GROUPS, MOST_CHOICES = 8, 20
LONGEST_TEXT = 400
LONGEST_IMAGE = 500

_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f]+$")]
Short = Annotated[_Line, StringConstraints(max_length=200)]
Long = Annotated[_Line, StringConstraints(max_length=LONGEST_TEXT)]
Change = Annotated[int, Field(ge=-(10**9), le=10**9, strict=True)]


def _by_language(given: dict[str, str]) -> dict[str, str]:
    """The same with each language in its usual spelling, sorted. Raises PydanticCustomError."""
    try:
        return by_language(given)
    except ValueError as error:
        kind = "language_twice" if isinstance(error, LanguageTwice) else "language_unknown"
        raise PydanticCustomError(kind, "{why}", {"why": str(error)}) from error


def _image(given: str) -> str:
    """Raises PydanticCustomError: neither a picture of the house nor an https address."""
    if not given or OURS.fullmatch(given):
        return given
    try:
        parts = urlsplit(given)
        fits = parts.scheme == "https" and parts.hostname and parts.username is None and not parts.fragment
    except ValueError:
        fits = False
    if not fits or not re.fullmatch(r"[!-~]+", given):
        says = "neither a picture that `usual images add` has stored nor an https address"
        raise PydanticCustomError("image_unknown", "{says}", {"says": says})
    return given


def _address(given: str) -> str:
    """Raises PydanticCustomError: no address of this API can name it."""
    if "/" in given or given in (".", ".."):
        says = "an id has no slash and is not . or ..: no address could name it. Take another, such as {better}"
        better = given.replace("/", "-") if "/" in given else "dots"
        raise PydanticCustomError("id_without_address", says, {"better": better})
    return given


def _one_allergen(given: str) -> str:
    """Raises PydanticCustomError: several names in one text. A visit without milk would get "gluten, milk"."""
    names = parted(given)
    if len(names) != 1:
        says = (
            f"{given!r} looks like several: give each as a text of its own" if names else "an allergen has a name"
        )
        raise PydanticCustomError("allergens_in_one", "{says}", {"says": says})
    return given


Allergen = Annotated[Word, AfterValidator(_one_allergen)]
AddressId = Annotated[Id, AfterValidator(_address)]
Names = Annotated[dict[str, Short], Field(max_length=MOST_LANGUAGES), AfterValidator(_by_language)]
Texts = Annotated[dict[str, Long], Field(max_length=MOST_LANGUAGES), AfterValidator(_by_language)]
Image = Annotated[str, StringConstraints(max_length=LONGEST_IMAGE), AfterValidator(_image)]
NAMES = "by language (BCP 47); `name` where a language is missing"


class ChoiceModel(Strict):
    """One of the choices of a group."""

    id: Id
    name: Short
    names: Names = Field(default_factory=dict, description=NAMES)
    price: Change = Field(0, description="minor units, added to the dish's; below 0: taken off")


class OptionGroupModel(Strict):
    """What can be chosen of a dish."""

    id: Id
    name: Short
    names: Names = Field(default_factory=dict, description=NAMES)
    choose: Choose = Field("one", description="exactly one, the first unless another is said; or many, or none")
    choices: list[ChoiceModel] = Field(min_length=1, max_length=MOST_CHOICES)


class ItemModel(Strict):
    """A dish."""

    item_id: AddressId
    name: Text = Field(min_length=1)
    category: Word = ""
    price: Price = Field(description="minor units")
    dayparts: list[Daypart] = Field(default_factory=list)
    allergens: list[Allergen] | None = Field(
        None, max_length=30, description="null: nobody said what is in it; an empty list: it has none of them"
    )
    tags: list[Word] = Field(default_factory=list, max_length=30)
    sites: list[Id] = Field(default_factory=list, description="where it is served; empty: everywhere")
    available: bool = True
    sensitive: bool = Field(False, description="makes no segment and no reason")
    names: Names = Field(default_factory=dict, description=NAMES)
    texts: Texts = Field(default_factory=dict, description="a short description, by language (BCP 47)")
    image: Image = Field("", description="a picture of the house, or the https address of one; empty: none")
    options: list[OptionGroupModel] = Field(
        default_factory=list, max_length=MOST_GROUPS, description="sizes and extras"
    )

    @model_validator(mode="after")
    def one_of_each(self) -> ItemModel:
        """An id names one group, or one choice of the dish; no choice makes a dish cost less than nothing."""
        groups = [group.id for group in self.options]
        if twice := _twice(groups):
            raise PydanticCustomError("option_twice", "options: the group {id} is there twice", {"id": twice})
        if twice := _twice([choice.id for group in self.options for choice in group.choices]):
            raise PydanticCustomError("choice_twice", "options: the choice {id} is there twice", {"id": twice})
        if least_price(self.price, options_of([group.model_dump() for group in self.options])) < 0:
            says = "options: with the cheapest choices the dish would cost less than nothing"
            raise PydanticCustomError("price_below_zero", "{says}", {"says": says})
        return self

    def to_item(self) -> Item:
        return _item(self.model_dump())


class PlaceModel(Strict):
    """A place that somebody can ride to."""

    item_id: AddressId
    name: Text = Field(min_length=1)
    category: Word = ""
    tags: list[Word] = Field(default_factory=list, max_length=30)
    available: bool = True
    sensitive: bool = Field(False, description="makes no segment and no reason")
    lat: Lat
    lon: Lon
    names: Names = Field(default_factory=dict, description=NAMES)

    @model_validator(mode="after")
    def somewhere(self) -> PlaceModel:
        """No place lies where a receiver without a signal says it is."""
        check_given(self.lat, self.lon)
        return self

    def to_item(self) -> Item:
        return _item(self.model_dump())


def _twice(ids: list[str]) -> str | None:
    return next((one for place, one in enumerate(ids) if one in ids[:place]), None)


def _item(fields: Mapping[str, Any]) -> Item:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
    }
    if "options" in values:
        values["options"] = options_of(values["options"])
    return Item(**values)


class IdPath(BaseModel):
    item_id: Id


class MergeBody(Strict):
    merged_into: Id = Field(description="the present id")


class FormerModel(BaseModel):
    item_id: str
    name: str
    merged_into: str | None = Field(description="the present id; null: it was deleted")


class FormerReply(BaseModel):
    rows: list[FormerModel]


class PageQuery(Query):
    cursor: str = Field("", max_length=64, description="next_cursor of the page before")
    n: int = Field(100, ge=1, le=1_000)


class RowsBody(Strict):
    """Rows of a catalogue: each is checked by itself, and every wrong one is named."""

    rows: list[dict[str, Any]] = Field(min_length=1, max_length=10_000)


class ItemRowsBody(RowsBody):
    rows: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=10_000,
        description="fields as of one item",
        json_schema_extra={
            "example": [{"item_id": "ramen", "name": "Ramen", "category": "Noodles", "price": 1250}]
        },
    )


class PlaceRowsBody(RowsBody):
    rows: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=10_000,
        description="fields as of one place",
        json_schema_extra={
            "example": [{"item_id": "station", "name": "Central station", "lat": 52.52, "lon": 13.405}]
        },
    )


class OfferRowsBody(RowsBody):
    rows: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=10_000,
        description="fields as of one offer",
        json_schema_extra={
            "example": [{"offer_id": "lunch-deal", "name": "10 % off lunch", "starts_on": "2026-05-01"}]
        },
    )


GENERATION = "of the catalogue, as replies to suggestions name it: another one after each change"


class ItemsReply(BaseModel):
    rows: list[ItemModel]
    next_cursor: str | None
    generation: int = Field(description=GENERATION)


class PlacesReply(BaseModel):
    rows: list[PlaceModel]
    next_cursor: str | None
    generation: int = Field(description=GENERATION)


class StoredReply(BaseModel):
    stored: int
