"""Suggest, record, forget: what the recommender does, each told top to bottom."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plumbing.clock import MINUTE, Clock
from plumbing.database import DatabaseBusy
from recommender.assembly import Stores
from recommender.caches import Caches, LoadedModel
from recommender.config import RecommenderConfig
from recommender.destinations.places import BadCoordinatesError, position_of
from recommender.errors import Erased, EventFromFuture, EventIncomplete, UnknownItem
from recommender.ranking.interactions import Interactions
from recommender.scene import Answer, Context, Item, Request, Scene
from recommender.scenes import offers as offer_scene
from recommender.scenes.registry import SCENES
from recommender.store.catalogue import Kind
from recommender.store.events import LEARNED_FROM, Event
from recommender.tokens import Claims, open_token
from recommender.training.checks import KINDS

FUTURE_GRACE_US = 2 * MINUTE
"""Devices' clocks run ahead by so much; more is a wrong clock."""

OUTCOMES = {"shown": "viewed", "redeemed": "completed", "dismissed": "dismissed"}
"""Events about an offer, in the words of the offers' log. `accepted` is not yet a redemption."""


@dataclass(frozen=True, slots=True)
class SuggestRequest:
    """One question for suggestions, as it came in."""

    tenant: str
    device: str
    scene: str
    token: str | None
    context: Context
    n: int


@dataclass(frozen=True, slots=True)
class SuggestReply:
    """What is answered; `items` are ready for JSON, their prices from the catalogue and the same for everybody."""

    recommendation_id: str
    scene: str
    model_version: str | None
    fallback: str | None
    items: tuple[dict[str, Any], ...]
    took_ms: float
    excluded: Mapping[str, str]


