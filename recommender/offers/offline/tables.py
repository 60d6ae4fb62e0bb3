"""Read tables of decisions, of requests and of offers, with the features as of each decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plumbing.columns import DatasetError, read_table
from recommender.offers.errors import UnusableLog
from recommender.offers.learning.off_policy import OfferLog
from recommender.offers.learning.uplift import VisitFeatures, refuse_sensitive
from recommender.offers.portfolio import NONE

Floats = NDArray[np.float64]

AS_OF = (
    "tenure_days",
    "n_tx",
    "spend",
    "last_tx",
    "max_tx",
    "spend7",
    "n_tx7",
    "n_rec",
    "rec_bogo",
    "view_bogo",
    "comp_bogo",
    "rec_discount",
    "view_discount",
    "comp_discount",
    "rec_informational",
    "view_informational",
    "n_active",
)
"""Columns known strictly before the wave. No other column of a table is a feature."""

OUTCOMES = ("viewed", "completed", "comp_aware", "t_view", "t_comp", "cost", "s138", "n138", "net")
_TYPICAL_TICKET = 12.0  # of an unknown customer, in the tables' currency: averages of few purchases shrink to it


@dataclass(frozen=True, slots=True)
class Columns:
    """A table: named columns of text, all of the same length."""

    values: dict[str, NDArray[np.str_]]
    n: int
    name: str

    def text(self, column: str) -> NDArray[np.str_]:
        """A column as it is in the file, (n,)."""
        return self.values[column]

    def numbers(self, column: str) -> Floats:
        """A column as numbers, (n,). Raises UnusableLog with the rows that have none."""
        text = self.values[column]
        try:
            found = np.array(np.where(text == "", "nan", text), dtype=np.float64)
        except ValueError:
            found = np.array([_number(one) for one in text])
        bad = np.flatnonzero(~np.isfinite(found)) + 1
        if len(bad):
            raise UnusableLog(f"{self.name}: {column} is missing or not a number.", list(bad))
        return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def read_text_columns(path: Path, needed: Sequence[str]) -> Columns:
    """Every column of a CSV file, gzipped or not.

    Raises:
        UnusableLog: unreadable, empty, rows of different lengths, or columns are missing.
        SensitiveInput: the table has a column for audits only.
    """
    try:
        table = read_table(path)
    except DatasetError as error:
        raise UnusableLog(f"{error}.") from error
    header, body = table.header, table.rows
    if not header:
        raise UnusableLog(f"{path.name} is empty; it needs at least a header.")
    refuse_sensitive(header)
    missing = [name for name in needed if name not in header]
    if missing:
        raise UnusableLog(f"{path.name} lacks the columns {', '.join(missing)}.")
    ragged = [number for number, row in enumerate(body, start=1) if len(row) != len(header)]
    if ragged:
        raise UnusableLog(f"{path.name}: rows have more or fewer cells than the header.", ragged)
    columns = zip(*body, strict=True) if body else ([] for _ in header)
    return Columns(
        {k: np.array(v, dtype=np.str_) for k, v in zip(header, columns, strict=True)}, len(body), path.name
    )


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The arms of a table, `none` first, and k attributes of each."""

    arms: tuple[str, ...]
    table: Floats  # (arms, k)
    can_complete: NDArray[np.bool_]  # (arms,); an informational offer has nothing to redeem

    def codes(self, text: NDArray[np.str_], name: str) -> NDArray[np.int64]:
        """The arm code of each offer, (n,). Raises UnusableLog with the rows of unknown offers."""
        at = {arm: code for code, arm in enumerate(self.arms)}
        codes = np.array([at.get(one, -1) for one in text], dtype=np.int64)
        if (codes < 0).any():
            raise UnusableLog(
                f"{name}: offers that are not in the portfolio.", list(np.flatnonzero(codes < 0) + 1)
            )
        return codes


def read_portfolio(path: Path) -> Portfolio:
    """From columns offer, offer_type, difficulty, reward, duration, channels. It may be empty.

    Raises:
        UnusableLog: as `read_text_columns`, or an offer is repeated, has no name or is called 'none'.
    """
    found = read_text_columns(path, ("offer", "offer_type", "difficulty", "reward", "duration", "channels"))
    offers = [str(one) for one in found.text("offer")]
    if len(set(offers)) != len(offers) or NONE in offers or "" in offers:
        raise UnusableLog(f"{path.name}: each offer needs a name of its own, and not 'none'.")
    order = np.argsort(found.text("offer"), kind="stable")
    kinds = ["bogo", "discount", "informational"]
    kind = [kinds.index(one) + 1 if one in kinds else len(kinds) + 1 for one in found.text("offer_type")]
    channels = [set(one.split("|")) for one in found.text("channels")]
    table = np.column_stack(
        [
            np.arange(1, found.n + 1),
            np.array(kind, dtype=float)[order],
            *(found.numbers(name)[order] for name in ("difficulty", "reward", "duration")),
            np.array([len(one) for one in channels], dtype=float)[order],
            np.array(["social" in one for one in channels], dtype=float)[order],
        ]
    )
    table = np.vstack([np.zeros((1, 7)), table])
    return Portfolio((NONE, *(offers[i] for i in order)), table, table[:, 2] > 0)


@dataclass(frozen=True, slots=True)
class Waves:
    """The customers and times of decisions, with the features: n rows, as in the file."""

    customers: NDArray[np.str_]  # (n_customers,) sorted
    customer: NDArray[np.int64]  # (n,)
    wave: Floats  # (n,) hours
    visits: VisitFeatures
    arm: NDArray[np.int64] | None  # (n,) the shown arm; None: the table has no column `offer`
    shown_before: NDArray[np.bool_]  # (n, arms) in earlier waves, as far as the table has it


