"""Favourite orders: what this customer most likely wants now, from the present menu."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.orders.fit import FitSettings, FittedOrders, fit_orders
from recommender.orders.menu import Menu, item_features
from recommender.orders.model import OrderModel
from recommender.orders.partitions.rounds import fit_in_parts
from recommender.orders.questions import Questions, live_question
from recommender.orders.reasons import ReasonContext, bundles, reason_for
from recommender.orders.signals.crowd import ItemCrowd, column, merge_repeats
from recommender.orders.signals.neighbours import ROWS
from recommender.ranking.interactions import NO_TIME, Interactions, codes_in
from recommender.ranking.pairs import Pairs, standardise
from recommender.ranking.partitions import PartitionedLog
from recommender.ranking.rows import by_content, taken
from recommender.scene import (
    Answer,
    Arrays,
    CatalogueScene,
    Item,
    Kind,
    Progress,
    Report,
    Request,
    Suggestion,
    Texts,
    Trained,
    TrainingInput,
    Trial,
    no_interactions,
)

EXPLORE_SHARE = 0.05
EXPLORE_POOL = 20
BASKET_WEIGHT = 1.0
REQUEST_WIDTH = 30  # candidates of each kind at request time
CACHED_MENUS = 4


class ServedOrders:
    """A published model, with what can be computed before a request. Threads may share it."""

    def __init__(self, model: OrderModel) -> None:
        self.model = model
        self.at = {str(name): code for code, name in enumerate(model.items)}
        self.site_at = {str(name): code for code, name in enumerate(model.sites)}
        self.region_at = {str(name): code for code, name in enumerate(model.regions)}
        self._menus: tuple[tuple[Menu, ItemCrowd], ...] = ()

    @classmethod
    def empty(cls) -> ServedOrders:
        """What is known without a model: the menu alone."""
        return cls(_counted(None, 1))

    def menu(self, catalogue: Sequence[Item]) -> tuple[Menu, ItemCrowd]:
        """The catalogue as arrays and the crowd's statistics for it; the last few are cached.

        Items are frozen: two catalogues with equal items are the same.
        """
        items = catalogue if isinstance(catalogue, tuple) else tuple(catalogue)
        for built in self._menus:
            if built[0].catalogue is items or built[0].catalogue == items:
                return built
        built = self._build(items)
        self._menus = (built, *self._menus)[:CACHED_MENUS]
        return built

    def _build(self, items: tuple[Item, ...]) -> tuple[Menu, ItemCrowd]:
        n = len(self.model.items)
        new: dict[str, Item] = {}
        for item in items:
            if item.item_id not in self.at:
                new.setdefault(item.item_id, item)
        place = {name: n + i for i, name in enumerate(new)}
        codes = [self.at.get(item.item_id, place.get(item.item_id, -1)) for item in items]
        crowd = self.model.crowd.padded([item_features(item) for item in new.values()])
        return Menu.of(items, np.array(codes, np.int64)), crowd


class OrdersScene(CatalogueScene):
    """The scene `orders` (see `recommender.scene.Scene`)."""

    name = "orders"
    kind: Kind = "item"
    learns_from: str | None = "ordered"

    def __init__(self, settings: FitSettings | None = None, explore_share: float = EXPLORE_SHARE) -> None:
        self._settings = settings or FitSettings()
        self._explore = explore_share
        self._counted: dict[tuple[int, int], ServedOrders] = {}

    def train(self, data: TrainingInput, *, seed: int, progress: Progress) -> Trained:
        """Fit, choose the method on every customer's last order. With too little data counting is published."""
        seen = with_catalogue(merge_repeats(data.interactions), data.catalogue)
        features = _features(seen.items, data.catalogue)
        settings = replace(self._settings, least_people=data.least_people)
        fitted = fit_orders(seen, features, seed=seed, settings=settings, progress=progress)
        return _trained(fitted, lambda codes: seen.customers[codes].tolist())

    def train_in_parts(
        self, log: PartitionedLog, data: TrainingInput, *, seed: int, progress: Progress
    ) -> Trained:
        """As `train`, of a log that is read part by part: the same bytes. `data` has the catalogue, no event."""
        words = replace(log.vocabularies, items=with_catalogue_items(log.vocabularies.items, data.catalogue))
        log, features = replace(log, vocabularies=words), _features(words.items, data.catalogue)
        settings = replace(self._settings, least_people=data.least_people)
        fitted = fit_in_parts(log, features, seed=seed, settings=settings, progress=progress)
        return _trained(fitted, log.names)

    def load(self, arrays: Arrays, texts: Texts) -> ServedOrders:
        """Raises ValueError when a part is missing or does not fit."""
        return ServedOrders(OrderModel.load(arrays, texts))

    def suggest(self, model: ServedOrders | None, request: Request) -> Answer:
        """Rank the menu for one request; always answers."""
        served = model or self._without_model(request.recent, request.least_people)
        menu, crowd = served.menu(request.catalogue)
        history = merge_repeats(request.history) if request.history is not None else None
        query, known = _question(served, menu, history, request)
        allowed, excluded = menu.allowed(request.context, known, request.hidden)
        fallback = _fallback(model, request.history)
        eligible = np.zeros(crowd.n_items, np.bool_)
        eligible[menu.code[allowed]] = True
        if request.n < 1 or not eligible.any():
            return Answer((), fallback, excluded)
        basket = np.array([menu.code[menu.at[i]] for i in request.context.basket if i in menu.at], np.int32)
        with_basket = crowd.together.with_basket(basket)
        pairs = crowd.pairs(query, eligible=eligible, width=max(REQUEST_WIDTH, request.n))
        pairs = _with_partners(crowd, query, pairs, eligible, with_basket)
        scores = _scores(served.model, pairs, crowd, with_basket, len(basket) > 0)
        order = np.lexsort((pairs.item, -pairs.features[:, column("item_orders")], -scores))
        if request.context.repeat == "allow":
            order = _alternating(order, pairs)
        rows = order[: request.n]
        rows, explored, propensity = self._explored(order, rows, pairs, request.rng)
        n_known = len(served.model.items) if model is not None else crowd.n_items
        reasons = ReasonContext.of(request, query, menu, crowd, with_basket, n_known)
        return Answer(
            tuple(_suggestions(rows, explored, propensity, pairs, scores, reasons, menu, eligible)),
            fallback,
            excluded,
            more=_Behind(order, rows, pairs, scores, reasons, menu),
        )

    def _without_model(self, recent: Interactions | None, least_people: int) -> ServedOrders:
        """What is popular in `recent`, counted once for all requests that have these same rows, and forgotten with
        them."""
        if recent is None:
            return ServedOrders(_counted(None, least_people))
        key = id(recent), least_people
        found = self._counted.get(key)
        if found is None:
            found = self._counted[key] = ServedOrders(_counted(recent, least_people))
            weakref.finalize(recent, self._counted.pop, key, None)
        return found

    def _explored(
        self, order: NDArray[np.intp], rows: NDArray[np.intp], pairs: Pairs, rng: np.random.Generator
    ) -> tuple[NDArray[np.intp], bool, float]:
        """Rows, whether the last one is explored, and the propensity of the last one.

        In the exploring share of requests, the last of three or more places gets one of the best items that the
        customer never had, each with the same probability. So new dishes are tried and effects can be measured.
        """
        draw, lot = rng.random(), rng.random()
        if len(rows) < 3 or self._explore <= 0:
            return rows, False, 1.0
        rest = order[len(rows) - 1 :]
        pool = rest[pairs.features[rest, column("own_count")] == 0][:EXPLORE_POOL]
        if not len(pool):
            return rows, False, 1.0
        each = self._explore / len(pool)
        usual = (1 - self._explore) + (each if rows[-1] in pool else 0.0)
        if draw >= self._explore:
            return rows, False, usual
        drawn = pool[int(lot * len(pool))]
        same = drawn == rows[-1]
        return np.append(rows[:-1], drawn), not same, usual if same else each