class RecommenderService:
    """The recommender of all tenants of one installation, in one process."""

    def __init__(
        self,
        config: RecommenderConfig,
        *,
        stores: Stores,
        scenes: Mapping[str, Scene],
        now_us: Clock,
        entropy: int,
    ) -> None:
        self.config = config
        self.stores = stores
        self.database = stores.database
        self.events = stores.events
        self.offers = stores.offers
        self._catalogue = stores.catalogue
        self.scenes = scenes
        self._now_us = now_us
        self._entropy = entropy
        self._asked = itertools.count()
        self.live = Caches(
            events=stores.events,
            catalogue=stores.catalogue,
            scenes=scenes,
            root=config.home / "models",
            now_us=now_us,
            popular_from=config.popular_from,
        )

    # --- suggest -------------------------------------------------------------------------------------

    def suggest(self, asked: SuggestRequest) -> SuggestReply:
        """Suggestions for a recognised customer, or for a guest when there is no token.

        A locked database, a broken or missing model and an empty history all give what is popular, and say so.

        Raises:
            TokenError: a token was sent and does not open this scene.
        """
        began = self._now_us()
        rng = np.random.default_rng((self._entropy, next(self._asked)))
        claims = self._open(asked, second_factor=asked.scene == "destinations") if asked.token else None
        if asked.scene == "offers":
            return self._offer(asked, claims, rng, began)
        kind = KINDS[asked.scene]
        served = self.live.model(asked.tenant, asked.scene)
        try:
            request, by_id = self._request(asked, claims, kind, rng, began, served)
            why = None
        except (DatabaseBusy, sqlite3.OperationalError):
            request, by_id = self._request_held(asked, kind, rng, began)
            why = "database_busy"
        answer = self.scenes[asked.scene].suggest(served.model, request)
        return SuggestReply(
            recommendation_id="rec_" + rng.bytes(12).hex(),
            scene=asked.scene,
            model_version=served.version,
            fallback=why or fallback_of(answer, claims, served),
            items=tuple(_shown(answer, by_id)),
            took_ms=round((self._now_us() - began) / 1_000, 2),
            excluded=answer.excluded,
        )

    def _offer(
        self, asked: SuggestRequest, claims: Claims | None, rng: np.random.Generator, began: int
    ) -> SuggestReply:
        """One offer or none; the decision is logged before anybody sees it, and its id is the reply's."""
        pseudonym = claims.pseudonym if claims else None
        rows: list[dict[str, Any]] = []
        try:
            menu = self.live.menu(asked.tenant, "item")
            request = Request(None, asked.context, menu.items, 1, began, rng)
            with self.database.write():
                if pseudonym is not None and self.events.is_erased(asked.tenant, pseudonym):
                    raise Erased
                policy = self.live.model(asked.tenant, "offers").model
                decision = offer_scene.decide(self.offers, request, asked.tenant, pseudonym, began, rng, policy)
            answer = offer_scene.answer(decision)
            name, policy, fallback = decision.decision_id, decision.policy_version, answer.fallback
            rows = _shown(answer, {})
            for row in rows:
                row |= {"name": decision.offer.name, "text": decision.offer.text} if decision.offer else {}
        except (DatabaseBusy, sqlite3.OperationalError):
            # A decision that cannot be logged must not be shown: its budget and its caps would not hold.
            answer, name, policy, fallback = Answer(()), "rec_" + rng.bytes(12).hex(), None, "database_busy"
        took_ms = round((self._now_us() - began) / 1_000, 2)
        return SuggestReply(name, asked.scene, policy, fallback, tuple(rows), took_ms, answer.excluded)

    def _open(self, asked: SuggestRequest, *, second_factor: bool) -> Claims:
        return open_token(
            self.config.token_keys,
            asked.token or "",
            tenant=asked.tenant,
            device=asked.device,
            purpose=asked.scene,
            now_us=self._now_us(),
            second_factor=second_factor,
        )

    def _request(
        self,
        asked: SuggestRequest,
        claims: Claims | None,
        kind: Kind,
        rng: np.random.Generator,
        now_us: int,
        served: LoadedModel,
    ) -> tuple[Request, Mapping[str, Item]]:
        menu = self.live.menu(asked.tenant, kind)
        event_type = LEARNED_FROM[asked.scene]
        history: Interactions | None = None
        if claims is not None:
            if self.events.is_erased(asked.tenant, claims.pseudonym):
                raise Erased
            history = self.events.history(asked.tenant, claims.pseudonym, event_type, self.config.history_lines)
        recent = self.live.popular(asked.tenant, event_type) if served.model is None else None
        request = Request(history, asked.context, menu.items, asked.n, now_us, rng, recent)
        return request, menu.by_id

    def _request_held(
        self, asked: SuggestRequest, kind: Kind, rng: np.random.Generator, now_us: int
    ) -> tuple[Request, Mapping[str, Item]]:
        menu = self.live.menu_held(asked.tenant, kind)
        recent = self.live.popular_held(asked.tenant, LEARNED_FROM[asked.scene])
        return Request(None, asked.context, menu.items, asked.n, now_us, rng, recent), menu.by_id

    def warm(self) -> None:
        """Ask once for each tenant and scene, so that no customer waits for imports and models to be read."""
        for tenant in self.tenants():
            for scene in self.scenes:
                self.suggest(SuggestRequest(tenant, "", scene, None, Context(), 1))

    def tenants(self) -> list[str]:
        """Whoever has a catalogue."""
        return self._catalogue.tenants()

    # --- record --------------------------------------------------------------------------------------

    def record(self, tenant: str, device: str, token: str | None, events: Sequence[Event]) -> int:
        """Store what happened; from the next request on it counts. Returns how many were new.

        Without a token the events are a guest's: they count in what is popular and in nobody's history.

        Raises:
            TokenError: the token does not open what the events are about, or its customer was erased.
            EventError: an event is wrong; it names which. Nothing of the batch was stored.
        """
        now_us = self._now_us()
        claims: Claims | None = None
        for purpose in sorted({event.scene for event in events}) if token else ():
            claims = open_token(
                self.config.token_keys, token or "", tenant=tenant, device=device, purpose=purpose, now_us=now_us
            )
        known = self.known(tenant, events)
        for index, event in enumerate(events):
            check_event(index, event, now_us, known)
        whose = [replace(event, customer=claims.pseudonym if claims else "") for event in events]
        with self.database.write():
            new = self.events.record(tenant, whose, now_us)
            self._tell_offers(tenant, claims, whose, now_us)
        return new

    def _tell_offers(self, tenant: str, claims: Claims | None, events: Sequence[Event], now_us: int) -> None:
        """What became of offers, and what was spent by customers who agreed that offers learn from it."""
        for event in events:
            kind = OUTCOMES.get(event.type)
            if event.scene == "offers" and event.recommendation_id and kind:
                offer_scene.record_outcome(
                    self.offers, tenant, event.recommendation_id, kind, event.event_id, event.time_us, now_us,
                    pseudonym=event.customer,
                )  # fmt: skip
        if claims is not None and "offers" in claims.purposes:
            prices = self.live.menu(tenant, "item").by_id
            bought = [event for event in events if event.type == "ordered"]
            amounts = [(e.event_id, e.customer, e.time_us, _spent(e, prices)) for e in bought]
            offer_scene.record_purchases(self.offers, tenant, amounts, now_us)

    def known(self, tenant: str, events: Sequence[Event]) -> dict[str, Container[str]]:
        """What each scene's events may be about."""
        known: dict[str, Container[str]] = {s: self.live.menu(tenant, kind).by_id for s, kind in KINDS.items()}
        if any(event.scene == "offers" for event in events):
            known["offers"] = {offer.offer_id for offer in self.offers.offers(tenant)}
        return known

    # --- forget --------------------------------------------------------------------------------------

    def erase(self, token: str, *, tenant: str | None = None) -> int:
        """Forget the customer of an erasure token, in all processes from the next request on.

        Returns how many events went. Forgetting twice is fine.

        Raises:
            TokenError: not an erasure token of ours (of this tenant, when one is given), or too old.
            DatabaseBusy: nothing was erased; the caller tries again.
        """
        now_us = self._now_us()
        claims = open_token(
            self.config.token_keys, token, tenant=tenant, device=None, purpose="erasure", now_us=now_us
        )
        with self.database.write():
            gone = self.events.erase(claims.tenant, claims.pseudonym, now_us)
            self.offers.forget(claims.tenant, claims.pseudonym)
        self.database.scrub()
        return gone


