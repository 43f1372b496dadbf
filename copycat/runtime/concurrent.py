"""An engine of threads, for models that run elsewhere."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Protocol, runtime_checkable

from copycat.errors import CopycatError
from copycat.runtime.engines import Done, Engine
from copycat.runtime.worker import Answer, B, OpenWorker, R


@runtime_checkable
class Stopping(Protocol):
    """A worker that can be told to begin nothing more, also within the batches that it has in hand."""

    def stop(self) -> None:
        """Finish what cannot be taken back, and no more."""


class Concurrent(Engine):
    """Threads of this process that share one worker, for models that run elsewhere.

    Each takes the next batch as soon as it has finished one, so a slow answer holds up nothing else. After a
    failure what is in hand is still taken in, as it is paid for; after Ctrl-C only what has come already.
    """

    def __init__(self, device: str, threads: int, grace: float) -> None:
        """`grace`: seconds that what is in hand may take after a failure."""
        self.device, self._threads, self._grace = device, threads, grace

    def map(self, batches: Sequence[B], open_worker: OpenWorker[B, R], done: Done[B, R]) -> None:
        with open_worker(self.device) as work:
            pool = _Threads(work, batches, min(self._threads, len(batches)))
            try:
                while pool.unfinished:
                    answers = pool.ready()
                    found = [(batches[at], a.value) for at, a in answers if a.error is None]
                    if found:
                        done(found)
                    failed = next((a.error for _, a in answers if a.error is not None), None)
                    if failed is not None:
                        raise failed
            except BaseException as e:
                worker: object = work
                if isinstance(worker, Stopping):
                    worker.stop()
                for at, a in pool.stop(self._grace if isinstance(e, Exception) else 0.0):
                    if a.error is None:
                        # What is raised is that which came first.
                        with suppress(CopycatError):
                            done([(batches[at], a.value)])
                raise


class _Threads:
    """Threads that work on batches, seen from the driver."""

    def __init__(self, work: Callable[[Any], Any], batches: Sequence[Any], threads: int) -> None:
        self._work, self._batches = work, batches
        self._waiting = deque(range(len(batches)))
        self._answers: SimpleQueue[tuple[int, Answer]] = SimpleQueue()
        self.unfinished = len(batches)
        """Batches whose answers the driver has not got."""
        # No pool of the library: the interpreter would wait for its threads after Ctrl-C.
        for _ in range(threads):
            threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                at = self._waiting.popleft()
            except IndexError:
                return
            try:
                answer = Answer(self._work(self._batches[at]))
            except Exception as e:  # noqa: BLE001  the driver raises it
                answer = Answer(error=e)
            self._answers.put((at, answer))

    def ready(self, patience: float | None = None) -> list[tuple[int, Answer]]:
        """The answers that have come, with their batches' numbers; waits for the first, for `patience`
        seconds where that is given."""
        found: list[tuple[int, Answer]] = []
        with suppress(Empty):
            found.append(self._answers.get(timeout=patience))
            while True:
                found.append(self._answers.get_nowait())
        self.unfinished -= len(found)
        return found

    def stop(self, grace: float) -> Iterator[tuple[int, Answer]]:
        """Begin nothing more; answers to what is in hand, as they come within `grace` seconds."""
        never_begun = 0
        with suppress(IndexError):
            while True:
                self._waiting.popleft()
                never_begun += 1
        self.unfinished -= never_begun
        until = time.monotonic() + grace
        while self.unfinished:
            found = self.ready(max(until - time.monotonic(), 0.0))
            if not found:
                return
            yield from found
