"""Signals by hand-worked values, and that none of them sees the future."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.orders.questions import Questions, live_question, questions_of
from recommender.orders.signals.crowd import NAMES, ItemCrowd, column, merge_repeats
from recommender.orders.signals.neighbours import Neighbours
from recommender.orders.signals.own import OWN, own_signals
from recommender.orders.signals.popular import Popular
from recommender.orders.signals.together import Together
from recommender.ranking.interactions import Interactions
from recommender.ranking.metrics import split_last
from recommender.ranking.sparse import weighted_rows
from tests.recommender.orders.worlds import DAY_US, habits, orders


def question(seen: Interactions, **context: Any) -> Questions:
    """A live question of the only customer in `seen`, at noon."""
    defaults: dict[str, Any] = {"time_us": 0, "hour": 12.0, "weekday": 0, "site": -1, "region": -1}
    return live_question(seen, seen.item, **(defaults | context))


def signal(seen: Interactions, item: str, name: str, **context: Any) -> float:
    questions = question(seen, **context)
    own = own_signals(questions, len(seen.items))
    row = int(np.flatnonzero(seen.items[own.item] == item)[0])
    return float(own.values[row, OWN.index(name)])


def test_own_frequency_recency_and_decay() -> None:
    """Tea in the first and third of three orders: twice, last 0 ago, first 2 ago, decayed 1 + .9**2."""
    seen = orders(("a", 0, "tea"), ("a", 1, "cake"), ("a", 2, "tea"))

    assert signal(seen, "tea", "own_count") == 2
    assert signal(seen, "tea", "own_share") == pytest.approx(2 / 3)
    assert (signal(seen, "tea", "own_last"), signal(seen, "tea", "own_first")) == (0, 2)
    assert signal(seen, "tea", "own_decay_90") == pytest.approx(1.81)


def test_an_item_is_due_when_its_rhythm_comes_round() -> None:
    """Pizza every third order: the hazard grows from order to order and is near 1 when the third is due."""
    rows = [("a", k, "pizza" if k % 3 == 0 else f"other{k}") for k in range(9)]
    after = [signal(orders(*rows[: 7 + extra]), "pizza", "own_rhythm") for extra in (0, 1, 2)]

    assert after == sorted(after)
    assert after[2] == pytest.approx(1, abs=0.15)


def test_hours_lie_on_a_circle() -> None:
    """Half past eleven at night is close to half past midnight and far from noon."""
    seen = Interactions.from_columns({"customer": ["a"], "item": ["soup"], "hour": [23.5], "time_us": [0]})

    assert signal(seen, "soup", "own_hour", hour=0.5) == pytest.approx(np.exp(-1 / 4.5))
    assert signal(seen, "soup", "own_hour", hour=12.0) < 1e-6


def test_popularity_backs_off_from_hour_to_place_to_everywhere() -> None:
    """What one site sells leads there; a site nobody knows answers like everywhere; breakfast leads at eight."""
    n = 60
    seen = Interactions.from_columns(
        {
            "customer": [f"c{k}" for k in range(3 * n)],
            "item": ["porridge"] * n + ["curry"] * n + ["fish"] * n,
            "site": ["inland"] * (2 * n) + ["harbour"] * n,
            "hour": [8.0] * n + [19.0] * (2 * n),
        }
    )
    popular = Popular.fit(seen, 3)
    curry, fish, porridge = range(3)
    harbour, inland = range(2)

    def best(site: int, hour: float) -> int:
        return int(popular.scores(question(seen.where(slice(0, 0)), site=site, hour=hour))[1][0].argmax())

    assert best(harbour, 19) == fish
    assert (best(inland, 8), best(inland, 19)) == (porridge, curry)
    here, now = popular.scores(question(seen.where(slice(0, 0)), site=-1, hour=float("nan")))
    assert (here == now).all()
    assert here.sum() == pytest.approx(1)


def test_what_is_new_and_rising_is_recent() -> None:
    """Of two equally frequent items, the one in all last orders is the more recent, with a positive trend."""
    seen = orders(*[(f"c{k}", 0, "old") for k in range(20)], *[(f"c{k}", 1, "new") for k in range(20)])
    popular = Popular.fit(seen, 2)
    new, old = 0, 1

    assert popular.recent[new] > popular.recent[old]
    assert popular.trend[new] > 0 > popular.trend[old]


def test_an_item_that_is_bought_again_has_the_higher_repeat_hazard() -> None:
    """Milk in every order against a vase bought once by each."""
    rows = [(f"c{k}", t, "milk") for k in range(10) for t in range(5)]
    seen = orders(*rows, *[(f"c{k}", 0, "vase") for k in range(10)])
    popular = Popular.fit(seen, 2)
    milk, vase = 0, 1

    assert popular.repeat[milk] > 0.9
    assert popular.repeat[vase] < 0.2


def test_what_goes_together_and_what_comes_after() -> None:
    """Burger and cola share orders; after tea comes cake. Neither item is its own partner."""
    rows = []
    for k in range(12):
        rows += [(f"c{k}", 0, "burger"), (f"c{k}", 0, "cola"), (f"c{k}", 1, "tea"), (f"c{k}", 2, "cake")]
    seen = orders(*rows)
    burger, cake, cola, tea = range(4)
    together = Together.fit(seen, 4)
    one = orders(("x", 0, "tea"))
    questions = live_question(one, np.array([tea], np.int32), time_us=0, hour=12, weekday=0, site=-1, region=-1)
    follows = together.scores(questions)

    assert np.argmax(together.with_basket(np.array([burger], np.int32))) == cola
    assert together.same[burger, burger] == 0
    assert follows[0].argmax() == cake


def test_an_order_of_ten_thousand_items_is_paired_in_part() -> None:
    """The table stays small: each item keeps at most sixty partners, and fitting ends."""
    seen = orders(*[("a", 0, f"i{k:05d}") for k in range(10_000)], ("b", 0, "i00000"), ("b", 1, "i00001"))
    together = Together.fit(seen, 10_000)

    assert np.diff(together.same.indptr).max() <= 60
    assert together.same.nnz <= 60 * 60


def test_neighbours_speak_for_what_the_asker_never_had() -> None:
    """Those who order ramen also order gyoza, the others pie and peas: a ramen eater is pointed at gyoza."""
    rows = []
    for k in range(30):
        pair = ("ramen", "gyoza") if k % 2 else ("pie", "peas")
        rows += [(f"c{k:02d}", t, pair[(t + (k // 2) % 2) % 2]) for t in range(4)]
    seen = orders(*rows)
    gyoza, peas, pie, ramen = range(4)
    neighbours = Neighbours.fit(seen, 4, np.random.default_rng(0))
    questions = live_question(
        orders(("x", 0, "ramen")), np.array([ramen], np.int32), time_us=0, hour=12, weekday=0, site=-1, region=-1
    )
    lately, near = neighbours.scores(questions)

    assert lately[0, gyoza] > 10 * max(lately[0, pie], lately[0, peas])
    assert near[0, gyoza] > 0


def test_one_question_and_many_give_the_same_signals() -> None:
    """What a live request computes by hand equals the batch, for every signal and candidate."""
    seen = habits()
    history, targets = split_last(seen)
    crowd = ItemCrowd.fit(history, [()] * len(seen.items), 0)
    questions = questions_of(history, targets)
    many = crowd.pairs(questions)
    for number in (0, 7, 39):
        one = crowd.pairs(questions.part(number, number + 1))
        rows = many.question == number

        assert (one.item == many.item[rows]).all()
        np.testing.assert_allclose(one.features, many.features[rows], rtol=1e-4, atol=1e-5)


def test_no_signal_sees_the_future() -> None:
    """Orders added at and after the one to predict change none of its candidates and signals."""
    seen = habits(customers=20, visits=6)
    planted = Interactions.from_columns(
        {
            "customer": np.concatenate([seen.customers[seen.customer], ["c003"] * 3]),
            "item": np.concatenate([seen.items[seen.item], ["i00", "i01", "i02"]]),
            "time_us": np.concatenate([seen.time_us, np.max(seen.time_us) + np.arange(1, 4) * DAY_US]),
            "hour": np.concatenate([seen.hour, [3.0] * 3]),
            "weekday": np.concatenate([seen.weekday, [6] * 3]),
            "site": np.concatenate([seen.sites[seen.site], ["s0"] * 3]),
        }
    )
    plain_history, targets = split_last(seen, back=1)
    only = np.zeros(20, np.bool_)
    only[3] = True
    history, _ = split_last(planted, back=4, customers=only)
    others, _ = split_last(seen, back=1, customers=only)
    assert len(history) == len(others)

    def facts(known: Interactions) -> tuple[np.ndarray, np.ndarray]:
        crowd = ItemCrowd.fit(known, [()] * len(seen.items), 0)
        pairs = crowd.pairs(questions_of(known, targets.where(targets.customer == 3)))
        return pairs.item, pairs.features

    (items, features), (items_after, features_after) = facts(others), facts(history)

    assert (items == items_after).all()
    np.testing.assert_array_equal(features, features_after)
    assert len(plain_history) < len(seen)


def test_new_items_get_a_place_in_every_table() -> None:
    """Items appended behind the vocabulary are candidates with finite signals and nobody's past."""
    seen = habits(customers=12)
    n = len(seen.items)
    crowd = ItemCrowd.fit(seen, [(f"category:{k % 3}",) for k in range(n)], 0).padded([("category:1",), ()])
    pairs = crowd.pairs(questions_of(seen, seen.where(seen.customer == 0)), also=np.array([n, n + 1]))
    new = pairs.features[pairs.item >= n]

    assert len(new) == 2
    assert np.isfinite(new[:, column("here") :]).all()
    assert (new[:, [column("own_count"), column("item_orders"), column("lately")]] == 0).all()


