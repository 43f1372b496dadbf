"""Intervals: how often they hold the truth, and against independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from benchmarks.worlds import (
    CASTS,
    CASTS_OF_PAIRS,
    CONS_LIKE,
    DETECT_LIKE,
    DIFFERENCES,
    RARE,
    Cast,
    CastOfPairs,
    World,
    cluster_t,
)
from copycat.stats.differences import fixed_difference, population_difference
from copycat.stats.intervals import cluster_bootstrap, fixed_set, population

RUNS = 400


def covered(world: World | Cast | CastOfPairs, interval, characters: int, seeds: int) -> float:
    rng = np.random.default_rng([characters, seeds])
    truth = world.truth if isinstance(world, World) else world.truth(characters)
    hits = 0
    for values in world.draw(rng, RUNS, characters, seeds).tolist():
        found = interval(values)
        hits += found.low - 1e-12 <= truth <= found.high + 1e-12
    return hits / RUNS


def means(values) -> list[float]:
    return [sum(v) / len(v) for v in values]


@pytest.mark.parametrize(("characters", "seeds"), [(50, 3), (50, 1), (20, 3), (10, 2)])
@pytest.mark.parametrize("world", DETECT_LIKE + CONS_LIKE, ids=lambda w: w.name)
def test_the_interval_for_characters_like_these_holds_the_truth(world, characters, seeds):
    assert covered(world, population, characters, seeds) >= 0.93


@pytest.mark.parametrize(("characters", "seeds"), [(5, 3), (20, 10), (50, 5), (50, 10)])
@pytest.mark.parametrize("world", RARE, ids=lambda w: w.name)
def test_it_does_where_few_characters_always_come_out(world, characters, seeds):
    """Of which none may be among those drawn."""
    assert covered(world, population, characters, seeds) >= 0.93


@pytest.mark.parametrize(("characters", "seeds"), [(5, 3), (20, 2), (50, 3), (50, 1)])
@pytest.mark.parametrize("world", CASTS, ids=lambda w: w.name)
def test_the_interval_for_these_characters_holds_the_truth(world, characters, seeds):
    assert covered(world, fixed_set, characters, seeds) >= 0.93


def test_the_interval_for_these_characters_is_the_narrower_where_characters_differ():
    """25 that always come out and 25 that never do tell of another fifty what 50 coins do, and of
    themselves almost everything."""
    values = [[1.0] * 3] * 25 + [[0.0] * 3] * 25
    fixed, wide = fixed_set(values, 50), population(values, 50)
    assert fixed.high - fixed.low < 3
    assert wide.high - wide.low > 10
    coins = np.random.default_rng(1).integers(0, 2, (50, 3)).astype(float).tolist()
    fixed, wide = fixed_set(coins, 50), population(coins, 50)
    assert fixed.high - fixed.low == pytest.approx(2 * 1.96 * (0.25 / 150) ** 0.5 * 50, rel=0.1)
    assert wide.high - wide.low < 1.2 * (fixed.high - fixed.low)


@pytest.mark.parametrize("interval", [fixed_set, population])
@pytest.mark.parametrize("seeds", [1, 3, 10])
def test_more_detections_never_make_the_upper_end_lower_or_the_first_ones_the_interval_tighter(
    interval, seeds
):
    found = []
    for hits in range(26):
        found.append(interval([[1.0] + [0.0] * (seeds - 1)] * hits + [[0.0] * seeds] * (50 - hits), 50))
    highs, lows = [f.high for f in found], [f.low for f in found]
    assert highs == sorted(highs)
    assert lows == sorted(lows)
    widths = [f.high - f.low for f in found[:4]]
    assert widths == sorted(widths), "1 of 150 is no tighter than 0 of 150"


@pytest.mark.parametrize("interval", [population, fixed_set])
@pytest.mark.parametrize(("characters", "seeds"), [(20, 10), (50, 3), (5, 10)])
def test_detections_of_one_character_after_another_never_make_the_upper_end_lower(
    interval, characters, seeds
):
    highs = []
    for hits in range(characters * seeds // 2 + 1):
        each = [min(max(hits - c * seeds, 0), seeds) for c in range(characters)]
        highs.append(interval([[1.0] * k + [0.0] * (seeds - k) for k in each], characters).high)
    assert highs == sorted(highs)


def test_single_pictures_say_nothing_of_how_much_they_differ():
    values = [[1.0]] * 7 + [[0.0]] * 43
    low, high = proportion_confint(7, 50, method="beta")
    found = fixed_set(values)
    assert (found.low, found.high) == pytest.approx((low, high))
    mixed = fixed_set([[1.0] * 3] * 7 + [[0.0]] * 43)
    assert mixed.high - mixed.low > 0.5 * (found.high - found.low), "forty-three of one picture each"
    assert fixed_set([[1.0, 0.0, 0.0]]).high == pytest.approx(proportion_confint(1, 3, method="beta")[1])


@pytest.mark.parametrize(("characters", "seeds"), [(50, 3), (20, 3), (10, 2)])
@pytest.mark.parametrize("world", DIFFERENCES, ids=lambda w: w.name)
def test_intervals_of_differences_hold_the_truth(world, characters, seeds):
    assert covered(world, population_difference, characters, seeds) >= 0.93


def test_the_bootstrap_alone_would_miss_rare_events():
    """Why it is not what tables show."""
    rare = DETECT_LIKE[3]
    assert covered(rare, lambda values: cluster_bootstrap(means(values)), 50, 3) < 0.85


@pytest.mark.parametrize("world", [DETECT_LIKE[0], DETECT_LIKE[1], CONS_LIKE[1]], ids=lambda w: w.name)
def test_bootstrap_and_analytic_agree(world):
    """Ends within a fraction of the interval's width, for 50 characters × 3 seeds away from the ends."""
    for values in world.draw(np.random.default_rng(3), 100, 50, 3).tolist():
        t, boot, ours = cluster_t(means(values)), cluster_bootstrap(means(values)), population(values)
        width = t.high - t.low
        assert t.value == pytest.approx(boot.value)
        assert t.value == pytest.approx(ours.value)
        assert abs(t.low - boot.low) <= 0.1 * width
        assert abs(t.high - boot.high) <= 0.1 * width
        if 0.25 < t.value < 0.75:
            assert abs(ours.low - t.low) <= 0.2 * width
            assert abs(ours.high - t.high) <= 0.2 * width


