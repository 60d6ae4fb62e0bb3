"""`usual batch offers`: fit on a table of randomised decisions, write a plan for a table of requests."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plumbing.storage.files import write_atomic
from recommender.offers.offline.plan import fit_planner
from recommender.offers.offline.tables import (
    Columns,
    Portfolio,
    Waves,
    read_decisions,
    read_portfolio,
    read_requests,
)
from recommender.scene import Progress


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """The number of requests, how many of them get an offer, and how the offer was chosen."""

    decisions: int
    with_offer: int
    best_single: str
    by_context: bool


def batch_offers(
    fit: Path,
    requests: Path,
    portfolio_file: Path,
    out: Path,
    *,
    share: float | None = None,
    no_repeat: bool = False,
    seed: int = 0,
    progress: Progress,
) -> BatchSummary:
    """Fit on `fit`, plan for `requests`; `out` has customer, wave, offer and probability for every arm and `none`.

    The same files and seed give the same bytes. After an error nothing is written.

    Raises:
        UnusableLog: a table is unreadable, lacks columns or propensities, or has unknown offers.
        SensitiveInput: a table has a column for audits only.
    """
    portfolio = read_portfolio(portfolio_file)
    waves, columns = read_requests(requests, portfolio)
    if len(portfolio.arms) == 1:  # an empty portfolio is no error
        plan, best, by_context = np.ones((columns.n, 1)), "none", False
    else:
        progress("reading", 0.05)
        fit_on, log, _ = read_decisions(fit, portfolio)
        progress("fitting", 0.1)
        planner = fit_planner(fit_on, log, seed=seed)
        progress("deciding", 0.8)
        plan = np.zeros((0, len(portfolio.arms)))
        if columns.n:
            _, gains = planner.model.judge(waves.visits)
            plan = planner.plan(waves, gains, share=share, no_repeat=no_repeat)
        best, by_context = portfolio.arms[planner.best_single], planner.gate.open
    write_atomic(out, _as_csv(portfolio, waves, columns, plan).encode())
    progress("done", 1.0)
    return BatchSummary(columns.n, int((plan[:, 0] < 1).sum()), best, by_context)


def _as_csv(portfolio: Portfolio, waves: Waves, columns: Columns, plan: NDArray[np.float64]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("customer", "wave", "offer", "probability"))
    for customer, wave, row in zip(columns.text("customer"), columns.text("wave"), plan, strict=True):
        for arm, chance in zip(portfolio.arms, row, strict=True):
            writer.writerow((customer, wave, arm, f"{chance:.9g}"))
    return text.getvalue()
