"""Offers: at most one for each request, decided from the log of earlier decisions and written to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from plumbing.clock import HOUR
from plumbing.problem import Problem
from recommender.errors import NothingLeft
from recommender.offers.decision import GUEST, HOLDOUT, NO_POLICY, OfferDecision, Policy
from recommender.offers.learning import train as learning
from recommender.offers.learning.log import ClosedDecisions, from_parts, read_closed
from recommender.offers.portfolio import Offer
from recommender.offers.report import figures_of
from recommender.offers.settings import OfferSettings
from recommender.offers.wording import terms
from recommender.scene import (
    Answer,
    Arrays,
    Event,
    Item,
    Kind,
    KnownIds,
    Label,
    OrderLine,
    Progress,
    Reason,
    RecordedEvents,
    Reduced,
    Report,
    Request,
    Suggestion,
    Texts,
    Trained,
    TrainingInput,
)
from recommender.scenes.offer_decisions import decide_offer, offer_fallback
from recommender.scenes.offer_outcomes import Purchase, record_outcome, record_purchases
from recommender.scenes.offer_redemptions import Redemptions
from recommender.store.offers import OfferStore

OUTCOMES = {"shown": "viewed", "redeemed": "completed", "dismissed": "dismissed"}
"""Type of event -> kind of outcome. `accepted` is not yet a redemption."""


class OffersScene:
    """The scene `offers` (see `recommender.scene.Scene`); `store` has the portfolio and the log of decisions."""

    name = "offers"
    kind: Kind = "item"  # an offer is about dishes
    learns_from: str | None = None
    second_factor = False
    own_gate = True
    baseline = "best_single"

    def __init__(self, store: OfferStore) -> None:
        self._store = store

    def train(self, data: TrainingInput, *, seed: int, progress: Progress) -> Trained:
        """Learn from the tenant's decisions whose windows have closed. The policy falls back where it must.

        Raises:
            NotEnoughEvents: no window has closed yet.
            UnusableLog: a decision was logged without a propensity.
        """
        settings = self._store.settings_as_read(data.tenant)
        closed = self._closed(data.tenant, settings, data.now_us)
        if not len(closed):
            hours = settings.window_hours + settings.lateness_hours
            raise NothingLeft(
                f"No window has closed yet ({closed.n_open} are open); each does {hours} hours after its decision."
            )
        offers = {offer.offer_id: offer for offer in self._store.offers(data.tenant)}
        return learning.train_policy(closed, offers, settings, seed=seed, progress=progress)

    def load(self, arrays: Arrays, texts: Texts) -> Policy:
        """Raises ValueError when a part is missing, or fitted on features of another version."""
        return from_parts(arrays, texts)

    def suggest(self, model: Policy | None, request: Request) -> Answer:
        """Decide, log, answer: one offer or none. The decision is in the log before anybody sees it.

        Raises:
            DatabaseBusy: the decision cannot be logged, so no offer may be shown.
        """
        if request.n < 1:
            return Answer((), offer_fallback(request.customer, model or NO_POLICY, eligible=False))
        names = {item.item_id: item.name for item in request.catalogue}
        currency = self._store.tenant_settings(request.tenant).currency
        return answer_of(decide_offer(self._store, request, model), currency, names)

    def refuses(self, batch: RecordedEvents) -> Mapping[int, Problem]:
        """Redemptions that the terms do not allow, and what became of a decision that is not in the log."""
        redemptions = Redemptions(self._store, batch)
        return {
            index: refused
            for index, event in enumerate(batch.events)
            if event.scene == self.name
            and event.type in OUTCOMES
            and (refused := redemptions.refusal(event)) is not None
        }

    def record(self, batch: RecordedEvents) -> None:
        """Store what became of offers, and what customers spent who consented that offers learn from it.

        Raises:
            UnknownDecision, InvalidOutcome: nothing of the batch is stored.
        """
        redemptions = Redemptions(self._store, batch)
        for event in batch.events:
            kind = OUTCOMES.get(event.type)
            if kind == "completed" and self._store.was_taken_back(batch.tenant, event.key):
                continue  # sent again
            if event.scene == self.name and event.recommendation_id and kind:
                order = redemptions.order_of(event) if event.type == "redeemed" else None
                record_outcome(
                    self._store,
                    batch.tenant,
                    event.recommendation_id,
                    kind,
                    event.key,
                    event.time_us,
                    batch.now_us,
                    pseudonym=event.customer,
                    order_key=order.key if order else "",
                )
        if self.name in batch.purposes:
            bought = [
                Purchase(event.key, event.customer, event.time_us, spent(event, batch.items))
                for event in batch.events
                if event.type == "ordered"
            ]
            record_purchases(self._store, batch.tenant, bought, batch.now_us)
        for reduced in batch.reduced:
            self._take_back(batch, reduced)

    def _take_back(self, batch: RecordedEvents, order: Reduced) -> None:
        """What is left of an order counts as spent; of one that is gone, nothing was redeemed with it either."""
        left = spent(order, batch.items) if order.lines else None
        self._store.reduce_purchase(batch.tenant, order.key, left)
        if not order.lines:
            self._store.take_back_redemptions(batch.tenant, order.sender, order.event_id, order.key)

    def forget(self, tenant: str, customer: str) -> None:
        """Erase the customer's decisions, outcomes and purchases; reserved budget is free again."""
        self._store.forget(tenant, customer)

    def known(self, tenant: str, catalogue: Mapping[str, Item]) -> KnownIds:
        """The tenant's offers, ended ones too."""
        return KnownIds("offer", {offer.offer_id for offer in self._store.offers(tenant)})

    def report(self, tenant: str, now_us: int, published: Report | None = None) -> dict[str, Any]:
        """What the offers earn, in figures: from the log, and what needs models from the published report.

        Raises:
            UnusableLog: a decision was logged without a propensity.
        """
        settings = self._store.settings_as_read(tenant)
        return figures_of(self._closed(tenant, settings, now_us), settings, published)

    def _closed(self, tenant: str, settings: OfferSettings, now_us: int) -> ClosedDecisions:
        return read_closed(self._store.with_outcomes(tenant, now_us, settings.lateness_hours * HOUR), settings)


