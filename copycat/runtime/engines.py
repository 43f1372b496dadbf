"""Engines: what takes planned batches to a worker, in this process or in others.

The batches are planned, and a worker does not know how many there are of its kind, so the same batches give
the same bits whichever engine takes them. Only the driver, the process that called :meth:`Engine.map`, gets
results, so only it writes journals.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, TypeVar

from copycat.errors import MissingRequirement, UserError
from copycat.runtime.phases import IN_HAND, Phased, results

B = TypeVar("B")
R = TypeVar("R")
Done = Callable[[Sequence[tuple[B, R]]], None]
"""Takes batches with their results: all that are ready, so that they can be written together."""
OpenWorker = Callable[[str], AbstractContextManager[Callable[[B], R]]]
"""Opens a worker on a device (resolved, not `auto`): loads what it needs, and lets go of it at the end.

The phases of a worker that is :class:`copycat.runtime.phases.Phased` overlap where its device is here."""
DEATHS = 2
"""Workers that may die of one batch before it is given up."""
PATIENCE = 20.0
"""Seconds that an idle worker has to close what it opened."""


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
    that dies is replaced, and all that it had in hand begun anew. Results come as they are finished.
    """

    def __init__(self, devices: Sequence[str]) -> None:
        self._devices = tuple(devices)
        kind, _, _ = devices[0].partition(":")
        self.device = kind if len(set(devices)) > 1 else devices[0]

    def map(self, batches: Sequence[B], open_worker: OpenWorker[B, R], done: Done[B, R]) -> None:
        waiting = deque(range(len(batches)))
        deaths = [0] * len(batches)
        # More workers than batches would load a model in vain.
        workers = [_Worker(d, open_worker) for d in self._devices[: len(batches)]]
        try:
            while waiting or any(w.in_hand for w in workers):
                _hand_out(waiting, batches, workers)
                for worker in _ready(workers):
                    answer = worker.receive()
                    if answer is None:
                        oldest = worker.in_hand[0]
                        deaths[oldest] += 1
                        if deaths[oldest] == DEATHS:
                            raise MissingRequirement(
                                f"A worker process on {worker.device} ended {DEATHS} times on the same "
                                "batch, perhaps for want of memory; what is finished is kept. Try again with "
                                "fewer workers or a smaller --batch-size. (A script calls copycat.run below "
                                '`if __name__ == "__main__":`.)'
                            )
                        waiting.extendleft(reversed(worker.in_hand))
                        worker.in_hand.clear()
                    elif answer.error:
                        worker.in_hand.clear()
                        raise answer.error
                    elif not answer.opened:
                        done([(batches[worker.in_hand.popleft()], answer.value)])
        finally:
            for worker in workers:
                worker.end()


def _hand_out(waiting: deque[int], batches: Sequence[Any], workers: list[_Worker]) -> None:
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


@dataclass(frozen=True)
class Answer:
    """What a worker made of the oldest batch in hand, or raised."""

    value: Any = None
    error: Exception | None = None
    opened: int = 0
    """How many batches the worker has room for: said once, when it is open, and about no batch."""


@dataclass
class _Worker:
    """A process, seen from the driver."""

    device: str
    open_worker: OpenWorker[Any, Any]
    in_hand: deque[int] = field(default_factory=deque)
    """Numbers of the batches that it was given and has not answered, in order."""
    room: int = 1
    """How many it may have in hand."""
    _opened: bool = False
    """Whether the process was told how to open its worker."""
    _process: BaseProcess = field(init=False)
    _pipe: Connection = field(init=False)

    def __post_init__(self) -> None:
        import torch

        # A fresh interpreter: a forked one would inherit the driver's threads, locks and CUDA context.
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        # As many threads as here, since sums are rounded by how they are shared out.
        told = (theirs, self.device, torch.get_num_threads())
        self._process = spawn.Process(target=_serve, args=told, daemon=True)
        with _interrupts_held():
            self._process.start()
        theirs.close()

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    @property
    def signals(self) -> tuple[Any, ...]:
        """What becomes ready when the process has answered or ended."""
        return self._pipe, self._process.sentinel

    def replacement(self) -> _Worker:
        self.end()
        return _Worker(self.device, self.open_worker)

    def begin(self, number: int, batches: Sequence[Any]) -> None:
        self.in_hand.append(number)
        try:
            if not self._opened:
                # Not when the process is started: that waits for ever for one that dies before it has read.
                self._pipe.send(self.open_worker)
                self._opened = True
            self._pipe.send(batches[number])
        except OSError:
            # It has just died; waiting for its answer will tell.
            return

    def receive(self) -> Answer | None:
        """What it has to say; None when the process has ended without another word."""
        try:
            if self._pipe.poll():
                answer: Answer = self._pipe.recv()
                self.room = answer.opened or self.room
                return answer
        except (EOFError, OSError):
            pass
        self._process.join()
        return None

    def end(self) -> None:
        """Let the process close what it opened, unless it is busy and its work in vain."""
        self._pipe.close()
        if not self.in_hand:
            self._process.join(PATIENCE)
        self._process.terminate()
        self._process.join()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits until this is over, and a process that is started here never sees one, not even while it
    imports what it needs; the driver decides what comes of it."""
    # Its own start would let signals through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ready(workers: Iterable[_Worker]) -> list[_Worker]:
    """Those of the busy workers that have said something or died; waits for the first."""
    busy = [w for w in workers if w.in_hand]
    ready = set(wait([s for w in busy for s in w.signals]))
    return [w for w in busy if ready & set(w.signals)]


def _serve(pipe: Connection, device: str, threads: int) -> None:
    """The worker's own process: opens the worker with the first batch, and works until the pipe closes."""
    import torch

    torch.set_num_threads(threads)
    # Ctrl-C goes to every process of a terminal; the driver decides what comes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    try:
        open_worker: OpenWorker[Any, Any] = pipe.recv()
        first = pipe.recv()
        with open_worker(device) as work:
            pipe.send(Answer(opened=IN_HAND if isinstance(work, Phased) else 1))
            with closing(results(work, _received(pipe, first))) as found:
                for _, value in found:
                    pipe.send(Answer(value))
    except EOFError:
        return
    except Exception as e:  # noqa: BLE001  the driver raises it
        with suppress(BrokenPipeError):  # a driver that was killed
            pipe.send(Answer(error=portable(e)))


def _received(pipe: Connection, first: Any) -> Iterator[Any]:
    """The batch `first`, and those that come through `pipe` until it is closed.

    They are taken out as they come: a driver that waited for room in the pipe would take no answers.
    """
    came: SimpleQueue[Any] = SimpleQueue()

    def receive() -> None:
        try:
            while True:
                came.put((pipe.recv(), None))
        except Exception as e:  # noqa: BLE001  raised below
            came.put((None, e))

    threading.Thread(target=receive, daemon=True).start()
    yield first
    while True:
        batch, error = came.get()
        if error is not None:
            raise error
        yield batch


def _end_with_driver() -> None:
    """End this process when the driver ends, however it did: its lock is free then."""
    driver = multiprocessing.parent_process()
    if driver is not None:
        driver.join()
        os._exit(1)


def portable(error: Exception) -> Exception:
    """`error` where it survives the way to another process, else one of its kind with the same words."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  our own
    except Exception:  # noqa: BLE001  whatever an exception's constructor does
        kind = UserError if isinstance(error, UserError) else RuntimeError
        return kind(str(error) if kind is UserError else f"{type(error).__name__}: {error}")
    return error


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
