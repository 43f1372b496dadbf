"""Intervals: how often they hold the truth, and against independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from benchmarks.worlds import CONS_LIKE, DETECT_LIKE, DIFFERENCES, World, cluster_t
from copycat.stats.intervals import (
    cluster_beta,
    cluster_bootstrap,
    cluster_difference,
    effective_pictures,
)

RUNS = 1000


def covered(world: World, interval, characters: int, seeds: int) -> float:
    rng = np.random.default_rng([characters, seeds])
    hits = 0
    for means in world.draw(rng, RUNS, characters, seeds):
        found = interval(means, characters * seeds)
        hits += found.low - 1e-12 <= world.truth <= found.high + 1e-12
    return hits / RUNS


@pytest.mark.parametrize(("characters", "seeds"), [(50, 3), (50, 1), (20, 3), (10, 2)])
@pytest.mark.parametrize("world", DETECT_LIKE + CONS_LIKE, ids=lambda w: w.name)
def test_what_tables_show_holds_the_truth(world, characters, seeds):
    assert covered(world, cluster_beta, characters, seeds) >= 0.93


@pytest.mark.parametrize(("characters", "seeds"), [(50, 3), (20, 3), (10, 2)])
@pytest.mark.parametrize("world", DIFFERENCES, ids=lambda w: w.name)
def test_intervals_of_differences_hold_the_truth(world, characters, seeds):
    assert covered(world, cluster_difference, characters, seeds) >= 0.93


def test_the_bootstrap_alone_would_miss_rare_events():
    """Why it is not what tables show."""
    rare = DETECT_LIKE[3]
    assert covered(rare, lambda means, _: cluster_bootstrap(means), 50, 3) < 0.85


@pytest.mark.parametrize("world", [DETECT_LIKE[0], DETECT_LIKE[1], CONS_LIKE[1]], ids=lambda w: w.name)
def test_bootstrap_and_analytic_agree(world):
    """Ends within a tenth of the interval's width, for 50 characters × 3 seeds away from the ends."""
    for means in world.draw(np.random.default_rng(3), 200, 50, 3):
        t, boot, beta = cluster_t(means), cluster_bootstrap(means), cluster_beta(means, 150)
        width = t.high - t.low
        assert t.value == boot.value == beta.value
        assert abs(t.low - boot.low) <= 0.1 * width
        assert abs(t.high - boot.high) <= 0.1 * width
        assert abs(beta.low - t.low) <= 0.2 * width
        assert abs(beta.high - t.high) <= 0.2 * width


def test_t_interval_is_the_textbook_one():
    means = np.random.default_rng(0).random(23)
    found = cluster_t(means, 23)
    low, high = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((23 * low, 23 * high))


def test_bootstrap_is_scipys_and_the_same_each_time():
    means = np.random.default_rng(0).random(40)
    found = cluster_bootstrap(means)
    assert found == cluster_bootstrap(means)
    theirs = stats.bootstrap((means,), np.mean, method="percentile", n_resamples=20_000, rng=1)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)


@pytest.mark.parametrize("hits", [0, 1, 7, 25, 50])
def test_one_verdict_a_character_gives_clopper_and_pearsons_interval(hits):
    means = [1.0] * hits + [0.0] * (50 - hits)
    lessened = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 49)) ** 2
    n = effective_pictures(means, 50)
    assert n == pytest.approx(50 * lessened)
    found = cluster_beta(means, 50, 50)
    low, high = proportion_confint(hits / 50 * n, n, method="beta")
    assert found.low == pytest.approx(50 * (0 if hits == 0 else low))
    assert found.high == pytest.approx(50 * (1 if hits == 50 else high))
    assert found.low < found.high, "fifty alike are no proof"


def test_seeds_that_agree_add_nothing_and_seeds_that_do_not_add_pictures():
    alike = [1.0, 0.0] * 25
    assert effective_pictures(alike, 150) == pytest.approx(effective_pictures(alike, 50))
    spread = list(np.random.default_rng(0).binomial(3, 0.5, 50) / 3)
    assert 100 < effective_pictures(spread, 150) <= 150
    assert effective_pictures([0.97, 0.98] * 25, 150) == 150, "no more than there are"


def test_one_character_has_no_interval_and_none_no_value():
    for interval in (cluster_bootstrap, lambda m: cluster_beta(m, 3)):
        assert (interval([0.5]).value, interval([0.5]).low, interval([0.5]).high) == (0.5, None, None)
        assert interval([]).value is None
    assert cluster_difference([], 0).value is None


def test_differences_of_single_verdicts_are_bonett_and_prices():
    """Their interval by its own formula, from the counts; ours has t in place of z."""
    gained, lost, n = 3, 11, 40
    found = cluster_difference([1.0] * gained + [-1.0] * lost + [0.0] * (n - gained - lost), n)
    a, b = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = stats.t.ppf(0.975, n + 1) * ((a + b - (a - b) ** 2) / (n + 1)) ** 0.5
    assert (found.low, found.high) == pytest.approx((a - b - half, a - b + half))
    assert found.value == pytest.approx((gained - lost) / n)


@pytest.mark.parametrize("steps", [[0.0] * 20, [-1.0] * 20, [1.0, -1.0] * 10])
def test_differences_stay_within_what_they_can_be_and_are_never_certain(steps):
    found = cluster_difference(steps, 60, 20)
    assert -20 <= found.low <= found.value <= found.high <= 20
    assert found.high - found.low > 1


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30))
def test_estimate_is_inside_and_turning_yes_into_no_mirrors(counts):
    means = [c / 3 for c in counts]
    found, mirrored = (cluster_beta(m, 3 * len(m)) for m in (means, [1 - m for m in means]))
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=1e-6)