def test_t_interval_is_the_textbook_one():
    sample = np.random.default_rng(0).random(23)
    found = cluster_t(sample, 23)
    low, high = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((23 * low, 23 * high))


def test_bootstrap_is_scipys_and_the_same_each_time():
    sample = np.random.default_rng(0).random(40)
    found = cluster_bootstrap(sample)
    assert found == cluster_bootstrap(sample)
    theirs = stats.bootstrap((sample,), np.mean, method="percentile", n_resamples=20_000, rng=1)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)


@pytest.mark.parametrize("hits", [0, 1, 7, 25, 50])
def test_one_verdict_a_character_is_within_clopper_and_pearsons_interval(hits):
    found = population([[1.0]] * hits + [[0.0]] * (50 - hits), 50)
    low, high = proportion_confint(hits, 50, method="beta")
    assert (found.low, found.high) == pytest.approx((50 * low, 50 * high), abs=0.05)
    assert found.low < found.high, "fifty alike are no proof"


def test_one_character_has_no_interval_and_none_no_value():
    assert (cluster_bootstrap([0.5]).value, cluster_bootstrap([0.5]).low) == (0.5, None)
    assert (population([[0.5, 0.5]]).value, population([[0.5, 0.5]]).low) == (0.5, None)
    assert cluster_bootstrap([]).value is None
    assert population([]).value is None
    assert fixed_set([]).value is None
    assert population_difference([]).value is None
    assert population_difference([[0.5]]).low is None
    assert fixed_difference([]).value is None


def test_differences_of_single_verdicts_are_near_bonett_and_prices():
    """Their interval (2012) by its own formula, from the counts."""
    gained, lost, n = 6, 14, 50
    steps = [[1.0]] * gained + [[-1.0]] * lost + [[0.0]] * (n - gained - lost)
    found = population_difference(steps)
    a, b = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = 1.96 * ((a + b - (a - b) ** 2) / (n + 2)) ** 0.5
    assert (found.low, found.high) == pytest.approx((a - b - half, a - b + half), abs=0.03)
    assert found.value == pytest.approx((gained - lost) / n)
    assert fixed_difference(steps) == found, "one pair a character tells nothing of its own variance"


@pytest.mark.parametrize("steps", [[0.0] * 20, [-1.0] * 20, [1.0, -1.0] * 10])
@pytest.mark.parametrize("interval", [fixed_difference, population_difference])
def test_differences_stay_within_what_they_can_be_and_are_never_certain(interval, steps):
    found = interval([[s] * 3 for s in steps], 20)
    assert -20 <= found.low <= found.value <= found.high <= 20
    assert found.high - found.low > 0.5
    turned = interval([[-s] * 3 for s in steps], 20)
    assert (-turned.high, -turned.low) == pytest.approx((found.low, found.high))


def test_differences_of_these_characters_are_the_surer_ones():
    """Ten of fifty that always change would be others in another fifty, and are these in these."""
    steps = [[-1.0] * 3] * 10 + [[0.0] * 3] * 40
    fixed, wide = fixed_difference(steps, 50), population_difference(steps, 50)
    assert fixed.high - fixed.low < 3
    assert wide.high - wide.low > 8


@pytest.mark.parametrize(("characters", "seeds"), [(5, 5), (20, 2), (50, 5)])
@pytest.mark.parametrize("world", CASTS_OF_PAIRS, ids=lambda w: w.name)
def test_intervals_of_differences_for_these_characters_hold_the_truth(world, characters, seeds):
    assert covered(world, fixed_difference, characters, seeds) >= 0.93


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=4), min_size=2, max_size=30))
def test_estimate_is_inside_and_turning_yes_into_no_mirrors(counts):
    for interval in (fixed_set, population):
        found, mirrored = interval(counts), interval([[1 - x for x in v] for v in counts])
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert found.low < found.high
        assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=1e-6)
    fixed, wide = fixed_set(counts), population(counts)
    assert wide.low <= fixed.low
    assert fixed.high <= wide.high
