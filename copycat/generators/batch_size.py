"""Finding how many pictures a model should draw together on the device that it is on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from copycat.generators.base import Generator
from copycat.records import Request

MOST = 64
"""Pictures in the largest batch that is tried."""
_WORTH = 0.97
"""A larger batch is worth its memory when a picture takes less than this share of its time before."""
_STEPS = 4
"""Steps of a picture that is drawn to see how long it takes."""

Trial = Callable[[int], float | None]
"""Draws a batch of that size; the seconds a picture took, or None where memory did not suffice."""


def best_batch_size(trial: Trial, most: int = MOST) -> int:
    """The size in 1, 2, 4, … up to `most` beyond which a picture takes hardly less time, or does not fit; 1
    where not even that one was drawn."""
    best, size = 1, 1
    seconds = trial(1)
    while seconds is not None and size * 2 <= most:
        size *= 2
        larger = trial(size)
        if larger is None or larger > seconds * _WORTH:
            break
        best, seconds = size, larger
    return best


def trial_of(
    generator: Generator, requests: Sequence[Request], clock: Callable[[], float] = time.perf_counter
) -> Trial:
    """Draws batches of `requests`, which are repeated as needed, with few steps; nothing of it is kept.

    `generator` must take batches as large as are tried. Each size is drawn twice, and the second counts: in
    the first the device chooses how to compute. Requests must carry no embeddings.
    """

    def trial(size: int) -> float | None:
        batch = [_quick(requests[i % len(requests)]) for i in range(size)]
        took = 0.0
        for _ in range(2):
            began = clock()
            outcomes = generator.generate(batch)
            took = clock() - began
            failed = any(o.outcome == "error" for o in outcomes)
            if failed or generator.batch_size < size:
                return None
        return took / size

    return trial


def _quick(request: Request) -> Request:
    sampling = request.sampling
    return request.model_copy(
        update={"sampling": sampling.model_copy(update={"steps": min(sampling.steps, _STEPS)})}
    )
