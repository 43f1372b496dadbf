"""Phases: how a worker has its device busy while batches before and behind are read, encoded and written.

A plain worker is a function of a batch. A :class:`Phased` one says which part of its work needs the device,
and which can be done before or after that on other threads::

    batch      1         2         3
    prepare    ▒▒▒       ▒▒▒       ▒▒▒                 one thread, up to AHEAD batches ahead
    work          ██████████████████████████████       the thread that called, one batch after the other
    finish                  ░░░░░     ░░░░░     ░░░░░  one thread, up to BEHIND batches behind

Batches begin and results come in the order given, and the same batches give the same bits as one after the
other.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

B = TypeVar("B")
P = TypeVar("P")
W = TypeVar("W")
R = TypeVar("R")
AHEAD = 2
"""Batches that are prepared, or being prepared, while the device works on one."""
BEHIND = 1
"""Batches that the device is done with and that may be unfinished when it begins the next."""
IN_HAND = AHEAD + 1 + BEHIND
"""Batches that a phased worker has in hand, so that its device never waits for who hands them out."""


class Phased(ABC, Generic[B, P, W, R]):
    """A worker with three phases. Called like a plain one, it goes through them one after another.

    The phases of one batch follow each other; those of different batches overlap, so what two phases share
    must bear two threads. What any of them raises is raised by the engine when that batch's turn comes.
    """

    @abstractmethod
    def prepare(self, batch: B) -> P:
        """What `work` needs of a batch and the device is not needed for, such as decoded pictures.

        On a thread of its own, in order. It may be called for batches that are never worked on.
        """

    @abstractmethod
    def work(self, batch: B, prepared: P) -> W:
        """What needs the device; in order, on the thread that opened the worker."""

    @abstractmethod
    def finish(self, batch: B, worked: W) -> R:
        """The batch's result, and whatever is to be written of it, once that is on disk.

        On a thread of its own, in order.
        """

    def __call__(self, batch: B) -> R:
        return self.finish(batch, self.work(batch, self.prepare(batch)))


def results(work: Callable[[B], R], batches: Iterable[B]) -> Generator[tuple[B, R]]:
    """Batches with what `work` makes of them, in order; :func:`overlapped` where it has phases.

    Close it (``contextlib.closing``) before the worker: then no phase is running, and none begins any more.
    """
    if isinstance(work, Phased):
        yield from overlapped(work, batches)
    else:
        for batch in batches:
            yield batch, work(batch)


def overlapped(worker: Phased[B, Any, Any, R], batches: Iterable[B]) -> Generator[tuple[B, R]]:
    """Batches with their results, in order, each as soon as the device has a moment after it was finished.

    `batches` is read on a thread of its own, one batch further than is prepared, and may wait for more to
    come. What a phase raises, and Ctrl-C, is raised here after the results of the batches before; what was
    begun beyond that batch is dropped.
    """
    line = _Line(worker, batches)
    try:
        while line.unfinished or not line.ended:
            yield from line.finished()
            line.work_on_next()
    except GeneratorExit:
        raise
    except BaseException:
        # The device is done with these; only their writing was waited for.
        while line.unfinished:
            yield from line.finished(wait=True)
        raise
    finally:
        line.stop()


@dataclass(frozen=True)
class _Step:
    """A batch after a phase on another thread."""

    batch: Any
    made: Any = None
    error: BaseException | None = None

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.made


@dataclass(frozen=True)
class _Prepared(_Step):
    pass


@dataclass(frozen=True)
class _Finished(_Step):
    pass


_END = object()


class _Line:
    """The batches that are under way, seen from the thread that works on them."""

    def __init__(self, worker: Phased[Any, Any, Any, Any], batches: Iterable[Any]) -> None:
        self._worker, self._batches = worker, batches
        self.unfinished = 0
        """Batches that were worked on and whose results have not been handed on."""
        self._all_prepared = False
        self._prepared = deque[_Step]()
        self._events = SimpleQueue[Any]()
        """What the other threads have done: one queue, so that the first of either can be waited for."""
        self._worked = SimpleQueue[Any]()
        self._room = threading.Semaphore(AHEAD)
        self._busy, self._stopped = threading.Lock(), False
        """`_busy` is held while a batch is prepared, so that after `stop` none is."""
        # Not of a pool, whose threads the interpreter waits for, even for one that waits for further batches.
        threading.Thread(target=self._prepare, name="prepare", daemon=True).start()
        self._finisher = threading.Thread(target=self._finish, name="finish", daemon=True)
        self._finisher.start()

    @property
    def ended(self) -> bool:
        """Whether every batch was worked on."""
        return self._all_prepared and not self._prepared

    def finished(self, *, wait: bool = False) -> Iterator[tuple[Any, Any]]:
        """Results that have come; waits for one with `wait`, or where there is nothing to work on, or more is
        unfinished than may be. Raises what the batch's last phase raised."""
        wait = wait or not self._prepared or self.unfinished > BEHIND
        while True:
            try:
                event = self._events.get(block=wait)
            except Empty:
                return
            if isinstance(event, _Finished):
                self.unfinished -= 1
                if event.error is not None:
                    self.unfinished = 0  # What comes after a failure is not handed on.
                yield event.batch, event.result()
            elif event is _END:
                self._all_prepared = True
            else:
                self._prepared.append(event)
            wait = False

    def work_on_next(self) -> None:
        """Have the device work on the next batch that is prepared; nothing where too many are unfinished."""
        if not self._prepared or self.unfinished > BEHIND:
            return
        step = self._prepared.popleft()
        self._room.release()
        worked = self._worker.work(step.batch, step.result())
        self.unfinished += 1
        self._worked.put((step.batch, worked))

    def stop(self) -> None:
        """Begin no further phase, and wait for those that are running."""
        self._stopped = True
        self._room.release()
        self._worked.put(_END)
        with self._busy:
            pass
        self._finisher.join()

    def _prepare(self) -> None:
        """The first thread."""
        batch = None
        try:
            for batch in self._batches:
                self._room.acquire()
                with self._busy:
                    if self._stopped:
                        return
                    self._events.put(_Prepared(batch, self._worker.prepare(batch)))
        except BaseException as e:  # noqa: BLE001  raised when the batch's turn comes
            self._events.put(_Prepared(batch, error=e))
        self._events.put(_END)

    def _finish(self) -> None:
        """The last thread."""
        while (given := self._worked.get()) is not _END and not self._stopped:
            batch, worked = given
            del given
            try:
                step = _Finished(batch, self._worker.finish(batch, worked))
            except BaseException as e:  # noqa: BLE001  raised when the batch's turn comes
                step = _Finished(batch, error=e)
            del worked
            self._events.put(step)