def service_of(config: RecommenderConfig, stores: Stores, now_us: Clock) -> RecommenderService:
    """A service outside of a server, for the command line."""
    return RecommenderService(config, stores=stores, scenes=SCENES, now_us=now_us, entropy=config.seed)


def check_event(index: int, event: Event, now_us: int, known: Mapping[str, Container[str]]) -> None:
    """Look at one event of a batch.

    Raises:
        EventFromFuture: more than two minutes ahead.
        EventIncomplete: no item, or a ride with several destinations.
        UnknownItem: about something that is not in the catalogue; positions (geo:52.5,13.4) are places too.
    """
    if event.time_us > now_us + FUTURE_GRACE_US:
        raise EventFromFuture(index)
    if not event.lines and event.type != "shown":
        raise EventIncomplete(index, f"an event {event.type!r} needs at least one item.")
    if event.type == "rode" and len(event.lines) != 1:
        raise EventIncomplete(index, "a ride has one destination.")
    for item in (*(line.item for line in event.lines), *([event.origin] if event.origin else [])):
        if item not in known[event.scene] and not (event.scene == "destinations" and _is_position(item)):
            raise UnknownItem(index, item, {"orders": "item", "offers": "offer"}.get(event.scene, "place"))


def fallback_of(answer: Answer, claims: Claims | None, served: LoadedModel) -> str | None:
    """Why this is not a personal answer, the plainest reason first."""
    if claims is None:
        return "no_token"
    return answer.fallback or ("no_model" if served.model is None else None)


def _shown(answer: Answer, by_id: Mapping[str, Item]) -> list[dict[str, Any]]:
    rows = []
    for suggestion in answer.suggestions:
        item = by_id.get(suggestion.item_id)
        row: dict[str, Any] = {
            "item_id": suggestion.item_id,
            "name": item.name if item else suggestion.item_id,
            "price": item.price if item else None,
            "score": round(float(suggestion.score), 6),
            "reason": {"code": suggestion.reason.code, "text": suggestion.reason.text},
        }
        if suggestion.bundle:
            row["bundle"] = [
                {"item_id": i, "name": by_id[i].name if i in by_id else i, "quantity": q}
                for i, q in suggestion.bundle
            ]
        if suggestion.explored:
            row["explored"] = True
            row["propensity"] = suggestion.propensity
        rows.append(row)
    return rows


def _spent(event: Event, prices: Mapping[str, Item]) -> int:
    """What an order cost, in minor units: its price snapshot, else today's price."""
    return sum((line.price if line.price is not None else prices[line.item].price or 0) * line.quantity
               for line in event.lines)  # fmt: skip


def _is_position(item_id: str) -> bool:
    try:
        return position_of(item_id) is not None
    except BadCoordinatesError:
        return False
