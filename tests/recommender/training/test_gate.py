"""The gate: spoiled logs are refused, good ones pass, and the live version is compared on the same questions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from plumbing.clock import DAY
from plumbing.words import LANGUAGES, Message
from recommender.orders.fit import FitSettings
from recommender.scene import TrainingInput
from recommender.scenes.orders import OrdersScene
from recommender.store.shelves.contents import contents_of, finite
from recommender.training.checks import data_cut
from recommender.training.gate import comparison, decide
from recommender.training.gate.changes import ABOUT_DATA, changed, impossible, is_rewritten, looks_of
from recommender.training.gate.comparison import Variety
from recommender.training.gate.decide import Case, Live, Verdict, shifted
from recommender.training.gate.profile import Profile
from recommender.training.gate.questions import Question, last_orders
from recommender.training.outcomes import WORDS
from tests.recommender.service_fixtures import NOON
from tests.recommender.training import town

SCENE = OrdersScene(FitSettings(trees=3, copies=1, rounds=1, max_questions=120))
EARLIER = NOON - 14 * DAY


def judged(
    made: town.Columns, live: Live | None, seed: int = 0, *, accept: bool = False, owed: bool = False
) -> tuple[Verdict, Live]:
    """What the gate says of a training on this log, and the version that it would make."""
    data = TrainingInput(town.log_of(made), town.MENU, "grill", NOON, 10)
    trained = SCENE.train(data, seed=seed, progress=lambda what, share: None)
    looks = looks_of(data.interactions, live.profile if live else None, NOON)
    trained = replace(trained, profile=looks.whole.to_json())
    model = SCENE.load(dict(trained.arrays), dict(trained.texts))
    case = Case(SCENE, trained, model, live, data.interactions, town.MENU, looks, 10, seed, NOON)
    verdict = decide.decide(replace(case, accept_changed_data=accept, owed=owed))
    manifest = contents_of(trained, seed, data_cut(data))[1]
    return verdict, Live("0001-a", model, manifest, finite(verdict.figures))


@dataclass(frozen=True)
class Town:
    whole: town.Columns
    live: Live
    profile: Profile


@pytest.fixture(scope="module")
def grown() -> Town:
    """A town whose live version has learned until two weeks ago."""
    whole = town.town(customers=110, days=80)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decide, "MOST_QUESTIONS", 40)
        verdict, live = judged(town.until(whole, EARLIER), None)
    assert verdict.refused is None
    assert live.profile is not None
    return Town(whole, live, live.profile)


@pytest.fixture(autouse=True)
def few_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "MOST_QUESTIONS", 40)


@pytest.mark.parametrize("name", sorted(town.SPOILED))
def test_a_spoiled_log_is_seen_in_its_counts(grown: Town, name: str) -> None:
    """Ten that were asked for, and others of the same kind; each with a sentence in three languages."""
    spoiled = town.log_of(town.SPOILED[name](grown.whole, np.random.default_rng(3)))
    looks = looks_of(spoiled, grown.profile, NOON)
    found = [*impossible(looks.whole), *changed(looks, grown.profile)]
    assert found, name
    for message in found:
        assert message.id in ABOUT_DATA
        for language in LANGUAGES:
            assert len(WORDS.say(language, message)) > 20


@pytest.mark.parametrize("seed", range(10))
def test_a_good_log_is_not_refused_for_its_counts(grown: Town, seed: int) -> None:
    """The same town two weeks later, however much was added; and other towns alike."""
    made = grown.whole if seed < 2 else town.town(seed, customers=110, days=80)
    if seed == 1:  # a tenth of the customers were erased
        made = town.part(made, ~np.isin(made["customer"], [f"c{k:04d}" for k in range(0, 110, 10)]))
    looks = looks_of(town.log_of(made), grown.profile, NOON)
    assert not [*impossible(looks.whole), *changed(looks, grown.profile)]
    assert is_rewritten(looks, grown.profile) == (seed > 1)


def test_a_good_training_passes_beside_the_live_version(grown: Town) -> None:
    """It is compared on the orders since the live version's training, by a model that has not seen them."""
    verdict, _ = judged(grown.whole, grown.live, seed=1)
    assert verdict.refused is None
    assert verdict.remark.id in ("gate-better", "gate-as-good", "gate-not-proven")
    figures = verdict.figures
    assert figures["quality"]["new_questions"] == figures["quality"]["questions"] == 40
    assert figures["menu"] == {"candidate": 1.0, "live": 1.0}
    assert figures["variety"]["candidate"]["personal"] > 0.3