def test_a_crowd_comes_back_from_its_arrays() -> None:
    """Saved and read again it gives the same signals; a missing part is an error."""
    seen = habits(customers=12)
    crowd = ItemCrowd.fit(seen, [()] * len(seen.items), 0)
    again = ItemCrowd.from_saved(crowd.arrays(), crowd.texts())
    questions = questions_of(seen, seen.where(seen.customer == 5))

    np.testing.assert_array_equal(crowd.pairs(questions).features, again.pairs(questions).features)
    with pytest.raises(KeyError):
        ItemCrowd.from_saved({}, crowd.texts())


def test_the_same_item_twice_in_an_order_is_one_row() -> None:
    """Quantities add up; guests' rows are left alone."""
    seen = orders(("a", 0, "tea"), ("a", 0, "tea"), ("", 0, "tea"), ("", 0, "tea"))
    merged = merge_repeats(seen)

    assert len(merged) == 3
    assert merged.quantity[merged.customer == 0].tolist() == [2]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 9))
def test_gathering_by_hand_equals_the_sparse_product(seed: int, rows: int, width: int) -> None:
    """Law: one question's weighted rows are the same computed alone or as the first of two."""
    from scipy import sparse

    rng = np.random.default_rng(seed)
    matrix = sparse.random_array((rows, width), density=0.4, format="csr", dtype=np.float32, rng=rng)
    pick = rng.integers(0, rows, rng.integers(0, 8))
    weight = rng.random(len(pick)).astype(np.float32)
    question = np.zeros(len(pick), np.int64)

    alone = weighted_rows(question, pick, weight, 1, sparse.csr_array(matrix))
    together = weighted_rows(question, pick, weight, 2, sparse.csr_array(matrix))
    np.testing.assert_allclose(alone[0], together[0], rtol=1e-5, atol=1e-6)


def test_every_signal_has_one_name() -> None:
    """Names are unique: a column is found by its name."""
    assert len(set(NAMES)) == len(NAMES)
