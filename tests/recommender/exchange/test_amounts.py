"""Amounts and times as they are written, read to the cent and to the minute."""

from __future__ import annotations

import pytest

from recommender.exchange.amounts import NotAnAmount, decimal_mark, minor_units
from recommender.exchange.clocks import NotATime, day_order, read_time


@pytest.mark.parametrize(
    ("text", "mark", "digits", "cents"),
    [
        ("$1,234.50", ".", 2, 123450),
        ("1.234,50 \u20ac", ",", 2, 123450),
        ("CHF 1'234.50", ".", 2, 123450),
        ("(3.80)", ".", 2, -380),
        ("-$3.80", ".", 2, -380),
        ("\u2212 3,80", ",", 2, -380),
        ("3.8000", ".", 2, 380),
        ("\u00a5380", ".", 0, 380),
        ("0.250", ".", 3, 250),
        ("4", ",", 2, 400),
    ],
)
def test_an_amount_is_read_to_the_cent(text: str, mark: str, digits: int, cents: int) -> None:
    assert minor_units(text, mark, digits) == cents


@pytest.mark.parametrize("text", ["", "free", "1E3", "3.80.1", "12,34.5", "3,80", "3.805", "1 to 2"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(NotAnAmount):
        minor_units(text, ".", 2)


def test_the_mark_is_what_most_cells_have() -> None:
    assert decimal_mark(["1,100", "3,80", "4,20"], ",") == ","
    assert decimal_mark(["1,100.00", "3"], ";") == "."
    assert (decimal_mark(["380"], ";"), decimal_mark(["380"], ",")) == (",", ".")


@pytest.mark.parametrize(
    ("text", "order", "read"),
    [
        ("12/31/2026 11:59 PM", "mdy", "2026-12-31 23:59:00"),
        ("1/2/26 12:05 AM", "mdy", "2026-01-02 00:05:00"),
        ("31.12.2026, 23:59", "dmy", "2026-12-31 23:59:00"),
        ("2026/12/31 12:00:30 pm", "", "2026-12-31 12:00:30"),
        ("2026-12-31T23:59:00+01:00", "", "2026-12-31 23:59:00+01:00"),
    ],
)
def test_a_time_is_read_to_the_minute(text: str, order: str, read: str) -> None:
    assert str(read_time(text, order)) == read


@pytest.mark.parametrize(
    ("text", "order"), [("01/02/2026 10:00", ""), ("31/12/2026 10:00", "mdy"), ("noon", "dmy")]
)
def test_what_is_no_time_is_refused(text: str, order: str) -> None:
    with pytest.raises(NotATime):
        read_time(text, order)


def test_which_number_is_the_day_is_seen_by_the_others() -> None:
    assert day_order(["01/02/2026 10:00", "13/02/2026 10:00"]) == "dmy"
    assert day_order(["01/02/2026 10:00 AM"]) == "mdy"
    assert day_order(["01/02/2026 10:00"]) == ""


@pytest.mark.parametrize("text", ["9" * 40, "1." + "0" * 40 + "1", "1" + ",000" * 12])
def test_an_endless_number_is_no_amount(text: str) -> None:
    with pytest.raises(NotAnAmount, match="more digits"):
        minor_units(text, ".", 2)
