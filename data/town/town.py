"""Lindenholm: about 200 customers who do not exist, and what they ate and where they went in 90 days.

Everything follows from a seed, and the truth behind it is known: each customer's usual at each time of day, the
day their taste changed, where they live and work and where they go every week. So an answer can be judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from data.town import menu
from data.town.days import Rides, TownVisits, simulate_rides, simulate_visits
from data.town.habits import Habits, draw_habits
from recommender.exchange.files import write_rows
from recommender.exchange.item_columns import as_json
from recommender.exchange.rows import What
from recommender.offers.portfolio import Offer, as_row
from recommender.ranking.interactions import Interactions
from recommender.scene import Item

CUSTOMERS, DAYS = 200, 90
LAST_DAY = date(2025, 7, 2)
_EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Truth:
    """What is really so about one customer. Ids, not codes; days count from the town's first day, 0."""

    customer: str
    person_seed: int  # for `people.draw_face`
    joined: int  # day of the first possible visit: 0, or in the last two weeks for newcomers
    usual: dict[str, str]  # daypart -> dish, as it is at the end
    usual_before: dict[str, str]  # the same before the change of taste; equal to `usual` without one
    changed: int | None  # the day the taste changed
    rides: bool
    home: str
    work: str
    weekly: tuple[str, int, float]  # place, weekday (0 is Monday), hour

    def usual_at(self, daypart: str, day: int) -> str | None:
        """The dish that is the usual at a daypart on a day, None where there is no habit."""
        before = self.changed is not None and day < self.changed
        return (self.usual_before if before else self.usual).get(daypart)

    def destination_at(self, weekday: int, hour: float, pickup: str) -> str | None:
        """Where a ride most likely goes, None where nothing is likely."""
        place, day, at = self.weekly
        if pickup == place:
            return self.home
        if weekday == day and abs(hour - at) <= 1.5 and pickup == self.home:
            return place
        if weekday < 5 and hour < 11 and pickup == self.home:
            return self.work
        return self.home if pickup == self.work else None


