"""The thresholds in force: made from the promise, stored with all they depend on, renewed as a gallery grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.engines.manifests import Pack
from identity.errors import NotCalibrated
from identity.matching.calibration import Calibration, calibrate, dependence
from identity.matching.paths import Agreement, Measured, agreement, compared_at
from identity.matching.stages import stage_calibrations
from identity.matching.tails import (
    Scoring,
    Tail,
    TopTail,
    fit_tail,
    impostor_scores,
    own_tops,
    shipped_scoring,
    shipped_tail,
    shipped_tops,
)
from identity.store.thresholds import TailKind, ThresholdStore
from identity.vectors import mean_template, unit
from plumbing.clock import DAY, Clock

Vectors = NDArray[np.float32]

ONE_FRAME = 1  # stored scores are of single frames: a press is judged by the mean of its frames' scores
TEMPLATE_FRAMES = 3  # a template is the mean of at least so many
GROUPS = 10  # of a cohort's people, left out in turn
SURER = 10  # times fewer strangers may get "already enrolled" than may be greeted
STAGED_KEPT = 1_024  # calibrations of parts that are in memory
ONE_PERSON = 0.01  # share of other people's pictures that would pass for the same person at an enrolment


class Thresholds:
    """For one engine pack and one promise; figures of a tenant's own cohort replace those that the pack ships."""

    def __init__(
        self, store: ThresholdStore, pack: Pack, promise: float, now_us: Clock, *, beside: Thresholds | None = None
    ) -> None:
        """`beside` are the thresholds of the same faces without a mask: when a tenant has measured those on a
        cohort, the shipped figures for masks do not hold either."""
        self._store = store
        self._beside = beside
        self._pack = pack
        self._promise = promise
        self._now_us = now_us
        self.scoring = shipped_scoring(pack.calibration)
        """How scores are made for this pack: the stored best scores and the thresholds depend on it."""
        self._staged: dict[tuple[str, Calibration, tuple[int, ...]], tuple[Calibration, ...]] = {}

    def current(self, tenant: str, size: int) -> Calibration | None:
        """The calibration for a gallery of `size`. None when there is none or it is stale: then everybody is a
        guest."""
        calibration = self._stored(tenant)
        return calibration if calibration is not None and self._as_promised(calibration, size) else None

    def in_stages(self, tenant: str, whole: Calibration, sizes: Sequence[int]) -> tuple[Calibration, ...]:
        """A calibration for each part of `sizes` templates, the smallest first, and for the whole gallery; of
        `whole` alone when there are no parts, or no tail that says what holds for smaller galleries."""
        if not sizes:
            return (whole,)
        key = (tenant, whole, tuple(_rounded_up(size) for size in sizes))
        found = self._staged.get(key)
        if found is None:
            tail = self.tail(tenant)
            if tail is None:
                return (whole,)
            found = stage_calibrations(whole, key[2], tail, lambda target: self._shift(tenant, target))
            if len(self._staged) >= STAGED_KEPT:
                self._staged.clear()
            self._staged[key] = found
        return found

    def _stored(self, tenant: str) -> Calibration | None:
        """The stored calibration; None when this version could not have written it."""
        raw = self._store.calibration(tenant, self._pack.id, ONE_FRAME)
        try:
            stored = None if raw is None else Calibration.from_dict(raw)
            return stored if stored is not None and np.isfinite(stored.threshold) else None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def renew(self, tenant: str, size: int, *, always: bool = False) -> None:
        """Recompute the calibration when it is stale for a gallery of `size`."""
        if size < 1 or (not always and self.current(tenant, size) is not None):
            return
        made = self._made(tenant, size, self._promise)
        if made is not None:
            self._store.keep_calibration(tenant, self._pack.id, ONE_FRAME, made.to_dict())

    def one_person(self, tenant: str) -> float:
        """What each enrolment frame must score against the mean of the others. Raises NotCalibrated."""
        tail = self.tail(tenant)
        if tail is None:
            raise NotCalibrated
        return tail.quantile(min(ONE_PERSON, tail.share / 2))

    def sure(self, tenant: str, size: int) -> Calibration | None:
        """A stricter one, for the reply "already enrolled": strangers reach it ten times less often. A person who
        reaches only the ordinary threshold may be a lookalike, and may enrol."""
        ordinary = self.current(tenant, size)
        if ordinary is None:
            return None
        strict = self._made(tenant, ordinary.gallery_size, self._promise / SURER)
        return strict if strict is not None and strict.threshold >= ordinary.threshold else ordinary

    def tail(self, tenant: str) -> Tail | None:
        """The impostors' tail: the tenant's own, or the one that the pack ships."""
        own = self._store.tail(tenant, self._pack.id, "single")
        if own is not None:
            return Tail(**own)
        if self._beside is not None and self._beside.has_cohort(tenant):
            return None
        return shipped_tail(self._pack.calibration)

    def has_cohort(self, tenant: str) -> bool:
        """Whether a cohort of the tenant's own was measured."""
        return self._store.tail(tenant, self._pack.id, "single") is not None

    def _shift(self, tenant: str, target: float) -> float:
        """What `calibration.dependence` adds, from the tenant's cohort or as shipped."""
        one = self.tail(tenant)
        if one is None:
            return 0.0
        own = self._store.tail(tenant, self._pack.id, "top")
        if own is not None:
            return dependence(target, one, TopTail(own["gallery"], Tail(**own["tail"])), self.scoring)
        tops = None if self.has_cohort(tenant) else shipped_tops(self._pack.calibration)
        return dependence(target, one, tops, self.scoring)

    def learn(self, tenant: str, people: Iterable[Vectors], size: int, templates: Vectors | None = None) -> None:
        """Measure the tails on strangers (volunteers or drawn faces) and recompute the calibration.

        `people` gives (k, d) unit vectors of each, k >= 3 frames; only numbers made from scores are stored.
        `templates` (n, d) are theirs when these are not the means of the vectors. Raises ValueError on a cohort
        that is too small.
        """
        cohort = _cohort(people)
        if templates is None:
            templates = np.stack([mean_template(frames[:TEMPLATE_FRAMES]) for frames in cohort])
        single = measured_tail(cohort, templates)
        tails: dict[TailKind, dict[str, Any]] = {
            "single": asdict(single.tail),
            "single_error": {"raised": single.raised, "error": single.error},
        }
        if self.scoring.applies(len(cohort) - 1):
            tails["top"] = asdict(cohort_tops(cohort, templates, self.scoring))
        self._keep(tenant, tails, len(cohort), size)

    def learn_vectors(self, tenant: str, people: Iterable[Vectors], size: int) -> None:
        """Measure the tail of vectors that devices made, as `learn` does that of pictures, and recompute the
        calibration: one gallery has templates of both, so the stricter of both holds. Raises ValueError."""
        cohort = _cohort(people)
        templates = np.stack([mean_template(frames[:TEMPLATE_FRAMES]) for frames in cohort])
        found = measured_tail(cohort, templates)
        tails: dict[TailKind, dict[str, Any]] = {
            "vectors": asdict(found.tail),
            "vectors_error": {"raised": found.raised, "error": found.error},
        }
        self._keep(tenant, tails, len(cohort), size)

    def _keep(self, tenant: str, tails: Mapping[TailKind, Mapping[str, Any]], people: int, size: int) -> None:
        with self._store.writing():
            for kind, numbers in tails.items():
                self._store.keep_tail(tenant, self._pack.id, kind, numbers, people=people, now_us=self._now_us())
            self.renew(tenant, size, always=True)
        self._staged.clear()

    def agreement(self, tenant: str) -> Agreement:
        """Whether vectors of devices score as pictures do; `unknown` until both were measured on enough people."""
        shipped = None if self.has_cohort(tenant) else shipped_tail(self._pack.calibration)
        pictures = self._measured(tenant, "single", "single_error") if shipped is None else Measured(shipped)
        return agreement(pictures, self._measured(tenant, "vectors", "vectors_error"))

    def _measured(self, tenant: str, kind: TailKind, error_kind: TailKind) -> Measured | None:
        """None without a cohort, and for one that an older version measured: it kept no error."""
        tail, error = (self._store.tail(tenant, self._pack.id, one) for one in (kind, error_kind))
        if tail is None or error is None:
            return None
        people = self._store.people(tenant, self._pack.id, kind)
        return Measured(Tail(**tail), people, error["raised"], error["error"])

    def add_own(self, tenant: str, customer_id: str, scores: Sequence[float], size: int) -> None:
        """Store the best scores of a new customer's frames among the `size` other customers."""
        self._store.keep_tops(tenant, self._pack.id, customer_id, ONE_FRAME, scores, size=size)

    def own(self, tenant: str, size: int) -> NDArray[np.float64]:
        """Scores of single frames of the tenant's enrolments among the others, comparable to those in a gallery of
        `size`."""
        return np.array(self._store.tops(tenant, self._pack.id, ONE_FRAME, self._least(size)))

    def _least(self, size: int) -> int:
        """The smallest gallery whose best scores count for one of `size`: those of a much smaller one say too
        little, and those from before the cohort term applied are on another scale."""
        return max((size + 1) // 2, int(self.scoring.least_gallery) if self.scoring.applies(size) else 0)

    def _as_promised(self, stored: Calibration, size: int) -> bool:
        same = (stored.target, stored.scoring) == (self._promise, self.scoring)
        return same and not stored.stale(self._pack.id, size)

    def _made(self, tenant: str, size: int, target: float) -> Calibration | None:
        """For pictures; where devices' vectors were measured and ask for a higher threshold, for these."""
        made = self._made_on(self.tail(tenant), tenant, size, target)
        vectors = self._store.tail(tenant, self._pack.id, "vectors")
        if vectors is None:
            return made
        other = self._made_on(Tail(**vectors), tenant, size, target)
        if other is None or (made is not None and made.threshold >= other.threshold):
            return made
        return replace(other, path="vectors")

    def _made_on(self, tail: Tail | None, tenant: str, size: int, target: float) -> Calibration | None:
        try:
            return calibrate(
                pack=self._pack.id,
                gallery_size=size,
                target=target,
                made_at_us=self._now_us() // DAY * DAY,  # the moment would be that of somebody's enrolment
                pack_tail=tail,
                gallery_tops=self.own(tenant, size),
                scoring=self.scoring,
                shift=self._shift(tenant, target) if self.scoring.applies(size) else 0.0,
            )
        except ValueError:  # neither a tail nor enough scores of its own: nobody is greeted, all are guests
            return None


def _cohort(people: Iterable[Vectors]) -> list[Vectors]:
    """The unit vectors of each person. Raises ValueError: too few people, or too few frames of one."""
    cohort = [unit(np.atleast_2d(frames)) for frames in people]
    if any(len(frames) < TEMPLATE_FRAMES for frames in cohort):
        raise ValueError(f"each person of a cohort needs {TEMPLATE_FRAMES} frames")
    if len(cohort) < 2:
        raise ValueError("a cohort needs people: two at least, better a hundred, three usable frames of each")
    return cohort


def _rounded_up(size: int) -> int:
    """At most 4 % more than `size`, the same for sizes near each other: its threshold is a little stricter."""
    step = max(1, 1 << max(0, size.bit_length() - 6))
    return -(-size // step) * step


def careful_tail(cohort: list[Vectors], templates: Vectors) -> Tail:
    """`cohort_tail`, raised by one standard error: by what it would scatter over other cohorts of strangers."""
    return measured_tail(cohort, templates).tail


def measured_tail(cohort: list[Vectors], templates: Vectors) -> Measured:
    """`careful_tail`, and its errors.

    A hundred strangers show the threshold only roughly. The errors are a jackknife's over GROUPS of people: the
    tail is raised by that of the score that one comparison in a hundred times their number exceeds.
    """
    whole = cohort_tail(cohort, templates)
    who = np.arange(len(cohort)) % GROUPS
    parts = []
    for group in range(GROUPS):
        rest = np.flatnonzero(who != group)
        parts.append(cohort_tail([cohort[n] for n in rest], templates[rest]))

    def error(probability: float) -> float:
        return float(np.std([part.quantile(probability) for part in parts]) * np.sqrt(GROUPS - 1))

    raised = error(0.01 / len(cohort))
    body = tuple((chance, score + raised) for chance, score in whole.body)
    tail = replace(whole, start=whole.start + raised, body=body)
    return Measured(tail, len(cohort), raised, error(compared_at(len(cohort))))


def cohort_tail(cohort: list[Vectors], templates: Vectors) -> Tail:
    """The tail of strangers' scores: single frames against the templates (n, d) of the others.

    Raises ValueError when the cohort is too small to show a tail.
    """
    owners = np.repeat(np.arange(len(cohort)), [len(vectors) for vectors in cohort])
    return fit_tail(impostor_scores(np.concatenate(cohort), owners, templates, np.arange(len(cohort))))


def cohort_tops(cohort: list[Vectors], templates: Vectors, scoring: Scoring) -> TopTail:
    """The tail of best scores: each stranger's single frames against all the others."""
    owners = np.repeat(np.arange(len(cohort)), [len(vectors) for vectors in cohort])
    tops = own_tops(np.concatenate(cohort), owners, templates, np.arange(len(cohort)), scoring)
    return TopTail(len(cohort) - 1, fit_tail(tops))
