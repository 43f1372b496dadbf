"""Paired tests, effect sizes and corrections, against independent implementations and by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_effectsize

from benchmarks.worlds import paired
from copycat.stats.paired import Discordant, adjust, cohen_h, compare, odds_ratio_interval
from copycat.stats.permutation import max_t, sign_flip


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 8), (4, 4), (0, 6), (30, 12)])
def test_mcnemar_is_the_binomial_test_of_the_pairs_that_differ(gained, lost):
    found = Discordant(gained, lost)
    n = gained + lost
    assert found.p == pytest.approx(stats.binomtest(gained, n).pvalue if n else 1.0)


def test_effect_sizes_by_hand():
    d = Discordant(gained=3, lost=12)
    assert d.odds_ratio == 0.25
    assert d.g == pytest.approx(0.2 - 0.5)
    assert Discordant(0, 6).odds_ratio == pytest.approx(0.5 / 6.5), "half a pair is added to both"
    assert Discordant(0, 0).odds_ratio is None
    assert Discordant(0, 0).g is None
    assert cohen_h(0.76, 0.56) == pytest.approx(proportion_effectsize(0.56, 0.76))
    assert cohen_h(0, 1) == pytest.approx(np.pi)


def test_interval_of_the_odds_ratio_turns_with_it():
    low, high = odds_ratio_interval(Discordant(3, 12))
    assert low < 0.25 < high < 1
    turned = odds_ratio_interval(Discordant(12, 3))
    assert turned == pytest.approx((1 / high, 1 / low))
    assert odds_ratio_interval(Discordant(5, 0))[1] == float("inf")
    assert odds_ratio_interval(Discordant(0, 0)) is None


def test_sign_flips_are_all_tried_where_there_are_few():
    steps = [1.0, -1 / 3, 2 / 3, 1.0, 1 / 3, 0.0, -1 / 3]
    totals = [sum(s * x for s, x in zip(signs, steps, strict=True)) for signs in product((1, -1), repeat=7)]
    by_hand = sum(abs(t) >= abs(sum(steps)) - 1e-9 for t in totals) / len(totals)
    assert sign_flip(steps) == pytest.approx(by_hand)
    theirs = stats.permutation_test(
        (np.array(steps),), np.sum, permutation_type="samples", n_resamples=10**6
    ).pvalue
    assert sign_flip(steps) == pytest.approx(theirs)


def test_many_sign_flips_have_the_exact_law():
    """The distribution of the sum by repeated convolution, for differences in thirds."""
    thirds = np.random.default_rng(5).integers(-3, 3, 40)
    law = np.array([1.0])
    for k in np.abs(thirds):
        step = np.zeros(2 * k + 1)
        step[0] += 0.5
        step[-1] += 0.5
        law = np.convolve(law, step)
    sums = np.arange(law.size) - law.size // 2
    exact = law[np.abs(sums) >= abs(thirds.sum())].sum()
    assert 0.001 < exact < 0.2
    assert sign_flip(thirds / 3) == pytest.approx(exact)


def test_scores_are_rounded_to_a_grid_and_agree_with_random_sign_flips():
    rng = np.random.default_rng(6)
    for size in (12, 40):
        steps = rng.normal(0.3, 1, size)
        signs = rng.choice((-1.0, 1.0), (200_000, size))
        near = (np.abs(signs @ steps) >= abs(steps.sum())).mean()
        assert 0.001 < near < 0.6
        assert sign_flip(steps) == pytest.approx(near, rel=0.03, abs=0.0005)


def test_nothing_changed_is_no_evidence_and_one_character_is_no_test():
    assert sign_flip([0.0] * 10) == 1.0
    assert sign_flip([1.0]) is None
    assert sign_flip([-1.0] * 50) == pytest.approx(2**-49), "no floor but that of the characters"
    many = adjust([sign_flip([-0.61] * 49 + [-0.3])] * 5000)
    assert many[0].holm < 1e-9, "a family of thousands leaves something to find"


@pytest.mark.parametrize(("binary", "least"), [(True, 0.0), (False, 0.037)])
def test_sign_flip_keeps_its_level(binary, least):
    """Where there is no difference, 5 % of 500 comparisons of scores have p ≤ 0.05; fewer of verdicts,
    which come in steps."""
    world = paired("the same", 4, 4, 5, 0.9, binary=binary)
    runs = world.draw(np.random.default_rng(8), 500, 10, 3).mean(axis=2)
    assert least <= np.mean([sign_flip(d) <= 0.05 for d in runs]) <= 0.07


def test_mcnemar_alone_would_claim_too_much_where_seeds_agree():
    """Why the tests of a comparison are over characters: five seeds that agree are one observation."""
    world = paired("the same", 0, 0, 8, 0, binary=True)
    assert world.truth == pytest.approx(0)
    runs = world.draw(np.random.default_rng(9), 500, 30, 5).mean(axis=2)
    pictures = [(round(5 * d[d > 0].sum()), round(-5 * d[d < 0].sum())) for d in runs]
    assert np.mean([Discordant(*p).p <= 0.05 for p in pictures]) > 0.2
    assert np.mean([sign_flip(d) <= 0.05 for d in runs[:150]]) <= 0.09


def test_holm_and_benjamini_hochberg_by_hand():
    found = adjust([0.01, None, 0.04, 0.03, 0.005])
    assert [a and pytest.approx(a.holm) for a in found] == [0.03, None, 0.06, 0.06, 0.02]
    assert [a and pytest.approx(a.fdr) for a in found] == [0.02, None, 0.04, 0.04, 0.02]
    assert adjust([None]) == [None]


def test_max_t_by_hand_where_all_sign_patterns_are_few():
    first, second = {"a": 1.0, "b": 1.0, "c": 1.0}, {"a": 1.0, "b": -1.0, "d": 0.5}
    found = max_t([first, {"a": 1.0}, second])
    patterns = list(product((1, -1), repeat=4))
    one = [abs(a + b + c) / 3**0.5 for a, b, c, _ in patterns]
    two = [abs(a - b + d / 2) / 2.25**0.5 for a, b, _, d in patterns]
    largest = sum(max(x, y) >= 3**0.5 - 1e-9 for x, y in zip(one, two, strict=True)) / 16
    other = max(largest, sum(y >= 0.5 / 1.5 - 1e-9 for y in two) / 16)
    assert found == [pytest.approx(largest), None, pytest.approx(other)]


def test_max_t_counts_tests_that_say_the_same_once_and_holm_does_not():
    steps = dict(enumerate(np.random.default_rng(3).normal(0.4, 1, 40) + 0.3))
    p = sign_flip(list(steps.values()))
    same = adjust([p] * 20, [steps] * 20)[0]
    assert same.holm == pytest.approx(20 * p)
    assert same.max_t == pytest.approx(p, rel=0.15)
    rng = np.random.default_rng(4)
    others = [dict(enumerate(rng.normal(0, 1, 40))) for _ in range(19)]
    apart = adjust([p] * 20, [steps, *others])[0]
    assert apart.max_t == pytest.approx(1 - (1 - p) ** 20, rel=0.25), "tests of their own count each"


@pytest.mark.parametrize("alike", [0.0, 0.95])
def test_max_t_keeps_the_level_of_the_family(alike):
    rng = np.random.default_rng(11)
    claims = 0
    for _ in range(300):
        own = rng.standard_t(3, (30, 12))
        steps = alike**0.5 * rng.standard_t(3, (30, 1)) + (1 - alike) ** 0.5 * own
        found = max_t([dict(enumerate(column)) for column in steps.T], flips=499)
        claims += min(found) <= 0.05
    assert 0.02 <= claims / 300 <= 0.08


def test_comparison_weighs_characters_alike():
    pairs = {
        "a": [(1.0, 0.0), (1.0, 0.0), (1.0, 1.0)],
        "b": [(0.0, 1.0)],
        "c": [(1.0, 1.0), (1.0, 1.0)],
        "none scored": [],
    }
    found = compare(pairs, binary=True, scale=4)
    assert found.base == pytest.approx(4 * (1 + 0 + 1) / 3)
    assert found.other == pytest.approx(4 * (1 / 3 + 1 + 1) / 3)
    assert found.difference.value == pytest.approx(found.other - found.base)
    assert (found.pairs, found.difference.characters) == (6, 3)
    assert (found.discordant.gained, found.discordant.lost) == (1, 2)
    assert found.effect == pytest.approx(cohen_h(found.base / 4, found.other / 4))
    turned = compare({c: [(b, a) for a, b in p] for c, p in pairs.items()}, binary=True, scale=4)
    assert turned.difference.low == pytest.approx(-found.difference.high)
    assert turned.p == found.p


def test_comparison_of_scores_has_no_counts_and_a_standardised_difference():
    found = compare({"a": [(0.9, 0.8)], "b": [(0.9, 0.5)], "c": [(0.7, 0.7)]}, binary=False)
    steps = np.array([-0.1, -0.4, 0.0])
    assert found.discordant is None
    assert (found.effect_kind, found.effect) == ("d_z", pytest.approx(steps.mean() / steps.std(ddof=1)))
    assert compare({"a": [(0.5, 0.5)], "b": [(0.5, 0.5)]}, binary=False).effect is None
    with pytest.raises(ValueError, match="at least one pair"):
        compare({"a": []}, binary=True)
