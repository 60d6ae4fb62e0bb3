"""What was understood of a file, in lines of text; and its wrong rows as a CSV."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TextIO

from plumbing.columns import escaped
from recommender.allergens import EU_ALLERGENS
from recommender.errors import RowProblem
from recommender.exchange.reading import Reading
from recommender.exchange.rows import What

MOST_NAMES = 10
ALIKE = 0.75  # of 1: how alike a name must be to an allergen of the law, to be called a slip


def report_lines(reading: Reading, what: What, stored: int, *, whole: bool) -> Iterator[str]:
    """What is to be said after an import; the `whole` of it before one."""
    if whole:
        yield from _understood(reading, what)
    if what == "events":
        for clock, n in reading.clocks.most_common():
            yield f"Times: {n:,} by {clock}."
    for reason, (n, *rows) in reading.left_out.items():
        yield f"Left out: {n:,} {reason} (row {', '.join(map(str, rows))}{' ...' if n > len(rows) else ''})."
    if reading.retired:
        done = "left out" if reading.options.retired == "leave-out" else "kept as history"
        yield f"Not in the catalogue, {done}: {_names(reading.retired.most_common())}."
    yield from warnings_of(reading)
    if whole:
        yield f"{counted(stored, what)} would be stored. Nothing was."


def counted(n: int, what: What) -> str:
    """ "1 item", "2 items"."""
    return f"{n:,} {what.removesuffix('s') if n == 1 else what}"


def _understood(reading: Reading, what: What) -> Iterator[str]:
    if reading.form is not None:
        yield f"This is {reading.source or f'a file of {what}'}: {reading.form}."
        yield "Columns: " + ", ".join(f"{shown} -> {meant}" for shown, meant in reading.columns) + "."
    if reading.unused:
        yield f"Not used: {', '.join(reading.unused)}."
    settings, unit = (
        reading.settings,
        f"decimal, as 3{reading.mark}80" if reading.decimal else "in minor units (cents)",
    )
    if what in ("items", "events"):
        yield f"Prices: {settings.currency} with {settings.digits} decimals, {unit}."
    if what == "items":
        yield (
            f"Allergens: {_counted(reading.allergens)}."
            f" Nothing is stated of {reading.unstated:,} of {counted(reading.rows, what)}."
        )
    for row in reading.first:
        yield "  " + json.dumps(row, ensure_ascii=False, default=str)


def warnings_of(reading: Reading) -> Iterator[str]:
    """What is likely to be wrong, although it was taken."""
    for site, n in reading.unzoned.items():
        where = f"the site {site!r}" if site else "the house"
        command = f"usual sites set{f' {site}' if site else ''} --zone ZONE"
        yield (
            f"Warning: {n:,} times are in UTC, and nobody has said the zone of {where}: habits would follow UTC's"
            f" clock. `{command}` says it, or --zone for this file."
        )
    for sign, n in reading.signs.items():
        yield f"Warning: {n:,} prices are in {sign}, and the tenant's currency is {reading.settings.currency}."
    if reading.composed:
        yield f"Note: {reading.composed:,} cells had letters and accents apart (é as two signs); they are one now."
    yield from _misspelt(reading.allergens)
    for text in reading.warnings:
        yield f"Warning: {text}"


def _misspelt(allergens: Counter[str]) -> Iterator[str]:
    """Allergens that are nearly one of the law's: of a dish that has `mlk`, nobody hears that it has milk."""
    for name, n in sorted(allergens.items()):
        near = get_close_matches(name, EU_ALLERGENS, 1, ALIKE) if name not in EU_ALLERGENS else []
        if near:
            yield f"Warning: the allergen {name!r} ({n:,}) is none of the law's; {near[0]!r} was meant?"


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{name} ({n:,})" for name, n in sorted(found.items())) or "none is named"


def _names(found: Sequence[tuple[str, int]]) -> str:
    listed = ", ".join(f"{name} ({n:,})" for name, n in found[:MOST_NAMES])
    return f"{listed} and {len(found) - MOST_NAMES:,} more" if len(found) > MOST_NAMES else listed


def write_wrong(problems: Sequence[RowProblem], out: TextIO) -> None:
    """Wrong rows as CSV: number, column and reason. The rows themselves stay in the file that they came from."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("row", "column", "reason"))
    for one in problems:
        writer.writerow((one.row, escaped(one.column), escaped(one.message)))