ORDERS = OrdersScene()


def _features(items: NDArray[np.str_], catalogue: Sequence[Item]) -> list[list[str]]:
    by_id = {item.item_id: item for item in catalogue}
    return [item_features(by_id[name]) if name in by_id else [] for name in items.tolist()]


def _trained(fitted: FittedOrders, names: Callable[[NDArray[np.int64]], list[str]]) -> Trained:
    """What is published; `names` gives customers' names by their ascending codes."""
    arrays, texts = fitted.model.saved()
    order, who = by_content(arrays, ROWS), names(fitted.model.crowd.neighbours.who)
    report = Report(
        in_force="counting" if fitted.model.in_force == "counting" else "ranker",
        method=fitted.model.in_force,
        why=fitted.why,
        rows=fitted.rows,
        n_train=fitted.n_train,
        n_validation=fitted.n_validation,
        metric="ndcg@10",
        value=fitted.value,
        baseline_value=fitted.baseline,
        interval=(fitted.interval.low, fitted.interval.high),
    )
    rows = tuple(who[row] for row in order.tolist())
    return Trained(taken(arrays, ROWS, order), texts, report, rows=rows, trial=_trial(fitted))


def _trial(fitted: FittedOrders) -> Trial | None:
    """What was measured: without the last orders of those who were asked."""
    return None if fitted.trial is None else Trial(*fitted.trial.saved(), asked=fitted.asked)


