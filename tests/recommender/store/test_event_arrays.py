"""Rows of events become the same arrays whether they are read in blocks or one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.ranking.interactions import Interactions
from recommender.store import event_arrays
from recommender.store.event_arrays import MOST_OF_A_DISH, as_interactions, person_of

Rows = list[Any]
RENAMED = {"old tea": "tea"}


def one_by_one(rows: Rows, kind: str, everybody: str | None, renamed: Mapping[str, str]) -> Interactions:
    """What `as_interactions` says, in plain words: each row by itself, all orders sorted by time and name."""
    kept: dict[tuple[str, str, str], list[Any]] = {}
    for who, sender, event, time_us, hour, weekday, site, region, origin, item, quantity, counted in rows:
        dish = renamed.get(item, item)
        customer = who if everybody is None else everybody
        person = person_of(who, sender, kind, counted, dish)
        row = [customer, person, (time_us, f"{sender}\x1f{event}"), time_us, hour, weekday, site, region]
        row += [renamed.get(origin, origin), dish]
        found = kept.setdefault((sender, event, dish), [*row, 0])
        found[-1] = min(found[-1] + quantity, MOST_OF_A_DISH)
    columns = list(zip(*kept.values(), strict=True))
    place = {moment: number for number, moment in enumerate(sorted(set(columns[2])))}
    names = ("customer", "person", "order", "time_us", "hour", "weekday", "site", "region", "origin", "item")
    values = dict(zip((*names, "quantity"), columns, strict=True)) | {"order": [place[one] for one in columns[2]]}
    return Interactions.from_columns({name: np.array(column) for name, column in values.items()})


def same(one: Interactions, other: Interactions) -> None:
    for part in fields(Interactions):
        assert np.array_equal(getattr(one, part.name), getattr(other, part.name), equal_nan=part.name == "hour")


def sorted_as_a_query(orders: Iterable[tuple[Any, ...]]) -> Rows:
    """By customer, moment, event and sender, as every query of the store has them."""
    rows = []
    for (sender, event), (who, time_us, site, lines) in sorted(
        dict(orders).items(), key=lambda order: (order[1][0], order[1][1], order[0][1], order[0][0])
    ):
        rows += [
            (who, sender, event, time_us, 12.5, 3, site, "", "old tea", item, quantity, time_us)
            for item, quantity in lines
        ]
    return rows


LINES = st.lists(st.tuples(st.sampled_from(["tea", "old tea", "pie"]), st.integers(1, 30)), min_size=1, max_size=4)
ORDERS = st.lists(
    st.tuples(
        st.tuples(st.sampled_from(["", "a", "ab"]), st.sampled_from(["1", "2", "b1", "\x7f"])),
        st.tuples(st.sampled_from(["", "ann", "bob"]), st.integers(0, 2), st.sampled_from(["", "x"]), LINES),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("everybody", [None, ""])
@given(orders=ORDERS)
def test_blocks_of_rows_give_what_each_row_by_itself_gives(everybody: str | None, orders: Any) -> None:
    rows = sorted_as_a_query(orders)
    if everybody is not None:
        rows.sort(key=lambda row: -row[3])  # the latest orders of all, newest first
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_arrays, "BLOCK", 3)
        found = as_interactions(rows, "ordered", everybody=everybody, renamed=RENAMED)

    same(found, one_by_one(rows, "ordered", everybody, RENAMED))


def test_two_orders_of_one_moment_remain_two_in_the_order_of_their_names() -> None:
    orders = [(("b", "1"), ("ann", 5, "", [("pie", 1)])), (("a", "2"), ("ann", 5, "", [("tea", 1)]))]
    rows = sorted_as_a_query(orders)

    found = as_interactions(rows, "ordered")

    assert [found.items[code] for code in found.item] == ["tea", "pie"], "by the sender first"
    assert found.order.tolist() == [0, 1]
