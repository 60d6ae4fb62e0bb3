"""Why an item is suggested, in a customer's words, and the whole baskets that recur."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.orders.factors import daypart
from recommender.orders.menu import Menu
from recommender.orders.signals.crowd import ItemCrowd, Questions, column
from recommender.scene import Item, Reason, Request

VISITS = 10  # "on 7 of your last 10 visits"
BASKET_VISITS = 20
BASKET_SHARE = 0.25  # of the last visits must have been this very basket
WHEN = ("in the morning", "at lunchtime", "in the afternoon", "in the evening", "at night")


@dataclass(frozen=True, slots=True)
class ReasonContext:
    """What the reasons are made from."""

    asked: Questions
    menu: Menu
    crowd: ItemCrowd
    with_basket: NDArray[np.float32]
    has_basket: bool
    part: int  # of the day, -1 unknown
    here: bool  # a site or region is known

    @classmethod
    def of(
        cls, request: Request, asked: Questions, menu: Menu, crowd: ItemCrowd, with_basket: NDArray[np.float32]
    ) -> ReasonContext:
        context = request.context
        hour = float("nan") if context.local_time is None else float(context.local_time.hour)
        place = bool(crowd.popular.rows_for(asked)[0])
        return cls(asked, menu, crowd, with_basket, bool(context.basket), int(daypart(hour)), place)


def reason_for(
    told: ReasonContext, item: Item, code: int, features: NDArray[np.float32], explored: bool, bundle: bool
) -> Reason:
    """The strongest true reason. A sensitive item gets none that says anything about the customer."""
    if item.sensitive:
        return Reason("suggested", "on the menu now")
    if explored:
        return Reason("new", "something new for you to try")
    if bundle:
        return Reason("usual_basket", "your usual order")
    asked = told.asked
    if told.has_basket and told.with_basket[code] >= 0.1:
        return Reason("with_basket", "goes with what is in your basket")
    ago = set(asked.ago[asked.item == code].tolist())  # a handful: numpy's unique costs more than the rest
    visits = min(VISITS, int(asked.n_orders[0]))
    times = sum(age < visits for age in ago)
    if times >= 2:
        return Reason("usual", f"you ordered this on {times} of your last {visits} visits")
    if ago:
        if 0 in ago:
            return Reason("last_time", "you ordered this last time")
        return Reason("had_before", "you have ordered this before")
    return _of_others(told, code, features)


def _of_others(told: ReasonContext, code: int, features: NDArray[np.float32]) -> Reason:
    """Why an item the customer never had is suggested."""
    share = np.exp(features[column("here")])
    similar = features[column("lately")]
    if told.crowd.popular.orders[code] == 0:
        return Reason("new", "new on the menu")
    if len(told.asked.item) and similar > 1.5 * share:
        return Reason("alike", "people who order like you choose this")
    place = "here" if told.here else "with our guests"
    if told.part >= 0 and features[column("here_now")] - features[column("here")] > 0.05:
        return Reason("popular_here", f"popular {place} {WHEN[told.part]}")
    return Reason("popular_here", f"popular {place}")


def bundles(told: ReasonContext, eligible: NDArray[np.bool_]) -> dict[int, tuple[tuple[int, int], ...]]:
    """The basket that recurs most in the last visits: each of its items -> ((item code, quantity), ...).

    It needs two items (or one twice), all of them to be had now, at least two visits and a quarter of the last 20.
    """
    asked = told.asked
    recent = asked.ago < BASKET_VISITS
    orders: dict[int, list[tuple[int, int]]] = {}
    rows = zip(
        asked.ago[recent].tolist(), asked.item[recent].tolist(), asked.quantity[recent].tolist(), strict=True
    )
    for ago, code, quantity in rows:
        orders.setdefault(ago, []).append((code, max(1, round(quantity))))
    visits = min(BASKET_VISITS, int(asked.n_orders[0]))
    counted = Counter(tuple(sorted(held)) for held in orders.values())
    best: tuple[int, tuple[tuple[int, int], ...]] = (0, ())
    for basket, times in sorted(counted.items()):
        if sum(quantity for _, quantity in basket) < 2 or len(basket) > 8:
            continue
        if times >= max(2, BASKET_SHARE * visits) and all(eligible[code] for code, _ in basket):
            best = max(best, (times, basket))
    return {code: best[1] for code, _ in best[1]}
