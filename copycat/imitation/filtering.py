"""Which pictures show a concept: those near one of its reference pictures, by a threshold that is
measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from copycat.errors import UserError

Vectors = npt.NDArray[np.float32]
"""Rows of length 1, one a picture."""
CUTS = ("lower", "higher")
"""Ways to choose where a picture begins to count; see :class:`Cuts`."""


@dataclass(frozen=True)
class Cuts:
    """Where a picture begins to count as one of a concept, in cosine, [-1, 1]; measured on reference
    pictures."""

    lower: float
    """Half-way between the least average similarity within a concept and the greatest between two: lets more
    through."""
    higher: float
    """Where the harmonic mean of true-positive and true-negative rate of single pairs is greatest."""
    within: float
    """The least average similarity of a concept's own reference pictures."""
    between: float
    """The greatest average similarity of the reference pictures of two concepts."""

    @property
    def apart(self) -> bool:
        """Whether every concept is more like itself than any two are like one another; where it is not, this
        encoder confuses some."""
        return self.within > self.between

    def at(self, cut: str) -> float:
        """One of the two."""
        return self.lower if cut == "lower" else self.higher


def calibrate(gold: Mapping[str, Vectors]) -> Cuts:
    """Measure both cuts on the reference pictures of each concept.

    Concepts with a single picture say nothing of how alike their pictures are, and are compared with the
    others only. Raises UserError without two concepts, or where no concept has two pictures.
    """
    several = [v for v in gold.values() if len(v) > 1]
    if len(gold) < 2 or not several:
        raise UserError(
            "A filter of training pictures is measured on reference pictures: of two concepts or more, one "
            "of them with two pictures or more. Add `references` to the registry."
        )
    within = [_pairs_within(v) for v in several]
    held = list(gold.values())
    between = [(a @ b.T).ravel() for i, a in enumerate(held) for b in held[i + 1 :]]
    least, most = min(float(w.mean()) for w in within), max(float(b.mean()) for b in between)
    higher = _best_cut(np.concatenate(within), np.concatenate(between))
    return Cuts((least + most) / 2, higher, least, most)


def shows(pictures: Vectors, gold: Vectors, cut: float) -> npt.NDArray[np.bool_]:
    """Of each picture whether the greatest cosine with a reference picture is above `cut`; of none without
    reference pictures."""
    if not len(pictures) or not len(gold):
        return np.zeros(len(pictures), bool)
    return np.asarray((pictures @ gold.T).max(axis=1) > cut)


def _pairs_within(vectors: Vectors) -> npt.NDArray[np.float32]:
    return np.asarray((vectors @ vectors.T)[np.triu_indices(len(vectors), 1)])


def _best_cut(same: npt.NDArray[np.float32], different: npt.NDArray[np.float32]) -> float:
    """The cut with the greatest 2 TPR TNR / (TPR + TNR), half-way to the next similarity above it."""
    tried = np.unique(np.concatenate([same, different]))
    true = 1 - np.searchsorted(np.sort(same), tried, side="right") / same.size
    false = 1 - np.searchsorted(np.sort(different), tried, side="right") / different.size
    both = true + 1 - false
    score = np.where(both > 0, 2 * true * (1 - false) / np.where(both > 0, both, 1.0), 0.0)
    best = int(np.argmax(score))
    above = tried[min(best + 1, tried.size - 1)]
    return float((tried[best] + above) / 2)
