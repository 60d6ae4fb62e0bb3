"""The house's rules on what `usual batch` answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from recommender.cli.rules import read_rules
from recommender.ranking.interactions import NO_TIME, Interactions
from recommender.rules.lists import asked_at, ruled_list
from recommender.scene import Item, Kind

if TYPE_CHECKING:
    from recommender.destinations.batch import Obey
    from recommender.orders.batch import Predicted


def ruled_csv(predicted: Predicted, asked: Interactions, top: int, rules: Path, items: Path | None) -> bytes:
    """Lines of customer, rank (1 is best), item and who pays for its place, after the rules."""
    document, known = read_rules(rules), _items(items)
    known = {name: Item(name, name) for name in predicted.items.tolist()} | known
    _, first = np.unique(asked.customer, return_index=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("customer", "rank", "item", "sponsored"))
    for row, (customer, codes) in zip(
        first.tolist(), zip(predicted.customers.tolist(), predicted.lists, strict=True), strict=True
    ):
        time_us, site = int(asked.time_us[row]), int(asked.site[row])
        moment = asked_at(
            None if time_us == NO_TIME else time_us,
            float(asked.hour[row]),
            int(asked.weekday[row]),
            str(asked.sites[site]) if site >= 0 else "",
        )
        names = predicted.items[codes[codes >= 0]].tolist()
        found = ruled_list(document, "orders", names, top, moment, known)
        writer.writerows((customer, rank, name, sponsor) for rank, (name, sponsor) in enumerate(found, start=1))
    return text.getvalue().encode()


def obeyed(rules: Path, places: Path | None, top: int) -> Obey:
    """What the rules show of a list of places, at most `top`."""
    document, known = read_rules(rules), _items(places, "place")

    def obey(names: Sequence[str], time_us: int, hour: float, weekday: int) -> list[str]:
        there = {name: Item(name, name) for name in names} | known
        asked = asked_at(time_us, hour, weekday, "")
        return [name for name, _ in ruled_list(document, "destinations", names, top, asked, there)]

    return obey


def _items(path: Path | None, kind: Kind = "item") -> dict[str, Item]:
    """The items or places of a file by id. Raises ClickException: rows are wrong."""
    from plumbing.problem import Problem
    from recommender.exchange.checks import check_rows
    from recommender.exchange.rows import read_rows

    if path is None:
        return {}
    try:
        numbers, rows = zip(*read_rows(path, "items" if kind == "item" else "places"), strict=True)
        return {item.item_id: item for item in check_rows(rows, kind, numbers)}
    except (Problem, ValueError) as error:
        raise click.ClickException(str(error)) from error
