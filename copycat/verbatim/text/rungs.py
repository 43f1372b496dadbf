"""The ladder: names for how much of a work an output gives back word for word."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rung:
    """A length from which on an output stands on this rung, and on all below."""

    name: str
    words: int
    """Of the longest run in common with the work, at least."""
    about: str


LADDER: tuple[Rung, ...] = (
    Rung("phrase", 10, "a phrase, which may be chance or idiom"),
    Rung("sentence", 20, "a sentence or more"),
    Rung("verbatim", 50, "a passage, the length from which on most studies speak of memorised text"),
    Rung("page", 250, "a page, the longest prompt of Henderson et al. 2023"),
)
"""From the lowest rung to the highest. Below all of them nothing is said to be taken over."""
NAMES = tuple(rung.name for rung in LADDER)
VERBATIM = next(rung for rung in LADDER if rung.name == "verbatim")


def rung_of(words: int) -> str:
    """The highest rung that a run of so many words reaches; empty below the lowest."""
    return next((rung.name for rung in reversed(LADDER) if words >= rung.words), "")


def words_of(name: str) -> int:
    """Words that the rung of that name begins with. Raises KeyError for no rung."""
    return {rung.name: rung.words for rung in LADDER}[name]
