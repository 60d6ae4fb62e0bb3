"""The errors of offers.

Problem
    InvalidOffer        422  the error has every wrong field
    InvalidSettings     422  the error has every wrong field
    TooManyOffers       422
    UnknownOffer        404
    UnknownDecision     404  an outcome without its decision
    InvalidOutcome      422
    UnusableLog         422  a log that cannot be evaluated; the error has its rows
    SensitiveInput      422  a column that no policy may read
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from plumbing.problem_json import Problem


class InvalidOffer(Problem):
    """An offer with wrong fields; `fields` are (name, message) of each."""

    code = "invalid_offer"
    status = 422
    title = "The offer is not valid"

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        messages = "; ".join(f"{name}: {message}" for name, message in fields)
        super().__init__(
            f"Check these fields. {messages}.",
            fields=[{"field": name, "message": message} for name, message in fields],
        )
        self.fields = tuple(fields)


class InvalidSettings(InvalidOffer):
    """Settings with wrong fields; nothing was changed."""

    code = "invalid_settings"
    title = "The settings are not valid"


class TooManyOffers(Problem):
    """More running offers than one portfolio may hold."""

    code = "too_many_offers"
    status = 422
    title = "Too many offers"

    def __init__(self, wanted: int, most: int) -> None:
        super().__init__(f"{wanted} offers would be running; at most {most} may. End some of them first.")


class UnknownOffer(Problem):
    """No such offer in this tenant's portfolio."""

    code = "unknown_offer"
    status = 404
    title = "No such offer"

    def __init__(self, offer_id: str) -> None:
        super().__init__(f"There is no offer {offer_id!r}.")


class UnknownDecision(Problem):
    """An outcome was sent for a decision that is not in the log."""

    code = "unknown_decision"
    status = 404
    title = "No such decision"

    def __init__(self, decision_id: str) -> None:
        super().__init__(f"There is no decision {decision_id!r}; nothing was stored.")


class InvalidOutcome(Problem):
    """An outcome that contradicts its decision or the clock."""

    code = "invalid_outcome"
    status = 422
    title = "The outcome is not valid"


class UnusableLog(Problem):
    """A decision log that cannot be evaluated; `rows` count from 1, without the header."""

    code = "unusable_log"
    status = 422
    title = "The log cannot be evaluated"

    def __init__(self, detail: str, rows: Sequence[int] = ()) -> None:
        where = f" Rows: {', '.join(map(str, rows[:20]))}{', …' if len(rows) > 20 else ''}." if len(rows) else ""
        super().__init__(f"{detail}{where}", rows=[int(row) for row in rows])


class SensitiveInput(Problem):
    """A column for fairness audits was given as an input of a policy."""

    code: ClassVar[str] = "sensitive_input"
    status = 422
    title = "A policy may not read this"

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(f"Remove the columns {', '.join(columns)}: they are for audits and never an input.")
