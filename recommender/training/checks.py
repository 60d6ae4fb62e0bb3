"""Reasons to refuse a training: before fitting, and before publishing."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from plumbing.words import Message
from recommender.ranking.interactions import Interactions
from recommender.scene import AnyScene, Context, DataCut, Request, Trained, TrainingInput
from recommender.training.gate.changes import LEAST_CUSTOMERS
from recommender.training.outcomes import sentence

LEAST_ORDERS = 2
"""A model learns from customers with at least so many orders: it predicts the last one from the others."""

NOUNS = {"ordered": "orders", "rode": "rides"}


def what_is_missing(scene: AnyScene, data: TrainingInput) -> str | None:
    """What a training still needs, in a sentence; None when there is enough."""
    return what_is_missing_of(scene, bool(data.catalogue), bool(_returning(data.interactions)))


def what_is_missing_of(scene: AnyScene, catalogue: bool, returning: bool) -> str | None:
    """As `what_is_missing`: whether there is a catalogue, and a customer with enough events."""
    if scene.learns_from is None:
        return None  # such a scene reads its log itself, and raises when it is too short
    if not catalogue:
        return sentence(f"training-no-{scene.kind}s")
    if not returning:
        return sentence(f"training-no-{NOUNS[scene.learns_from]}")
    return None


def _returning(interactions: Interactions) -> int:
    known = interactions.customer >= 0
    return len(np.unique(interactions.customer[known & (interactions.order >= LEAST_ORDERS - 1)]))


def data_cut(data: TrainingInput) -> DataCut:
    """The size, the end and the hash of all that a training read."""
    digest, interactions = hashlib.sha256(), data.interactions
    for field in fields(interactions):
        column = np.ascontiguousarray(getattr(interactions, field.name))
        digest.update(f"{field.name} {column.dtype.str} {column.shape}".encode())
        digest.update(column.tobytes())
    digest.update(repr(data.catalogue).encode())
    return DataCut(
        lines=len(interactions),
        customers=len(interactions.customers),
        until_us=int(np.max(interactions.time_us)) if len(interactions) else None,
        sha256=digest.hexdigest(),
        least_people=data.least_people,
    )


def refusal(scene: AnyScene, trained: Trained) -> Message | None:
    """Why this model must not be published; None when it may."""
    for name, array in trained.arrays.items():
        if np.issubdtype(array.dtype, np.floating) and len(array) and not np.isfinite(array).any():
            return Message.of("gate-array", name=name)
    report = trained.report
    value, baseline = report.value, report.baseline_value
    missing = [n for n, one in (("value", value), ("baseline_value", baseline)) if not math.isfinite(one)]
    if missing:
        return Message.of("gate-no-figure", names=", ".join(missing))
    if value < baseline and report.in_force != "counting" and not scene.own_gate:
        return Message.of("gate-below", metric=report.metric, value=f"{value:.4f}", counting=f"{baseline:.4f}")
    return None


def shrunk(cut: DataCut, earlier: Mapping[str, Any], erased: int) -> Message | None:
    """Refuse a log that lost more than half of its lines or of its customers since the last version, unless it is
    accepted; `earlier` is that one's cut, `erased` how many of its lines were erased since."""
    lines = int(earlier.get("lines") or 0)
    if cut.lines * 2 < lines - erased:
        return Message.of("gate-shrunk", then=lines, now=cut.lines)
    customers = int(earlier.get("customers") or 0)
    if customers >= LEAST_CUSTOMERS and cut.customers * 2 < customers * min(1.0, (lines - erased) / max(lines, 1)):
        return Message.of("gate-fewer-customers", then=customers, now=cut.customers)
    return None


def refused_by_trial(scene: AnyScene, trained: Trained, data: TrainingInput, most: int = 20) -> Message | None:
    """Load the model as the server does and suggest for a few customers: every score must be a number.

    A scene with its own log is only loaded: its suggestions would be logged.
    """
    try:
        model = scene.load(dict(trained.arrays), dict(trained.texts))
    except ValueError as error:
        return Message.of("gate-unreadable", error=str(error))
    interactions = data.interactions
    now_us = max(int(np.max(interactions.time_us)), 0) if len(interactions) else 0
    for customer in np.unique(interactions.customer[interactions.customer >= 0])[:most]:
        request = Request(
            history=interactions.where(interactions.customer == customer),
            context=Context(),
            catalogue=data.catalogue,
            n=5,
            now_us=now_us,
            rng=np.random.default_rng(0),
        )
        scores = [suggestion.score for suggestion in scene.suggest(model, request).suggestions]
        if not np.isfinite(scores).all():
            return Message.of("gate-not-numbers")
    return None
