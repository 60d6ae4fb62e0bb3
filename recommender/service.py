"""Suggest, record, forget: what the recommender does, each from top to bottom."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace

import numpy as np

from plumbing.clock import Clock
from plumbing.closed import ClosedTokens
from plumbing.handover import Forgotten
from plumbing.problem import Problem
from plumbing.steady import closed_before
from plumbing.storage.database import DatabaseBusy, DatabaseUnusable
from plumbing.storage.room import DiskFull
from plumbing.storage.tenants import of_tenant
from plumbing.upgrade import aside
from recommender.assembly import RecommenderStores, experimenting_of
from recommender.caches import Caches, LoadedModel
from recommender.config import RecommenderConfig
from recommender.customer.rights import CustomerRights
from recommender.destinations.places import PlaceError
from recommender.errors import Erased, PositionRefused, SiteUnknown, TokenAltered
from recommender.experimenting import Chosen
from recommender.figures.figures import Figures, FigureTools
from recommender.figures.marks import marked
from recommender.in_flight import InFlight
from recommender.order_lines import Taken, left_of, taken, waiting_for_orders
from recommender.recording import (
    Sender,
    at_the_site,
    check_event,
    check_taking_back,
    check_time,
    check_visit,
    size_of,
)
from recommender.replies import Recorded as Recorded
from recommender.replies import SuggestReply as SuggestReply
from recommender.replies import SuggestRequest as SuggestRequest
from recommender.rules.apply import Ruled
from recommender.rules.plan import LiveRules
from recommender.rules.serving import answer_of, rows_of
from recommender.scene import Answer, AnyScene, Context, Event, Item, KnownIds, RecordedEvents, Reduced, Request
from recommender.scenes.registry import Scenes
from recommender.store import forgotten
from recommender.store.imports import settle_rest
from recommender.store.offer_redemptions import Refused
from recommender.store.shelves.errors import VersionsUnreachable
from recommender.store.ties import ACCOUNT
from recommender.times import on_the_wall
from recommender.tokens import Claims, open_token, read

SitesOf = Callable[[str], Collection[str]]
"""The sites of a tenant's keys."""

OnRecorded = Callable[[str, Sequence[Event], Sequence[str]], None]
"""Gets tenant, events and purposes of each batch that was recorded, also of those that were there already."""

FROM_FILE = Sender(in_bulk=True)


