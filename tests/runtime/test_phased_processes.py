"""Phased workers in processes of their own: they overlap there too, and a death costs what was in hand."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from copycat.errors import MissingRequirement
from copycat.runtime import engines
from copycat.runtime.engines import Processes
from copycat.runtime.phases import IN_HAND, Phased
from tests.helpers.faults.child import forked_workers

LAST = 7
PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "multiprocessing", engines.multiprocessing)
    forked_workers()


class Marking(Phased[int, int, int, int]):
    """Squares; marks in `folder` what has begun, and finishes a batch only when the next is at work."""

    def __init__(self, folder: Path, dies_at: tuple[int, ...] = (), fails_at: int | None = None) -> None:
        self._folder, self._dies_at, self._fails_at = folder, dies_at, fails_at

    def _mark(self, phase: str, batch: int) -> bool:
        """Whether this is the first time."""
        file = self._folder / f"{phase} {batch}"
        first = not file.exists()
        file.touch()
        return first

    def prepare(self, batch: int) -> int:
        return batch

    def work(self, batch: int, prepared: int) -> int:
        if self._mark("work", batch) and batch in self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if batch == self._fails_at:
            raise ValueError(f"no {batch}")
        return batch * prepared

    def finish(self, batch: int, worked: int) -> int:
        until = time.monotonic() + PATIENCE
        while batch < LAST and not (self._folder / f"work {batch + 1}").exists():
            assert time.monotonic() < until, f"batch {batch + 1} is not begun before {batch} is finished"
            time.sleep(0.005)
        return worked


@contextmanager
def marking(folder: Path, dies_at: tuple[int, ...], fails_at: int | None, device: str) -> Iterator[Marking]:
    yield Marking(folder, dies_at, fails_at)


def run(folder: Path, dies_at: tuple[int, ...] = (), fails_at: int | None = None) -> dict[int, int]:
    found: dict[int, int] = {}

    def done(results: Sequence[tuple[int, int]]) -> None:
        for batch, made in results:
            assert batch not in found, "each batch comes once"
            found[batch] = made
            (folder / f"done {batch}").touch()

    try:
        Processes(["cpu"]).map(range(LAST + 1), partial(marking, folder, dies_at, fails_at), done)
    finally:
        assert list(found) == sorted(found), "in order"
    return found


def test_a_worker_overlaps_batches_and_begins_anew_what_it_had_in_hand_when_it_died(tmp_path: Path) -> None:
    # Two deaths, of different batches: no batch is blamed twice as long as the one before has come.
    assert run(tmp_path, dies_at=(1, 5)) == {n: n * n for n in range(LAST + 1)}


def test_what_a_phase_raises_is_raised_and_what_came_before_is_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no 4"):
        run(tmp_path, fails_at=4)
    assert sorted(f.name for f in tmp_path.glob("done *")) == [f"done {n}" for n in range(4)]
    assert not (tmp_path / "work 5").exists()


class Deadly(Marking):
    def work(self, batch: int, prepared: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return batch


@contextmanager
def deadly(folder: Path, device: str) -> Iterator[Deadly]:
    yield Deadly(folder)


def test_only_the_oldest_in_hand_counts_a_death(tmp_path: Path) -> None:
    with pytest.raises(MissingRequirement, match="ended 2 times on the same batch"):
        Processes(["cpu"]).map(range(IN_HAND), partial(deadly, tmp_path), lambda _: None)


class Meeting(Phased[int, None, int, int]):
    """Works on its n-th batch until three workers are at their n-th."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._batches = folder, 0

    def prepare(self, batch: int) -> None:
        pass

    def work(self, batch: int, prepared: None) -> int:
        self._batches += 1
        (self._folder / f"{self._batches} {os.getpid()}").touch()
        until = time.monotonic() + PATIENCE
        while len(list(self._folder.glob(f"{self._batches} *"))) < 3:
            assert time.monotonic() < until, "another worker has what this one waits for"
            time.sleep(0.005)
        return batch

    def finish(self, batch: int, worked: int) -> int:
        return worked


@contextmanager
def meeting(folder: Path, device: str) -> Iterator[Meeting]:
    yield Meeting(folder)


def test_no_worker_hoards_what_others_could_work_on(tmp_path: Path) -> None:
    came: list[int] = []
    Processes(["cpu"] * 3).map(
        range(6), partial(meeting, tmp_path), lambda results: came.extend(r for _, r in results)
    )
    assert sorted(came) == list(range(6))
