"""The errors of offers.

Problem
    InvalidOffer        422  the error has every wrong field
    InvalidSettings     422  the error has every wrong field
    TooManyOffers       422
    UnknownOffer        404
    UnknownDecision     404  an outcome without its decision
    InvalidOutcome      422
    OfferNotEnded       409  only an ended offer is restored
    RedemptionRefused   422  a redemption that the offer's terms do not allow; the order itself is taken
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
    what_to_do = "Mend the fields that the reply names, and send it again."

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
    what_to_do = "Mend the fields that the reply names, and send it again."


class TooManyOffers(Problem):
    """More running offers than one portfolio may hold."""

    code = "too_many_offers"
    status = 422
    title = "Too many offers"
    what_to_do = "End some offers first."

    def __init__(self, wanted: int, most: int) -> None:
        super().__init__(f"{wanted} offers would be running; at most {most} may. End some of them first.")


class UnknownOffer(Problem):
    """No such offer in this tenant's portfolio."""

    code = "unknown_offer"
    status = 404
    title = "No such offer"
    what_to_do = "Read the list of offers again."

    def __init__(self, offer_id: str) -> None:
        super().__init__(f"There is no offer {offer_id!r}.")


class UnknownDecision(Problem):
    """An outcome was sent for a decision that is not in the log."""

    code = "unknown_decision"
    status = 404
    title = "No such decision"
    what_to_do = "Send the `recommendation_id` of the suggestion that was shown."

    def __init__(self, decision_id: str) -> None:
        super().__init__(f"There is no decision {decision_id!r}; nothing was stored.")


class InvalidOutcome(Problem):
    """An outcome that contradicts its decision or the clock."""

    code = "invalid_outcome"
    status = 422
    title = "The outcome is not valid"
    what_to_do = "Send the decision that was answered, with a time after it."


class OfferNotEnded(Problem):
    """Nothing to restore."""

    code = "offer_not_ended"
    status = 409
    title = "The offer has not ended"
    what_to_do = "Nothing: the offer has not ended."

    def __init__(self, offer_id: str) -> None:
        super().__init__(f"Offer {offer_id!r} has not ended, so there is nothing to restore.")


class RedemptionRefused(Problem):
    """A redemption against the offer's terms. It is not stored; the order that it came with is."""

    code = "redemption_refused"
    status = 422
    title = "The offer cannot be redeemed with this order"
    what_to_do = "The order is stored. Take it without the offer; the terms of the offer say when it holds."


class BelowMinimumSpend(RedemptionRefused):
    """`missing` is in minor units."""

    code = "below_minimum_spend"
    title = "The order is below the minimum of the offer"
    what_to_do = "Take the order without the offer, or add `missing` to it."

    def __init__(self, min_spend: int, total: int) -> None:
        super().__init__(
            f"The offer needs an order of {min_spend} minor units, and this one is {total}."
            f" Take the order without the offer, or add {min_spend - total}.",
            min_spend=min_spend,
            total=total,
            missing=min_spend - total,
        )


class OtherItems(RedemptionRefused):
    """The order has none of the dishes that the offer is for."""

    code = "redemption_of_other_items"
    title = "Nothing in the order is what the offer is for"
    says = "Take the order without the offer, or add something that the offer is for."


class RedeemedBefore(RedemptionRefused):
    """An offer that holds once was redeemed already."""

    code = "redeemed_before"
    title = "The offer was redeemed before"
    says = "It can be redeemed once in a visit, and once each time that it was shown. Take the order without it."


class OfferEnded(RedemptionRefused):
    """The offer was over when it was redeemed."""

    code = "offer_ended"
    title = "The offer has ended"
    says = "Take the order without it."


class OfferElsewhere(RedemptionRefused):
    """The offer does not hold at the site of the order."""

    code = "offer_of_another_site"
    title = "The offer is not for this site"
    says = "Take the order without it."


class RedeemedTooLate(RedemptionRefused):
    """The offer was shown longer ago than it can be redeemed."""

    code = "redemption_too_late"
    title = "The time to redeem the offer is over"
    says = "Take the order without it."


class OtherOffer(RedemptionRefused):
    """The suggestion that the redemption names showed another offer."""

    code = "redemption_of_another_offer"
    title = "This is not the offer that was shown"
    says = "Send the offer that the suggestion named, with the suggestion's recommendation_id."


class NoOrder(RedemptionRefused):
    """No order with this event id was stored."""

    code = "redemption_without_order"
    title = "The order of the redemption is not known"
    says = "Send the order first or in the same batch, and name its event_id as order_id of the redemption."


class UnusableLog(Problem):
    """A decision log that cannot be evaluated; `rows` count from 1, without the header."""

    code = "unusable_log"
    status = 422
    title = "The log cannot be evaluated"
    what_to_do = "Mend the rows that the reply names."

    def __init__(self, detail: str, rows: Sequence[int] = ()) -> None:
        where = f" Rows: {', '.join(map(str, rows[:20]))}{', …' if len(rows) > 20 else ''}." if len(rows) else ""
        super().__init__(f"{detail}{where}", rows=[int(row) for row in rows])


class SensitiveInput(Problem):
    """A column for fairness audits was given as an input of a policy."""

    code: ClassVar[str] = "sensitive_input"
    status = 422
    title = "A policy may not read this"
    what_to_do = "Leave the column out of the policy's inputs."

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(f"Remove the columns {', '.join(columns)}: they are for audits and never an input.")