@dataclass(frozen=True)
class Town:
    """The town with its menu, its map, its people and their days."""

    seed: int
    first_day: date
    customers: tuple[str, ...]
    dishes: tuple[Item, ...]
    offers: tuple[Offer, ...]
    places: tuple[Item, ...]
    visits: TownVisits
    rides: Rides
    truth: dict[str, Truth] = field(repr=False)

    @classmethod
    def build(
        cls, seed: int = 0, *, customers: int = CUSTOMERS, days: int = DAYS, last_day: date = LAST_DAY
    ) -> Town:
        """The same seed gives the same town, day for day; `last_day` only moves it along the calendar."""
        rng = np.random.default_rng([23, seed])
        places, popular = menu.places(rng)
        dishes = menu.dishes()
        first_day = last_day - timedelta(days=days - 1)
        habits = draw_habits(rng, customers, days, dishes, menu.dish_popularity(), places, popular)
        weekday = (first_day.weekday() + np.arange(days)) % 7
        names = tuple(f"c{k:03d}" for k in range(customers))
        return cls(
            seed=seed,
            first_day=first_day,
            customers=names,
            dishes=tuple(dishes),
            offers=tuple(menu.offers()),
            places=tuple(places),
            visits=simulate_visits(rng, habits, weekday),
            rides=simulate_rides(rng, habits, weekday, popular),
            truth={name: _truth(habits, k, name, dishes, places) for k, name in enumerate(names)},
        )

    @staticmethod
    def scaled(n_customers: int, n_items: int, n_events: int, seed: int = 0) -> tuple[Interactions, list[Item]]:
        """A town of any size for measurements; see `data.town.scaled`."""
        from data.town.scaled import scaled

        return scaled(n_customers, n_items, n_events, seed)

    def orders(self, rows: NDArray[np.bool_] | slice = slice(None)) -> Interactions:
        """Order lines as the scenes read them; `rows` chooses among `visits`."""
        v = self.visits
        columns = {
            "customer": np.append(np.array(self.customers), "")[v.customer[rows]],
            "order": v.order[rows],
            "item": np.array([dish.item_id for dish in self.dishes])[v.dish[rows]],
            "quantity": v.quantity[rows],
            "site": np.array(menu.SITES)[v.site[rows]],
        }
        return Interactions.from_columns(columns | self._clock(v.day[rows], v.hour[rows]))

    def trips(self, rows: NDArray[np.bool_] | slice = slice(None)) -> Interactions:
        """Rides as the scenes read them; `rows` chooses among `rides`."""
        r = self.rides
        ids = np.array([place.item_id for place in self.places])
        columns = {
            "customer": np.array(self.customers)[r.customer[rows]],
            "item": ids[r.place[rows]],
            "origin": ids[r.pickup[rows]],
        }
        return Interactions.from_columns(columns | self._clock(r.day[rows], r.hour[rows]))

    def order_events(self, customer: str | None = None) -> Iterator[dict[str, Any]]:
        """`ordered` events as the API takes them, oldest first; of one customer ("" for the guests) or of all.

        Each carries `customer`, which a bulk import reads and the API does not: there the token says who it is.
        """
        v = self.visits
        who = (-1 if customer == "" else self.customers.index(customer)) if customer is not None else None
        at = np.flatnonzero(v.customer == who) if who is not None else np.arange(len(v))
        starts = np.flatnonzero(np.diff(v.order[at], prepend=-1)).tolist()
        for start, end in zip(starts, [*starts[1:], len(at)][: len(starts)], strict=True):
            lines = at[start:end]
            first = lines[0]
            yield {
                "event_id": f"visit-{int(v.order[first]):06d}",
                "type": "ordered",
                "customer": self.customers[v.customer[first]] if v.customer[first] >= 0 else "",
                "items": [
                    {"item_id": self.dishes[v.dish[k]].item_id, "quantity": int(v.quantity[k])} for k in lines
                ],
                "occurred_at": self.moment(int(v.day[first]), float(v.hour[first])).isoformat(),
                "site": menu.SITES[v.site[first]],
            }

    def ride_events(self, customer: str | None = None) -> Iterator[dict[str, Any]]:
        """`rode` events as the API takes them, oldest first; of one customer or of all."""
        r = self.rides
        at = (
            np.arange(len(r)) if customer is None else np.flatnonzero(r.customer == self.customers.index(customer))
        )
        for k in at:
            yield {
                "event_id": f"ride-{int(k):06d}",
                "type": "rode",
                "customer": self.customers[r.customer[k]],
                "item_id": self.places[r.place[k]].item_id,
                "pickup": self.places[r.pickup[k]].item_id,
                "occurred_at": self.moment(int(r.day[k]), float(r.hour[k])).isoformat(),
            }

    def moment(self, day: int, hour: float) -> datetime:
        """Day and hour of the town's clock as an aware local time, to the second."""
        midnight = datetime.combine(self.first_day + timedelta(days=day), datetime.min.time())
        return (midnight + timedelta(seconds=round(hour * 3600))).replace(tzinfo=ZoneInfo(menu.ZONE))

    def _clock(self, day: NDArray[np.int32], hour: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        """`time_us`, `hour` and `weekday`. The offset from UTC is looked up once a day: clocks change at night."""
        last = int(np.max(day)) + 1 if len(day) else 0
        noons = [self.moment(k, 12.0) for k in range(last)]
        noon_us = np.array([(noon - _EPOCH) // timedelta(microseconds=1) for noon in noons], np.int64)
        seconds = np.rint((hour - 12.0) * 3600).astype(np.int64)
        return {
            "time_us": noon_us[day] + seconds * 1_000_000 if last else np.zeros(0, np.int64),
            "hour": hour,
            "weekday": (self.first_day.weekday() + day) % 7,
        }

    def write(self, folder: Path) -> dict[str, Path]:
        """items.csv, places.csv, offers.csv, orders.jsonl, rides.jsonl for a bulk import; returns the paths."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {name: folder / f"{name}.csv" for name in ("items", "places", "offers")}
        write_items(files["items"], self.dishes)
        write_items(files["places"], self.places)
        write_offers(files["offers"], self.offers)
        for name, events in (("orders", self.order_events()), ("rides", self.ride_events())):
            files[name] = folder / f"{name}.jsonl"
            with files[name].open("w", encoding="utf-8") as out:
                out.writelines(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
        return files


def write_items(path: Path, items: Sequence[Item]) -> None:
    """Dishes or places as CSV, as `usual export` writes them."""
    what: What = "places" if any(item.price is None for item in items) else "items"
    with path.open("w", encoding="utf-8", newline="") as out:
        write_rows((as_json(asdict(item)) for item in items), what, out, as_csv=True)


def write_offers(path: Path, offers: Sequence[Offer]) -> None:
    """Offers as CSV, as `usual export` writes them."""
    with path.open("w", encoding="utf-8", newline="") as out:
        write_rows(map(as_row, offers), "offers", out, as_csv=True)


def _truth(habits: Habits, k: int, name: str, dishes: Sequence[Item], places: Sequence[Item]) -> Truth:
    def by_daypart(usual: NDArray[np.int32]) -> dict[str, str]:
        active = zip(menu.DAYPARTS, usual[k], habits.rate[k], strict=True)
        return {part: dishes[dish].item_id for part, dish, rate in active if rate > 0}

    return Truth(
        customer=name,
        person_seed=k,
        joined=int(habits.joined[k]),
        usual=by_daypart(habits.usual[1]),
        usual_before=by_daypart(habits.usual[0]),
        changed=int(habits.changed[k]) if habits.changed[k] > 0 else None,
        rides=bool(habits.rides[k]),
        home=places[habits.home[k]].item_id,
        work=places[habits.work[k]].item_id,
        weekly=(places[habits.weekly_place[k]].item_id, int(habits.weekly_day[k]), float(habits.weekly_hour[k])),
    )
