"""Reads rows from CSV and JSON lines, typed by their columns; wrong rows are named by number and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Literal, TextIO

from plumbing import columns, json_limits
from plumbing.columns import MOST_OF_A_ROW, unescaped
from recommender.allergens import UNKNOWN, stated
from recommender.errors import BadRows, FileUnreadable, RowProblem
from recommender.exchange.form import Form, first_row, look, plain
from recommender.exchange.item_columns import language_of, put_by_language, read_options
from recommender.exchange.reading import SAMPLE, Reading
from recommender.exchange.tills import lightspeed, square, toast
from recommender.exchange.tills.layout import Layout
from recommender.exchange.understood import LeftOut, Row, WrongCell, refund

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
TEXT = (".csv", ".tsv", ".txt")

OnWrong = Callable[[RowProblem], object]
Seen = Callable[[int], None]


def is_csv(path: Path) -> bool:
    """By the name: .csv, .tsv or .txt, or .jsonl / .ndjson / .json.

    Raises:
        FileUnreadable: another ending.
    """
    ending = path.suffix.lower()
    if ending not in (*TEXT, ".jsonl", ".ndjson", ".json"):
        raise FileUnreadable(f"{path.name}: a file ends in .csv or .jsonl. Save a spreadsheet as CSV UTF-8.")
    return ending in TEXT


def read_rows(path: Path, what: What) -> Iterator[tuple[int, Row]]:
    """`each_row`; what is wrong comes at the end.

    Raises:
        FileUnreadable: as `each_row`.
        BadRows: names every row that cannot be read, after the last good one.
    """
    wrong: list[RowProblem] = []
    yield from each_row(path, what, wrong.append)
    if wrong:
        raise BadRows(wrong)


def each_row(
    path: Path, what: What, on_wrong: OnWrong, seen: Seen | None = None, reading: Reading | None = None
) -> Iterator[tuple[int, Row]]:
    """Row numbers and rows, one by one; in CSV typed by their column, empty cells left out.

    Args:
        on_wrong: gets each row that cannot be read, or a part of it; what could be read is given after that.
        seen: gets how many letters were read, now and then.
        reading: how the file is to be read; gets what was found in it.

    Raises:
        FileUnreadable: not CSV or JSON lines, or a required column is missing.
    """
    reading = reading or Reading()
    found = _csv_rows(path, what, on_wrong, seen, reading) if is_csv(path) else _json_rows(path, on_wrong, seen)
    for number, row in found:
        stored = _of_an_order(number, row, on_wrong, reading) if what == "events" else row
        if isinstance(stored, LeftOut):
            reading.leave_out(number, stored)
            continue
        reading.take(stored)
        yield number, stored


def _of_an_order(number: int, row: Row, on_wrong: OnWrong, reading: Reading) -> Row | LeftOut:
    """The row of an event with its time by the clock on the wall. A line of less than none was taken back."""
    if reading.options.site and not row.get("site"):
        row["site"] = reading.options.site
    if not reading.source and isinstance(text := row.get("occurred_at"), str):
        try:
            row["occurred_at"] = reading.moment("occurred_at", text, str(row.get("site", "")))
        except WrongCell as error:
            on_wrong(_problem(number, error))
    n, price = row.get("quantity"), row.get("price")
    if row.get("type") == "ordered" and isinstance(n, int) and n < 0 and "items" not in row:
        back = row | {"quantity": -n} | ({"price": abs(price)} if isinstance(price, int) else {})
        return refund(back)
    return row


def _problem(number: int, error: WrongCell) -> RowProblem:
    return RowProblem(number, f"{error.column}: {error}", error.value, error.column, error.alike)


# --- CSV ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The header of a CSV file, and what its columns are."""

    names: tuple[str, ...]  # plain; "" for a column without a name
    unnamed: tuple[int, ...]  # the places of those
    layout: Layout | None  # of a maker; None: the columns are ours


