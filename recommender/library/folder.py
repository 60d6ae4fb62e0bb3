"""Fitted models in folders: the server's own format of plain arrays and texts, never pickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recommender.errors import ArtifactError
from recommender.orders.signals.neighbours import ROWS
from recommender.ranking.rows import count, in_model, taken
from recommender.scene import DataCut, Report, Trained
from recommender.store.versions import Version, VersionStore, finite

TENANT = "notebook"
CATALOGUE = "catalogue.json"
"""The text that holds the items; a version that the server published has none."""
NO_CUT = DataCut(lines=0, customers=0, until_us=None, sha256="")
"""A notebook's data are its own: a version does not say which rows of a server's log it was trained on."""


class NotFitted(ValueError):
    """`fit` or `load` comes first."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not fitted: call fit(...) or load(...) first")


def save_model(folder: Path | str, scene: str, trained: Trained, texts: Mapping[str, str], *, seed: int) -> str:
    """Publish a version under `folder`/notebook/`scene` and return its name.

    The same model gives the same bytes. Every save makes a version; the last five are kept.
    """
    store = VersionStore(Path(folder), TENANT, scene)
    whole = Trained(trained.arrays, {**trained.texts, **texts}, trained.report)
    return store.publish(whole, seed=seed, cut=NO_CUT, parent=store.current())


def load_model(folder: Path | str, scene: str, tenant: str = TENANT) -> Version:
    """The version in `folder` that is current.

    Raises:
        ArtifactError: there is none, or its files are not what its manifest says.
    """
    store = VersionStore(Path(folder), tenant, scene)
    name = store.current()
    if name is None:
        raise ArtifactError(f"{store.folder} holds no version of {scene}.")
    return store.load(name)


def trained_of(version: Version) -> Trained:
    """What was published as this version."""
    return Trained(version.arrays, version.texts, Report.from_dict(version.manifest["report"]))


def stored_report(trained: Trained) -> dict[str, Any]:
    """A training's report as JSON has it: None where a figure is not a number."""
    report: dict[str, Any] = finite(trained.report.to_dict())
    return report


def forget_customers(folder: Path | str, scene: str, tenant: str = TENANT) -> int:
    """Take the rows of all customers out of every version of a scene under `folder`; returns how many versions
    had any.

    A folder does not say whose a row is, so all go; everything else stays, and the models still answer. For one
    customer alone: fit again without their rows, save, and delete the older versions.

    Raises:
        ArtifactError: a version cannot be read; it is left as it is.
        OSError: the folder cannot be written.
    """
    store, changed = VersionStore(Path(folder), tenant, scene), 0
    for name in store.names():
        version = store.load(name)
        tables = in_model(version.arrays, ROWS)
        if count(version.arrays, tables):
            store.rewrite(version, taken(version.arrays, tables, np.zeros(0, np.intp)))
            changed += 1
    store.tidy()
    return changed
