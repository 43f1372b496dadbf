"""Workers for tests of engines. Quick to import, as processes of their own do."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from copycat.runtime.engines import Engine

BATCHES = [[1, 2], [3], [4, 5], [6]]


@contextmanager
def squares(device: str) -> Iterator[Callable[[Sequence[int]], list[tuple[int, str]]]]:
    yield lambda batch: [(n * n, device) for n in batch]


@contextmanager
def mortal(deaths: Path, times: int, device: str) -> Iterator[Callable[[Sequence[int]], list[int]]]:
    """Its process is killed at the batch [3], the first `times` times."""

    def work(batch: Sequence[int]) -> list[int]:
        if batch == [3] and len(list(deaths.iterdir())) < times:
            (deaths / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return [n * n for n in batch]

    yield work


@contextmanager
def failing(
    kind: type[Exception], told: tuple[object, ...], device: str
) -> Iterator[Callable[[Sequence[int]], list[int]]]:
    def work(batch: Sequence[int]) -> list[int]:
        if batch == [3]:
            raise kind(*told)
        return list(batch)

    yield work


def results(engine: Engine, open_worker) -> dict[tuple[int, ...], object]:
    found: dict[tuple[int, ...], object] = {}

    def done(results: Sequence[tuple[Sequence[int], object]]) -> None:
        for batch, made in results:
            assert tuple(batch) not in found, "each batch comes once"
            found[tuple(batch)] = made

    engine.map(BATCHES, open_worker, done)
    return found


@contextmanager
def unreadable(device: str, weight: bytes = b"") -> Iterator[Callable[[Sequence[int]], list[int]]]:
    yield lambda batch: list(batch)


class Dying:
    """Ends the process that reads it, as a lack of memory at the start does; larger than a pipe holds."""

    def __reduce__(self):
        return os._exit, (1,), None, iter([bytes(200_000)])
