"""Offers as an estimator: decide, record what came of it, learn from the log."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbing.clock import HOUR
from plumbing.storage.sqlite import SQLiteDatabase
from recommender.library.folder import TENANT, NotFitted, load_model, save_model, stored_report, trained_of
from recommender.library.request import reported
from recommender.offers.answers import earnings
from recommender.offers.decision import FEATURES, OfferDecision, Policy
from recommender.offers.eligibility import Usage
from recommender.offers.errors import UnusableLog
from recommender.offers.learning.log import ClosedDecisions, from_parts, read_closed
from recommender.offers.learning.off_policy import OfferLog
from recommender.offers.learning.train import train_policy
from recommender.offers.portfolio import NONE, Offer, from_json, parse_offer, to_json
from recommender.offers.settings import OfferSettings, changed
from recommender.ranking.frames import Columns, columns_of
from recommender.scene import Context, Progress, Request, Trained
from recommender.scenes.offer_decisions import decide_offer
from recommender.scenes.offer_outcomes import Credit, Purchase, record_outcome, record_purchases
from recommender.store.offer_tables import migrations
from recommender.store.offers import OfferStore

PORTFOLIO, SETTINGS = "portfolio.json", "settings.json"
SALT = "usual in a notebook"
LOG_COLUMNS = ("customer", "offer", "propensity", "reward")


class Offers:
    """Which offer a customer is shown, or none, with the chance of every possible decision logged.

    It keeps a log of its own in a temporary folder: `close` it, or use it in a `with` block.

    Args:
        portfolio: offers as dictionaries: `offer_id`, `name` and, where wanted, kind, items, budget_count,
            budget_money, redemption_cost (minor units), cap_count, cap_days, starts_on, ends_on and so on.
        settings: of `recommender.offers.settings.OfferSettings`, such as holdout_share, exploration,
            window_hours, lateness_hours, margin_share.

    Attributes:
        report: after `fit` or `load`: `in_force` ("ranker", or "counting" for the best single offer), `why`,
            `rows` and `what_if` (policies by doubly robust value and SNIPS), `deciles`, `interval` and more.

    Example:
        >>> from datetime import UTC, datetime
        >>> with Offers([{"offer_id": "cake", "name": "Cake at half price"}]) as offers:
        ...     decision = offers.suggest(at=datetime(2026, 11, 23, 12, tzinfo=UTC))
        >>> decision.arm
        'cake'

    Raises:
        InvalidOffer: naming every wrong field of an offer.
        InvalidSettings: naming every wrong setting.
    """

    def __init__(
        self, portfolio: Iterable[Offer | Mapping[str, Any]], *, salt: str = SALT, **settings: float | None
    ) -> None:
        offers = [one if isinstance(one, Offer) else parse_offer(one) for one in portfolio]
        self.portfolio = {offer.offer_id: offer for offer in offers}
        self.settings = changed(OfferSettings(salt), settings)
        self._folder = tempfile.TemporaryDirectory(prefix="usual-offers-")
        self._database = SQLiteDatabase(Path(self._folder.name) / "offers.db", migrations, durable=False)
        self._store = OfferStore(self._database)
        self._store.save_settings(TENANT, self.settings)
        self._store.save_offers(TENANT, offers, 0)
        self._events = 0
        self._trained: Trained | None = None
        self._policy: Policy | None = None
        self._seed = 0
        self.report: Mapping[str, Any] = {}

    def __enter__(self) -> Offers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the log. What was learned can still be saved."""
        self._database.close()
        self._folder.cleanup()

    # -- at the counter --------------------------------------------------------------------------------------

    def suggest(
        self,
        customer: str | None = None,
        *,
        at: datetime,
        site: str = "",
        generator: np.random.Generator | None = None,
    ) -> OfferDecision:
        """Decide for one visit and log it; `arm` is the offer's id or "none", `propensities` are of every arm.

        Before `fit`, offers are tried in turn. A budget is reserved for the offer's window.

        Args:
            customer: None is a guest: the best single offer, and nothing is learned from it.
            at: when (with a zone).
            generator: draws the offer; None draws with a fixed seed.
        """
        request = Request(
            history=None,
            context=Context(site, local_time=at),
            catalogue=(),
            n=1,
            now_us=_us(at),
            rng=generator or np.random.default_rng(0),
            tenant=TENANT,
            customer=customer,
        )
        return decide_offer(self._store, request, self._policy)

    def record_purchase(self, customer: str, amount: int, *, at: datetime) -> None:
        """What a customer spent (minor units), after an offer or without one: the reward is made of it.

        Raises:
            InvalidOutcome: an amount below zero or too large.
        """
        purchase = Purchase(self._next_event(), customer, _us(at), amount)
        record_purchases(self._store, TENANT, [purchase], _us(at))

    def record_outcome(
        self, decision: OfferDecision, kind: str, *, at: datetime, cost: int | None = None
    ) -> Credit:
        """That the offer of a decision was "viewed", "completed" or "dismissed"; late and twice are fine.

        Raises:
            InvalidOutcome: another kind, nothing had been shown, or before the decision.
        """
        now, key = _us(at), decision.decision_id
        return record_outcome(self._store, TENANT, key, kind, self._next_event(), now, now, cost=cost)

    def usage(self) -> dict[str, Usage]:
        """By offer: what of its budget is spent and what is reserved, in redemptions and in minor units."""
        return self._store.usage(TENANT)

    def log(self, *, at: datetime) -> dict[str, NDArray[Any]]:
        """The decisions whose windows had closed by `at`, as columns (n,) that `fit` and `evaluate` take.

        `customer`, `offer` ("none": nothing was shown), `propensity` (of what was shown, marginal over the
        holdout), `reward` (minor units), `held_out`, `time_us`, `eligible` ("a|b") and the features.
        """
        closed = self._closed(at)
        names = np.array(closed.log.arms)
        features = {name: closed.features[:, column] for column, name in enumerate(FEATURES)}
        return {
            "customer": closed.customers[closed.log.customer],
            "offer": names[closed.log.arm],
            "propensity": closed.log.propensity,
            "reward": closed.log.reward,
            "held_out": closed.held_out,
            "time_us": closed.decided_us,
            "eligible": np.array(["|".join(names[row & (names != NONE)]) for row in closed.eligible], np.str_),
            **features,
        }

    def proof(self, *, at: datetime) -> dict[str, Any]:
        """What offers earned against customers who were left alone, as the desk shows it.

        `difference`, `low` and `high` (minor units a visit; an interval that holds at every look), `decided`,
        `answer`, `history` from day to day, `ratio` (is the holdout as large as it was meant to be?) and more.
        """
        published = None if self._trained is None else self._trained.report
        return earnings(self._closed(at), self.settings, published)

    # -- learning --------------------------------------------------------------------------------------------

    def fit(
        self,
        data: Columns | None = None,
        *,
        at: datetime | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Offers:
        """Learn a policy, and what it and others would have earned. From then on `suggest` follows it.

        Args:
            data: logged decisions: `customer`, `offer` ("none": nothing was shown), `propensity` (the chance of
                what was shown, in (0, 1]), `reward` (minor units); optional are those of `log`. None learns from
                this object's own log as of `at`.

        Raises:
            MissingColumns: one of the four is missing.
            UnusableLog: no closed decision, or rows with a propensity or reward that cannot be; it names them.
            ValueError: neither `data` nor `at`.
        """
        if data is None and at is None:
            raise ValueError("say what to learn from: `data`, or `at` for this object's own log")
        trained = self.learn(data, at=at, seed=seed, progress=progress)
        self._trained, self._seed, self.report = trained, seed, stored_report(trained)
        self._policy = from_parts(trained.arrays, trained.texts)
        return self

    def learn(
        self,
        data: Columns | None = None,
        *,
        at: datetime | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Trained:
        """What `fit` learns, without following it."""
        closed = self._closed(at or datetime.now(UTC)) if data is None else closed_of(data, self.portfolio)
        if not len(closed):
            raise UnusableLog("there is no closed decision to learn from yet")
        return train_policy(closed, self.portfolio, self.settings, seed=seed, progress=reported(progress))

    def save(self, folder: Path | str) -> str:
        """Write policy, portfolio and settings under `folder`, not the log; returns the version's name.

        Raises:
            NotFitted: before `fit` or `load`.
        """
        if self._trained is None:
            raise NotFitted("Offers")
        portfolio = json.dumps([to_json(offer) for offer in self.portfolio.values()])
        settings = {name: getattr(self.settings, name) for name in OfferSettings.__slots__}
        texts = {PORTFOLIO: portfolio, SETTINGS: json.dumps(settings, sort_keys=True)}
        return save_model(folder, "offers", self._trained, texts, seed=self._seed)

    @classmethod
    def load(cls, folder: Path | str) -> Offers:
        """What was saved last in `folder`, with an empty log.

        Raises:
            ArtifactError: there is none, or a file was altered.
        """
        version = load_model(folder, "offers")
        loaded = cls(
            [from_json(text) for text in json.loads(version.texts[PORTFOLIO])],
            **json.loads(version.texts[SETTINGS]),
        )
        loaded._trained = trained_of(version)
        loaded._policy = from_parts(version.arrays, version.texts)
        loaded._seed, loaded.report = int(version.manifest["seed"]), stored_report(loaded._trained)
        return loaded

    def _closed(self, at: datetime) -> ClosedDecisions:
        lateness = self.settings.lateness_hours * HOUR
        return read_closed(self._store.with_outcomes(TENANT, _us(at), lateness), self.settings)

    def _next_event(self) -> str:
        self._events += 1
        return f"event-{self._events}"


def closed_of(data: Columns, portfolio: Mapping[str, Offer]) -> ClosedDecisions:
    """Logged decisions as the learning takes them; see `Offers.fit` for the columns.

    Raises:
        MissingColumns, UnusableLog: as `Offers.fit` does.
    """
    columns = columns_of(data, LOG_COLUMNS)
    n = len(columns["customer"])
    shown = columns["offer"].astype(np.str_)
    given = columns.get("eligible")
    choices = [sorted(portfolio)] * n if given is None else [str(text).split("|") for text in given.tolist()]
    arms = (NONE, *sorted(({*shown.tolist(), *(one for row in choices for one in row)}) - {NONE, ""}))
    arm = np.searchsorted(arms[1:], shown) + 1 if len(arms) > 1 else np.zeros(n, np.int64)
    arm = np.where(shown == NONE, 0, arm).astype(np.int64)
    customers, customer = np.unique(columns["customer"].astype(np.str_), return_inverse=True)
    order = np.argsort(columns.get("time_us", np.arange(n)), kind="stable")
    numbers = {name: columns[name].astype(np.float64) for name in ("propensity", "reward")}
    log = OfferLog(arm, numbers["propensity"], numbers["reward"], customer.astype(np.int64), arms)
    features = [columns[name].astype(np.float64) if name in columns else np.zeros(n) for name in FEATURES]
    log = OfferLog(log.arm[order], log.propensity[order], log.reward[order], log.customer[order], arms)
    return ClosedDecisions(
        log,
        log.propensity,
        np.column_stack(features)[order],
        columns.get("held_out", np.zeros(n)).astype(np.bool_)[order],
        columns.get("time_us", np.zeros(n)).astype(np.int64)[order],
        customers,
        _eligible(choices, arms, arm)[order],
        n_open=0,
        aware=0,
        blind=0,
    )


def _eligible(
    choices: Sequence[Sequence[str]], arms: Sequence[str], shown: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(n, arms): what could be shown; nothing always could, and so could what was shown."""
    at = {arm: code for code, arm in enumerate(arms)}
    eligible = np.zeros((len(choices), len(arms)), np.bool_)
    for row, names in enumerate(choices):
        eligible[row, [at[name] for name in names if name]] = True
    eligible[:, 0] = True
    eligible[np.arange(len(choices)), shown] = True
    return eligible


def _us(at: datetime) -> int:
    if at.tzinfo is None:
        raise ValueError(f"`at` needs a zone: {at.isoformat()} may mean several moments")
    return int(at.timestamp() * 1e6)
