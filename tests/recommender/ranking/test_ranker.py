"""The ranker, its sample and the gate before it."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.ranking.gate import gate
from recommender.ranking.pairs import Pairs, best_lists, sample_negatives, standardise
from recommender.ranking.ranker import Mixture, Ranker, fit_ranker, fit_rankers


def world(questions: int = 120, seed: int = 0) -> tuple[Pairs, np.ndarray]:
    """Ten candidates a question; the right one has the largest first feature, the second is noise."""
    rng = np.random.default_rng(seed)
    features = rng.random((questions * 10, 2)).astype(np.float32)
    question = np.repeat(np.arange(questions), 10)
    best = features[:, 0].reshape(questions, 10).argmax(axis=1)
    label = np.zeros(questions * 10, np.bool_)
    label[np.arange(questions) * 10 + best] = True
    return Pairs(question, np.tile(np.arange(10, dtype=np.int32), questions), features), label


NEW_BINS = "_Dataset__init_from_np2d"
SMALL = {"min_data_in_leaf": 5, "num_leaves": 7}


@pytest.mark.parametrize("objective", ["binary", "lambdarank", "rank_xendcg"])
def test_the_ranker_learns_what_decides(objective: str) -> None:
    """What decides gets nearly all the weight, and the right candidate mostly comes first (by chance: .1)."""
    pairs, label = world()
    ranker = fit_ranker(pairs, label, ("decides", "noise"), seed=1, objective=objective, rounds=40, settings=SMALL)
    fresh, right = world(seed=9)
    first = best_lists(fresh.question, fresh.item, ranker.score(fresh.features), 120, 1)[:, 0]

    assert ranker.importance()["decides"] > 0.8
    assert (first == fresh.item[right]).mean() > 0.6


def test_training_twice_gives_the_same_bytes_and_the_text_the_same_scores() -> None:
    """Same data and seed: the same model text; what is read back scores alike."""
    pairs, label = world()
    made = [fit_ranker(pairs, label, "ab", seed=3, rounds=10, copies=2, settings=SMALL) for _ in range(2)]
    again = Ranker.from_texts(made[0].to_texts())

    assert made[0].to_texts() == made[1].to_texts()
    assert (again.score(pairs.features) == made[0].score(pairs.features)).all()


def test_rankers_of_one_binning_are_what_each_is_alone() -> None:
    """The bins and the groups of one objective change nothing for the other."""
    pairs, label = world()
    both = fit_rankers(pairs, label, "ab", ["binary", "lambdarank"], seed=3, rounds=8, copies=2, settings=SMALL)

    for objective, made in both.items():
        alone = fit_ranker(pairs, label, "ab", objective=objective, seed=3, rounds=8, copies=2, settings=SMALL)
        assert made.to_texts() == alone.to_texts()


def test_rows_are_put_into_bins_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many objectives and copies learn from them."""
    import lightgbm

    binned: list[object] = []
    construct = getattr(lightgbm.Dataset, NEW_BINS)

    def watched(data: object, **rest: object) -> object:
        binned.append(data)
        return construct(data, **rest)

    monkeypatch.setattr(lightgbm.Dataset, NEW_BINS, watched)
    pairs, label = world()
    fit_rankers(pairs, label, "ab", ["binary", "lambdarank"], seed=3, rounds=2, copies=2, settings=SMALL)

    assert len(binned) == 1


def test_a_broken_text_is_refused() -> None:
    """A missing part, a cut-off model and a wrong list of signals are ValueErrors."""
    pairs, label = world(40)
    texts = fit_ranker(pairs, label, "ab", seed=0, rounds=3, settings=SMALL).to_texts()
    broken = (
        {"ranker.json": texts["ranker.json"]},
        texts | {"ranker.0.txt": "tree\nnothing"},
        texts | {"ranker.json": '{"names": ["a"], "boosters": 1}'},
    )

    for parts in broken:
        with pytest.raises(ValueError):
            Ranker.from_texts(parts)


def test_nothing_to_learn_from_is_an_error() -> None:
    """Without wrong candidates there is no ranking to learn."""
    pairs, _ = world(3)

    with pytest.raises(ValueError, match="right and with wrong"):
        fit_ranker(pairs, np.ones(30, np.bool_), "ab", seed=0)


def test_the_sample_keeps_positives_and_the_hardest_negatives() -> None:
    """One positive, the two hardest and one easy negative of ten; questions without a positive are left out."""
    question = np.repeat([0, 1], 10)
    label = np.zeros(20, np.bool_)
    label[4] = True
    hardness = np.tile(np.arange(10, dtype=np.float32), 2)
    rows = sample_negatives(question, label, hardness, np.random.default_rng(0), hard=2, easy=1)

    assert len(rows) == 4
    assert {4, 8, 9} <= set(rows.tolist())
    assert (rows < 10).all()


def test_ties_are_broken_by_popularity_then_code() -> None:
    """Equal scores: the more popular first, then the lower code; short lists end with -1."""
    got = best_lists(
        np.array([0, 0, 0, 1]), np.array([3, 2, 1, 5], np.int32), np.zeros(4), 2, 3, np.array([1.0, 9.0, 1.0, 0.0])
    )

    assert got.tolist() == [[2, 1, 3], [5, -1, -1]]


def test_standardised_scores_are_comparable() -> None:
    """Each question's scores get mean 0 and deviation 1; a constant stays 0."""
    question = np.array([0, 0, 1, 1])

    assert standardise(question, np.array([1.0, 3.0, 5.0, 5.0]), 2).tolist() == [-1, 1, 0, 0]


def test_counting_stays_in_force_until_it_is_beaten() -> None:
    """A clear winner replaces counting; a tie, too few questions and no challenger do not; each says why."""
    rng = np.random.default_rng(0)
    counting = rng.random(200)
    won = gate({"ranker": counting + 0.05}, counting, rng)
    tied = gate({"ranker": rng.permutation(counting)}, counting, rng)
    few = gate({"ranker": counting[:10] + 1}, counting[:10], rng)

    assert won.in_force == "ranker"
    assert won.interval.low > 0
    assert (tied.in_force, few.in_force) == ("counting", "counting")
    assert "has not won" in tied.why
    assert "too few" in few.why
    assert gate({}, counting, rng).in_force == "counting"


def test_a_mixture_weighs_its_rankers_alike_and_comes_back_from_its_texts() -> None:
    """The mean of both standardised scores; read again it is the same; a part missing: refused."""
    pairs, label = world(40)
    made = {
        name: fit_ranker(pairs, label, ("a", "b"), seed=1, objective=name, rounds=15, settings=SMALL)
        for name in ("binary", "lambdarank")
    }
    mixture = Mixture(made)
    both = [standardise(pairs.question, one.score(pairs.features), 40) for one in made.values()]
    texts = mixture.to_texts()

    np.testing.assert_allclose(mixture.score(pairs, 40), (both[0] + both[1]) / 2)
    np.testing.assert_allclose(Mixture.from_texts(texts).score(pairs, 40), mixture.score(pairs, 40))
    assert sum(mixture.importance().values()) == pytest.approx(1)
    for gone in texts:
        with pytest.raises(ValueError):
            Mixture.from_texts({name: text for name, text in texts.items() if name != gone})
