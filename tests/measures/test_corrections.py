"""A paired difference without the judge's errors, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from copycat.measures import CONS, DETECT
from copycat.measures.corrections import correct_difference
from copycat.stats.intervals import Interval

RATES = {"tpr": 0.9, "fpr": 0.2, "positives": 500, "negatives": 500}
ROUGH = {"tpr": 0.8, "fpr": 0.1, "positives": 50, "negatives": 50}
PAIRS = {
    "a": [(1.0, 0.0), (1.0, 1.0)],
    "b": [(1.0, 0.0), (0.0, 0.0)],
    "c": [(1.0, 1.0), (1.0, 0.0)],
    "d": [(0.0, 0.0), (1.0, 0.0)],
}
RAW = Interval(4 * -0.5, 4 * -0.75, 4 * -0.25, 4)
"""From 6 of 8 to 2 of 8, times four characters."""


def difference(base=RATES, other=RATES, measure=DETECT, pairs=PAIRS, raw=RAW):
    return correct_difference(measure, pairs, raw, 4.0, (base, "none"), (other, "negprompt"))


def test_each_side_is_corrected_with_its_own_rates() -> None:
    assert difference().value == pytest.approx(4 * -0.5 / 0.7)
    rough = difference(other=ROUGH)
    assert rough.value == pytest.approx(4 * ((0.25 - 0.1) / 0.7 - (0.75 - 0.2) / 0.7))


def test_the_interval_is_in_the_units_of_the_difference_and_no_narrower_than_it_was() -> None:
    found = difference()
    assert found.low < found.value < found.high
    assert found.high - found.low >= RAW.high - RAW.low
    assert found.low >= -4
    without = difference({**RATES, "positives": None})
    assert (without.low, without.high) == (None, None)
    assert difference(raw=replace(RAW, low=None, high=None)).low is None


def test_rates_of_one_measurement_move_both_sides_wherever_they_were_read() -> None:
    few = {**RATES, "positives": 30, "negatives": 30}
    common = difference({**few, "cited": "here"}, {**few, "cited": "there"})
    apart = difference({**few, "command": "one"}, {**few, "command": "another"})
    assert common.value == apart.value
    assert common.high - common.low < apart.high - apart.low


@pytest.mark.parametrize(
    "unknown",
    [
        {"base": None}, {"other": None}, {"measure": CONS}, {"pairs": {}},
        {"raw": Interval(None, None, None, 0)},
    ],
)  # fmt: skip
def test_without_rates_or_pairs_there_is_nothing_to_correct(unknown) -> None:
    assert difference(**unknown) is None


def test_a_judge_that_guesses_corrects_nothing() -> None:
    assert difference({**RATES, "tpr": 0.2}) is None
