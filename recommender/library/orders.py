"""Favourite orders as an estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.library.catalogue import Catalogue, from_json, items_named, items_of, to_json
from recommender.library.folder import (
    CATALOGUE,
    TENANT,
    NotFitted,
    forget_customers,
    load_model,
    save_model,
    stored_report,
    trained_of,
)
from recommender.library.request import Data, interactions_of, reported, request_of
from recommender.orders.fit import FitSettings, labels_of
from recommender.orders.history import read_history
from recommender.orders.questions import questions_of
from recommender.orders.rounds import truth_of
from recommender.orders.signals.crowd import NAMES, ItemCrowd, merge_repeats
from recommender.ranking.interactions import Interactions
from recommender.ranking.metrics import split_last
from recommender.scene import Answer, Context, Progress, Trained, TrainingInput
from recommender.scenes.orders import OrdersScene as OrdersScene
from recommender.scenes.orders import ServedOrders


class Orders:
    """What a customer most likely orders now.

    Args:
        trees: trees in each ranker; fewer are faster.
        explore: share of lists whose last place goes to an item that the customer never had. It takes effect
            only where `suggest` is given a generator.

    Attributes:
        report: after `fit` or `load`: `in_force` ("ranker" or "counting"), `why`, `rows` (one for each method,
            on everybody's last order), `metric`, `value`, `baseline_value`, `interval`, `n_train`, `n_validation`.

    Example:
        >>> orders = Orders().fit({"customer": ["ann", "ann"], "item": ["tea", "tea"]})
        >>> answer = orders.suggest({"customer": ["ann"], "item": ["tea"]}, n=1)
        >>> [one.item_id for one in answer.suggestions]
        ['tea']
    """

    def __init__(self, *, trees: int = 160, explore: float = 0.05) -> None:
        self.settings = FitSettings(trees=trees)
        self._steady = OrdersScene(self.settings, explore_share=0.0)
        self._exploring = OrdersScene(self.settings, explore_share=explore)
        self._trained: Trained | None = None
        self._model: ServedOrders | None = None
        self._catalogue = items_of(())
        self._seed = 0
        self.report: Mapping[str, Any] = {}

    def fit(
        self, data: Data, *, items: Catalogue | None = None, seed: int = 0, progress: Progress | None = None
    ) -> Orders:
        """Learn from orders and choose between the learned ranker and counting. Same data and seed, same model.

        Args:
            data: one row for each item of each order (see `Interactions.from_columns`).
            items: the menu: `item_id` and, where known, name, category, price (minor units), dayparts,
                allergens, tags, sites, available. By default the items that occur in `data`, always on offer.
            progress: called with what is being done and the share done, 0..1.

        Raises:
            MissingColumns: `data` has no `customer` or no `item`.
        """
        seen = interactions_of(data)
        catalogue = items_named(seen.items) if items is None else items_of(items)
        training = TrainingInput(seen, catalogue)
        trained = self._steady.train(training, seed=seed, progress=reported(progress))
        self._trained, self._catalogue, self._seed = trained, catalogue, seed
        self._model = self._steady.load(trained.arrays, trained.texts)
        self.report = stored_report(trained)
        return self

    def suggest(
        self,
        history: Data | None = None,
        *,
        customer: str | None = None,
        n: int = 5,
        at: datetime | None = None,
        site: str = "",
        region: str = "",
        basket: Sequence[str] = (),
        repeat: str = "prefer",
        items: Catalogue | None = None,
        generator: np.random.Generator | None = None,
    ) -> Answer:
        """Up to n suggestions, the likeliest first, each with its score and a reason.

        The model holds nobody's history: it is given here, and may be newer than the model. A customer without
        rows in it gets what is popular, marked by `fallback` "no_history"; no history at all is a guest
        ("no_token").

        Args:
            history: orders of one customer, or of several with `customer` saying which one asks.
            at: when (with a zone); its clock is the customer's. None: the time of day is not known.
            basket: item ids already chosen; they are not suggested.
            repeat: "prefer" (what is likely), "allow" (known and new items by turns) or "avoid" (new ones only).
            items: another menu than that of `fit`.
            generator: explores with the share `explore`; None never explores.

        Raises:
            NotFitted: before `fit` or `load`.
            MissingColumns: `history` has no `customer` or no `item`.
            ValueError: several customers and no `customer`, or `at` without a zone.
        """
        if self._model is None:
            raise NotFitted("Orders")
        context = Context(site=site, region=region, local_time=at, basket=tuple(basket), repeat=repeat)
        request = request_of(history, customer, context, items, self._catalogue, n, generator)
        return (self._exploring if generator else self._steady).suggest(self._model, request)

    def save(self, folder: Path | str) -> str:
        """Write the model under `folder` as plain arrays and texts; returns the version's name.

        Nothing in it names a customer.

        Raises:
            NotFitted: before `fit` or `load`.
        """
        if self._trained is None:
            raise NotFitted("Orders")
        return save_model(folder, "orders", self._trained, {CATALOGUE: to_json(self._catalogue)}, seed=self._seed)

    @classmethod
    def load(cls, folder: Path | str, *, tenant: str = TENANT) -> Orders:
        """The model that was saved last in `folder`, or the one a server serves: its folder `models`, a `tenant`.

        Raises:
            ArtifactError: there is none, or a file was altered.
        """
        version = load_model(folder, "orders", tenant)
        loaded = cls()
        loaded._trained = trained_of(version)
        loaded._model = loaded._steady.load(version.arrays, version.texts)
        text = version.texts.get(CATALOGUE)
        loaded._catalogue = items_named(version.arrays["items"]) if text is None else from_json(text)
        loaded._seed, loaded.report = int(version.manifest["seed"]), stored_report(loaded._trained)
        return loaded

    @staticmethod
    def forget_customers(folder: Path | str) -> int:
        """Take the rows of customers out of every model that was saved in `folder`; returns how many had any.

        A model of orders compares with rows of earlier customers. They have no names, but each is one person's:
        when one of them asks to be forgotten, and there are no data to fit again without them, all can go.

        Raises ArtifactError: a version cannot be read.
        """
        return forget_customers(folder, "orders")

    @staticmethod
    def read(path: Path | str) -> Interactions:
        """Orders from a CSV file with the columns customer, order_index, item (gzipped or not).

        `order_id`, `timestamp`, `day`, `region`, `site` and `quantity` are read where they are there.

        Raises:
            DatasetError: something is missing or wrong; the message names file, row and column.
        """
        return read_history(Path(path))[0]

    @staticmethod
    def signals(data: Data, *, seed: int = 0, least: int = 4) -> dict[str, NDArray[Any]]:
        """What the ranker sees: every candidate for everybody's last order, as columns of (rows,) each.

        `customer` and `item` are texts, `ordered` says whether the item was in that order, and each signal has
        a float column (NaN: nothing known). The last order of customers with at least `least` orders is asked
        for; the signals are computed from what came before it.

        Raises:
            MissingColumns: `data` has no `customer` or no `item`.
        """
        seen = merge_repeats(interactions_of(data))
        history, targets = split_last(seen, back=1, least=least)
        crowd = ItemCrowd.fit(history, [()] * len(seen.items), seed)
        pairs = crowd.pairs(questions_of(history, targets))
        right = labels_of(truth_of(history, targets), max(len(seen.items), 1))
        asked = np.unique(targets.customer)
        columns: dict[str, NDArray[Any]] = {
            "customer": seen.customers[asked[pairs.question]],
            "item": seen.items[pairs.item],
            "ordered": np.isin(pairs.question * len(seen.items) + pairs.item, right),
        }
        return columns | {name: pairs.features[:, column] for column, name in enumerate(NAMES)}
