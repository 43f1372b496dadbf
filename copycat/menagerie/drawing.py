"""Drawing on every core of the machine."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Drawn = TypeVar("Drawn")
_CHUNK = 100
"""Items that a process takes at a time: a second of drawing or less, so that all cores end together."""


def core_count() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def draw_on_all_cores(
    draw: Callable[[Sequence[Item]], list[Drawn]], items: Sequence[Item], workers: int | None = None
) -> list[Drawn]:
    """What `draw` makes of `items`, in their order, computed by as many processes as there are cores.

    `draw` is a function of a module; it is given some of the items, and what it makes of one must follow from
    that item alone, so that `workers`, the number of processes, decides nothing but the time.
    """
    chunks = [items[i : i + _CHUNK] for i in range(0, len(items), _CHUNK)]
    workers = min(core_count() if workers is None else workers, len(chunks))
    if workers <= 1:
        return draw(items)
    # A fresh interpreter: a forked one would inherit the threads and the CUDA context of a build under way.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        return [drawn for part in pool.map(draw, chunks) for drawn in part]
