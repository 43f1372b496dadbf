"""An engine of Ray actors, for devices of many machines. Imports Ray when it is used.

The driver hands out batches, counts deaths and gets the results, as it does for processes of this machine;
Ray only says where a worker finds room. Nothing is left to Ray's own retries, so that a batch is begun anew
by the same rules as with :class:`copycat.runtime.engines.Processes`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from copycat.errors import MissingRequirement, first_line
from copycat.runtime.engines import (
    DEATHS,
    PATIENCE,
    Answer,
    B,
    Done,
    Engine,
    OpenWorker,
    R,
    portable,
)
from copycat.runtime.phases import IN_HAND, results
from copycat.runtime.ray_cluster import environment_of_workers, load_ray
from copycat.runtime.ray_room import Room

_END = None
"""In the place of a batch: there are no more."""
_ROOM = 120.0
"""Seconds for which a run waits for room on the cluster while no worker is at work."""
_DYING = 10.0
"""Seconds in which a worker that was told to end is gone."""


class RayEngine(Engine):
    """Workers as Ray actors, wherever the cluster that this process has joined finds room for them.

    A worker that dies, with its node or alone, is replaced where there is room, and the batches that it had
    are begun anew; results come in the order in which they are finished.
    """

    def __init__(
        self, device: str, workers: int, room: Room, *, threads: int | None = None, patience: float = _ROOM
    ) -> None:
        """`device` is `cpu` or `cuda`: Ray shows each worker the GPU that is its own. `threads` is among how
        many threads PyTorch shares sums in every worker (None: as it likes there), which rounds them.
        `patience`, in seconds, is how long a run waits for room when no worker has any."""
        self.device, self._workers, self._room = device, workers, room
        self._threads, self._patience = threads, patience

    def map(self, batches: Sequence[B], open_worker: OpenWorker[B, R], done: Done[B, R]) -> None:
        driver = _Driver(load_ray(), self._room, self._threads, self.device, batches, open_worker)
        idle_since = time.monotonic()
        try:
            driver.hire(min(self._workers, len(batches)))
            while driver.unfinished:
                driver.hand_out()
                ready = driver.ready()
                if driver.has_room:
                    idle_since = time.monotonic()
                elif time.monotonic() - idle_since > self._patience:
                    raise MissingRequirement(
                        f"The Ray cluster had no room for a worker ({self._room}) within "
                        f"{self._patience:.0f} s: others use it, or a node is gone (`ray status`); what is "
                        "finished is kept."
                    )
                found = [(batches[at], answer.value) for at, answer in ready if answer.error is None]
                if found:
                    done(found)
                failed = next((answer.error for _, answer in ready if answer.error is not None), None)
                if failed is not None:
                    raise failed
        finally:
            driver.dismiss()


class Actor:
    """The worker's own process on the cluster.

    It has several batches in hand, each in a thread that waits for its answer, while one thread works: so the
    phases of a worker overlap here as they do in the driver's process.
    """

    def __init__(self, threads: int | None, folder: str) -> None:
        self._threads = threads
        # Relative paths mean what they mean to the driver; that nodes share the run folder was seen before.
        with suppress(OSError):
            os.chdir(folder)
        self._given: SimpleQueue[Any] = SimpleQueue()
        self._answers: deque[Future[Answer]] = deque()
        self._worker: threading.Thread | None = None
        self._failed: Answer | None = None
        self._turn = threading.Lock()

    def ready(self) -> None:
        """Answers when the process is there."""

    def work(self, open_worker: OpenWorker[Any, Any], device: str, batch: Any) -> Answer:
        """What the worker makes of `batch`, or raises; it is opened with the first."""
        answer: Future[Answer] = Future()
        with self._turn:
            if self._failed is not None:
                return self._failed
            if self._worker is None:
                self._worker = threading.Thread(target=self._serve, args=(open_worker, device), daemon=True)
                self._worker.start()
            self._answers.append(answer)
            self._given.put(batch)
        return answer.result()

    def close(self) -> None:
        """Close what was opened."""
        if self._worker is not None:
            self._given.put(_END)
            self._worker.join()

    def _serve(self, open_worker: OpenWorker[Any, Any], device: str) -> None:
        """The thread that works, until it is closed or something is raised, which all later answers are."""
        try:
            if self._threads is not None:
                import torch

                # In this very thread: libraries below PyTorch ask each thread how many it may use.
                torch.set_num_threads(self._threads)
            _check_gpu(device)
            with open_worker(device) as work, closing(results(work, iter(self._given.get, _END))) as made:
                for _, value in made:
                    self._answers.popleft().set_result(Answer(value))
        except Exception as e:  # noqa: BLE001  the driver raises it
            with self._turn:
                self._failed = Answer(error=portable(e))
                while self._answers:
                    self._answers.popleft().set_result(self._failed)


def _check_gpu(device: str) -> None:
    if device.partition(":")[0] != "cuda":
        return
    import torch

    if not torch.cuda.is_available():
        raise MissingRequirement(
            f"Ray gave a worker on {os.uname().nodename} a GPU that PyTorch does not see there; install a "
            "build of PyTorch for its driver, or use --device cpu."
        )


@dataclass
class _Hand:
    """An actor, seen from the driver."""

    actor: Any
    placed: Any
    """The reference that is ready when the actor has found room and begun; None afterwards."""
    batches: deque[tuple[Any, int]] = field(default_factory=deque)
    """References of the batches that it has, with their numbers, in the order in which it works on them."""

    @property
    def awaited(self) -> Any:
        return self.placed if self.placed is not None else self.batches[0][0] if self.batches else None


class _Driver:
    """All workers of one call of :meth:`RayEngine.map`."""

    def __init__(
        self,
        ray: Any,
        room: Room,
        threads: int | None,
        device: str,
        batches: Sequence[Any],
        open_worker: OpenWorker[Any, Any],
    ) -> None:
        self._ray, self._device, self._batches = ray, device, batches
        self._open_worker = ray.put(open_worker)
        self._made = ray.remote(Actor).options(
            num_cpus=room.cpus,
            num_gpus=room.gpus,
            # One for each batch that it has, and one to be told of the end.
            max_concurrency=IN_HAND + 1,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": environment_of_workers()},
        )
        self._told = threads, str(Path.cwd())
        self._waiting = deque(range(len(batches)))
        self._deaths = [0] * len(batches)
        self._unplaced = 0
        """Workers that ended one after another before they had begun."""
        self._hands: list[_Hand] = []
        self.unfinished = len(batches)
        """Batches whose results have not come."""

    @property
    def has_room(self) -> bool:
        """Whether any worker has begun."""
        return any(hand.placed is None for hand in self._hands)

    def hire(self, workers: int) -> None:
        for _ in range(workers):
            actor = self._made.remote(*self._told)
            self._hands.append(_Hand(actor, actor.ready.remote()))

    def hand_out(self) -> None:
        """Give every worker that has found room a batch, and further ones where enough are left for all."""
        here = [hand for hand in self._hands if hand.placed is None]
        for depth in range(IN_HAND):
            for hand in here:
                spare = len(self._waiting) > depth * len(self._hands)
                if len(hand.batches) == depth and spare:
                    at = self._waiting.popleft()
                    given = hand.actor.work.remote(self._open_worker, self._device, self._batches[at])
                    hand.batches.append((given, at))

    def ready(self) -> list[tuple[int, Answer]]:
        """The answers that have come, with their batches' numbers; waits a second for the first."""
        awaited = {hand.awaited: hand for hand in self._hands if hand.awaited is not None}
        wait, every = self._ray.wait, list(awaited)
        first, _ = wait(every, num_returns=1, timeout=1.0)
        if not first:
            return []
        come, _ = wait(every, num_returns=len(every), timeout=0)
        found = []
        for reference in come:
            found += self._take(awaited[reference], reference)
        self.unfinished -= len(found)
        return found

    def _take(self, hand: _Hand, reference: Any) -> list[tuple[int, Answer]]:
        errors = self._ray.exceptions
        try:
            answer = self._ray.get(reference)
        except errors.RayTaskError as e:
            # It did not come as far as the worker, such as a class that the node does not have.
            answer = Answer(error=RuntimeError(first_line(e.cause) if e.cause else str(e)))
        except errors.RayError as e:
            self._lose(hand, e)
            return []
        if hand.placed is not None:
            hand.placed, self._unplaced = None, 0
            return []
        _, at = hand.batches.popleft()
        return [(at, answer)]

    def _lose(self, hand: _Hand, error: BaseException) -> None:
        """Take a dead worker's batches back, and hire another while there is work for it."""
        self._hands.remove(hand)
        with suppress(Exception):
            self._ray.kill(hand.actor)
        lost = [at for _, at in hand.batches]
        self._waiting.extendleft(reversed(lost))
        if lost:
            # Only the first was begun.
            self._deaths[lost[0]] += 1
            count, on = self._deaths[lost[0]], "on the same batch, perhaps for want of memory"
        else:
            self._unplaced += 1
            count, on = self._unplaced, "before it had begun"
        if count == DEATHS:
            raise MissingRequirement(
                f"A worker on the Ray cluster ended {DEATHS} times {on} ({_reason(error)}); what is finished "
                "is kept. Try again with fewer workers or a smaller --batch-size."
            )
        if len(self._waiting) > sum(not h.batches for h in self._hands):
            self.hire(1)

    def dismiss(self) -> None:
        """Let idle workers close what they opened, and end all of them; those at work do so in vain."""
        closing = [h.actor.close.remote() for h in self._hands if h.placed is None and not h.batches]
        with suppress(Exception):
            self._ray.wait(closing, num_returns=len(closing), timeout=PATIENCE) if closing else None
        for hand in self._hands:
            with suppress(Exception):
                self._ray.kill(hand.actor)
        # What it held of a device is free when it is gone.
        gone = [hand.actor.ready.remote() for hand in self._hands]
        with suppress(Exception):
            self._ray.wait(gone, num_returns=len(gone), timeout=_DYING) if gone else None
        self._hands = []


def _reason(error: BaseException) -> str:
    told = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (told[0] if told else type(error).__name__).rstrip(".:")
