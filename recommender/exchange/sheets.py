"""Reads the rows of a CSV file: what its columns are, and the cells of each row typed by their columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Literal

from plumbing import columns
from plumbing.columns import unescaped
from recommender.allergens import UNKNOWN, stated
from recommender.errors import FileUnreadable, RowProblem
from recommender.exchange.form import Form, first_row, look, plain
from recommender.exchange.item_columns import language_of, put_by_language, read_options
from recommender.exchange.reading import SAMPLE, Reading
from recommender.exchange.tills import lightspeed, square, toast
from recommender.exchange.tills.layout import Layout
from recommender.exchange.understood import LeftOut, Row, WrongCell

What = Literal["items", "places", "offers", "events"]

# How the cells of a CSV column are read; all others are text.
LISTS = frozenset({"dayparts", "allergens", "tags", "sites"})  # separated by |; allergens by anything
FLAGS = frozenset({"available", "sensitive", "retired"})
NUMBERS = frozenset({"lat", "lon", "pickup_lat", "pickup_lon"})
IDS = frozenset({"item_id", "event_id", "offer_id", "order_id"})

NONE = "none"
"""In the column of allergens: it has none of them. An empty cell says that nobody knows."""

TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")

REQUIRED: Mapping[What, tuple[str, ...]] = {
    "items": ("item_id", "name", "price"),
    "places": ("item_id", "name", "lat", "lon"),
    "offers": ("offer_id", "name"),
    "events": ("event_id", "type", "occurred_at", "item_id"),
}
"""The columns that a CSV file of each kind must have."""

OTHER_IDS = frozenset(
    {
        *("sku", "plu", "id", "itemid", "item_number", "item_no", "item_code", "article", "article_number"),
        *("article_no", "article_id", "artikelnummer", "artikelnr", "artikel-nr.", "artikel_nr", "artikel_nr."),
        *(
            "product_id",
            "product_code",
            "product_number",
            "dish_id",
            "menu_item_id",
            "code",
            "gtin",
            "ean",
            "品番",
        ),
    }
)
"""What others call the column of the id (`plain`)."""

LAYOUTS: tuple[Layout, ...] = (*square.LAYOUTS, *toast.LAYOUTS, *lightspeed.LAYOUTS)
OnWrong = Callable[[RowProblem], object]
Seen = Callable[[int], None]
Cells = tuple[int, list[str]]
"""The number of a row, and what stands in it."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The header of a CSV file, and what its columns are."""

    names: tuple[str, ...]  # plain; "" for a column without a name
    unnamed: tuple[int, ...]  # the places of those
    layout: Layout | None  # of a maker; None: the columns are ours


def csv_rows(
    path: Path, what: What, on_wrong: OnWrong, seen: Seen | None, reading: Reading
) -> Iterator[tuple[int, Row]]:
    """The rows of a CSV file with their numbers. Raises FileUnreadable."""
    sheet, numbered = opened(path, what, seen, reading)
    for number, cells in numbered:
        yield from rows_in(number, cells, what, sheet, on_wrong, reading)


def opened(path: Path, what: What, seen: Seen | None, reading: Reading) -> tuple[Sheet, Iterator[Cells]]:
    """What the columns of a CSV file are, and the cells of each row. Both raise FileUnreadable."""
    form = look(path, lambda names: max(_known(names, one) for one in REQUIRED))
    sheet = _sheet(path, what, form, reading)
    rows = _each(path, form, seen)
    begins = list(islice(rows, SAMPLE))
    at = next((place for place, cells in enumerate(begins) if any(map(str.strip, cells))), 0)
    _sample(sheet, begins[at + 1 :], reading)
    return sheet, enumerate(chain(begins[at + 1 :], rows), start=at + 2)


def _each(path: Path, form: Form, seen: Seen | None) -> Iterator[list[str]]:
    try:
        yield from columns.each_row(
            path, strict=False, seen=seen, encoding=form.encoding, delimiter=form.delimiter, blank=True
        )
    except columns.DatasetError as error:
        raise FileUnreadable(f"{error}.") from error


def _known(names: Sequence[str], what: What) -> int:
    """How well a header fits a kind of file: how many of its names are known."""
    known = {one for layout in LAYOUTS if layout.fits(names) for one in layout.uses} | {*REQUIRED[what]}
    return len(known & set(names))


def _sheet(path: Path, what: What, form: Form, reading: Reading) -> Sheet:
    """What the columns are. Raises FileUnreadable: one is missing or there twice, or it is another file."""
    header = [reading.text(name) for name in first_row(path, form)]
    names = [_name(name) for name in header]
    reading.form = form
    missing = [name for name in REQUIRED[what] if name not in names]
    layout = next((one for one in LAYOUTS if one.fits(names)), None) if missing else None
    twice = ""
    if missing and layout is None:
        names, twice = _with_id(names, header, what)
        missing = [name for name in missing if name not in names]
    if layout is not None and (layout.instead or layout.what != what):
        instead = layout.instead or f"Import it with `usual import {layout.what}`."
        raise FileUnreadable(f"{path.name} is {layout.name}. {instead}")
    if missing and layout is None:
        says = f"{path.name} lacks the columns {', '.join(missing)}. {_has(header, form)}{twice}"
        raise FileUnreadable(says, columns=missing)
    used = layout.uses if layout else {name: name for name in names if name}
    for name in used:
        if names.count(name) > 1:
            places = " and ".join(_letter(at) for at, one in enumerate(names) if one == name)
            raise FileUnreadable(f"{path.name} has the column {name} twice, in {places}. Take one of them out.")
    if layout is not None:
        reading.source, reading.decimal, reading.day_order = layout.name, True, layout.day_order
    reading.columns = [(shown, used[name]) for shown, name in zip(header, names, strict=True) if name in used]
    reading.unused = [shown for shown, name in zip(header, names, strict=True) if name and name not in used]
    return Sheet(tuple(names), tuple(at for at, name in enumerate(names) if not name), layout)


