"""Partitions against every partition there is, and against the library of the published procedure."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest

from copycat.stats.changepoints import (
    REFERENCE_PENALTY,
    largest_rise,
    noise,
    partition,
    rise_p,
    scaled_penalty,
)


def every_partition(y: list[float], penalty: float, shortest: int = 1) -> tuple[int, ...]:
    """The best of all 2^(n-1) partitions, one after the other."""

    def cost(cuts: tuple[int, ...]) -> float:
        ends = (0, *cuts, len(y))
        parts = [y[a:b] for a, b in pairwise(ends)]
        if any(len(p) < shortest for p in parts):
            return float("inf")
        return sum(sum((v - sum(p) / len(p)) ** 2 for v in p) for p in parts) + penalty * len(cuts)

    everything = (c for r in range(len(y)) for c in combinations(range(1, len(y)), r))
    return min(everything, key=cost)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("penalty", "shortest"), [(0.9, 1), (0.05, 1), (0.3, 2), (0.05, 3)])
def test_the_partition_is_the_best_of_all(seed: int, penalty: float, shortest: int) -> None:
    random = np.random.default_rng(seed)
    y = random.normal(0, 0.3, 11) + np.repeat([0.0, 0.8, 0.3], (4, 4, 3)) * random.random()
    assert partition(y, penalty, shortest) == every_partition(y.tolist(), penalty, shortest)


@pytest.mark.parametrize("seed", range(6))
def test_the_partition_is_that_of_the_published_procedure(seed: int) -> None:
    ruptures = pytest.importorskip("ruptures")
    random = np.random.default_rng(seed)
    y = np.concatenate([random.normal(m, 0.12, 30) for m in (0.1, 0.1 + 0.1 * seed, 0.6)])
    search = ruptures.Pelt(model="l2", min_size=1, jump=1).fit(y[:, None])
    assert partition(y, REFERENCE_PENALTY) == tuple(search.predict(pen=REFERENCE_PENALTY)[:-1])


def test_the_published_penalty_finds_a_step_of_its_published_size() -> None:
    # A step of h half-way through n values takes n h² / 4 of squared error away.
    found = partition([0.1] * 12 + [0.5] * 12, REFERENCE_PENALTY)
    assert found == (12,)
    assert partition([0.1] * 11 + [0.5] * 11, REFERENCE_PENALTY) == ()


def test_large_numbers_and_short_sequences() -> None:
    assert partition([1e9] * 5 + [1e9 + 2] * 5, 0.9) == (5,)
    assert partition([], 0.9) == partition([1.0], 0.9) == ()
    assert partition([0.0, 9.0], 0.9, shortest=2) == ()


@pytest.mark.parametrize(
    ("y", "penalty", "shortest"), [([1.0, float("nan")], 1, 1), ([1.0], 0, 1), ([1.0], 1, 0)]
)
def test_what_cannot_be_cut_is_refused(y: list[float], penalty: float, shortest: int) -> None:
    with pytest.raises(ValueError):
        partition(y, penalty, shortest)


def test_noise_is_that_around_the_steps() -> None:
    random = np.random.default_rng(0)
    y = np.concatenate([random.normal(m, 0.2, 200) for m in (0, 1, 0.5)])
    assert noise(y) == pytest.approx(0.2, rel=0.1)
    mixed = np.concatenate([random.normal(0, 0.3, 200), random.normal(0, 0.1, 200)])
    assert noise(mixed) == pytest.approx(((0.09 + 0.01) / 2) ** 0.5, rel=0.15)
    assert noise([1.0, 2.0]) == 0
    assert noise([0.0] * 6 + [1.0] * 6) == pytest.approx((1 / 22) ** 0.5)


def test_the_scaled_penalty_does_not_depend_on_the_unit() -> None:
    y = np.random.default_rng(1).normal(0, 1, 80) + np.repeat([0, 2], 40)
    cuts = [partition(y * unit, scaled_penalty(y * unit)) for unit in (1e-3, 1, 1e3)]
    assert cuts[0] == cuts[1] == cuts[2]
    assert len(cuts[0]) == 1


def test_a_rise_is_told_from_a_fall_and_from_nothing() -> None:
    up = [0.0] * 10 + [1.0] * 10
    assert largest_rise(up) == (10, pytest.approx(5.0))
    assert largest_rise(up[::-1]) == (0, 0.0)
    p = rise_p(up)
    assert p == pytest.approx(1 / 1000)
    assert rise_p(up[::-1]) == 1.0
    assert rise_p([1.0, 2.0, 3.0]) is None


def test_the_test_for_a_rise_holds_its_level() -> None:
    random = np.random.default_rng(2)
    found = [rise_p(random.exponential(1, 40), 3, 99, seed) for seed in range(400)]
    assert 0.025 < np.mean([p is not None and p <= 0.05 for p in found]) < 0.08


def test_values_of_one_dose_are_never_cut_apart() -> None:
    doses = [0, 0, 0, 5, 5, 5, 9, 9]
    y = [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    assert partition(y, 0.1) == (2, 6)
    assert partition(y, 0.1, doses=doses) == (3, 6)
    assert partition(y, 0.1, shortest=3, doses=doses) == (3,)
    assert largest_rise(y, doses=doses)[0] == 3
    assert rise_p([0.0, 0.0, 1.0, 1.0], 1, doses=[7, 7, 7, 7]) is None


@pytest.mark.parametrize("seed", range(6))
def test_the_partition_by_dose_is_the_best_of_those_that_keep_doses_whole(seed: int) -> None:
    random = np.random.default_rng(seed)
    doses = np.sort(random.integers(0, 5, 11))
    y = random.normal(0, 0.3, 11) + 0.8 * (doses >= 2)
    allowed = [k for k in range(1, 11) if doses[k] != doses[k - 1]]

    def cost(cuts: tuple[int, ...]) -> float:
        parts = [y[a:b] for a, b in pairwise((0, *cuts, 11))]
        return float(sum(((p - p.mean()) ** 2).sum() for p in parts)) + 0.1 * len(cuts)

    everything = [c for r in range(len(allowed) + 1) for c in combinations(allowed, r)]
    assert partition(y, 0.1, doses=doses) == min(everything, key=cost)


def test_noise_by_dose_is_the_mean_over_the_orders_of_equal_doses() -> None:
    low, high = [0.1, 0.5, 0.2], [0.9, 0.4]
    orders = [[*a, *b, 0.8] for a in permutations(low) for b in permutations(high)]
    expected = np.sqrt(np.mean([noise(order) ** 2 for order in orders]))
    for order in orders:
        assert noise(order, [1, 1, 1, 2, 2, 3]) == pytest.approx(expected)
        assert rise_p(order, 1, 99, doses=[1, 1, 1, 2, 2, 3]) == rise_p(
            orders[0], 1, 99, doses=[1, 1, 1, 2, 2, 3]
        )
    assert noise(orders[0], range(6)) == pytest.approx(noise(orders[0]))
