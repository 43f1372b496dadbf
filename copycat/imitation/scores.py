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

    @property
    def score(self) -> float:
        """The mean over prompts of their mean over pictures."""
        return fmean(fmean(p) for p in self.prompts)

    @property
    def spread(self) -> float | None:
        """Standard deviation of the prompts' means; None with fewer than two prompts."""
        return stdev(fmean(p) for p in self.prompts) if len(self.prompts) > 1 else None

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


def read_scores(path: Path) -> list[Scored]:
    """Concepts with counts and scores from a table (CSV, TSV, JSONL, Parquet).

    It has the columns `concept`, `count` and `score`, and may have `prompt`; rows of one concept are its
    pictures or prompts. Raises BadFile for a table that is none, or where a concept has two counts.
    """
    counts: dict[str, float] = {}
    scores: dict[str, dict[str, list[float]]] = {}
    for number, raw in enumerate(read_table(path, "table of scores"), 1):
        row, where = filled(raw), f"{path}, row {number}"
        concept, count = text_of(row, CONCEPT, where), number_of(row, COUNT, where)
        if counts.setdefault(concept, count) != count:
            raise BadFile(f"{where}: {concept} has the count {count:g}, and {counts[concept]:g} further up.")
        score = number_of(row, ("score",), where, least=-np.inf)
        scores.setdefault(concept, {}).setdefault(str(row.get("prompt", "")), []).append(score)
    if not counts:
        raise BadFile(f"{path} has no scores.")
    return [
        Scored(c, counts[c], tuple(map(tuple, by.values())), tuple(by) if any(by) else ())
        for c, by in scores.items()
    ]


def in_order(scored: Sequence[Scored]) -> list[Scored]:
    """By rising count; of equal counts by the concept's name, so that the order of a file never matters."""
    return sorted(scored, key=lambda s: (s.count, s.concept))
