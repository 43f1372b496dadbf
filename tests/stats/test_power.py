"""Power: the simulation against exact laws, the closed form against the simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from copycat.stats.power import (
    Effect,
    closed_form,
    estimate,
    mean_difference,
    needed,
    simulated,
    unrelated_sd,
)


def effect(base: float, other: float, icc: float) -> Effect:
    return Effect(other - base, unrelated_sd(base, other), icc)


def exact_mcnemar(gained: float, lost: float, n: int) -> float:
    """Power of McNemar's exact test at 0.05 by summing over everything that can be seen."""
    total = 0.0
    for k in range(1, n + 1):
        x = np.arange(k + 1)
        p = np.minimum(1, 2 * stats.binom.cdf(np.minimum(x, k - x), k, 0.5))
        rejected = stats.binom.pmf(x[p <= 0.05], k, gained / (gained + lost)).sum()
        total += stats.binom.pmf(k, n, gained + lost) * rejected
    return total


@pytest.mark.parametrize(("base", "other", "characters"), [(0.76, 0.57, 40), (0.5, 0.1, 20), (0.1, 0.02, 90)])
def test_with_one_seed_it_is_mcnemars_exact_power(base, other, characters):
    gained, lost = other * (1 - base), base * (1 - other)
    assert simulated(effect(base, other, 0.5), characters, 1, runs=8000) == pytest.approx(
        exact_mcnemar(gained, lost, characters), abs=0.02
    )


@pytest.mark.parametrize("icc", [0.0, 0.4, 1.0])
def test_closed_form_is_optimistic_by_ten_points_at_most(icc):
    """From 50 characters and three seeds on."""
    for base, other in ((0.76, 0.64), (0.5, 0.3), (0.3, 0.2)):
        for characters in (50, 120):
            e = effect(base, other, icc)
            assert -0.01 <= closed_form(e, characters, 3) - simulated(e, characters, 3) <= 0.1


def test_closed_form_is_the_paired_t_test():
    e = effect(0.6, 0.4, 0.3)
    theirs = TTestPower().power(abs(e.difference) / e.error(1, 4), 33, 0.05)
    assert closed_form(e, 33, 4) == pytest.approx(theirs, abs=1e-6)
    assert closed_form(e, 100_000, 4) == 1.0
    assert closed_form(e, 1, 4) == 0.0


def test_needed_is_where_the_simulation_passes():
    e = effect(0.76, 0.57, 0.5)
    found = needed(e, 3)
    assert found is not None
    assert simulated(e, found, 3) >= 0.8 > simulated(e, int(0.9 * found), 3)
    assert needed(e, 10) < found < needed(e, 1), "more seeds, fewer characters"
    assert needed(Effect(-0.19, e.sd, 1.0), 1) == needed(Effect(-0.19, e.sd, 1.0), 1)
    assert needed(Effect(-0.001, 0.6, 0.5), 1) is None


def test_seeds_are_of_no_use_where_they_all_say_the_same():
    e = effect(0.6, 0.4, 1.0)
    assert e.error(50, 1) == e.error(50, 20)
    assert effect(0.6, 0.4, 0.0).error(50, 4) == pytest.approx(effect(0.6, 0.4, 0.0).error(50, 1) / 2)


def test_estimates_recover_what_was_simulated():
    rng = np.random.default_rng(0)
    own = rng.normal(-0.2, 0.3, (4000, 1))
    found, icc = estimate(list(own + rng.normal(0, 0.4, (4000, 3))))
    assert found == pytest.approx(0.5, abs=0.01)
    assert icc == pytest.approx(0.36, abs=0.02)
    ragged = [list(own[i] + rng.normal(0, 0.4, 1 + i % 4)) for i in range(4000)]
    found, icc = estimate(ragged)
    assert (found, icc) == (pytest.approx(0.5, abs=0.02), pytest.approx(0.36, abs=0.04))
    assert estimate([[1.0], [0.0]]) == (pytest.approx(0.5**0.5), None), "one seed cannot tell"
    assert estimate([[1.0, 0.0], [0.0, 1.0]])[1] == 0.0
    assert mean_difference([[1.0, 0.0], [0.0], []]) == 0.25
    with pytest.raises(ValueError, match="two characters"):
        estimate([[1.0, 0.0]])


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="standard deviation"):
        Effect(-0.5, 0.1, 0.5)
    with pytest.raises(ValueError, match="correlation"):
        Effect(-0.5, 0.6, 1.5)
