"""What the Ray engine costs beside the others, and how far it scales, with workers that sleep.

`python -m benchmarks.ray_overhead` starts a Ray cluster on this machine and prints:

- overhead: 1 000 batches of one request, each 20 ms of sleep, by one worker in this process, in a process
  of its own, and as a Ray actor; the seconds from the first result to the last, and their ratio to this
  process's. The bar is 1.10.
- scaling: for 1, 4, 16 and 64 actors that take no slot of the cluster and wait for one another before they
  begin, how busy they are until the first has nothing left to do. 1.0 is linear: each actor works as if it
  were alone. Beside it stands how long it took until all had begun, which is the start of as many Python
  processes on the cores that there are.

Other work on the machine shows in both: the load average is printed first.

Nothing of PyTorch is loaded, so that 64 actors fit into a few gigabytes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from copycat.runtime.engines import Engine, InProcess, Processes
from copycat.runtime.ray_cluster import join
from copycat.runtime.ray_engine import RayEngine
from copycat.runtime.ray_room import Room


@dataclass(frozen=True)
class Slept:
    """One batch: by which process, and when by the clock of this machine."""

    by: int
    began: float
    ended: float


@contextmanager
def sleeping(
    seconds: float,
    folder: Path,
    workers: int,
    device: str,  # noqa: ARG001
) -> Iterator[Callable[[Sequence[int]], Slept]]:
    """Sleeps for every batch, once `workers` of its kind have left a file in `folder`."""
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < workers:
        time.sleep(0.05)

    def work(batch: Sequence[int]) -> Slept:  # noqa: ARG001
        began = time.time()
        time.sleep(seconds)
        return Slept(os.getpid(), began, time.time())

    yield work


def run(engine: Engine, batches: int, seconds: float, workers: int = 1) -> list[tuple[float, Slept]]:
    """Every result, and when it came."""
    found: list[tuple[float, Slept]] = []

    def done(results: Sequence[tuple[Sequence[int], Slept]]) -> None:
        now = time.time()
        found.extend((now, made) for _, made in results)

    with tempfile.TemporaryDirectory() as begun:
        engine.map([[i] for i in range(batches)], partial(sleeping, seconds, Path(begun), workers), done)
    if len(found) != batches:
        raise RuntimeError(f"{len(found)} results of {batches} batches")
    return found


def busy(found: Sequence[Slept]) -> float:
    """The share of the time in which all had work that they were at work."""
    by: dict[int, list[Slept]] = {}
    for made in found:
        by.setdefault(made.by, []).append(made)
    begin = max(min(s.began for s in mine) for mine in by.values())
    end = min(max(s.ended for s in mine) for mine in by.values())
    at_work = sum(max(0.0, min(s.ended, end) - max(s.began, begin)) for s in found)
    return at_work / (len(by) * (end - begin))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def overhead(batches: int, seconds: float) -> None:
    engines = {
        "this process": InProcess("cpu"),
        "one process": Processes(["cpu"]),
        "one Ray actor": RayEngine("cpu", 1, Room(cpus=0)),
    }
    base = None
    for name, engine in engines.items():
        came = [at for at, _ in run(engine, batches, seconds)]
        took = came[-1] - came[0]
        base = base or took
        say(f"overhead: {batches} batches of {seconds * 1e3:.0f} ms, {name}: {took:.2f} s, {took / base:.3f}")


def scaling(actors: Sequence[int], each: int, seconds: float) -> None:
    for many in actors:
        started = time.time()
        engine = RayEngine("cpu", many, Room(cpus=0), patience=600.0)
        found = [made for _, made in run(engine, many * each, seconds, many)]
        workers = {s.by for s in found}
        begun = max(min(s.began for s in found if s.by == w) for w in workers) - started
        told = f"{len(workers)} of {many} had work, all had begun after {begun:.1f} s"
        say(f"scaling: {many} actors, batches of {seconds:g} s: busy {busy(found):.3f}; {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batches", type=int, default=1000, help="in `overhead`; 0 leaves it out")
    parser.add_argument("--actors", default="1,4,16,64")
    parser.add_argument("--each", type=int, default=24, help="batches for each actor, in `scaling`")
    parser.add_argument("--seconds", type=float, default=0.5, help="of sleep for each, in `scaling`")
    parser.add_argument("--slots", type=int, default=1, help="of the cluster: processes that start at a time")
    told = parser.parse_args()
    say(f"load: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        join(None, Path(folder), told.slots)
        if told.batches:
            overhead(told.batches, 0.02)
        scaling([int(n) for n in told.actors.split(",")], told.each, told.seconds)


if __name__ == "__main__":
    main()