def test_a_spoiled_import_of_the_last_days_is_refused(grown: Town) -> None:
    """What the last training read is as it was; what came since is of nobody: counting is right less often."""
    late = town.part(grown.whole, grown.whole["time_us"] > EARLIER)
    spoiled = town.both(town.until(grown.whole, EARLIER), town.shuffled(late, np.random.default_rng(3)))
    looks = looks_of(town.log_of(spoiled), grown.profile, NOON)
    assert not [*changed(looks, grown.profile)]
    verdict, _ = judged(spoiled, grown.live)
    assert verdict.refused is not None
    assert "gate-harder" in verdict.figures["refused_by"]


def test_one_item_lately(grown: Town) -> None:
    """All that came since the last training is of one dish."""
    late = town.one_item(town.part(grown.whole, grown.whole["time_us"] > EARLIER), np.random.default_rng(3))
    looks = looks_of(town.log_of(town.both(town.until(grown.whole, EARLIER), late)), grown.profile, NOON)
    assert [one.id for one in changed(looks, grown.profile)] == ["gate-one-item"]


def test_a_person_accepts_a_changed_log(grown: Town) -> None:
    """The checks of the data are passed over, the comparison with the live version is not."""
    half = town.part(grown.whole, grown.whole["time_us"] > NOON - 45 * DAY)
    looks = looks_of(town.log_of(half), grown.profile, NOON)
    assert "gate-lost" in [one.id for one in changed(looks, grown.profile)]
    verdict, _ = judged(half, grown.live, accept=True)
    assert set(verdict.figures["refused_by"]).isdisjoint(ABOUT_DATA)
    assert verdict.figures["quality"]["questions"]


def test_questions_are_new_to_both(grown: Town) -> None:
    """Asked are customers whose last order the trial has not seen, first those that the live version cannot know;
    the answer is in no history."""
    seen = town.log_of(grown.whole)
    asked = np.zeros(len(seen.customers), np.bool_)
    asked[::2] = True
    questions = last_orders(seen, asked, after_us=None, live_until_us=EARLIER, seed=0, most=60)
    fresh = [one.fresh for one in questions]
    assert fresh == sorted(fresh, reverse=True)
    for one in questions:
        assert one.fresh == (one.now_us > EARLIER)
        assert int(one.history.customer[0]) % 2 == 0
        assert int(np.max(one.history.time_us)) <= one.now_us
        assert one.right
        assert one.context.local_time is not None
        assert one.context.local_time.hour in (8, 9, 12, 13, 19, 20)


@pytest.mark.parametrize(
    ("gain", "n", "refused"),
    [
        (0.05, 300, False),
        (-0.01, 300, False),
        (-0.05, 300, True),
        (-0.03, 40, False),
        (-0.2, 40, True),
        (-0.9, 9, False),
    ],
)
def test_worse_than_the_live_version(gain: float, n: int, refused: bool) -> None:
    """Refused is a loss beyond the margin and beyond chance; with few questions only a large one."""
    rng = np.random.default_rng(0)
    live = rng.random(n)
    candidate = live + gain + rng.normal(0, 0.25, n)
    questions = [_question(fresh=True)] * n
    found = comparison.quality(candidate, live, questions, seed=0)
    assert (comparison.worse(found) is not None) == refused
    assert comparison.remark(found).id.startswith("gate-")


def test_with_too_few_new_questions_older_ones_count_and_it_says_so() -> None:
    questions = [_question(fresh=True)] * 5 + [_question(fresh=False)] * 60
    found = comparison.quality(np.full(65, 0.5), np.full(65, 0.52), questions, seed=0)
    assert (found.n, found.fresh, found.fair) == (65, 5, False)
    assert comparison.worse(found) is None
    assert comparison.remark(found).id == "gate-few-new"