def _fallback(model: ServedOrders | None, history: Interactions | None) -> str | None:
    if history is None:
        return "no_token"
    if not len(history):
        return "no_history"
    return "no_model" if model is None else None


def with_catalogue_items(items: NDArray[np.str_], catalogue: Sequence[Item]) -> NDArray[np.str_]:
    """A sorted vocabulary with every item of the catalogue too."""
    ids = np.array([item.item_id for item in catalogue], np.str_)
    both = np.unique(np.concatenate([items, ids])) if len(ids) else items
    return items if len(both) == len(items) else both


def with_catalogue(seen: Interactions, catalogue: Sequence[Item]) -> Interactions:
    """The same rows under a vocabulary that also holds every item of the catalogue. Rows without item go."""
    seen = seen.where(seen.item >= 0)
    items = with_catalogue_items(seen.items, catalogue)
    if len(items) == len(seen.items):
        return seen
    new = codes_in(items, seen.items)
    origin = np.where(seen.origin >= 0, new[seen.origin], -1) if len(new) else seen.origin
    return replace(
        seen, items=items, item=new[seen.item] if len(new) else seen.item, origin=origin.astype(np.int32)
    )


def _counted(recent: Interactions | None, least_people: int) -> OrderModel:
    """The model while there is no version: what enough people chose in the latest events."""
    rows = recent if recent is not None else no_interactions()
    rows = rows.where(rows.item >= 0)
    crowd = ItemCrowd.of_popularity(rows, len(rows.items), least_people)
    return OrderModel(rows.items, rows.sites, rows.regions, crowd, None, "counting", 1.0)


def _question(
    served: ServedOrders, menu: Menu, history: Interactions | None, request: Request
) -> tuple[Questions, NDArray[np.intp] | None]:
    """The request in the model's codes, and the rows of the menu that the customer had before."""
    context, when = request.context, request.context.local_time
    item, known = np.zeros(0, np.int32), None
    if history is not None and len(history):
        distinct, inverse = np.unique(history.item, return_inverse=True)
        names = ["" if code < 0 else str(history.items[code]) for code in distinct.tolist()]
        rows = [menu.at.get(name, -1) for name in names]
        codes = [
            int(menu.code[row]) if row >= 0 else served.at.get(name, -1)
            for row, name in zip(rows, names, strict=True)
        ]
        item = np.array(codes, np.int32)[inverse]
        known = np.array([row for row in rows if row >= 0], np.intp)
    query = live_question(
        history,
        item,
        time_us=request.now_us if history is not None and (history.time_us != NO_TIME).all() else NO_TIME,
        hour=float("nan") if when is None else when.hour + when.minute / 60,
        weekday=-1 if when is None else when.weekday(),
        site=served.site_at.get(context.site, -1),
        region=served.region_at.get(context.region, -1),
    )
    return query, known


