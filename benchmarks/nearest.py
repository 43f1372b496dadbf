"""How long the search for the nearest of a million references takes on one core, and how often it is right.

    python -m benchmarks.nearest [--references 1000000] [--queries 100] [--dimensions 160,512]

References are synthetic vectors of length 1: 20,000 centres, and around each as many as there are for one
concept, since pictures of one concept lie together. Queries are copies (a reference with a little noise,
cosine 0.98) and other pictures of the same concepts. Printed for each, exactly and by
`copycat.copies.index.cells`: the milliseconds of one core that a query takes, the median and in brackets the
95th percentile, and by the clock, which is the same on a machine that does nothing else; and recall@1 against
the exact search.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
import numpy.typing as npt

from copycat.copies.index import Exact, Index, cells

Vectors = npt.NDArray[np.float32]
_CENTRES, _SPREAD, _NOISE = 20_000, 0.6, 0.2
_AT_ONCE = 65_536


def _unit(rows: Vectors) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _noisy(rows: Vectors, size: float, random: np.random.Generator) -> Vectors:
    """`rows` with noise whose length is `size` of theirs."""
    noise = random.standard_normal(rows.shape, np.float32)
    return _unit(rows + size * _unit(noise))


def _references(n: int, width: int, centres: Vectors, random: np.random.Generator) -> Vectors:
    made = np.empty((n, width), np.float32)
    for i in range(0, n, _AT_ONCE):
        part = random.integers(0, len(centres), min(_AT_ONCE, n - i))
        made[i : i + len(part)] = _noisy(centres[part], _SPREAD, random)
    return made


def _timed(index: Index, queries: Vectors) -> tuple[list[int], npt.NDArray[np.float64]]:
    """The nearest reference of each query; and milliseconds, of the core and by the clock, (queries, 2)."""
    index.nearest(queries[0], 1)
    rows, spent = [], []
    for query in queries:
        began = time.process_time(), time.perf_counter()
        found, _ = index.nearest(query, 8)
        ended = time.process_time(), time.perf_counter()
        spent.append([1000 * (b - a) for a, b in zip(began, ended, strict=True)])
        rows.append(int(found[0]) if len(found) else -1)
    return rows, np.array(spent)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def measure(n: int, queries: int, width: int) -> None:
    """Print the figures for vectors of one width."""
    random = np.random.default_rng(0)
    centres = _unit(random.standard_normal((_CENTRES, width), np.float32))
    references = _references(n, width, centres, random)
    copied = random.integers(0, n, queries)
    asked = {
        "copies": _noisy(references[copied], _NOISE, random),
        "others of the concepts": _references(queries, width, centres, random),
    }
    began = time.perf_counter()
    some = cells(references)
    _say(f"width {width}: {n:,} references, index built in {time.perf_counter() - began:.0f} s")
    for name, vectors in asked.items():
        right, exact = _timed(Exact(references), vectors)
        found, fast = _timed(some, vectors)
        recall = np.mean([a == b for a, b in zip(right, found, strict=True)])
        for kind, spent in (("exact", exact), ("cells", fast)):
            core, clock = (f"{np.median(t):.2f} ({np.quantile(t, 0.95):.2f})" for t in spent.T)
            right_too = f", recall@1 {recall:.3f} of {len(vectors)}" if kind == "cells" else ""
            _say(f"  {name}, {kind}: {core} ms of the core, {clock} ms by the clock{right_too}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--references", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--dimensions", default="160,512")
    given = parser.parse_args()
    import faiss

    faiss.omp_set_num_threads(1)
    for width in map(int, given.dimensions.split(",")):
        measure(given.references, given.queries, width)


if __name__ == "__main__":
    main()
