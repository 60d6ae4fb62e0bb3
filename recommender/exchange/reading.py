"""How one file is read: what its reader asked for, what was found in it, and what is to be said about it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from recommender.allergens import plain
from recommender.exchange.amounts import NotAnAmount, decimal_mark, minor_units, number, other_currency
from recommender.exchange.clocks import (
    NotATime,
    by_the_clock,
    day_order,
    read_time,
    says_only_the_moment,
    zone_named,
)
from recommender.exchange.form import Form
from recommender.exchange.understood import LeftOut, Row, WrongCell
from recommender.item import Item
from recommender.store.tenant_settings import TenantSettings

SAMPLE = 500
"""Rows that are looked at to see how numbers and dates are written."""

SHOWN = 3
"""First rows that a preview shows; first row numbers of what is left out."""

_OFFSET = re.compile(r"[+-]\d{2}:?\d{2}$")
_SCIENTIFIC = re.compile(r"[\d.,]+E\+?\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Options:
    """What somebody says about a file; what is empty is found in the file, or in the tenant's settings."""

    zone: str = ""  # IANA name of the clock of its times
    shift: timedelta | None = None  # added to its times; timedelta(0): they are right as they are
    prices: str = ""  # minor | decimal
    dates: str = ""  # dmy | mdy
    retired: str = ""  # keep | leave-out: what becomes of items that the catalogue does not have
    site: str = ""  # of rows that name none
    store: bool = True  # False: check everything and store nothing


@dataclass(frozen=True)
class Menu:
    """The items of a tenant, by what a till calls them."""

    ids: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)  # in small letters -> id; of those with one alone

    @classmethod
    def of(cls, items: Iterable[Item]) -> Menu:
        """All of a catalogue."""
        found = list(items)
        count = Counter(item.name.casefold() for item in found)
        names = {item.name.casefold(): item.item_id for item in found if count[item.name.casefold()] == 1}
        return cls(frozenset(item.item_id for item in found), names)

    def id_of(self, called: Sequence[str]) -> str:
        """The id of an item that a file calls so, the surest first; the first of them where there is none."""
        given = [one for one in called if one]
        for one in given:
            if one in self.ids:
                return one
        return next((self.names[one.casefold()] for one in given if one.casefold() in self.names), given[0])


