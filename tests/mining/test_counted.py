"""Ranking from a counts file: what the file cannot say is said, once, and nothing else is."""

from __future__ import annotations

import datetime
from functools import partial

import pytest

from copycat.mining.cooccurrence import finder, rerank, terms
from copycat.mining.counted import counted, cut_off
from copycat.subjects.characters import Character, Registry
from copycat.subjects.counts import Count, Counts

PEOPLE = Registry(
    "two",
    1,
    [Character(slug=s, name=s.capitalize(), owner="o", key="x", generic="x") for s in ("zori", "kamo")],
)
CANDIDATES = {"zori": ["owl", "cape", "Hat", "hat"], "kamo": ["frog"]}


def file(kept: int | None, *zori: tuple[str, int]) -> Counts:
    return Counts(
        corpus="tiny",
        date=datetime.date(2026, 1, 2),
        source="a test",
        rule="r",
        total=90,
        words_kept=kept,
        characters=(
            Count(slug="zori", name="Zori", count=40, words=zori),
            Count(slug="kamo", name="Kamo", count=3, words=(("frog", 3),)),
        ),
    )


def said(told: Counts, *, least: int = 2, all_words: bool = False) -> str:
    find = terms if all_words else finder(CANDIDATES)
    return cut_off(
        told, counted(told, PEOPLE, find), PEOPLE, None if all_words else CANDIDATES, least=least, keep=3
    )


def test_candidates_that_are_not_among_the_words_of_a_full_list_are_told() -> None:
    told = file(3, ("zori", 40), ("owl", 9), ("a", 7))
    assert said(told) == (
        "The counts of tiny keep the 3 most frequent words beside each name: candidates that are not among "
        "them are left out (2, characters: 1), though they may stand in up to 7 captions with the name. "
        "Count again with more than --words 3, or mine the captions."
    )
    ranked = rerank(CANDIDATES, counted(told, PEOPLE, finder(CANDIDATES)), PEOPLE)
    assert [(t.character, t.term) for t in ranked] == [("zori", "owl"), ("kamo", "frog")]


@pytest.mark.parametrize(
    ("kept", "words", "least"),
    [
        (4, [("zori", 40), ("owl", 9), ("a", 7)], 2),  # not full: nothing else stands beside the name
        (3, [("zori", 40), ("owl", 9), ("a", 7)], 8),  # whatever is missing stands in too few
        (3, [("owl", 40), ("hat", 9), ("cape", 7)], 2),  # all are there
        (1_000, [("owl", 9)], 2),
    ],
)
def test_nothing_is_said_where_nothing_is_lacking(
    kept: int, words: list[tuple[str, int]], least: int
) -> None:
    assert said(file(kept, *words), least=least) == ""


def test_of_all_words_those_that_are_lacking_for_a_ranking_are_told() -> None:
    full = (("zori", 40), ("owl", 9), ("of", 8), ("hat", 7), ("red", 6))
    assert "fewer than 3 of them can be ranked (characters: 1)" in said(file(4, *full[:4]), all_words=True)
    # The own name and function words are in no ranking.
    assert said(file(5, *full), all_words=True) == ""


def test_an_index_was_asked_for_some_words_alone() -> None:
    told = said(file(None, ("owl", 9)))
    assert told == (
        "The counts of tiny hold only the words that an index was asked for: candidates that are not among "
        "them are left out (2, characters: 1). Ask for them with --index-words."
    )


def test_phrases_are_found_in_single_words_alone() -> None:
    told = file(4, ("red cape", 9), ("owl", 8))
    assert counted(told, PEOPLE, partial(terms, longest=1)).joint["zori"] == {"owl": 8}
