"""A town with habits, good logs of it, and logs that are spoiled in one way each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from plumbing.clock import DAY, HOUR, MINUTE
from recommender.ranking.interactions import Interactions
from recommender.scene import Item
from tests.recommender.service_fixtures import NOON

Columns = dict[str, np.ndarray]

DISHES = 24
SITES = 4
DAYPARTS = (8, 12, 19)
MENU = tuple(
    Item(f"d{k:02d}", f"Dish {k}", category=f"c{k % 4}", price=400 + 50 * k, sites=()) for k in range(DISHES)
)


def town(seed: int = 0, customers: int = 200, until_us: int = NOON - HOUR, days: int = 120) -> Columns:
    """Orders of customers with two favourites for each part of the day, at one of four sites.

    A third of the customers change their favourites on the way. A drink goes with most dishes.
    """
    rng = np.random.default_rng(seed)
    weight = 1.0 / np.arange(1, DISHES - 3) ** 0.6
    rows: list[tuple[str, int, str, float, str]] = []
    for who in range(customers):
        n = int(rng.integers(5, 22))
        site = who % SITES
        at = np.sort(rng.integers(0, days, n)) * DAY + until_us - days * DAY
        change = n if rng.random() > 0.35 else n // 2
        for number in range(n):
            if number in (0, change):
                local = np.roll(weight, 5 * site)
                favourites = [rng.choice(DISHES - 4, 2, replace=False, p=local / local.sum()) for _ in DAYPARTS]
            slot = int(rng.choice(3, p=(0.2, 0.5, 0.3)))
            stray = rng.random() < 0.2
            dish = int(rng.integers(0, DISHES - 4)) if stray else int(favourites[slot][int(rng.random() < 0.3)])
            clock = DAYPARTS[slot] + int(rng.integers(0, 90)) / 60
            time_us = int(at[number]) // DAY * DAY + round(clock * 60) * MINUTE
            if time_us > until_us:
                time_us -= DAY
            place = f"s{site if rng.random() < 0.9 else int(rng.integers(0, SITES))}"
            rows.append((f"c{who:04d}", time_us, f"d{dish:02d}", clock, place))
            if rng.random() < 0.6:
                rows.append((f"c{who:04d}", time_us, f"d{DISHES - 4 + dish % 4:02d}", clock, place))
    return columns(rows)


def columns(rows: list[tuple[str, int, str, float, str]]) -> Columns:
    customer, time_us, item, hour, site = zip(*rows, strict=True)
    at = np.array(time_us, np.int64)
    return {
        "customer": np.array(customer),
        "time_us": at,
        "order": at.copy(),
        "item": np.array(item),
        "hour": np.array(hour, np.float32),
        "weekday": (at // DAY + 3) % 7,
        "site": np.array(site),
    }


def log_of(made: Mapping[str, np.ndarray]) -> Interactions:
    """As a training reads it."""
    return Interactions.from_columns(dict(made))


def part(made: Columns, rows: Any) -> Columns:
    return {name: values[rows] for name, values in made.items()}


def both(first: Columns, second: Columns) -> Columns:
    return {name: np.concatenate([first[name], second[name]]) for name in first}


def until(made: Columns, time_us: int) -> Columns:
    return part(made, made["time_us"] <= time_us)


# --- spoiled in one way each ------------------------------------------------------------------------


def shuffled(made: Columns, rng: np.random.Generator) -> Columns:
    return made | {"item": rng.permutation(made["item"])}


def shuffled_within(made: Columns, rng: np.random.Generator) -> Columns:
    order = np.lexsort((rng.random(len(made["item"])), made["customer"]))
    by_name = np.lexsort((np.arange(len(made["item"])), made["customer"]))
    item = made["item"].copy()
    item[by_name] = made["item"][order]
    return made | {"item": item}


def half_missing(made: Columns, rng: np.random.Generator) -> Columns:
    return part(made, rng.random(len(made["item"])) < 0.5)


def one_site(made: Columns, rng: np.random.Generator) -> Columns:
    return part(made, made["site"] == "s0")


def doubled(made: Columns, rng: np.random.Generator) -> Columns:
    return both(made, made | {"order": made["order"] + 1})


def doubled_later(made: Columns, rng: np.random.Generator, shift: int = 20 * MINUTE) -> Columns:
    late = made | {"order": made["order"] + shift, "time_us": made["time_us"] + shift}
    return both(made, until(late, NOON))


def one_customer(made: Columns, rng: np.random.Generator) -> Columns:
    return part(made, made["customer"] == "c0003")


def one_item(made: Columns, rng: np.random.Generator) -> Columns:
    return made | {"item": np.full(len(made["item"]), "d01")}


def ahead(made: Columns, rng: np.random.Generator) -> Columns:
    late = rng.random(len(made["item"])) < 0.3
    time_us = np.where(late, made["time_us"] + 400 * DAY, made["time_us"])
    return made | {"time_us": time_us, "order": time_us}


def of_1970(made: Columns, rng: np.random.Generator) -> Columns:
    early = rng.random(len(made["item"])) < 1 / 3
    time_us = np.where(early, made["time_us"] % (300 * DAY), made["time_us"])
    return made | {"time_us": time_us, "order": time_us}


def giant(made: Columns, rng: np.random.Generator) -> Columns:
    mine = rng.random(len(made["item"])) < 0.45
    return made | {"customer": np.where(mine, "c0000", made["customer"])}


def mixed_customers(made: Columns, rng: np.random.Generator) -> Columns:
    mixed = rng.random(len(made["item"])) < 0.5
    names = made["customer"].copy()
    names[mixed] = rng.permutation(names[mixed])
    return made | {"customer": names}


def mixed_items(made: Columns, rng: np.random.Generator) -> Columns:
    names = np.array([item.item_id for item in MENU])
    other = dict(zip(names.tolist(), rng.permutation(names).tolist(), strict=True))
    mixed = rng.random(len(made["item"])) < 0.5
    item = np.array([other[one] for one in made["item"].tolist()])
    return made | {"item": np.where(mixed, item, made["item"])}


def a_year_earlier(made: Columns, rng: np.random.Generator) -> Columns:
    return made | {"time_us": made["time_us"] - 365 * DAY, "order": made["order"] - 365 * DAY}


def a_third_a_year_earlier(made: Columns, rng: np.random.Generator) -> Columns:
    early = rng.random(len(made["item"])) < 1 / 3
    time_us = np.where(early, made["time_us"] - 365 * DAY, made["time_us"])
    return made | {"time_us": time_us, "order": time_us}


def tills_swapped(made: Columns, rng: np.random.Generator) -> Columns:
    other = {"s0": "s1", "s1": "s0"}
    return made | {"site": np.array([other.get(one, one) for one in made["site"].tolist()])}


def merged(made: Columns, rng: np.random.Generator) -> Columns:
    return made | {"customer": np.array([f"c{int(one[1:]) // 2:04d}" for one in made["customer"].tolist()])}


def split(made: Columns, rng: np.random.Generator) -> Columns:
    half = rng.random(len(made["item"])) < 0.5
    return made | {"customer": np.char.add(made["customer"], np.where(half, "", "b"))}


SPOILED: dict[str, Callable[[Columns, np.random.Generator], Columns]] = {
    "shuffled labels": shuffled,
    "half missing": half_missing,
    "one site only": one_site,
    "doubled import": doubled,
    "one customer": one_customer,
    "one item": one_item,
    "orders dated ahead": ahead,
    "a giant customer": giant,
    "customers mixed up": mixed_customers,
    "items mixed up": mixed_items,
    "a third dated 1970": of_1970,
    "dates shifted by a year": a_year_earlier,
    "a third shifted by a year": a_third_a_year_earlier,
    "two tills swapped": tills_swapped,
    "customers merged": merged,
    "customers split in two": split,
    "labels shuffled within customers": shuffled_within,
    "doubled with a small shift": doubled_later,
}
