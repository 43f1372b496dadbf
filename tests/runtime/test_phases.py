"""Phases: what overlaps, in which order results come, and what becomes of failures and of Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from copycat.runtime.engines import InProcess
from copycat.runtime.phases import AHEAD, BEHIND, Phased, overlapped

PATIENCE = 30.0
"""Seconds after which what should have happened has not."""


class Recorded(Phased[int, int, int, int]):
    """Adds 1, 10 and 100 in its phases, and keeps a list of what began and ended; `hold` says what must have
    happened before a phase of a batch may end."""

    def __init__(
        self,
        hold: Callable[[str, int], tuple[str, str, int] | None] = lambda phase, batch: None,
        fail: tuple[str, int] | None = None,
        kind: type[BaseException] = ValueError,
    ) -> None:
        self._hold, self._fail, self._kind = hold, fail, kind
        self.events: list[tuple[str, str, int]] = []
        self.threads: dict[str, set[int]] = {}
        self._changed = threading.Condition()

    def _phase(self, phase: str, batch: int) -> None:
        self.tell("begin", phase, batch)
        self.threads.setdefault(phase, set()).add(threading.get_ident())
        needed = self._hold(phase, batch)
        if needed:
            self.wait_for(needed)
        self.tell("end", phase, batch)
        if (phase, batch) == self._fail:
            raise self._kind(f"{phase} {batch}")

    def tell(self, *event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait_for(self, event: tuple[str, str, int]) -> None:
        with self._changed:
            came = self._changed.wait_for(lambda: event in self.events, PATIENCE)
        assert came, f"{event} did not happen"

    def prepare(self, batch: int) -> int:
        self._phase("prepare", batch)
        return batch + 1

    def work(self, batch: int, prepared: int) -> int:
        self._phase("work", batch)
        return prepared + 10

    def finish(self, batch: int, worked: int) -> int:
        self._phase("finish", batch)
        return worked + 100

    def at(self, *event) -> int:
        return self.events.index(event)


def take(results: Iterator[tuple[int, int]], came: list[int]) -> None:
    came.extend(batch for batch, _ in results)


def test_results_come_in_order_and_work_stays_on_the_thread_that_called() -> None:
    worker = Recorded()
    assert list(overlapped(worker, range(20))) == [(n, n + 111) for n in range(20)]
    assert worker(7) == 118, "without an engine, one phase after another"
    assert worker.threads["work"] == {threading.get_ident()}
    assert [b for kind, phase, b in worker.events if (kind, phase) == ("begin", "work")][:20] == list(
        range(20)
    )


def test_the_device_works_on_while_others_prepare_and_finish() -> None:
    """A batch's end is held until the device is at work on the next one, and the next one's preparation until
    the device is at work on the one before: one after another, this would never come to an end."""
    last = 9

    def hold(phase: str, batch: int) -> tuple[str, str, int] | None:
        if phase == "finish" and batch < last:
            return ("begin", "work", batch + 1)
        if phase == "prepare" and batch > 0:
            return ("begin", "work", batch - 1)
        # The device has work only as long as what comes next is prepared meanwhile.
        return ("end", "prepare", batch + 1) if phase == "work" and batch < last else None

    worker = Recorded(hold)
    assert [r for _, r in overlapped(worker, range(last + 1))] == [n + 111 for n in range(last + 1)]
    for n in range(last):
        assert worker.at("begin", "work", n + 1) < worker.at("end", "finish", n)
        assert worker.at("end", "prepare", n + 1) < worker.at("end", "work", n), "no gap for the device"


def test_memory_does_not_pile_up_before_or_behind() -> None:
    worker = Recorded()
    for batch, _ in overlapped(worker, range(30)):
        worker.tell("handed on", "", batch)
    prepared = worked = finished = 0
    for kind, phase, _ in worker.events:
        prepared += (kind, phase) == ("begin", "prepare")
        finished += (kind, phase) == ("end", "finish")
        if (kind, phase) == ("begin", "work"):
            worked += 1
            assert worked - 1 - finished <= BEHIND
        assert prepared - worked <= AHEAD


@pytest.mark.parametrize("phase", ["prepare", "work", "finish"])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_a_phase_raises_comes_after_the_results_before_it_and_begins_nothing_more(phase, kind) -> None:
    worker = Recorded(fail=(phase, 3), kind=kind)
    came: list[int] = []
    with pytest.raises(kind, match=f"{phase} 3"):
        take(overlapped(worker, range(50)), came)
    assert came == [0, 1, 2]
    begun = len(worker.events)
    assert max(b for _, _, b in worker.events) <= 3 + AHEAD + BEHIND + 1
    assert not [t for t in threading.enumerate() if t.name == "finish"], "nobody is left who would write"
    assert len(worker.events) == begun


def test_a_source_that_fails_is_told_after_what_came_of_it() -> None:
    def source() -> Iterator[int]:
        yield from (0, 1)
        raise OSError("no more")

    came: list[int] = []
    with pytest.raises(OSError, match="no more"):
        take(overlapped(Recorded(), source()), came)
    assert came == [0, 1]


def test_results_are_handed_on_while_more_batches_are_waited_for() -> None:
    came = threading.Semaphore(0)

    def source() -> Iterator[int]:
        for n in range(5):
            yield n
            assert came.acquire(timeout=PATIENCE), "the result of the last batch has not come"

    for _ in overlapped(Recorded(), source()):
        came.release()


def test_who_takes_results_may_stop_and_no_phase_goes_on_beside_the_closed_worker() -> None:
    worker, closed = Recorded(), []

    @contextmanager
    def opened(device: str) -> Iterator[Recorded]:
        try:
            yield worker
        finally:
            closed.append(list(worker.events))

    def done(results: Sequence[tuple[int, int]]) -> None:
        if results[-1][0] == 2:
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        InProcess("cpu").map(list(range(50)), opened, done)
    assert closed == [worker.events]
    begun = [e[1:] for e in worker.events if e[0] == "begin"]
    ended = [e[1:] for e in worker.events if e[0] == "end"]
    assert sorted(begun) == sorted(ended), "what was begun was waited for"