def _with_id(names: list[str], header: Sequence[str], what: What) -> tuple[list[str], str]:
    """The names with the one that is surely the id's in our words; else what to do about several."""
    ours = "offer_id" if what == "offers" else "item_id"
    others = OTHER_IDS - {"id"} if what == "events" else OTHER_IDS  # an event has one too
    found = [at for at, name in enumerate(names) if name in others]
    if ours in names or not found:
        return names, ""
    if len(found) > 1:
        return names, f" {' and '.join(header[at] for at in found)} may be the id. Rename one of them to {ours}."
    return [ours if at == found[0] else name for at, name in enumerate(names)], ""


def _name(header: str) -> str:
    """The name of a column; where it ends with a language, that stays as it is written."""
    name = plain(header)
    found = language_of(name)
    return name if found is None else name[: -len(found[1])] + header.strip()[-len(found[1]) :]


def _has(header: Sequence[str], form: Form) -> str:
    named = [name for name in header if name][:20]
    return f"It has {', '.join(named)} ({form})." if named else "It has no header."


def _letter(at: int) -> str:
    """The letters of a column, as a spreadsheet has them: A, B, ... Z, AA."""
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _sample(sheet: Sheet, rows: Sequence[Sequence[str]], reading: Reading) -> None:
    """See by the first rows how amounts and dates are written."""
    layout = sheet.layout
    money, times = (layout.money, layout.times) if layout else (("price", "lat", "lon"), ("occurred_at",))
    cells = [dict(zip(sheet.names, row, strict=False)) for row in rows]
    reading.look_at(
        [one[name] for one in cells for name in money if one.get(name)],
        [" ".join(one[name] for name in times if one.get(name)) for one in cells]
        if times == ("date", "time")
        else [one[name] for one in cells for name in times if one.get(name)],
    )


def rows_in(
    number: int, cells: Sequence[str], what: What, sheet: Sheet, on_wrong: OnWrong, reading: Reading
) -> Iterator[tuple[int, Row]]:
    """The rows that the cells of one row say: none of an empty one, of a till's perhaps several."""
    if not any(map(str.strip, cells)):  # a spreadsheet writes empty rows as commas
        return
    if len(cells) != len(sheet.names):
        on_wrong(RowProblem(number, "has more or fewer cells than the header"))
        return
    for at in sheet.unnamed:
        if cells[at].strip():
            says = f"has a value in column {_letter(at)}, which has no name"
            on_wrong(RowProblem(number, says, column=_letter(at)))
            return
    if sheet.layout is not None:
        yield from _of_a_till(number, _texts(sheet.names, cells, reading), sheet.layout, on_wrong, reading)
        return
    typed, wrong = typed_row(sheet.names, cells, what, reading)
    for one in wrong:
        on_wrong(problem_of(number, one))
    yield number, typed


def _texts(names: Sequence[str], cells: Sequence[str], reading: Reading) -> dict[str, str]:
    return {name: reading.text(unescaped(cell.strip())) for name, cell in zip(names, cells, strict=True) if name}


def problem_of(number: int, error: WrongCell) -> RowProblem:
    """A wrong cell as what is wrong with its row."""
    return RowProblem(number, f"{error.column}: {error}", error.value, error.column, error.alike)


def _of_a_till(
    number: int, cells: Mapping[str, str], layout: Layout, on_wrong: OnWrong, reading: Reading
) -> Iterator[tuple[int, Row]]:
    try:
        found = layout.read(cells, reading)
    except WrongCell as error:
        on_wrong(problem_of(number, error))
        return
    if isinstance(found, LeftOut):
        reading.leave_out(number, found)
    else:
        yield number, found


def typed_row(
    names: Sequence[str], cells: Sequence[str], what: What, reading: Reading
) -> tuple[Row, list[WrongCell]]:
    """The values of the cells that are not empty, and what is wrong with those that cannot be read."""
    typed: Row = {}
    wrong: list[WrongCell] = []
    for name, text in _texts(names, cells, reading).items():
        if not text:
            continue
        try:
            if what != "events" and put_by_language(typed, name, text):
                continue
            typed[name] = _offered(name, text, reading) if what == "offers" else _value(name, text, reading)
        except WrongCell as error:
            wrong.append(error)
        except ValueError:
            wrong.append(WrongCell(name, f"{text!r} cannot be read", text))
    return typed, wrong


def _offered(column: str, text: str, reading: Reading) -> object:
    """The cell of an offer, whose fields are read elsewhere."""
    return reading.id(column, text) if column in IDS else text


def _value(column: str, text: str, reading: Reading) -> object:
    """Raises ValueError: not what the column holds."""
    if column == "allergens":
        return _allergens(text)
    if column == "options":
        return read_options(text)
    if column in LISTS:
        parts = [part.strip() for part in text.split("|") if part.strip()]
        reading.look_for_two(column, parts)
        return parts
    if column in FLAGS:
        if text.lower() not in TRUE + FALSE:
            raise ValueError(text)
        return text.lower() in TRUE
    if column == "price":
        return reading.price(column, text)
    if column in ("quantity", "line"):
        return int(text)
    if column in IDS:
        return reading.id(column, text)
    return float(text.replace(reading.mark, ".")) if column in NUMBERS else text


def _allergens(text: str) -> list[str] | None:
    """Each of them, whatever stands between them: no dish may pass as free of one because of a comma."""
    if text.lower() == NONE:
        return []
    names = None if text.lower() in UNKNOWN else stated([text])
    return None if names is None else list(names)