def answer_of(decision: OfferDecision, currency: str = "EUR", names: Mapping[str, str] | None = None) -> Answer:
    """The decided offer or nothing, why, and the filter that removed each of the others.

    `names` are the names of dishes by id; with `currency` the terms are written out of them.
    """
    suggestions: tuple[Suggestion, ...] = ()
    if decision.offer is not None:
        chance = decision.propensities[decision.arm]
        suggestion = Suggestion(
            item_id=decision.arm,
            score=chance,
            reason=_reason(decision, decision.offer),
            explored=decision.why != "best_single_offer",
            propensity=chance,
            label=Label(decision.offer.name, decision.offer.text, as_shown(decision.offer, currency, names or {})),
        )
        suggestions = (suggestion,)
    return Answer(
        suggestions,
        decision.fallback,
        dict(decision.excluded),
        decision_id=decision.decision_id,
        model_version=decision.policy_version,
        held_out=decision.cell == HOLDOUT,
    )


def as_shown(offer: Offer, currency: str, names: Mapping[str, str]) -> dict[str, Any]:
    """What a till applies and a screen shows of an offer."""
    return {
        "discount": asdict(offer.discount) if offer.discount else None,
        "min_spend": offer.min_spend,
        "once_per_visit": offer.once_per_visit,
        "items": list(offer.items),
        "categories": list(offer.categories),
        "currency": currency,
        "terms": terms(offer, currency, names),
        "names": dict(offer.names),
    }


def _reason(decision: OfferDecision, offer: Offer) -> Reason:
    if decision.cell == GUEST:
        return Reason("offer_of_the_house", "An offer for everybody")
    if offer.ends_on:
        return Reason("offer_until", f"Until {offer.ends_on}")
    return Reason("offer_today", "An offer for today")


def spent(order: Event | Reduced, items: Mapping[str, Item]) -> int:
    """What an order cost, in minor units: the price on each line, or today's price where a line has none."""
    return sum(_price(line, items.get(line.item)) * line.quantity for line in order.lines)


def _price(line: OrderLine, item: Item | None) -> int:
    return line.price if line.price is not None else (item.price or 0) if item else 0