def _with_partners(
    crowd: ItemCrowd, query: Questions, pairs: Pairs, eligible: NDArray[np.bool_], with_basket: NDArray[np.float32]
) -> Pairs:
    """The candidates, and with a basket also what goes best with it."""
    if not with_basket.any():
        return pairs
    partners = np.flatnonzero(eligible & (with_basket > 0))
    partners = partners[np.argsort(-with_basket[partners], kind="stable")[:REQUEST_WIDTH]]
    return crowd.pairs(query, eligible=eligible, width=REQUEST_WIDTH, also=partners)


def _scores(
    model: OrderModel, pairs: Pairs, crowd: ItemCrowd, with_basket: NDArray[np.float32], basket: bool
) -> NDArray[np.float64]:
    """By the method in force. A basket adds the log of each item's lift with it."""
    scores = model.score(pairs, 1)
    if not basket:
        return scores
    share = np.exp(pairs.features[:, column("here")].astype(np.float64))
    lift = np.clip((with_basket[pairs.item] + 0.01) / (np.minimum(share, 0.5) + 0.01), 0.2, 50)
    return standardise(pairs.question, scores, 1) + BASKET_WEIGHT * np.log(lift)


def _alternating(order: NDArray[np.intp], pairs: Pairs) -> NDArray[np.intp]:
    """The best known and the best new items alternately: no preference for repeats."""
    known = pairs.features[order, column("own_count")] > 0
    place = np.where(known, np.cumsum(known), np.cumsum(~known))
    return order[np.lexsort((~known, place))]


@dataclass(frozen=True, slots=True, eq=False)
class _Behind:
    """The candidates behind a list (see `recommender.scene.Further`): single items, no baskets."""

    order: NDArray[np.intp]
    rows: NDArray[np.intp]  # of the list
    pairs: Pairs
    scores: NDArray[np.float64]
    reasons: ReasonContext
    menu: Menu

    def __iter__(self) -> Iterator[Suggestion]:
        shown = set(self.rows.tolist())
        return (self._suggestion(row) for row in self.order.tolist() if row not in shown)

    def of(self, item_id: str) -> Suggestion | None:
        """One of all candidates; None: it is none of them."""
        at = self.menu.at.get(item_id)
        if at is None:
            return None
        found = np.flatnonzero(self.pairs.item == self.menu.code[at])
        return self._suggestion(int(found[0])) if len(found) else None

    def _suggestion(self, row: int) -> Suggestion:
        code = int(self.pairs.item[row])
        item = self.menu.catalogue[self.menu.row_of[code]]
        reason = reason_for(self.reasons, item, code, self.pairs.features[row], False, False)
        return Suggestion(item.item_id, float(self.scores[row]), reason)


def _suggestions(
    rows: NDArray[np.intp],
    explored: bool,
    propensity: float,
    pairs: Pairs,
    scores: NDArray[np.float64],
    reasons: ReasonContext,
    menu: Menu,
    eligible: NDArray[np.bool_],
) -> list[Suggestion]:
    """The chosen rows with reasons; a recurring basket takes the place of its best item."""
    usual = bundles(reasons, eligible)
    result = []
    for place, row in enumerate(rows.tolist()):
        code = int(pairs.item[row])
        item = menu.catalogue[menu.row_of[code]]
        last = place == len(rows) - 1
        new = explored and last
        bundle = () if new else usual.pop(code, ())
        whole = tuple((menu.catalogue[menu.row_of[c]].item_id, q) for c, q in bundle)
        if whole:  # a basket is offered once, at its best item
            usual = {c: b for c, b in usual.items() if b != bundle}
        reason = reason_for(reasons, item, code, pairs.features[row], new, bool(whole))
        chance = propensity if last else 1.0
        result.append(Suggestion(item.item_id, float(scores[row]), reason, whole, new, chance))
    return result