def _question(*, fresh: bool) -> Question:
    seen = town.log_of(town.town(customers=1))
    (one,) = last_orders(seen, None, after_us=None, live_until_us=None, seed=0, most=1)
    return replace(one, fresh=fresh)


def test_everybody_sees_the_same() -> None:
    """A candidate that shows everybody the most popular is refused; without a live version there is no measure."""
    rng = np.random.default_rng(0)
    personal = [tuple(f"d{k}" for k in rng.permutation(40)[:5]) for _ in range(100)]
    same = [("d1", "d2", "d3", "d4", "d5")] * 100
    live, candidate = Variety.of(personal, 0), Variety.of(same, 0)
    refused = comparison.collapsed(candidate, live)
    assert refused is not None
    assert refused.values["now"] == 0
    assert comparison.collapsed(live, live) is None
    assert comparison.collapsed(candidate, None) is None
    assert Variety.of(same[:5], 0) is None


def test_the_menu_and_the_speed() -> None:
    assert comparison.uncovered(0.99, 1.0) is None
    assert comparison.uncovered(0.9, 1.0) is not None
    assert comparison.uncovered(0.4, 0.4) is None
    assert comparison.uncovered(0.4, None) is not None
    assert comparison.uncovered(0.25, None, least=0.0) is None  # places: a guest sees those that are near
    assert comparison.uncovered(0.1, 0.25, least=0.0) is not None


@pytest.mark.parametrize(
    ("now", "then", "n", "ids"),
    [(0.78, 0.775, 200, []), (0.228, 0.775, 200, ["gate-harder"]), (0.998, 0.775, 200, ["gate-easier"]),
     (0.6, 0.775, 30, []), (0.7, 0.775, 200, []), (0.5, 0.05, 200, ["gate-easier"])],
)  # fmt: skip
def test_how_often_counting_is_right(now: float, then: float, n: int, ids: list[str]) -> None:
    """The figures of the issue: shuffled labels, a leak; and what a season does."""
    assert [one.id for one in shifted(now, then, n, n)] == ids


def test_a_profile_is_kept_without_anybody(grown: Town) -> None:
    """It is stored as JSON and read back; an item of few people is in no mix, and another format is no profile."""
    seen = town.log_of(grown.whole)
    rare = replace(
        seen, item=np.where(seen.customer == 0, 3, np.where(seen.item == 3, 4, seen.item)).astype(np.int32)
    )
    profile = Profile.of(rare, NOON)
    kept = profile.to_json()
    assert str(seen.items[3]) not in kept["items"]
    assert all(str(seen.items[3]) not in mix for mix in kept["sites"].values())
    assert "people" not in kept
    assert sum(kept["items"].values()) == len(seen)
    again = Profile.from_json(kept)
    assert again is not None
    assert (again.items, again.lines_sketch, again.last_us) == (
        kept["items"],
        tuple(kept["lines_sketch"]),
        kept["last_us"],
    )
    assert Profile.from_json(kept | {"v": 9}) is None


def test_a_profile_in_parts_is_the_same(grown: Town) -> None:
    """Of a log that is read part by part, each with all rows of its customers."""
    seen = town.log_of(grown.whole)
    whole = looks_of(seen, grown.profile, NOON)
    first, second = (
        looks_of(seen.where(rows), grown.profile, NOON) for rows in (seen.customer < 40, seen.customer >= 40)
    )
    assert (first + second).whole.to_json() == whole.whole.to_json()
    assert (first + second).n_older == whole.n_older


@pytest.mark.parametrize(("owed", "said"), [(False, "gate-worse"), (True, "gate-owed")])
def test_a_version_that_owes_an_erasure_is_replaced_by_a_worse_one_too(
    grown: Town, monkeypatch: pytest.MonkeyPatch, owed: bool, said: str
) -> None:
    """What the live version knows better, it may know from somebody who was forgotten."""
    monkeypatch.setattr(decide, "worse", lambda found: Message.of("gate-worse", candidate=1, live=2, n=3))
    verdict, _ = judged(grown.whole, grown.live, owed=owed)

    assert (verdict.refused is None) == owed
    assert (verdict.remark if verdict.refused is None else verdict.refused).id == said
