"""The references whose vectors are nearest: exactly, or by faiss where they are many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from copycat.copies.looks import Vectors
from copycat.errors import MissingRequirement, require

EXACT_UP_TO = 200_000
"""References up to which all are compared; at 160 numbers a vector that takes some 0.03 s a picture."""
WHERE = "faiss-cpu>=1.9"
"""What is installed to search more."""
_CELLS, _PROBED = 1024, 64
_AT_ONCE = 65_536
_LEARNT_FROM = 64
"""Vectors of each cell that its place is learnt from."""

Found = tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]
"""Rows of the references, nearest first, and their cosines."""


class Index(Protocol):
    """References to search."""

    def nearest(self, vector: Vectors, k: int) -> Found:
        """The `k` references (or all, where there are fewer) of the greatest cosine with `vector`."""
        ...


@dataclass(frozen=True)
class Exact:
    """Compares with all."""

    vectors: Vectors

    def nearest(self, vector: Vectors, k: int) -> Found:
        cosines = self.vectors @ vector
        k = min(k, len(cosines))
        best = np.argpartition(-cosines, k - 1)[:k] if k else np.zeros(0, np.intp)
        # Of equally near ones the first, whatever the order in which they were found.
        order = best[np.lexsort((best, -cosines[best]))]
        return order, cosines[order]


@dataclass(frozen=True)
class Cells:
    """Compares with those in the cells of space that are nearest (inverted file, Jégou et al. 2011, in half
    precision): some of the nearest may be missed, see `benchmarks/nearest.py`."""

    index: Any

    def nearest(self, vector: Vectors, k: int) -> Found:
        cosines, rows = self.index.search(np.ascontiguousarray(vector[None], np.float32), k)
        there = rows[0] >= 0
        return rows[0][there].astype(np.intp), cosines[0][there]


def cells(vectors: Vectors, cell_count: int = _CELLS, probed: int = _PROBED, threads: int = 1) -> Cells:
    """An index that parts space into so many cells, of which `probed` are searched; built by so many
    `threads`. Raises MissingRequirement without faiss."""
    faiss = require("faiss", WHERE, f"A search among {len(vectors):,} references")
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        width = vectors.shape[1]
        made = faiss.index_factory(width, f"IVF{cell_count},SQfp16", faiss.METRIC_INNER_PRODUCT)
        step = max(1, len(vectors) // (_LEARNT_FROM * cell_count))
        made.train(np.ascontiguousarray(vectors[::step], np.float32))
        for i in range(0, len(vectors), _AT_ONCE):
            made.add(np.ascontiguousarray(vectors[i : i + _AT_ONCE], np.float32))
        made.nprobe = probed
    finally:
        faiss.omp_set_num_threads(before)
    return Cells(made)


def index_of(vectors: Vectors) -> Index:
    """The index that suits so many references. Raises MissingRequirement where they are many, and faiss is
    missing."""
    if len(vectors) <= EXACT_UP_TO:
        return Exact(vectors)
    try:
        return cells(vectors)
    except MissingRequirement as e:
        raise MissingRequirement(f"{e} Or give at most {EXACT_UP_TO:,} references.") from e
