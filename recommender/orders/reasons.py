"""Why an item is suggested, in a sentence for the customer, and the whole baskets that recur."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.orders.factors import daypart
from recommender.orders.menu import Menu
from recommender.orders.questions import Questions
from recommender.orders.signals.crowd import ItemCrowd, column
from recommender.scene import Item, Reason, Request

VISITS = 10  # "on 7 of your last 10 visits"
BASKET_VISITS = 20
BASKET_SHARE = 0.25  # of the last visits must have been this very basket
WHEN = ("in the morning", "at lunchtime", "in the afternoon", "in the evening", "at night")


@dataclass(frozen=True, slots=True)
class ReasonContext:
    """What the reasons are made from."""

    questions: Questions
    menu: Menu
    crowd: ItemCrowd
    with_basket: NDArray[np.float32]
    has_basket: bool
    part: int  # of the day, -1 unknown
    here: bool  # a site or region is known
    n_known: int  # items of the model; those behind them came to the menu after it

    @classmethod
    def of(
        cls,
        request: Request,
        questions: Questions,
        menu: Menu,
        crowd: ItemCrowd,
        with_basket: NDArray[np.float32],
        n_known: int,
    ) -> ReasonContext:
        context = request.context
        hour = float("nan") if context.local_time is None else float(context.local_time.hour)
        place = bool(crowd.popular.rows_for(questions)[0])
        return cls(questions, menu, crowd, with_basket, bool(context.basket), int(daypart(hour)), place, n_known)


def reason_for(
    context: ReasonContext, item: Item, code: int, features: NDArray[np.float32], explored: bool, bundle: bool
) -> Reason:
    """The strongest true reason. A sensitive item gets none that says anything about the customer."""
    if item.sensitive:
        return Reason("suggested", "on the menu now")
    if explored:
        return Reason("new", "something new for you to try")
    if bundle:
        return Reason("usual_basket", "your usual order")
    questions = context.questions
    if context.has_basket and context.with_basket[code] >= 0.1:
        return Reason("with_basket", "goes with what is in your basket")
    ago = set(questions.ago[questions.item == code].tolist())  # a handful: numpy's unique costs more than the rest
    visits = min(VISITS, int(questions.n_orders[0]))
    times = sum(age < visits for age in ago)
    if times >= 2:
        return Reason("usual", f"you ordered this on {times} of your last {visits} visits")
    if ago:
        if 0 in ago:
            return Reason("last_time", "you ordered this last time")
        return Reason("had_before", "you have ordered this before")
    return _of_others(context, code, features)


def _of_others(context: ReasonContext, code: int, features: NDArray[np.float32]) -> Reason:
    """Why an item the customer never had is suggested."""
    share = np.exp(features[column("here")])
    similar = features[column("lately")]
    if context.crowd.popular.orders[code] == 0:
        if code >= context.n_known:
            return Reason("new", "new on the menu")
        return Reason("on_the_menu", "on the menu")  # too few people chose it to say more
    if len(context.questions.item) and similar > 1.5 * share:
        return Reason("alike", "people who order like you choose this")
    place = "here" if context.here else "with our guests"
    if context.part >= 0 and features[column("here_now")] - features[column("here")] > 0.05:
        return Reason("popular_here", f"popular {place} {WHEN[context.part]}")
    return Reason("popular_here", f"popular {place}")


def bundles(context: ReasonContext, eligible: NDArray[np.bool_]) -> dict[int, tuple[tuple[int, int], ...]]:
    """The most frequent whole basket of the last visits: each of its items -> ((item code, quantity), ...).

    It has two items or more (or one twice), all available now, and was ordered on at least two visits and on a
    quarter of the last 20.
    """
    questions = context.questions
    recent = questions.ago < BASKET_VISITS
    orders: dict[int, list[tuple[int, int]]] = {}
    rows = zip(
        questions.ago[recent].tolist(),
        questions.item[recent].tolist(),
        questions.quantity[recent].tolist(),
        strict=True,
    )
    for ago, code, quantity in rows:
        orders.setdefault(ago, []).append((code, max(1, round(quantity))))
    visits = min(BASKET_VISITS, int(questions.n_orders[0]))
    counted = Counter(tuple(sorted(lines)) for lines in orders.values())
    best: tuple[int, tuple[tuple[int, int], ...]] = (0, ())
    for basket, times in sorted(counted.items()):
        if sum(quantity for _, quantity in basket) < 2 or len(basket) > 8:
            continue
        if times >= max(2, BASKET_SHARE * visits) and all(eligible[code] for code, _ in basket):
            best = max(best, (times, basket))
    return {code: best[1] for code, _ in best[1]}
