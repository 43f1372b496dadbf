"""Engines: what takes planned batches to a worker, in this process or in others.

The batches are planned, and a worker does not know how many there are of its kind, so the same batches give
the same bits whichever engine takes them. Only the driver, the process that called :meth:`Engine.map`, gets
results, so only it writes journals.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import closing, suppress
from multiprocessing.connection import wait
from typing import Any

from copycat.errors import CopycatError, MissingRequirement
from copycat.runtime.phases import results
from copycat.runtime.worker import B, OpenWorker, R, WorkerProcess

Done = Callable[[Sequence[tuple[B, R]]], None]
"""Takes batches with their results: all that are ready, so that they can be written together."""
DEATHS = 2
"""Workers that may die of one batch before it is given up."""
GRACE = 10.0
"""Seconds that workers have, after a failure or Ctrl-C, to write what their devices are done with."""


class Engine(ABC):
    """Takes batches to workers."""

    device: str
    """The device that results come from; all of an engine's are of one kind."""

    @abstractmethod
    def map(self, batches: Sequence[B], open_worker: OpenWorker[B, R], done: Done[B, R]) -> None:
        """Have every batch worked on, and call `done` in this thread as results come, once for each.

        What a worker raises is raised here, after which no further batch is begun.
        """


class InProcess(Engine):
    """One worker, here; results in the order of the batches."""

    def __init__(self, device: str) -> None:
        self.device = device

    def map(self, batches: Sequence[B], open_worker: OpenWorker[B, R], done: Done[B, R]) -> None:
        with open_worker(self.device) as work, closing(results(work, batches)) as found:
            for result in found:
                done([result])


class Processes(Engine):
    """A worker in a process of its own for each device; one device may stand several times.

    Each has as many batches in hand as its phases need (:mod:`copycat.runtime.phases`), else one. A worker
    that dies is replaced, and all that it had in hand begun anew. Results come as they are finished. After a
    failure or Ctrl-C workers break off what their devices are at, and what these are done with is still taken
    in, as far as it is written within :data:`GRACE` seconds.
    """

    def __init__(self, devices: Sequence[str]) -> None:
        self._devices = tuple(devices)
        kind, _, _ = devices[0].partition(":")
        self.device = kind if len(set(devices)) > 1 else devices[0]

    def map(self, batches: Sequence[B], open_worker: OpenWorker[B, R], done: Done[B, R]) -> None:
        waiting = deque(range(len(batches)))
        deaths = [0] * len(batches)
        # More workers than batches would load a model in vain.
        workers = [WorkerProcess(d, open_worker) for d in self._devices[: len(batches)]]
        receiving = True
        """Not while results are handed on: who is interrupted there is not handed others."""
        try:
            while waiting or any(w.in_hand for w in workers):
                _hand_out(waiting, batches, workers)
                found, failed = _receive(_ready(workers), waiting, deaths)
                if found:
                    receiving = False
                    done([(batches[at], value) for at, value in found])
                    receiving = True
                if failed is not None:
                    raise failed
        except BaseException:
            last = _last_results(workers) if receiving else []
            if last:
                # What is raised is that which came first.
                with suppress(CopycatError):
                    done([(batches[at], value) for at, value in last])
            raise
        finally:
            for worker in workers:
                worker.end()


def _receive(
    ready: Iterable[WorkerProcess], waiting: deque[int], deaths: list[int]
) -> tuple[list[tuple[int, Any]], Exception | None]:
    """The results of all that are `ready`, with the numbers of their batches, and what one of them raised.

    What a dead worker had in hand is `waiting` again.
    """
    found: list[tuple[int, Any]] = []
    failed: Exception | None = None
    for worker in ready:
        answer = worker.receive()
        if answer is None:
            oldest = worker.in_hand[0]
            deaths[oldest] += 1
            if deaths[oldest] == DEATHS:
                failed = failed or MissingRequirement(
                    f"A worker process on {worker.device} ended {DEATHS} times on the same batch, perhaps "
                    "for want of memory; what is finished is kept. Try again with fewer workers or a smaller "
                    '--batch-size. (A script calls copycat.run below `if __name__ == "__main__":`.)'
                )
            waiting.extendleft(reversed(worker.in_hand))
            worker.in_hand.clear()
        elif answer.error:
            worker.in_hand.clear()
            failed = failed or answer.error
        elif not answer.opened:
            found.append((worker.in_hand.popleft(), answer.value))
    return found, failed


def _last_results(workers: Sequence[WorkerProcess]) -> list[tuple[int, Any]]:
    """What `workers` are done with when they are told to stop, with the numbers of the batches."""
    stopping = [w for w in workers if w.in_hand and w.stop()]
    found: list[tuple[int, Any]] = []
    until = time.monotonic() + GRACE
    while (busy := [w for w in stopping if w.in_hand]) and (left := until - time.monotonic()) > 0:
        for worker in _ready(busy, left):
            answer = worker.receive()
            if answer is None or answer.error:
                worker.in_hand.clear()
            elif not answer.opened:
                found.append((worker.in_hand.popleft(), answer.value))
    return found


def _hand_out(waiting: deque[int], batches: Sequence[Any], workers: list[WorkerProcess]) -> None:
    """Give the next of the `waiting` batches to whoever has fewest, as far as workers have room for them.

    Nobody takes more than an equal share of what is left: what one has in hand, no other can take over.
    """
    left = len(waiting) + sum(len(w.in_hand) for w in workers)
    share = -(-left // len(workers))
    while waiting:
        i = min(range(len(workers)), key=lambda i: len(workers[i].in_hand) / workers[i].room)
        if len(workers[i].in_hand) >= min(workers[i].room, share):
            return
        if not workers[i].in_hand and not workers[i].alive:
            workers[i] = workers[i].replacement()
        workers[i].begin(waiting.popleft(), batches)


def _ready(workers: Iterable[WorkerProcess], patience: float | None = None) -> list[WorkerProcess]:
    """Those of the busy workers that have said something or died; waits for the first, for `patience` seconds
    where that is given."""
    busy = [w for w in workers if w.in_hand]
    ready = set(wait([s for w in busy for s in w.signals], patience))
    return [w for w in busy if ready & set(w.signals)]


def batches(items: Sequence[B], size: int, key: Callable[[B], Hashable]) -> list[list[B]]:
    """All of `items` in batches of at most `size` that share `key`, in the order of first appearance.

    The result follows from the whole list alone. A resumed run cuts the same list, skips the batches
    that are done and repeats any that is not, so that each picture is always computed among the same
    neighbours: batched arithmetic may round differently in other company.
    """
    groups: dict[Hashable, list[B]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return [group[i : i + size] for group in groups.values() for i in range(0, len(group), size)]
