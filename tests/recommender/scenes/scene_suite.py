"""What every scene promises. Each scene has a subclass of `SceneSuite` in test_every_scene.py.

A new scene: write a `Case` of it, subclass `SceneSuite`, and give the fallbacks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from plumbing.clock import SECOND
from recommender.scene import (
    Answer,
    AnyScene,
    Context,
    Event,
    OrderLine,
    RecordedEvents,
    Report,
    Request,
    Trained,
    TrainingInput,
)
from recommender.store.versions import VersionStore, finite
from recommender.training.checks import data_cut

Who = Literal["guest", "newcomer", "regular"]
WHO: tuple[Who, ...] = ("guest", "newcomer", "regular")
REGULAR = "pseudonym-of-the-regular"
SEEDS = 25


def silent(_what: str, _share: float) -> None:
    """Progress that nobody reads."""


@dataclass(frozen=True)
class Case:
    """One scene in a small world with an empty log of its own.

    In `data`, REGULAR has a history. `never` are ids that exist and must not be shown.
    """

    scene: AnyScene
    data: TrainingInput  # enough to train on
    context: Context
    now_us: int
    never: frozenset[str]

    def request(self, who: Who, *, n: int = 3, seed: int = 0) -> Request:
        seen = self.data.interactions
        history = {
            "guest": None,
            "newcomer": seen.where(np.zeros(len(seen), np.bool_)),
            "regular": seen.where(np.isin(seen.customer, np.flatnonzero(seen.customers == REGULAR))),
        }[who]
        customer = {"guest": None, "newcomer": "a-newcomer", "regular": REGULAR}[who]
        return Request(
            history=history,
            context=self.context,
            catalogue=self.data.catalogue,
            n=n,
            now_us=self.now_us,
            rng=np.random.default_rng(seed),
            recent=seen,
            tenant=self.data.tenant,
            customer=customer,
        )

    def batch(self, event: Event, purposes: tuple[str, ...] = ()) -> RecordedEvents:
        items = {item.item_id: item for item in self.data.catalogue}
        return RecordedEvents(self.data.tenant, [event], event.time_us, purposes, items)


class SceneSuite:
    """The promises. `self.case(folder)` makes the same small world again, with nothing logged in it."""

    fallbacks: ClassVar[Mapping[tuple[Who, bool], str | None]]
    """(who, with a model) -> the fallback of the answer."""

    @classmethod
    def case(cls, folder: Path) -> Case:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls, tmp_path_factory: pytest.TempPathFactory) -> Trained:
        return cls.train(cls.case(tmp_path_factory.mktemp("trained")))

    @classmethod
    def train(cls, case: Case) -> Trained:
        """A scene with a log of its own fills it first."""
        return case.scene.train(case.data, seed=0, progress=silent)

    def answer(self, folder: Path, trained: Trained | None, who: Who, **more: int) -> Answer:
        """The answer in a world of its own: what one request logs must not change the next one."""
        case = self.case(folder)
        model = case.scene.load(trained.arrays, trained.texts) if trained else None
        return case.scene.suggest(model, case.request(who, **more))

    # --- suggest ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize("with_model", [False, True])
    @pytest.mark.parametrize("who", WHO)
    def test_it_always_answers(self, tmp_path: Path, trained: Trained, who: Who, with_model: bool) -> None:
        """Without token, history or model there is an answer, and its fallback is the right one."""
        answer = self.answer(tmp_path, trained if with_model else None, who)
        assert answer.fallback == self.fallbacks[who, with_model]
        if who == "guest":
            assert answer.suggestions

    def test_without_a_catalogue_it_answers_too(self, tmp_path: Path) -> None:
        """Nothing is in the catalogue and nothing has happened: no suggestion of a thing that is not there."""
        for who in WHO:
            case = self.case(tmp_path / who)
            request = replace(case.request(who), catalogue=(), recent=None, history=None, tenant="a new tenant")
            assert case.scene.suggest(None, request).suggestions == ()

    @pytest.mark.parametrize("with_model", [False, True])
    def test_the_same_seed_gives_the_same_answer(self, tmp_path: Path, trained: Trained, with_model: bool) -> None:
        """Suggestions, scores, reasons, propensities and ids: all equal."""
        model = trained if with_model else None
        for seed in range(3):
            one, two = (self.answer(tmp_path / f"{seed}{k}", model, "regular", seed=seed) for k in range(2))
            assert one == two

    @pytest.mark.parametrize("n", [0, 1, 2, 50])
    def test_there_are_never_more_than_requested(self, tmp_path: Path, trained: Trained, n: int) -> None:
        """At most n, each once, with scores that are numbers and reasons that have words."""
        for who in WHO:
            suggestions = self.answer(tmp_path / who, trained, who, n=n).suggestions
            ids = [suggestion.item_id for suggestion in suggestions]
            assert len(ids) <= n
            assert len(set(ids)) == len(ids)
            assert all(np.isfinite(suggestion.score) for suggestion in suggestions)
            assert all(suggestion.reason.code and suggestion.reason.text for suggestion in suggestions)
            assert all(0 < suggestion.propensity <= 1 for suggestion in suggestions)

    @pytest.mark.parametrize("with_model", [False, True])
    def test_what_is_excluded_is_never_shown(self, tmp_path: Path, trained: Trained, with_model: bool) -> None:
        """Over many seeds; and what the answer lists as excluded is not among its suggestions."""
        case = self.case(tmp_path)
        model = case.scene.load(trained.arrays, trained.texts) if with_model else None
        for seed in range(SEEDS):
            answer = case.scene.suggest(model, case.request("regular", n=50, seed=seed))
            shown = {suggestion.item_id for suggestion in answer.suggestions}
            assert not shown & (case.never | answer.excluded.keys())

    # --- train and load --------------------------------------------------------------------------------

    def test_the_same_data_and_seed_give_the_same_bytes(self, tmp_path: Path, trained: Trained) -> None:
        """Trained again, elsewhere: arrays, texts and report are equal."""
        case = self.case(tmp_path)
        again = self.train(case)
        assert again.texts == trained.texts
        assert {k: v.tobytes() for k, v in again.arrays.items()} == {
            k: v.tobytes() for k, v in trained.arrays.items()
        }
        assert finite(again.report.to_dict()) == finite(trained.report.to_dict())

    def test_arrays_are_plain_numbers(self, trained: Trained) -> None:
        """No Python objects, and no array of floats without a finite number."""
        for name, array in trained.arrays.items():
            assert not array.dtype.hasobject, name
            if np.issubdtype(array.dtype, np.floating) and array.size:
                assert np.isfinite(array).any(), name

    def test_a_stored_version_suggests_the_same(self, tmp_path: Path, trained: Trained) -> None:
        """Written to disk, read back and loaded: the answer is that of the fitted model."""
        case = self.case(tmp_path / "cut")
        shelf = VersionStore(tmp_path / "models", "cafe", case.scene.name)
        name = shelf.publish(trained, seed=0, cut=trained.cut or data_cut(case.data), parent=None)
        version = shelf.load(name)
        stored = Trained(version.arrays, version.texts, trained.report)
        for who in WHO:
            fresh = self.answer(tmp_path / f"{who}-fresh", trained, who)
            assert self.answer(tmp_path / f"{who}-stored", stored, who) == fresh

    def test_a_damaged_model_is_refused(self, tmp_path: Path, trained: Trained) -> None:
        """A missing array, a missing text, an empty text: ValueError, so that the older version serves.

        A text that is cut short never comes this far: its checksum is wrong.
        """
        scene = self.case(tmp_path).scene
        for name in trained.arrays:
            arrays = {key: array for key, array in trained.arrays.items() if key != name}
            with pytest.raises(ValueError):
                scene.load(arrays, trained.texts)
        for name in trained.texts:
            rest = {key: text for key, text in trained.texts.items() if key != name}
            for texts in (rest, rest | {name: ""}):
                with pytest.raises(ValueError):
                    scene.load(trained.arrays, texts)

    def test_a_model_names_no_customer(self, trained: Trained) -> None:
        """No pseudonym is in the arrays, the texts or the report."""
        texts = [*trained.texts.values(), json.dumps(finite(trained.report.to_dict()))]
        texts += [str(array.tolist()) for array in trained.arrays.values() if array.dtype.kind in "US"]
        assert not any(REGULAR in text for text in texts)

    # --- report ----------------------------------------------------------------------------------------

    def test_the_training_report_has_its_fields(self, trained: Trained) -> None:
        """A verdict with its reason, the gate's figures as numbers, a table with a name in each row."""
        report = trained.report
        assert report.in_force in ("ranker", "counting")
        assert report.why
        assert report.metric
        assert np.isfinite([report.value, report.baseline_value]).all()
        assert not report.interval[0] > report.interval[1]
        assert report.n_train > 0
        assert all(row["method"] for row in report.rows)

    def test_the_training_report_survives_its_json(self, trained: Trained) -> None:
        """Stored in a manifest and read back: the same report, with the fields of one scene beside the others."""
        stored: dict[str, Any] = json.loads(json.dumps(finite(trained.report.to_dict())))
        again = Report.from_dict(stored)
        assert finite(again.to_dict()) == stored
        assert (again.in_force, again.value, again.figures.keys()) == (
            trained.report.in_force,
            trained.report.value,
            trained.report.figures.keys(),
        )

    def test_the_marketers_figures_are_json(self, tmp_path: Path, trained: Trained) -> None:
        """With and without a version in force; a version brings its reason."""
        case = self.case(tmp_path)
        assert isinstance(case.scene.report(case.data.tenant, case.now_us, None), dict)
        figures = case.scene.report(case.data.tenant, case.now_us, trained.report)
        assert json.loads(json.dumps(finite(figures)))["why"] == trained.report.why

    # --- record, forget --------------------------------------------------------------------------------

    def test_an_order_is_recorded_once(self, tmp_path: Path) -> None:
        """Recorded twice: the figures are as after the first time."""
        case = self.case(tmp_path)
        line = case.data.catalogue[0].item_id
        event = replace(ORDER, time_us=case.now_us - SECOND, lines=(replace(ORDER.lines[0], item=line),))
        figures = []
        for _ in range(2):
            case.scene.record(case.batch(event, ("orders", "offers")))
            figures.append(case.scene.report(case.data.tenant, case.now_us, None))
        assert figures[0] == figures[1]

    def test_a_forgotten_customer_is_a_newcomer(self, tmp_path: Path, trained: Trained) -> None:
        """Forgetting is repeatable, and a later request of the same customer is answered as a first one."""
        untouched = self.case(tmp_path / "untouched")
        case = self.case(tmp_path / "forgotten")
        case.scene.suggest(None, case.request("regular", seed=1))
        for _ in range(2):
            case.scene.forget(case.data.tenant, REGULAR)
        again = case.scene.suggest(None, case.request("regular"))
        assert again == untouched.scene.suggest(None, untouched.request("regular"))

    def test_events_may_name_what_exists(self, tmp_path: Path) -> None:
        """Ids of the scene's things are known, anything else is not."""
        case = self.case(tmp_path)
        catalogue = {item.item_id: item for item in case.data.catalogue}
        known = case.scene.known(case.data.tenant, catalogue)
        suggestion = case.scene.suggest(None, case.request("guest")).suggestions[0]
        assert suggestion.item_id in known.ids
        assert "nothing-of-this-name" not in known.ids
        assert known.noun


ORDER = Event(
    event_id="order-1",
    type="ordered",
    scene="orders",
    customer=REGULAR,
    time_us=0,
    hour=12.0,
    weekday=0,
    lines=(OrderLine("?"),),
)
