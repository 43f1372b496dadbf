"""Monotone fits, their test, and the logistic curve."""

from __future__ import annotations

import numpy as np
import pytest

from copycat.stats.rising import Logistic, halfway, isotonic, isotonic_p, logistic


def test_the_isotonic_fit_pools_what_falls() -> None:
    # By hand: 3 and 1 violate the order and share their mean; 5 stands.
    assert isotonic([0.0, 3.0, 1.0, 5.0]).tolist() == [0.0, 2.0, 2.0, 5.0]


def test_a_trend_is_found_and_nothing_is_not() -> None:
    random = np.random.default_rng(0)
    assert isotonic_p(np.linspace(0, 1, 30) + random.normal(0, 0.3, 30)) == pytest.approx(0.001)
    assert isotonic_p(np.linspace(1, 0, 30)) == 1.0
    assert isotonic_p([1.0, 2.0]) is None
    flat = [isotonic_p(random.normal(0, 1, 25), 99, seed) for seed in range(200)]
    assert np.mean([p is not None and p <= 0.05 for p in flat]) < 0.09


def test_half_way_between_the_ends() -> None:
    assert halfway([1, 10, 100, 1000], [0.0, 0.2, 0.7, 1.0]) == 100
    assert halfway([1, 10, 100], [1.0, 1.0, 1.0]) is None
    assert halfway([1, 10, 100], [3.0, 2.0, 1.0]) is None


def test_the_curve_that_made_the_scores_is_found() -> None:
    doses = np.array([0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000], float)
    made = Logistic(low=0.1, high=0.7, slope=2.0, middle=120.0)
    found = logistic(doses, made.at(doses))
    assert found is not None
    assert (found.low, found.high, found.slope, found.middle) == pytest.approx(
        (0.1, 0.7, 2.0, 120.0), rel=2e-2
    )
    assert made.at([120.0])[0] == pytest.approx(0.4)


@pytest.mark.parametrize("y", [[0.5] * 6, [6.0, 5.0, 4.0, 3.0, 2.0, 1.0], [1.0, 2.0]])
def test_no_curve_where_nothing_rises(y: list[float]) -> None:
    assert logistic(np.arange(1, len(y) + 1), y) is None


def test_values_of_one_dose_may_come_in_any_order() -> None:
    doses = [1.0, 1.0, 1.0, 4.0, 4.0, 9.0]
    y = [0.9, 0.1, 0.2, 0.3, 0.8, 0.9]
    other = [0.1, 0.2, 0.9, 0.8, 0.3, 0.9]
    assert halfway(doses, y) == halfway(doses, other) == 9.0
    assert isotonic_p(y, 99, doses=doses) == isotonic_p(other, 99, doses=doses)
    # As they come, the others rise twice.
    assert halfway(range(6), other) != halfway(range(6), y)
