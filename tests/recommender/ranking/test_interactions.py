"""Events as arrays: coding, ordering, and what is refused."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.ranking.frames import Texts
from recommender.ranking.interactions import Interactions, codes_in
from tests.recommender.orders.worlds import orders


def test_orders_are_renumbered_from_zero_without_gaps() -> None:
    """Orders 3, 7 and 7 of one customer become 0, 1 and 1; customers come one after another."""
    seen = orders(("b", 5, "x"), ("a", 7, "y"), ("a", 3, "x"), ("a", 7, "z"))

    assert seen.customers[seen.customer].tolist() == ["a", "a", "a", "b"]
    assert seen.order.tolist() == [0, 1, 1, 0]


def test_an_empty_name_is_a_guest_or_an_unknown_item() -> None:
    """Guests and rows without item have code -1 and no entry in the vocabulary."""
    seen = orders(("", 0, "x"), ("a", 0, ""))

    assert seen.customer.tolist() == [-1, 0]
    assert seen.item.tolist() == [0, -1]
    assert (seen.customers.tolist(), seen.items.tolist()) == (["a"], ["x"])


def test_columns_that_do_not_fit_are_refused() -> None:
    """A missing column and a column of another length are named."""
    with pytest.raises(ValueError, match="need a column 'item'"):
        Interactions.from_columns({"customer": ["a"]})
    with pytest.raises(ValueError, match="'hour' has 2 rows"):
        Interactions.from_columns({"customer": ["a"], "item": ["x"], "hour": [1.0, 2.0]})


def test_nothing_is_a_valid_history() -> None:
    """No rows: empty arrays, and choosing from them works."""
    seen = Interactions.from_columns({"customer": [], "item": []})

    assert len(seen.where(seen.customer >= 0)) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-5, 5), st.sampled_from("xyz")), min_size=1))
def test_no_row_is_lost_and_orders_are_dense(rows: list[tuple[str, int, str]]) -> None:
    """Law: every row is kept, and each customer's orders are 0..k in the order of the given numbers."""
    seen = orders(*rows)

    pairs = sorted((seen.customers[c], seen.items[i]) for c, i in zip(seen.customer, seen.item, strict=True))
    assert pairs == sorted((c, i) for c, _, i in rows)
    for code, name in enumerate(seen.customers.tolist()):
        numbers = sorted({number for c, number, _ in rows if c == name})
        assert np.unique(seen.order[seen.customer == code]).tolist() == list(range(len(numbers)))


def test_codes_of_names_that_are_not_there() -> None:
    """Unknown names get -1, also in an empty vocabulary."""
    assert codes_in(np.array(["a", "c"]), ["c", "b", "a"]).tolist() == [1, -1, 0]
    assert codes_in(np.array([], np.str_), ["a"]).tolist() == [-1]


def test_texts_as_numbers_are_what_an_array_of_them_is() -> None:
    """Whatever comes first, and where the same text is an item and an origin."""
    rows = [
        ("bo", "work", "mitte", "home"),
        ("", "tea", "", ""),
        ("ann", "home", "nord", "work"),
        ("bo", "tea", "", ""),
    ]
    names = ("customer", "item", "site", "origin")
    columns = {name: Texts() for name in names}
    for part in (rows[:3], rows[3:]):
        for name, texts_of in zip(names, zip(*part, strict=True), strict=True):
            columns[name].extend(texts_of)
    plain = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))

    numbers, texts = Interactions.from_columns(columns), Interactions.from_columns(plain)
    for field in fields(Interactions):
        np.testing.assert_array_equal(getattr(numbers, field.name), getattr(texts, field.name), err_msg=field.name)
    assert columns["customer"].at(np.array([3, 1])).codes.tolist() == [0, 1]
    assert len(Interactions.from_columns({"customer": Texts(), "item": Texts()})) == 0
