"""Rides that are read part by part, as visits of one vocabulary of places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from recommender.destinations.atlas import Atlas, settled
from recommender.destinations.visits import Visits, visits_of
from recommender.ranking.interactions import Interactions, codes_in
from recommender.ranking.partitions import Part, PartitionedLog, Vocabularies, nameless
from recommender.ranking.people import people_of
from recommender.scene import Item


@dataclass(frozen=True, eq=False)
class Rides:
    """What a model of rides is fitted on."""

    places: NDArray[np.str_]  # (P,) sorted
    visits: Visits
    people: NDArray[np.int64]  # (P,) different people who rode there


@dataclass(frozen=True, eq=False)
class PartOfRides:
    """The rides of some customers as visits, or those of some guests as they are."""

    rides: Rides
    guests: Interactions | None


def part_of_rides(vocabularies: Vocabularies, catalogue: Sequence[Item], part: Part) -> PartOfRides:
    """One part. A customer's positions become places of their own; those of all guests together come later."""
    rows = part.load(vocabularies)
    if len(rows) and rows.customer[0] < 0:
        none = Rides(vocabularies.items[:0], visits_of(rows.where(slice(0, 0))), np.zeros(0, np.int64))
        return PartOfRides(none, replace(nameless(rows)))
    return PartOfRides(_rides(settled(rows, Atlas.of(catalogue))), None)


def rides_in_parts(log: PartitionedLog, catalogue: Sequence[Item], tick: Callable[[float], None]) -> Rides:
    """All rides, the same as from one table of everything."""
    work = [(part,) for part in log.parts]
    shared = (log.vocabularies, tuple(catalogue))
    found: list[Rides] = []
    guests: list[Interactions] = []
    made = log.mapper.map(part_of_rides, work, shared=shared, name="rides", tick=tick)
    for first, one in zip(log.first, made, strict=False):
        if one.guests is not None:
            guests.append(one.guests)
        else:
            visits = one.rides.visits
            moved = replace(visits, rider=_moved(visits.rider, first), person=_moved(visits.person, first))
            found.append(replace(one.rides, visits=moved))
    atlas = Atlas.of(catalogue)
    if guests:
        found.insert(0, _rides(settled(_one_table(guests, log.vocabularies, log.n_customers), atlas)))
    return _together(found, atlas)


def _rides(rides: Interactions) -> Rides:
    return Rides(rides.items, visits_of(rides), people_of(rides.item, rides.person, len(rides.items)))


def _moved(codes: NDArray[np.int32], first: np.integer) -> NDArray[np.int32]:
    return np.where(codes >= 0, codes + first, -1).astype(np.int32)


def _one_table(guests: Sequence[Interactions], words: Vocabularies, first: int) -> Interactions:
    """Guests' rows as they followed each other; the people whom they count as get numbers from `first` on.

    A guest of two parts gets two numbers: all rides to one place are in one part, so that none counts twice there.
    """
    people: list[NDArray[np.int32]] = []
    columns = {
        one.name: np.concatenate([getattr(part, one.name) for part in guests])
        for one in fields(Interactions)
        if one.name not in ("customers", "items", "sites", "regions")
    }
    for part in guests:
        people.append(_moved(part.person, np.int64(first)))
        first += int(np.max(part.person, initial=-1)) + 1
    columns["person"] = np.concatenate(people)
    rows = Interactions(
        **columns, customers=np.zeros(0, np.str_), items=words.items, sites=words.sites, regions=words.regions
    )
    return rows.where(np.argsort(rows.order, kind="stable"))


def _together(found: Sequence[Rides], atlas: Atlas) -> Rides:
    names = [np.array(list(atlas.by_id), np.str_), *(rides.places for rides in found)]
    places = np.unique(np.concatenate(names))
    people = np.zeros(len(places), np.int64)
    columns: dict[str, list[NDArray[np.generic]]] = {one.name: [] for one in fields(Visits)}
    for rides in found:
        code = np.append(codes_in(places, rides.places), -1).astype(np.int32)
        people[code[:-1]] += rides.people
        visits = replace(rides.visits, place=code[rides.visits.place], origin=code[rides.visits.origin])
        for name, column in columns.items():
            column.append(getattr(visits, name))
    return Rides(places, Visits(**{name: np.concatenate(column) for name, column in columns.items()}), people)
