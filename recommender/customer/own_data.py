"""All that the recommender holds of one customer, as plain values and in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from recommender.assembly import RecommenderStores
from recommender.offers.portfolio import NONE
from recommender.store.own_events import OwnEvent
from recommender.tokens import Claims

HOW = {
    "orders": (
        "From what you ordered before, how often, when and where; from what many people order here at this hour;"
        " from what goes together; and from what people with a similar taste ordered. Your orders are read when"
        " you ask, and a model adds what it learned from everybody. It holds a row of yours without your name."
    ),
    "destinations": (
        "From where you rode before and when, and from the places to which many people ride. Positions are stored"
        " as cells of about 200 metres. The model has statistics of places alone, and no row of yours."
    ),
    "offers": (
        "Which offers you were shown and which you took, and what you spent around them, if you agreed to that."
        " Whether an offer is shown is partly drawn at random, so that it can be measured. The same offer costs"
        " everybody the same, and the model has averages of offers alone."
    ),
}
"""How suggestions are made, by scene."""

HIDDEN = "Rides are shown with your PIN: a photograph of you must not tell where you live."


class Named(Protocol):
    """A dish, a place or an offer: its plain name, and its names by language."""

    @property
    def name(self) -> str: ...
    @property
    def names(self) -> Mapping[str, str]: ...


def own_data(stores: RecommenderStores, claims: Claims, named: Mapping[str, Named]) -> dict[str, Any]:
    """What is held of the customer of a token, JSON-able. Rides only with the second factor.

    `named` are the dishes, places and offers by their ids.
    """
    tenant, pseudonym = claims.tenant, claims.pseudonym
    own = stores.own.of(tenant, pseudonym)
    account = stores.ties.account(tenant, pseudonym)
    sure = claims.level == "second_factor"
    rides = [event for event in own if event.type == "rode" or event.scene == "destinations"]
    others = [event for event in own if event not in rides] if rides else own
    return {
        "events": [_event(event, named) for event in others],
        "destinations": {
            "held": len(rides),
            "events": [_event(event, named) for event in rides] if sure else [],
            "hidden_because": None if sure or not rides else HIDDEN,
        },
        "offers": _offers(stores, tenant, pseudonym, named),
        "account": None if account is None else {"account": account, "held": len(stores.own.of(tenant, account))},
        "experiments": [
            one
            for one in stores.experiments.visits_of(tenant, stores.events.tombstone(tenant, pseudonym))
            if sure or one["scene"] != "destinations"
        ],
        "models": [
            {"scene": held.scene, "version": held.version} for held in stores.rows.holds(tenant, pseudonym)
        ],
        "how_suggestions_are_made": HOW,
    }


def _event(event: OwnEvent, named: Mapping[str, Named]) -> dict[str, Any]:
    return {
        "reference": event.reference,
        "event_id": event.event_id,
        "type": event.type,
        "scene": event.scene,
        "at": _moment(event.time_us),
        "site": event.site,
        "region": event.region,
        "pickup": event.origin,
        "device": event.sender,
        "recommendation_id": event.recommendation_id,
        "items": [
            {"item_id": item, "quantity": quantity, "price": price}
            | _names(named, item)
            | ({"options": list(options)} if options else {})
            for item, quantity, price, options in event.lines
        ],
    }


def _offers(
    stores: RecommenderStores, tenant: str, pseudonym: str, named: Mapping[str, Named]
) -> dict[str, Sequence[Mapping[str, Any]]]:
    outcomes: dict[str, list[dict[str, Any]]] = {}
    for row in stores.own.outcomes_of(tenant, pseudonym):
        outcome = {"kind": row["kind"], "at": _moment(row["occurred_us"])}
        outcomes.setdefault(row["decision_id"], []).append(outcome)
    decisions = [
        {
            "decision_id": row["decision_id"],
            "at": _moment(row["decided_us"]),
            "offer": None if row["arm"] == NONE else row["arm"],
            **(_names(named, row["arm"]) if row["arm"] != NONE else {"name": None}),
            "why": row["why"],
            "known_then": json.loads(row["context"]),
            "model_version": row["policy_version"],
            "outcomes": outcomes.get(row["decision_id"], []),
        }
        for row in stores.own.decisions_of(tenant, pseudonym)
    ]
    purchases = [
        {
            "event_id": row["event_id"].rpartition("\x1f")[2],
            "at": _moment(row["occurred_us"]),
            "amount": row["amount"],
        }
        for row in stores.own.purchases_of(tenant, pseudonym)
    ]
    return {"decisions": decisions, "purchases": purchases}


def _names(named: Mapping[str, Named], one: str) -> dict[str, Any]:
    """The name of a dish, a place or an offer; its id where the catalogue has it no more."""
    found = named.get(one)
    if found is None:
        return {"name": one}
    return {"name": found.name} | ({"names": dict(found.names)} if found.names else {})


def _moment(time_us: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)).isoformat()
