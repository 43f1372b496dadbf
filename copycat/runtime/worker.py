"""A worker in a process of its own, seen from the driver and from inside."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import chain
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, TypeVar

from copycat.errors import UserError
from copycat.runtime.phases import IN_HAND, Phased, results

B = TypeVar("B")
R = TypeVar("R")
OpenWorker = Callable[[str], AbstractContextManager[Callable[[B], R]]]
"""Opens a worker on a device (resolved, not `auto`): loads what it needs, and lets go of it at the end.

The phases of a worker that is :class:`copycat.runtime.phases.Phased` overlap where its device is here."""
PATIENCE = 20.0
"""Seconds that an idle worker has to close what it opened."""


class _Word(Enum):
    """What is sent to a worker's process in the place of a batch."""

    STOP = auto()


@dataclass(frozen=True)
class Answer:
    """What a worker made of the oldest batch in hand, or raised."""

    value: Any = None
    error: Exception | None = None
    ended: str = ""
    """What the worker ended with that would end a whole process, such as SystemExit; it counts as dead."""
    opened: int = 0
    """How many batches the worker has room for: said once, when it is open, and about no batch."""


@dataclass
class WorkerProcess:
    """A process, seen from the driver."""

    device: str
    open_worker: OpenWorker[Any, Any]
    in_hand: deque[int] = field(default_factory=deque)
    """Numbers of the batches that it was given and has not answered, in order."""
    room: int = 1
    """How many it may have in hand."""
    _opened: bool = False
    """Whether the process was told how to open its worker."""
    _at_work: bool = False
    """Whether the process has opened its worker."""
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

    def replacement(self) -> WorkerProcess:
        self.end()
        return WorkerProcess(self.device, self.open_worker)

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
                self._at_work = True
                return answer
        except (EOFError, OSError):
            pass
        self._process.join()
        return None

    def stop(self) -> bool:
        """Tell the process to break off, and to answer only what its device is done with; False where it has
        not begun to work, so that there is nothing to wait for."""
        with suppress(OSError):
            self._pipe.send(_Word.STOP)
            return self._at_work
        return False

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


def _serve(pipe: Connection, device: str, threads: int) -> None:
    """The worker's own process: opens the worker with the first batch, and works until the pipe closes."""
    import torch

    torch.set_num_threads(threads)
    stop = _Stop()
    threading.Thread(target=_end_with_driver, daemon=True).start()
    try:
        open_worker: OpenWorker[Any, Any] = pipe.recv()
        given = _received(pipe, stop)
        first = next(given)
        with open_worker(device) as work:
            pipe.send(Answer(opened=IN_HAND if isinstance(work, Phased) else 1))
            with closing(results(work, chain([first], given))) as found:
                for _, value in stop.breaking_off(found):
                    pipe.send(Answer(value))
    except (EOFError, KeyboardInterrupt):
        return
    except Exception as e:  # noqa: BLE001  the driver raises it
        with suppress(BrokenPipeError):  # a driver that was killed
            pipe.send(Answer(error=portable(e)))


class _Stop:
    """The driver's word to stop, in a worker's process: what is at work then ends as by Ctrl-C, after the
    results of what the device is done with."""

    def __init__(self) -> None:
        self._told = self._breakable = False
        # Ctrl-C goes to every process of a terminal; the driver decides what comes of it.
        signal.signal(signal.SIGINT, self._interrupted)

    def tell(self) -> None:
        """From another thread."""
        self._told = True
        _thread.interrupt_main()

    def breaking_off(self, found: Generator[R]) -> Iterator[R]:
        """What `found` yields, and once told, what it yields when KeyboardInterrupt is raised in it.

        Not while a result is used: it is sent whole, or not at all.
        """
        while True:
            self._breakable = True
            try:
                made = found.throw(self._break_off()) if self._told else next(found)
            except StopIteration:
                return
            finally:
                self._breakable = False
            yield made

    def _interrupted(self, *_: object) -> None:
        if self._told and self._breakable:
            raise self._break_off()

    def _break_off(self) -> KeyboardInterrupt:
        # Once: what follows is the way out.
        self._told = self._breakable = False
        return KeyboardInterrupt()


def _received(pipe: Connection, stop: _Stop) -> Iterator[Any]:
    """The batches that come through `pipe` until it is closed, or `stop` is told.

    They are taken out as they come: a driver that waited for room in the pipe would take no answers.
    """
    came: SimpleQueue[Any] = SimpleQueue()

    def receive() -> None:
        try:
            while (batch := pipe.recv()) is not _Word.STOP:
                came.put((batch, None))
            stop.tell()
            raise EOFError
        except Exception as e:  # noqa: BLE001  raised below
            came.put((None, e))

    threading.Thread(target=receive, daemon=True).start()
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
