"""The measures, against implementations that share nothing with ours but the definition."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import cache
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copycat.verbatim.text.metrics import (
    PassageIndex,
    Run,
    closeness,
    common_prefix,
    edit_distance,
    edit_similarity,
)

WORDS = st.lists(st.sampled_from(["a", "b", "c", "the", ","]), max_size=14)


def slow_distance(a: list[str], b: list[str]) -> int:
    """By the recurrence, as it is written in textbooks."""

    @cache
    def of(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        return min(of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (a[i - 1] != b[j - 1]))

    return of(len(a), len(b))


def slow_substring(a: list[str], b: list[str]) -> int:
    """By trying every run of one in the other."""
    runs = {tuple(b[i:j]) for i in range(len(b)) for j in range(i + 1, len(b) + 1)}
    return max(
        (j - i for i in range(len(a)) for j in range(i + 1, len(a) + 1) if tuple(a[i:j]) in runs), default=0
    )


@given(WORDS, WORDS)
def test_the_longest_common_prefix_ends_with_the_first_difference(a: list[str], b: list[str]) -> None:
    assert common_prefix(a, b) == len(
        list(takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))
    )


@given(WORDS, WORDS)
def test_the_edit_distance_is_that_of_the_recurrence(a: list[str], b: list[str]) -> None:
    assert edit_distance(a, b) == slow_distance(a, b)


@given(WORDS, WORDS)
def test_the_edit_similarity_is_one_minus_the_share_that_is_changed(a: list[str], b: list[str]) -> None:
    cut = b[: len(a)]
    wanted = 1 - slow_distance(a, cut) / len(a) if a and cut else 0.0
    assert edit_similarity(a, b) == pytest.approx(wanted)
    assert 0 <= edit_similarity(a, b) <= 1


@given(WORDS, WORDS)
def test_the_longest_common_substring_is_that_of_difflib_and_of_trying_all(
    a: list[str], b: list[str]
) -> None:
    found = PassageIndex([b]).longest(a)
    assert found.length == slow_substring(a, b)
    assert found.length == SequenceMatcher(None, a, b, autojunk=False).find_longest_match().size
    assert a[found.at : found.at + found.length] == b[found.place : found.place + found.length]


@given(WORDS, st.lists(WORDS, min_size=1, max_size=4))
def test_a_run_lies_within_one_work(a: list[str], works: list[list[str]]) -> None:
    found = PassageIndex(works).longest(a)
    assert found.length == max(slow_substring(a, work) for work in works)
    work = works[found.document]
    assert a[found.at : found.at + found.length] == work[found.place : found.place + found.length]


def test_an_index_can_be_asked_again() -> None:
    index = PassageIndex([["x", "a", "b"], ["a", "b", "c"]])
    assert [index.longest(["a", "b", "c"]) for _ in range(2)] == [Run(3, 0, 1, 0)] * 2
    assert index.longest(["q"]) == Run(0, 0, 0, 0)
    assert PassageIndex([[]]).longest(["q"]).length == 0


def test_what_follows_is_cut_to_the_output_and_the_whole_work_is_searched() -> None:
    work = ["it", "was", "the", "best", "of", "times", "it", "was", "the", "worst", "of", "times"]
    found = closeness(["the", "worst", "of"], work[2:], PassageIndex([work]))
    assert (found.prefix, found.substring) == (1, 3)
    assert found.similarity == pytest.approx(2 / 3)
