"""Reasons to refuse a training run before and after fitting."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from recommender.ranking.interactions import Interactions
from recommender.scene import Context, Item, Request, Scene, Trained
from recommender.store.catalogue import Kind

KINDS: Mapping[str, Kind] = {"orders": "item", "destinations": "place"}


LEAST_ORDERS = 2
"""A customer teaches something from this many orders on: the last one is what the others should foretell."""


def what_is_missing(interactions: Interactions, catalogue: tuple[Item, ...], scene: str) -> str | None:
    """How much more a training needs, in a sentence; None when there is enough."""
    kind = KINDS[scene]
    if not catalogue:
        return f"The catalogue holds no {kind}s yet: `usual import {kind}s FILE`."
    visits = "orders" if scene == "orders" else "rides"
    returning = _returning(interactions)
    if not returning:
        return f"No customer has {LEAST_ORDERS} {visits} yet; a model learns from those who come back."
    return None


def _returning(interactions: Interactions) -> int:
    known = interactions.customer >= 0
    return len(np.unique(interactions.customer[known & (interactions.order >= LEAST_ORDERS - 1)]))


def data_cut(interactions: Interactions, catalogue: tuple[Item, ...]) -> dict[str, Any]:
    """Which data a version was trained on: how much, until when, and a hash of every column."""
    digest = hashlib.sha256()
    for field in fields(interactions):
        column = np.ascontiguousarray(getattr(interactions, field.name))
        digest.update(f"{field.name} {column.dtype.str} {column.shape}".encode())
        digest.update(column.tobytes())
    digest.update(repr(catalogue).encode())
    return {
        "lines": len(interactions),
        "customers": len(interactions.customers),
        "until_us": int(np.max(interactions.time_us)) if len(interactions) else None,
        "sha256": digest.hexdigest(),
    }


def refusal(trained: Trained) -> str | None:
    """Why this model must not come into force, in a sentence; None when it may."""
    for name, array in trained.arrays.items():
        if np.issubdtype(array.dtype, np.floating) and len(array) and not np.isfinite(array).any():
            return f"Not published: the array {name!r} holds no finite number."
    report = trained.report
    value, baseline = report.value, report.baseline_value
    missing = [n for n, one in (("value", value), ("baseline_value", baseline)) if not math.isfinite(one)]
    if missing:
        return f"Not published: the evaluation gave no number for {' and '.join(missing)}."
    if value < baseline and report.in_force != "counting":
        return f"Not published: {report.metric} {value:.4f} is below counting's {baseline:.4f}."
    return None


def shrunk(cut: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """A log that lost more than half of its lines since the last version is a fault until somebody says not."""
    lines = int(before.get("lines", 0))
    if cut["lines"] * 2 >= lines:
        return None
    return (
        f"Not published: the log shrank from {lines} to {cut['lines']} lines since the last version. "
        "If that is as it should be: `usual train SCENE --accept-smaller-log`."
    )


def refused_by_trial(
    scene: Scene, trained: Trained, interactions: Interactions, catalogue: tuple[Item, ...], most: int = 20
) -> str | None:
    """Load the model as the server would and ask it for a few customers: it must answer, with finite scores."""
    try:
        model = scene.load(dict(trained.arrays), dict(trained.texts))
    except ValueError as error:
        return f"Not published: the model cannot be loaded ({error})."
    now_us = max(int(np.max(interactions.time_us)), 0)
    for customer in np.unique(interactions.customer[interactions.customer >= 0])[:most]:
        request = Request(
            history=interactions.where(interactions.customer == customer),
            context=Context(),
            catalogue=catalogue,
            n=5,
            now_us=now_us,
            rng=np.random.default_rng(0),
        )
        scores = [suggestion.score for suggestion in scene.suggest(model, request).suggestions]
        if not np.isfinite(scores).all():
            return "Not published: the model gives scores that are not numbers."
    return None
