"""Who gets which variant: by the shares, the same every time, independent of all other experiments."""

from __future__ import annotations

import numpy as np

from recommender.experiments.assignment import free_stretch, layer_point, unit_of, variant_at, variants_of

PEOPLE = [f"{k:064x}" for k in range(4_000)]


def test_customers_are_split_by_the_shares() -> None:
    shares = (0.5, 0.3, 0.2)
    units = [unit_of("salt one", one) for one in PEOPLE]
    found = variants_of(shares, units)

    assert found.tolist() == [variant_at(shares, unit) for unit in units]
    assert np.allclose(np.bincount(found) / len(PEOPLE), shares, atol=0.03)


def test_an_experiment_says_nothing_about_another() -> None:
    """Two salts: in each variant of one, the other's shares are as planned."""
    one = variants_of((0.5, 0.5), [unit_of("salt one", person) for person in PEOPLE])
    other = variants_of((0.5, 0.5), [unit_of("salt two", person) for person in PEOPLE])

    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05


def test_other_shares_elsewhere_move_nobody() -> None:
    """Who is in A of one experiment stays there, whatever another one does; and A stays A when A grows."""
    units = [unit_of("salt one", person) for person in PEOPLE]
    before, after = variants_of((0.5, 0.5), units), variants_of((0.6, 0.4), units)

    assert all(after[before == 0] == 0)


def test_a_layer_gives_each_experiment_customers_of_its_own() -> None:
    points = np.array([layer_point(b"key", "grill", "orders", person) for person in PEOPLE])

    assert 0 <= points.min() <= points.max() < 1
    assert abs((points < 0.25).mean() - 0.25) < 0.03
    other = np.array([layer_point(b"key", "grill", "offers", person) for person in PEOPLE])
    assert abs(np.corrcoef(points, other)[0, 1]) < 0.05


def test_free_stretches_of_a_layer() -> None:
    assert free_stretch([], 1.0) == (0.0, 1.0)
    assert free_stretch([(0.0, 0.5)], 0.5) == (0.5, 1.0)
    assert free_stretch([(0.0, 0.5)], 0.6) is None
    assert free_stretch([(0.0, 0.2), (0.6, 1.0)], 0.4) == (0.2, 0.6000000000000001)
    assert free_stretch([(0.0, 1.0)], 0.01) is None


def test_the_unit_does_not_hold_the_customer() -> None:
    assert unit_of("salt one", PEOPLE[7]) != unit_of("salt two", PEOPLE[7])
    assert PEOPLE[7][:16] not in unit_of("salt one", PEOPLE[7])
