"""Destinations predicted in bulk: fit on a log's early part, then rank for later rows by what came before each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plumbing.columns import DatasetError
from plumbing.storage.files import write_atomic
from recommender.destinations.fit import fit
from recommender.destinations.log import RideLog, read_log
from recommender.destinations.model import K, RideModel, rank
from recommender.destinations.visits import Moments
from recommender.destinations.weeks import Log, weeks_of
from recommender.ranking.partitions import InTurn, Mapper
from recommender.scene import Report

Tick = Callable[[str, float], None]

Obey = Callable[[Sequence[str], int, float, int], Sequence[str]]
"""What is shown of a list of places, best first, at a time (microseconds UTC), local hour and weekday."""


def fit_log(
    log: RideLog, until_us: int, *, seed: int, progress: Tick, mapper: Mapper | None = None
) -> tuple[RideModel, Report]:
    """The model in force from the visits up to `until_us` (inclusive), and its report."""
    visits = log.visits.where(log.visits.time_us <= until_us)
    return fit(visits, log.positions, seed=seed, progress=progress, mapper=mapper)


def answer_rows(
    log: RideLog,
    model: RideModel,
    rows: NDArray[np.intp],
    tick: Callable[[float], None] = lambda share: None,
    mapper: Mapper | None = None,
    k: int = K,
) -> NDArray[np.int32]:
    """Up to `k` place codes for each row (m, k), -1 at the end.

    The rider's own visits count up to the row; the crowd is recomputed every week from the rides before that
    week: as in service between two trainings.
    """
    lists, done = np.full((len(rows), k), -1, np.int32), 0
    pieces = weeks_of(log.time_us[rows])
    work = [(as_of_us, [log.moments(rows[block]) for block in blocks]) for as_of_us, blocks in pieces]
    everything = Log(log.visits, log.positions)
    made = (mapper or InTurn()).map(week_of_answers, work, shared=(everything, model, k), name="answers")
    for (_, blocks), answers in zip(pieces, made, strict=True):
        for block, answer in zip(blocks, answers, strict=True):
            lists[block] = answer
            done += len(block)
            tick(done / len(rows))
    return lists


def week_of_answers(
    log: Log, model: RideModel, k: int, as_of_us: int, blocks: Sequence[Moments]
) -> list[NDArray[np.int32]]:
    """The lists of some moments, with the crowd of their week."""
    fresh = replace(model, crowd=log.crowd(as_of_us))
    lists = []
    for moments in blocks:
        found = rank(fresh, log.visits, moments, log.positions, riding=False)[0]
        if k > K:
            more = rank(fresh, log.visits, moments, log.positions, k, riding=False)[0]
            found = np.stack([_followed_by(one, others) for one, others in zip(found, more, strict=True)])
        lists.append(found)
    return lists


def _followed_by(first: NDArray[np.int32], more: NDArray[np.int32]) -> NDArray[np.int32]:
    """The first list as it is, and behind it what is only in the longer one, as long as that: of a longer list the
    first places are spread among more."""
    known = first[first >= 0]
    codes = np.concatenate([known, more[(more >= 0) & ~np.isin(more, known)]])
    return np.concatenate([codes, np.full(len(more) - len(codes), -1, np.int32)])


def batch(
    path: Path,
    out: Path,
    *,
    fit_until_us: int,
    from_us: int | None,
    seed: int,
    progress: Tick,
    mapper: Mapper | None = None,
    obey: Obey | None = None,
    spare: int = 0,
) -> tuple[int, str]:
    """Write one JSON line for each target row at or after `from_us`: its row number and up to 20 places.

    `obey` says what of a list is shown; it gets `spare` more places than are shown, to fill up with.

    Nothing from the first of these rows on is fitted on, even if `fit_until_us` is later. The same input gives
    the same bytes.
    Returns the number of lines and the sentence that says which method was in force.

    Raises:
        DatasetError: the log cannot be used, or has no ride to fit on.
    """
    progress("reading the log", 0.0)
    log = read_log(path)
    start = fit_until_us if from_us is None else from_us
    rows = np.flatnonzero(log.target & (log.time_us >= start))
    until = min([fit_until_us, *(log.time_us[rows] - 1).tolist()])
    if not (log.visits.time_us <= until).any():
        raise DatasetError(f"{path}: no ride is early enough to fit on")
    model, report = fit_log(
        log, until, seed=seed, progress=lambda what, share: progress(what, 0.05 + 0.75 * share), mapper=mapper
    )
    k = K + spare
    lists = answer_rows(log, model, rows, lambda share: progress("answering", 0.8 + 0.2 * share), mapper, k)
    lines = []
    for row, codes in zip(rows.tolist(), lists, strict=True):
        names: Sequence[str] = log.places[codes[codes >= 0]].tolist()
        if obey is not None:
            names = obey(names, int(log.time_us[row]), float(log.hour[row]), int(log.weekday[row]))
        lines.append(json.dumps({"row": row, "places": list(names)}))
    write_atomic(out, "".join(line + "\n" for line in lines).encode())
    return len(lines), report.why