@dataclass
class Reading:
    """One file while it is read. Its methods read cells, and note what is to be said at the end."""

    options: Options = field(default_factory=Options)
    settings: TenantSettings = field(default_factory=TenantSettings)
    menu: Menu = field(default_factory=Menu)
    form: Form | None = None
    source: str = ""  # what kind of file it is, in words
    decimal: bool = False  # prices have decimals
    columns: list[tuple[str, str]] = field(default_factory=list)  # of the file, and what each one is
    unused: list[str] = field(default_factory=list)
    mark: str = "."
    day_order: str = ""
    rows: int = 0
    first: list[Row] = field(default_factory=list)
    left_out: dict[str, list[int]] = field(default_factory=dict)  # reason -> how many, then its first rows
    clocks: Counter[str] = field(default_factory=Counter)
    unzoned: Counter[str] = field(default_factory=Counter)  # sites with times in UTC and without a zone
    composed: int = 0
    signs: Counter[str] = field(default_factory=Counter)  # of other currencies
    retired: Counter[str] = field(default_factory=Counter)  # items that the catalogue does not have
    warnings: list[str] = field(default_factory=list)
    allergens: Counter[str] = field(default_factory=Counter)  # as they are compared
    unstated: int = 0  # dishes of which nobody said what is in them
    memory: dict[str, str] = field(default_factory=dict)  # what a maker's file says once for several rows

    def __post_init__(self) -> None:
        self.decimal = self.options.prices == "decimal"
        self._zone = zone_named(self.options.zone) if self.options.zone else None
        self._shift = self.options.shift or timedelta(0)

    def look_at(self, money: Iterable[str], times: Iterable[str]) -> None:
        """See by some cells how amounts and dates are written."""
        self.mark = decimal_mark(money, self.form.delimiter if self.form else ",")
        self.day_order = self.options.dates or day_order(times) or self.day_order

    def text(self, cell: str) -> str:
        """A cell as it is compared: letters and their accents as one character."""
        text = cell.strip()
        if text.isascii() or unicodedata.is_normalized("NFC", text):
            return text
        self.composed += 1
        return unicodedata.normalize("NFC", text)

    def id(self, column: str, text: str) -> str:
        """An id. Raises WrongCell: a spreadsheet has made a number of it."""
        if text[:1].isdecimal() and _SCIENTIFIC.fullmatch(text):
            says = (
                f"{text!r} is how a spreadsheet shows a long number, and its digits are lost."
                " Format the column as text and export it again"
            )
            raise WrongCell(column, says, text)
        return text

    def price(self, column: str, text: str, *, rounded: bool = False) -> int:
        """An amount in minor units. Raises WrongCell."""
        try:
            if not self.decimal:
                return int(text)
            if sign := other_currency(text, self.settings.currency):
                self.signs[sign] += 1
            return minor_units(text, self.mark, self.settings.digits, rounded=rounded)
        except NotAnAmount as error:
            raise WrongCell(column, str(error), text) from error
        except ValueError as error:
            alike = "decimals" if "--prices" in (units := self._units(text)) else ""
            raise WrongCell(column, f"{text!r} cannot be read: {units}", text, alike) from error

    def _units(self, text: str) -> str:
        currency, digits = self.settings.currency, self.settings.digits
        try:
            cents = minor_units(text, decimal_mark([text], ","), digits)
        except NotAnAmount:
            cents = 10**digits
            text = f"1 {currency}"
        if not digits:
            return f"prices are whole {currency}"
        return (
            f"prices are in minor units of {currency} (cents), so that {text} is {cents}."
            " If all prices of the file have decimals, import it with --prices decimal"
        )

    def quantity(self, column: str, text: str) -> int:
        """How many, below 0 of what was taken back; a part of one, of what is weighed, is one.

        Raises WrongCell.
        """
        try:
            found = number(text, "," if "," in text else ".")
        except NotAnAmount as error:
            raise WrongCell(column, f"{text!r} is not a number", text) from error
        return int(found) if found == int(found) else max(1, round(abs(found))) * (1 if found > 0 else -1)

    def moment(self, column: str, text: str, site: str, zone: str = "") -> str:
        """A time as ISO 8601 with the offset of the clock on the wall; `zone` is what the row says itself.

        Raises:
            WrongCell: it is none, or nobody knows its zone.
        """
        if _OFFSET.search(text) and self._zone is None and not self._shift:
            self.clocks["their own offsets"] += 1  # as it is: who stores it reads it
            return text
        try:
            at = read_time(text, self.day_order)
            return self._on_the_wall(at, text, site, zone_named(zone) if zone else None).isoformat()
        except (NotATime, OverflowError) as error:
            raise WrongCell(column, str(error), text) from error

    def moments(self, column: str, texts: Sequence[str], sites: Sequence[str]) -> Sequence[str]:
        """A column of times, each as `moment` has it. Raises WrongCell."""
        if self._zone is None and not self._shift and all(map(_OFFSET.search, texts)):
            self.clocks["their own offsets"] += len(texts)
            return texts
        return [self.moment(column, text, site) for text, site in zip(texts, sites, strict=True)]

    def _on_the_wall(self, at: datetime, text: str, site: str, own: tzinfo | None) -> datetime:
        wall, where = self.settings.zone_of(site), f" (site {site})" if site else ""
        asked = self._zone if self._zone is not UTC else None
        if at.tzinfo is None:
            source = own or self._zone or wall
            if source is None:
                says = "has no offset from UTC: name the zone of its clock with --zone, such as Europe/Berlin"
                raise NotATime(f"{text!r} {says}")
            there = wall if source is UTC else None
            kept = f", kept by the clock of {there}{where}" if there else ""
            self.clocks[f"the local clock of {source}{kept}"] += 1
            return by_the_clock(at.replace(tzinfo=source), there, self._shift)
        if says_only_the_moment(text):
            there = asked or wall
            if there is None:
                self.unzoned[site] += 1
            self.clocks[f"UTC, kept by the clock of {there}{where}" if there else "UTC"] += 1
            return by_the_clock(at, there, self._shift)
        self.clocks[f"their own offsets, kept by the clock of {asked}" if asked else "their own offsets"] += 1
        return by_the_clock(at, asked, self._shift)

    def look_for_two(self, column: str, parts: Sequence[str]) -> None:
        """Note, once for a column, what looks like a list with another separator."""
        known = f"{column} are separated by |:"
        found = next((part for part in parts if "," in part or ";" in part), "")
        if found and not any(text.startswith(known) for text in self.warnings):
            self.warnings.append(f"{known} {found!r} looks like two, and is taken as one.")

    def leave_out(self, number: int, why: LeftOut) -> None:
        """Count a row that is not stored."""
        rows = self.left_out.setdefault(why.reason, [0])
        rows[0] += 1
        if len(rows) <= SHOWN:
            rows.append(number)

    def take(self, row: Row) -> None:
        """Count a row that is."""
        self.rows += 1
        if (names := row.get("allergens")) is None:
            self.unstated += 1
        elif isinstance(names, list):
            self.allergens.update(plain(name) for name in names if isinstance(name, str))
        if len(self.first) < SHOWN:
            self.first.append(row)

    def take_all(self, n: int, row_at: Callable[[int], Row]) -> None:
        """Count `n` rows of events; `row_at` gives one of them."""
        self.rows += n
        self.unstated += n
        self.first += [row_at(at) for at in range(min(n, SHOWN - len(self.first)))]
