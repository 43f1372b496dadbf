"""How much a model imitates a concept: the likeness of its pictures and the training pictures nearest to
them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

import numpy as np

from copycat.errors import BadFile
from copycat.imitation.counts import CONCEPT, COUNT, number_of, text_of
from copycat.imitation.filtering import Vectors
from copycat.io.tables import filled, read_table

NEAREST = 10
"""Training pictures that a prompt's pictures are compared with, as published."""


@dataclass(frozen=True)
class Scored:
    """One concept with its count and scores."""

    concept: str
    """Slug, or as a table calls it."""
    count: float
    """Effective count of training pictures, 0 or more."""
    prompts: tuple[tuple[float, ...], ...]
    """By prompt, the score of each picture; of every prompt one or more."""
    names: tuple[str, ...] = ()
    """What the prompts are called, in the same order; empty where they have no names."""
    notes: tuple[str, ...] = ()
    """What is to be known of its numbers, a sentence each."""
    group: str = ""
    """Concepts of one group are not independent, such as one character with several counts, and are drawn
    together by the bootstrap. Empty: each by itself."""
    doubtful: float = 0.0
    """Share of what was counted of it, in [0, 1], that may mean something else."""

    @property
    def score(self) -> float:
        """The mean over prompts of their mean over pictures."""
        return fmean(fmean(p) for p in self.prompts)

    @property
    def spread(self) -> float | None:
        """Standard deviation of the prompts' means; None with fewer than two prompts."""
        return stdev(fmean(p) for p in self.prompts) if len(self.prompts) > 1 else None

    @property
    def doubt(self) -> str | None:
        """What is to be said of `doubtful`; None where nothing is."""
        if not self.doubtful:
            return None
        return (
            f"{self.doubtful:.0%} of what was counted may mean something else: its names there are words of "
            "the language or parts of other names"
        )

    @property
    def pictures(self) -> int:
        """How many pictures have a score."""
        return sum(map(len, self.prompts))


def imitation(training: Vectors, made: Vectors, nearest: int = NEAREST) -> tuple[float, ...]:
    """The score of each of a prompt's pictures `made`, in [-1, 1]: its mean cosine with those `nearest`
    training pictures (or all, where there are fewer) that are on average the most like all of `made`.

    Their mean is the published score of the prompt. Raises ValueError without pictures on either side.
    """
    if not len(training) or not len(made):
        raise ValueError("an imitation score needs training pictures and generated ones")
    similar = training.astype(np.float64) @ made.astype(np.float64).T
    # Of equally near ones the first in the order of their similarities, so that no order of files matters.
    chosen = np.lexsort((*similar.T, similar.mean(axis=1)))[::-1][:nearest]
    return tuple(similar[chosen].mean(axis=0).tolist())


@dataclass(frozen=True)
class Table:
    """A table of scores."""

    scored: tuple[Scored, ...]
    unit: str = ""
    """What its counts are of, as far as it says."""


def read_scores(path: Path) -> list[Scored]:
    """The concepts of :func:`read_score_table`."""
    return list(read_score_table(path).scored)


def read_score_table(path: Path) -> Table:
    """Concepts with counts and scores from a table (CSV, TSV, JSONL, Parquet).

    It has the columns `concept`, `count` and `score`, and may have `prompt`, `group` and `unit`; rows of one
    concept are its pictures or prompts. Raises BadFile for a table that is none, or where a concept has two
    counts or groups.
    """
    counts: dict[str, float] = {}
    groups: dict[str, str] = {}
    unit = ""
    scores: dict[str, dict[str, list[float]]] = {}
    for number, raw in enumerate(read_table(path, "table of scores"), 1):
        row, where = filled(raw), f"{path}, row {number}"
        concept, count = text_of(row, CONCEPT, where), number_of(row, COUNT, where)
        if counts.setdefault(concept, count) != count:
            raise BadFile(f"{where}: {concept} has the count {count:g}, and {counts[concept]:g} further up.")
        group = str(row.get("group", ""))
        if groups.setdefault(concept, group) != group:
            raise BadFile(
                f"{where}: {concept} is in the group {group!r}, and in {groups[concept]!r} further up."
            )
        unit = str(row.get("unit", unit))
        score = number_of(row, ("score",), where, least=-np.inf)
        scores.setdefault(concept, {}).setdefault(str(row.get("prompt", "")), []).append(score)
    if not counts:
        raise BadFile(f"{path} has no scores.")
    scored = (
        Scored(c, counts[c], tuple(map(tuple, by.values())), tuple(by) if any(by) else (), group=groups[c])
        for c, by in scores.items()
    )
    return Table(tuple(scored), unit)


def in_order(scored: Sequence[Scored]) -> list[Scored]:
    """By rising count; of equal counts by the concept's name, so that the order of a file never matters."""
    return sorted(scored, key=lambda s: (s.count, s.concept))


def by_content(scored: Sequence[Scored]) -> list[Scored]:
    """By rising count; of equal counts by their scores and those of their groups, so that names do not matter
    either."""
    own = {id(s): (s.count, sorted(sorted(p) for p in s.prompts)) for s in scored}
    groups: dict[str, list[tuple[float, list[list[float]]]]] = {}
    for s in scored:
        groups.setdefault(s.group, []).append(own[id(s)])
    beside = {group: sorted(held) if group else [] for group, held in groups.items()}
    return sorted(scored, key=lambda s: (own[id(s)], beside[s.group], s.group))