def _csv_rows(
    path: Path, what: What, on_wrong: OnWrong, seen: Seen | None, reading: Reading
) -> Iterator[tuple[int, Row]]:
    form = look(path, lambda names: max(_known(names, one) for one in REQUIRED))
    sheet = _sheet(path, what, form, reading)
    try:
        rows = columns.each_row(
            path, strict=False, seen=seen, encoding=form.encoding, delimiter=form.delimiter, blank=True
        )
        begins = list(islice(rows, SAMPLE))
        at = next((place for place, cells in enumerate(begins) if any(map(str.strip, cells))), 0)
        _sample(sheet, begins[at + 1 :], reading)
        for number, cells in enumerate(chain(begins[at + 1 :], rows), start=at + 2):
            if any(map(str.strip, cells)):  # a spreadsheet writes empty rows as commas
                yield from _row(number, cells, what, sheet, on_wrong, reading)
    except columns.DatasetError as error:
        raise FileUnreadable(f"{error}.") from error


def _known(names: Sequence[str], what: What) -> int:
    """How well a header fits a kind of file: how many of its names are known."""
    known = {one for layout in LAYOUTS if layout.fits(names) for one in layout.uses} | {*REQUIRED[what]}
    return len(known & set(names))


def _sheet(path: Path, what: What, form: Form, reading: Reading) -> _Sheet:
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
    return _Sheet(tuple(names), tuple(at for at, name in enumerate(names) if not name), layout)


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


def _sample(sheet: _Sheet, rows: Sequence[Sequence[str]], reading: Reading) -> None:
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


def _row(
    number: int, cells: Sequence[str], what: What, sheet: _Sheet, on_wrong: OnWrong, reading: Reading
) -> Iterator[tuple[int, Row]]:
    if len(cells) != len(sheet.names):
        on_wrong(RowProblem(number, "has more or fewer cells than the header"))
        return
    for at in sheet.unnamed:
        if cells[at].strip():
            says = f"has a value in column {_letter(at)}, which has no name"
            on_wrong(RowProblem(number, says, column=_letter(at)))
            return
    row = {
        name: reading.text(unescaped(cell.strip())) for name, cell in zip(sheet.names, cells, strict=True) if name
    }
    if sheet.layout is not None:
        yield from _of_a_till(number, row, sheet.layout, on_wrong, reading)
        return
    typed, wrong = _typed(row, what, reading)
    for problem in wrong:
        on_wrong(_problem(number, problem))
    yield number, typed


def _of_a_till(
    number: int, cells: Mapping[str, str], layout: Layout, on_wrong: OnWrong, reading: Reading
) -> Iterator[tuple[int, Row]]:
    try:
        found = layout.read(cells, reading)
    except WrongCell as error:
        on_wrong(_problem(number, error))
        return
    if isinstance(found, LeftOut):
        reading.leave_out(number, found)
    else:
        yield number, found


def _typed(row: Mapping[str, str], what: What, reading: Reading) -> tuple[Row, list[WrongCell]]:
    """The values of the cells that are not empty, and what is wrong with those that cannot be read."""
    typed: Row = {}
    wrong: list[WrongCell] = []
    for name, text in row.items():
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


# --- JSON lines --------------------------------------------------------------------------------------


def _json_rows(path: Path, on_wrong: OnWrong, seen: Seen | None) -> Iterator[tuple[int, Row]]:
    letters = reported = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in _lines(file):
                letters += len(line)
                if seen is not None and letters - reported > MOST_OF_A_ROW:
                    reported = letters
                    seen(letters)
                row = _json_row(line)
                if isinstance(row, str):
                    on_wrong(RowProblem(number, row))
                elif row is not None:
                    yield number, row
    except FileNotFoundError as error:
        raise FileUnreadable(f"{path.name}: there is no such file.") from error
    except UnicodeDecodeError as error:
        raise FileUnreadable(f"{path.name} is not UTF-8 text.") from error


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Numbers and lines; of one that is too long its beginning, which is too long as well."""
    number = 0
    while line := file.readline(MOST_OF_A_ROW + 1):
        number += 1
        rest = line
        while len(rest) > MOST_OF_A_ROW and not rest.endswith("\n"):
            rest = file.readline(MOST_OF_A_ROW + 1)
        yield number, line


def _json_row(line: str) -> Row | str | None:
    """The object of a line, what is wrong with it, or None for a blank one."""
    if len(line) > MOST_OF_A_ROW:
        return f"is longer than {MOST_OF_A_ROW:,} letters"
    if not line.strip():
        return None
    try:
        row = json_limits.read(line)
    except ValueError as error:
        return f"is not JSON: {error}"
    return row if isinstance(row, dict) else "is not a JSON object"