class RecommenderService(CustomerRights):
    """The recommender of all tenants of one installation, in one process."""

    def __init__(
        self,
        config: RecommenderConfig,
        *,
        stores: RecommenderStores,
        scenes: Mapping[str, AnyScene],
        now_us: Clock,
        entropy: int,
        sites_of: SitesOf = lambda tenant: (),
        in_flight: InFlight | None = None,
    ) -> None:
        self.config = config
        self.stores = stores
        self.database = stores.database
        self.events = stores.events
        self.scenes = scenes
        self._now_us = now_us
        self._entropy = entropy
        self._n_requests = itertools.count()
        self._sites_of = sites_of
        self.on_recorded: OnRecorded = lambda tenant, events, purposes: None
        self.in_flight = in_flight or InFlight(
            ClosedTokens.shared(config.state.files("access-files"), config.token_keys, now_us)
        )
        self.caches = Caches(
            events=stores.events,
            catalogue=stores.catalogue,
            scenes=scenes,
            now_us=now_us,
            popular_from=config.popular_from,
            sharing=stores.sharing,
            served_km=config.served_km,
            rows=stores.rows,
            rules=stores.rules,
            tenants=stores.tenants,
        )
        tools = FigureTools(stores.figures, stores.tenants, self._items_of, stores.rows, scenes, now_us)
        self.figures = Figures(tools)
        self.experimenting = experimenting_of(stores, self.caches, self.in_flight, now_us)

    def _items_of(self, tenant: str) -> Mapping[str, Item]:
        return self.caches.menu(tenant, "item").by_id

    # --- suggest -------------------------------------------------------------------------------------

    def suggest(self, query: SuggestRequest) -> SuggestReply:
        """Suggestions for a recognised customer, or for a guest when there is no token.

        A locked database, a broken or missing model and an empty history all give what is popular, and say so.

        Raises:
            TokenError: a token was sent and does not open this scene, or was closed since.
            PositionRefused: the pick-up cannot be a position, or is far from what the tenant serves.
            SiteUnknown: the context names a site that the tenant does not have.
        """
        with self.caches.request(query.tenant):
            return self._suggest(query)

    def _suggest(self, query: SuggestRequest) -> SuggestReply:
        began = self._now_us()
        rng = np.random.default_rng((self._entropy, next(self._n_requests)))
        scene = self.scenes[query.scene]
        claims = self._open(query, scene.second_factor) if query.token else None
        silent = claims is not None and not self.in_flight.check(claims)
        claims = None if silent else claims
        loaded = self.caches.model(query.tenant, query.scene)
        chosen = None
        guest = Request(None, query.context, (), query.n, began, rng, tenant=query.tenant, sender=query.asker)
        guest = replace(guest, least_people=self.caches.least_people(query.tenant))
        try:
            with self.database.hurried():
                self._check_context(query)
                here = self.caches.house(query.tenant).zone_of(query.context.site)
                local = on_the_wall(query.context.local_time, here, began)
                guest = replace(guest, context=replace(query.context, local_time=local))
                self.stores.erased.keep_erased()
                chosen, loaded, guest = self.experimenting.begin(query.scene, claims, loaded, guest)
                menu, rules = self.caches.menu(query.tenant, scene.kind), self._rules(query.tenant, chosen)
                with self.database.write() if scene.learns_from is None else nullcontext():
                    known = claims.pseudonym if claims else query.account
                    request = self._with_history(
                        replace(guest, catalogue=menu.items, customer=known or None), scene, claims, loaded
                    )
                    found = answer_of(rules, scene, loaded.model, request, menu.by_id)
            fallback = "identity_silent" if silent else fallback_of(found.answer, claims, loaded)
        except PlaceError as error:
            raise PositionRefused(f"{error}.") from error
        except (DatabaseBusy, DatabaseUnusable, DiskFull, sqlite3.OperationalError) as error:
            busy = "disk_full" if isinstance(error, DiskFull) else "database_busy"
            menu = self.caches.menu_in_memory(query.tenant, scene.kind)
            loaded, found = self._from_memory(replace(guest, catalogue=menu.items), scene, loaded, menu.by_id)
            fallback, chosen = busy, None
        answer, took_ms = found.answer, round((self._now_us() - began) / 1_000, 2)
        version = answer.model_version or loaded.version
        self.figures.answered(guest, query.scene, version, answer, recognised=claims is not None)
        self.experimenting.made(chosen, guest.context, answer, took_ms)
        suggested = [suggestion.item_id for suggestion in answer.suggestions if not suggestion.sponsor]
        own_id = marked(rng.bytes(12).hex(), version or "", suggested) + found.mark
        return SuggestReply(
            recommendation_id=answer.decision_id or own_id,
            scene=query.scene,
            model_version=version,
            fallback=fallback,
            items=tuple(rows_of(found, menu.by_id)),
            took_ms=took_ms,
            generation=menu.generation,
            excluded=answer.excluded,
        )

    def _rules(self, tenant: str, chosen: Chosen | None) -> LiveRules:
        """The house's rules, or those that the customer's variant of an experiment tries."""
        if chosen is None or chosen.rules is None:
            return self.caches.rules(tenant)
        variant = (chosen.experiment.experiment_id, chosen.variant.name)
        return self.caches.rules_of(tenant, variant, chosen.rules)

    def _check_context(self, query: SuggestRequest) -> None:
        """Raises PlaceError, SiteUnknown."""
        context = query.context
        if context.lat is not None and context.lon is not None:
            self.caches.area(query.tenant).check(context.lat, context.lon)
        if context.site:
            self.check_site(query.tenant, context.site)

    def check_site(self, tenant: str, site: str) -> None:
        """A site that exists: of the settings, of the catalogue, of an offer, of a key, or of an imported order.

        A tenant that has none yet may name any.

        Raises:
            SiteUnknown: there is none of this name.
        """
        menu = self.caches.menu(tenant, "item")
        if site in self.caches.house(tenant).sites or any(site in item.sites for item in menu.items):
            return
        keys = set(self._sites_of(tenant))
        if site in keys or self.events.has_site(tenant, site):
            return
        offers = {one for offer in self.stores.offers.offers(tenant) for one in offer.sites}  # parsed: last
        if site not in offers and (keys or offers or any(item.sites for item in menu.items)):
            raise SiteUnknown

    def sites(self, tenant: str) -> set[str]:
        """The sites of the tenant's settings, of its keys and of its latest orders."""
        return {
            *self.caches.house(tenant).sites,
            *self._sites_of(tenant),
            *self.stores.offers.sites(tenant),
            *self.events.sites(tenant),
        } - {""}

    def _open(self, query: SuggestRequest, second_factor: bool) -> Claims:
        return open_token(
            self.config.token_keys,
            query.token or "",
            tenant=query.tenant,
            device=query.device,
            purpose=query.scene,
            now_us=self._now_us(),
            not_before_us=closed_before(self._now_us),
            second_factor=second_factor,
        )

    def _with_history(
        self, guest: Request, scene: AnyScene, claims: Claims | None, loaded: LoadedModel
    ) -> Request:
        """The request with what the database knows: the customer's history, or what is popular."""
        request, event_type, customer = guest, scene.learns_from, guest.customer
        if customer is not None and self.events.is_erased(guest.tenant, customer):
            raise Erased
        if event_type is None:
            return request
        if customer is not None:
            lines = self.config.history_lines
            account = None
            if claims is not None and ACCOUNT in claims.purposes:  # without that consent no tie counts
                account = self.stores.ties.account(guest.tenant, customer)
            history = self.events.history(guest.tenant, customer, event_type, lines, account)
            request = replace(request, history=history)
        if loaded.model is None:
            request = replace(request, recent=self.caches.popular(guest.tenant, event_type))
        return request

    def _from_memory(
        self, guest: Request, scene: AnyScene, loaded: LoadedModel, items: Mapping[str, Item]
    ) -> tuple[LoadedModel, Ruled]:
        """An answer without the database. An offer that cannot be logged is not shown: its caps would not hold."""
        if scene.learns_from is None:
            return LoadedModel(None, None), Ruled(Answer(()))
        recent = self.caches.popular_in_memory(guest.tenant, scene.learns_from)
        rules = self.caches.rules_in_memory(guest.tenant)
        return loaded, answer_of(rules, scene, loaded.model, replace(guest, recent=recent), items)

    def warm(self) -> None:
        """Load every model and suggest once from it, so that no customer waits for imports.

        A scene that logs its suggestions is only loaded.
        """
        for tenant in self.tenants():
            for name, scene in self.scenes.items():
                if scene.learns_from is None:
                    self.caches.model(tenant, name)
                else:
                    self.suggest(SuggestRequest(tenant, "", name, None, Context(), 1))

    def tenants(self) -> list[str]:
        """The tenants with a catalogue."""
        return self.stores.catalogue.tenants()

    # --- record --------------------------------------------------------------------------------------

    def record(
        self,
        tenant: str,
        device: str,
        token: str | None,
        events: Sequence[Event],
        sender: Sender = FROM_FILE,
    ) -> int:
        """`take` for those who need only the number of new events."""
        return self.take(tenant, device, token, events, sender).new

    def take(
        self, tenant: str, device: str, token: str | None, events: Sequence[Event], sender: Sender = FROM_FILE
    ) -> Recorded:
        """Store what happened; it counts from the next request on.

        Without a token the events are a guest's: they count in what is popular and in nobody's history.

        Raises:
            TokenError: the token does not open what the events are about, or its customer was erased. A face
                alone opens no scene that needs a second factor, to be written to as little as to be read.
            IdentitySilent: nobody can say whether its customer was.
            EventError: an event is wrong; the error has its index. Nothing of the batch was stored.
            TooManyEvents, VisitTooLarge: more than one device, or one visit, may store.
            SiteUnknown: an event names a site that the tenant does not have.
            Problem: every event is about an offer whose terms do not allow it. Beside others that are stored,
                such as the order, it is among `refused`.
        """
        with self.caches.request(tenant):
            return self._record(tenant, device, token, events, sender)

    def take_of_account(
        self, tenant: str, account: str, events: Sequence[Event], sender: Sender = FROM_FILE
    ) -> Recorded:
        """`take` for an account of the tenant's own (a dialect's user), which has no token.

        Raises as `take` does; Erased: the account was deleted.
        """
        with self.caches.request(tenant):
            return self._record(tenant, "", None, events, sender, account)

    def _record(
        self,
        tenant: str,
        device: str,
        token: str | None,
        events: Sequence[Event],
        sender: Sender,
        account: str = "",
    ) -> Recorded:
        now_us = self._now_us()
        self.stores.erased.keep_erased()
        claims: Claims | None = None
        for purpose in sorted({event.scene for event in events}) if token else ():
            claims = open_token(
                self.config.token_keys,
                token or "",
                tenant=tenant,
                device=device,
                purpose=purpose,
                now_us=now_us,
                not_before_us=closed_before(self._now_us),
                second_factor=self.scenes[purpose].second_factor,
            )
        if claims is not None:
            self.in_flight.require(claims)
            if self.events.is_erased(tenant, claims.pseudonym):
                raise Erased
        menu = self.caches.menu(tenant, "item").by_id
        house = self.caches.house(tenant)
        events = [at_the_site(event, house.zone_of(event.site)) for event in events]
        orders = [self._taken(index, event, menu, now_us, sender) for index, event in enumerate(events)]
        events = [order.event for order in orders]
        known, area = self.known(tenant, events), self.caches.area(tenant)
        for index, event in enumerate(events):
            check_event(index, event, now_us, known, area)
            check_time(index, event, now_us, claims, sender)
            check_taking_back(index, event, sender)
        for site in {event.site for event in events} - {"", sender.site}:
            self.check_site(tenant, site)
        stored = [order.of(claims.pseudonym if claims else account) for order in orders]
        purposes = claims.purposes if claims else ()
        lines, size = size_of(stored)
        with self._counted(tenant, events) as refused, self.database.write(shared=True):
            if sender.name:
                self.stores.quotas.add(tenant, sender.name, now_us, events=len(stored), lines=lines, size=size)
            refused |= self._refused(RecordedEvents(tenant, stored, now_us, purposes, menu))
            if len(refused) == len(stored):
                raise refused[0]
            stored = [event for index, event in enumerate(stored) if index not in refused]
            n_taken = len(stored)
            stored = self.stores.own.without_taken_back(tenant, stored)
            new, reduced = self.events.record_and_settle(tenant, stored, now_us)
            if claims is not None:
                check_visit(self.events, tenant, claims)
            batch = RecordedEvents(tenant, stored, now_us, purposes, menu, reduced)
            for scene in self.scenes.values():
                scene.record(batch)
        self.figures.counters.recorded(tenant, {e.time_us for e in stored} | {o.time_us for o in reduced})
        if new:
            self.experimenting.happened(claims, left_of(stored, reduced), batch.items)
        self.on_recorded(tenant, stored, purposes)
        problems = [one for order in orders for one in order.problems]
        return Recorded(new, n_taken - new, refused, problems, waiting_for_orders(events, reduced))

    @staticmethod
    def _taken(index: int, event: Event, menu: Mapping[str, Item], now_us: int, sender: Sender) -> Taken:
        """The order as the menu of now has it. What is brought in bulk happened long ago: it is as it is."""
        return Taken(event, event) if sender.in_bulk else taken(index, event, menu, now_us)

    def _refused(self, batch: RecordedEvents) -> dict[int, Problem]:
        """What the scenes refuse of a batch, by place."""
        refused: dict[int, Problem] = {}
        for name in {event.scene for event in batch.events}:
            refused |= self.scenes[name].refuses(batch)
        return dict(sorted(refused.items()))

    @contextmanager
    def _counted(self, tenant: str, events: Sequence[Event]) -> Iterator[dict[int, Problem]]:
        """Holds what is refused of a batch. Redemptions are counted by offer and cause, whoever tried, at the end:
        also when nothing of the batch was stored; one that is sent again is counted once."""
        refused: dict[int, Problem] = {}
        try:
            yield refused
        finally:
            found = [
                Refused(self.events.tombstone(tenant, events[i].key), events[i].lines[0].item, problem.code)
                for i, problem in refused.items()
                if events[i].type == "redeemed"
            ]
            if found:
                with suppress(DatabaseBusy, DiskFull):  # a figure for the desk is not worth an error at a till
                    self.stores.offers.count_refused(tenant, found, self._now_us())

    def known(self, tenant: str, events: Sequence[Event]) -> dict[str, KnownIds]:
        """The ids that these events may name, by scene."""
        scenes = {event.scene: self.scenes[event.scene] for event in events}
        return {
            name: scene.known(tenant, self.caches.menu(tenant, scene.kind).by_id) for name, scene in scenes.items()
        }

    def taken_back(self, tenant: str, orders: Sequence[Reduced]) -> None:
        """Scenes learn of orders of which something was taken back after they came, inside of the transaction."""
        menu = self.caches.menu(tenant, "item").by_id
        for scene in self.scenes.values():
            scene.record(RecordedEvents(tenant, (), self._now_us(), (), menu, orders))

    def settle_rest(self) -> None:
        """Take back what an import left whose process ended too early. Never raises for want of room or time: the
        next import or start tries again."""

        def settled(tenant: str, orders: Sequence[Reduced]) -> None:
            self.taken_back(tenant, orders)
            self.figures.counters.recorded(tenant, {order.time_us for order in orders})

        with suppress(DatabaseBusy, DiskFull):
            settle_rest(self.database, self.events.taken_back, settled)

    def require_open(self, token: str) -> None:
        """Raises Erased or TokenExpired when the customer of a token has closed it since. What is no token of ours
        is named where it is used."""
        try:
            claims = read(self.config.token_keys, token)
        except TokenAltered:
            return
        self.in_flight.check(claims)
        if self.events.is_erased(claims.tenant, claims.pseudonym):
            raise Erased

    # --- erase ---------------------------------------------------------------------------------------

    def erase(self, token: str, *, tenant: str | None = None) -> int:
        """Erase the customer of an erasure token, in all processes from the next request on.

        Returns how many events were deleted. Erasing twice is no error.

        Raises:
            TokenError: not a valid erasure token (of this tenant, if one is given), or expired.
            DatabaseBusy: nothing was erased, or somebody reads what was: try again.
            ErasureNotRemembered: erased; try again.
        """
        now_us = self._now_us()
        claims = open_token(
            self.config.token_keys, token, tenant=tenant, device=None, purpose="erasure", now_us=now_us
        )
        return self.erase_customer(claims.tenant, claims.pseudonym)

    def erase_customer(self, tenant: str, customer: str) -> int:
        """`erase` of whoever is kept under this pseudonym, or as this account of the tenant's own."""
        with of_tenant(tenant), self.database.erasing():  # identity's key erases for all tenants
            with self.database.write() as connection:
                if decisions := self.stores.own.decisions_and_purchases(tenant, customer):
                    forgotten.note(connection, tenant, "offers", lines=decisions)
                deleted = self.events.erase(tenant, customer, self._now_us())
                for scene in self.scenes.values():
                    scene.forget(tenant, customer)
                self.experimenting.forget(tenant, customer)
                self.database.note_erased()
            self.stores.erased.remember(tenant, customer)
            aside.forget(self.config.home, tenant, customer)
            self.forget_rows(tenant)
            self.database.scrub()
        return deleted

    def forget(self, token: str, *, tenant: str | None = None) -> Forgotten:
        """`erase`, with what was done in each place, for the receipt. Raises as `erase` does."""
        claims = open_token(
            self.config.token_keys, token, tenant=tenant, device=None, purpose="erasure", now_us=self._now_us()
        )
        with of_tenant(claims.tenant):
            gone = self.erase(token, tenant=tenant)
            marks = self.stores.rows.numbers(claims.tenant)
            open_scenes = {*self.waiting(claims.tenant, marks)}
            open_scenes |= {held.scene for held in self.holds(claims.tenant, claims.pseudonym)}
        return Forgotten(gone, self._places(open_scenes), tuple(marks.items()))

    def _places(self, open_scenes: Collection[str]) -> tuple[tuple[str, str], ...]:
        """Each place of this half that may hold a customer, and what became of one who was erased there."""
        scenes = [
            (f"models/{name}", "waits for a training" if name in open_scenes else "erased") for name in self.scenes
        ]
        return (
            ("recommender.db", "erased"),
            ("recommender.db-wal", "erased"),
            ("recommender caches", "erased"),
            ("recommender kept replies", "hold nobody"),
            ("recommender-tombstones", "remember a keyed hash"),
            *scenes,
        )

    def waiting(self, tenant: str, marks: Mapping[str, int]) -> list[str]:
        """The scenes of a tenant whose live version was trained before what was forgotten up to these `marks`."""
        return [scene for scene, mark in marks.items() if self._is_from_before(tenant, scene, mark)]

    def _is_from_before(self, tenant: str, scene: str, mark: int) -> bool:
        rows = self.stores.rows
        try:
            current = rows.shelf(tenant, scene).current() if mark and scene in self.scenes else None
        except VersionsUnreachable:  # nobody can say: it waits
            return True
        labels = None if current is None else rows.store.labels(tenant, scene, current)
        return current is not None and (labels is None or labels.number < mark)


def service_of(config: RecommenderConfig, stores: RecommenderStores, now_us: Clock) -> RecommenderService:
    """A service outside of a server, for the command line."""
    return RecommenderService(
        config, stores=stores, scenes=Scenes(stores.offers), now_us=now_us, entropy=config.seed
    )


def fallback_of(answer: Answer, claims: Claims | None, loaded: LoadedModel) -> str | None:
    """Why this is not a personal answer, the plainest reason first."""
    if claims is None:
        return "no_token"
    return answer.fallback or ("no_model" if loaded.model is None else None)