def read_waves(columns: Columns, portfolio: Portfolio) -> Waves:
    """Features of every row, from that row and from earlier waves of the same customer only."""
    customers, customer = np.unique(columns.text("customer"), return_inverse=True)
    wave = columns.numbers("wave")
    if len({*zip(customer.tolist(), wave.tolist(), strict=True)}) != columns.n:
        raise UnusableLog(f"{columns.name}: a customer has two rows for one wave.")
    known = {name: columns.numbers(name) for name in AS_OF}
    earlier = _row_before(customer, wave)
    named = {**known, "wave": wave, **_derived(known, wave), **_changes(known, earlier)}
    arm = portfolio.codes(columns.text("offer"), columns.name) if "offer" in columns.values else None
    shown = np.zeros((columns.n, len(portfolio.arms)), bool)
    if arm is not None:
        shown = _shown_before(customer, wave, arm, len(portfolio.arms))
    features = np.column_stack(list(named.values())) if columns.n else np.zeros((0, len(named)))
    visits = VisitFeatures(features, tuple(named), portfolio.table)
    return Waves(customers, customer.astype(np.int64), wave, visits, arm, shown)


def _row_before(customer: NDArray[np.int64], wave: Floats) -> NDArray[np.int64]:
    """The row of the same customer's previous wave, (n,); -1 for the first."""
    order = np.lexsort((wave, customer))
    before = np.full(len(customer), -1, np.int64)
    same = customer[order][1:] == customer[order][:-1]
    before[order[1:][same]] = order[:-1][same]
    return before


def _derived(known: dict[str, Floats], wave: Floats) -> dict[str, Floats]:
    n, spend, hours = known["n_tx"], known["spend"], np.maximum(wave, 1)
    viewed = known["view_bogo"] + known["view_discount"] + known["view_informational"]
    completed, received = known["comp_bogo"] + known["comp_discount"], known["rec_bogo"] + known["rec_discount"]
    return {
        "ticket": np.where(n > 0, spend / np.maximum(n, 1), np.nan),
        "ticket_shrunk": (spend + _TYPICAL_TICKET) / (n + 1),
        "tx_rate": n / hours,
        "spend_rate": spend / hours,
        "completed": completed,
        "completion_rate": (completed + 0.5) / (received + 1),
        "discount_rate": known["comp_discount"] / np.maximum(known["rec_discount"], 1),
        "bogo_rate": known["comp_bogo"] / np.maximum(known["rec_bogo"], 1),
        "ticket_7d": known["spend7"] / np.maximum(known["n_tx7"], 1),
        "largest_to_usual": known["max_tx"] / np.maximum(spend / np.maximum(n, 1), 1),
        "view_rate": (viewed + 1) / (known["n_rec"] + 1.5),
        "tx_rate_shrunk": (n + 1) / (wave + 200),
    }


_CUMULATED = (
    "spend",
    "n_tx",
    "rec_bogo",
    "rec_discount",
    "rec_informational",
    "view_bogo",
    "view_discount",
    "view_informational",
    "comp_bogo",
    "comp_discount",
)


def _changes(known: dict[str, Floats], before: NDArray[np.int64]) -> dict[str, Floats]:
    """Changes since the previous wave, and between the two waves before it; unknown: NaN."""
    at = np.maximum(before, 0)
    twice = np.where(before >= 0, before[at], -1)
    found = {}
    for name in _CUMULATED:
        value = known[name]
        found[f"{name}_since"] = np.where(before >= 0, value - value[at], np.nan)
        found[f"{name}_earlier"] = np.where(twice >= 0, value[at] - value[np.maximum(twice, 0)], np.nan)
    return found


def _shown_before(
    customer: NDArray[np.int64], wave: Floats, arm: NDArray[np.int64], n_arms: int
) -> NDArray[np.bool_]:
    """(n, arms): offers of earlier waves; `none` never counts as shown."""
    shown = np.zeros((len(arm), n_arms), np.bool_)
    so_far = np.zeros((int(np.max(customer)) + 1 if len(customer) else 0, n_arms), np.bool_)
    for time in np.unique(wave):
        rows = np.flatnonzero(wave == time)
        shown[rows] = so_far[customer[rows]]
        so_far[customer[rows], arm[rows]] = True
    shown[:, 0] = False
    return shown


def read_decisions(path: Path, portfolio: Portfolio, reward: str = "net") -> tuple[Waves, OfferLog, Columns]:
    """A table of randomised decisions with outcomes: features, log and all columns.

    Raises:
        UnusableLog: as `read_text_columns`, or no row, or a missing propensity or reward.
    """
    columns = read_text_columns(path, ("customer", "wave", "offer", "propensity", *AS_OF, reward))
    if not columns.n:
        raise UnusableLog(f"{path.name} holds no decision.")
    waves = read_waves(columns, portfolio)
    assert waves.arm is not None
    propensity = np.array([_number(one) for one in columns.text("propensity")])
    log = OfferLog(waves.arm, propensity, columns.numbers(reward), waves.customer, portfolio.arms)
    return waves, log, columns


def read_requests(path: Path, portfolio: Portfolio) -> tuple[Waves, Columns]:
    """A table without outcomes. A column `offer` is used only as the offers of earlier waves."""
    columns = read_text_columns(path, ("customer", "wave", *AS_OF))
    return read_waves(columns, portfolio), columns
