"""What an item or an offer has by language, as columns of a CSV: `name_de`, `text_ja`, `terms_de`.

An item's options are JSON in one cell.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from plumbing import json_limits
from recommender.item import options_json, options_of

BY_LANGUAGE = {"name_": "names", "text_": "texts", "terms_": "terms_in"}
"""How the columns of each of these fields begin; what follows is the language."""


def language_of(column: str) -> tuple[str, str] | None:
    """The field and the language that a column holds; None: it is another column."""
    for begins, field in BY_LANGUAGE.items():
        if column.startswith(begins) and column != begins:
            return field, column.removeprefix(begins)
    return None


def put_by_language(row: dict[str, Any], column: str, text: str) -> bool:
    """Put a cell where it belongs in the row; False: the column holds no language."""
    found = language_of(column)
    if found is not None:
        field, language = found
        row.setdefault(field, {})[language] = text
    return found is not None


def read_options(text: str) -> list[Any]:
    """The options of a cell. Raises ValueError: no JSON list."""
    found = json_limits.read(text)
    if not isinstance(found, list):
        raise ValueError(text)
    return found


def as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """An item as JSON lines have it: options without what is usual, and no field that is empty."""
    options = options_json(options_of(row.get("options", ())))
    return {name: value for name, value in {**row, "options": options}.items() if value or name not in LATER}


LATER = ("names", "texts", "image", "options", "terms_in")
"""Left out where there is none, as in files from before there were these."""


def cell_of_choices(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an event's line with its choices as one cell."""
    return {**row, "options": json.dumps(row["options"], ensure_ascii=False) if row["options"] else ""}


def columns_of(names: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The columns of a CSV with these rows: `names`, one for each language in place of `names` and `texts`."""
    seen: dict[str, set[str]] = {field: set() for field in BY_LANGUAGE.values()}
    for row in rows:
        for field, languages in seen.items():
            languages |= set(row.get(field, ()))
    found = [name for name in names if name not in seen]
    later = [f"{begins}{language}" for begins, field in BY_LANGUAGE.items() for language in sorted(seen[field])]
    at = next((place for place, name in enumerate(found) if name in LATER), len(found))
    return (*found[:at], *later, *found[at:])


def cells_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """An item's row with a value for each column."""
    cells = dict(row)
    for begins, field in BY_LANGUAGE.items():
        cells |= {f"{begins}{language}": text for language, text in row.get(field, {}).items()}
    options = row.get("options")
    cells["options"] = json.dumps(options, ensure_ascii=False, separators=(",", ":")) if options else ""
    return cells
