"""Where shards are counted: in this process, in several, or on a Ray cluster; the numbers are the same."""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from copycat.counting.parts import Part
from copycat.counting.shards import Shard
from copycat.counting.work import Job, Skipped
from copycat.errors import MissingRequirement
from copycat.runtime.ray_cluster import join, load_ray
from copycat.runtime.ray_nodes import cores, environment_of_workers

# Of malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = 32 * 2**20


@dataclass(frozen=True)
class Workers:
    """How many work at a time, and where."""

    number: int | None = None
    """One for each core when None."""
    address: str | None = None
    """Of a Ray cluster; see :func:`copycat.runtime.ray_cluster.join`."""


class Engine(Protocol):
    """Counts shards, and yields each one's number with what came of it as soon as it is there."""

    def __call__(
        self, job: Job, shards: Sequence[Shard], workers: Workers
    ) -> Iterator[tuple[int, Part | Skipped]]: ...


def processes(job: Job, shards: Sequence[Shard], workers: Workers) -> Iterator[tuple[int, Part | Skipped]]:
    """In processes of this machine; in this one where a single one is enough.

    Raises MissingRequirement where one is killed.
    """
    number = min(workers.number or cores(), len(shards))
    if number <= 1:
        yield from ((i, job.count(shard)) for i, shard in enumerate(shards))
        return
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(number, context, initializer=_alone) as pool:
        waiting = {pool.submit(job.count, shard): i for i, shard in enumerate(shards)}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        except BrokenProcessPool as e:
            raise MissingRequirement(
                "A process that counts was killed, probably for lack of memory; finished shards are kept. "
                "Run the same command again with --workers 1."
            ) from e
        except BaseException:
            # Ctrl-C, or a full disk: a shard that is being counted would take minutes.
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()
            raise


def _alone() -> None:
    """One thread a process, memory that is kept, and no word about Ctrl-C, which the process that waits for
    it hears too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    _keep_memory()


def _keep_memory() -> None:
    """Have glibc keep memory that is given back to it: what a few thousand captions need the next need again,
    and memory that comes fresh from the system costs time when it is first touched."""
    # A name that another C library does not have.
    keep = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if keep is not None:
        keep(_TRIM_THRESHOLD, 2 * _KEPT)
        keep(_MMAP_THRESHOLD, _KEPT)


def on_ray(job: Job, shards: Sequence[Shard], workers: Workers) -> Iterator[tuple[int, Part | Skipped]]:
    """As tasks of a Ray cluster, whose nodes share the folder of the parts and reach the shards."""
    ray = load_ray()
    cluster = join(workers.address, job.folder, workers.number or 1)
    at_once = workers.number or cluster.cpus
    task: Any = ray.remote(num_cpus=1, runtime_env={"env_vars": environment_of_workers()})(_on_node)
    told, left, running = ray.put(job), list(enumerate(shards)), dict[Any, int]()
    while left or running:
        while left and len(running) < at_once:
            i, shard = left.pop(0)
            running[task.remote(told, shard)] = i
        done, _ = ray.wait(list(running), num_returns=1)
        for reference in done:
            i = running.pop(reference)
            try:
                yield i, ray.get(reference)
            except ray.exceptions.RayTaskError as e:
                raise e.cause from None
            except ray.exceptions.RayError as e:
                raise MissingRequirement(
                    f"A Ray worker that counted {shards[i].name} ended; finished shards are kept, run the "
                    "same command again."
                ) from e


def _on_node(job: Job, shard: Shard) -> Part | Skipped:
    return job.count(shard)


ENGINES: Mapping[str, Engine] = {"processes": processes, "ray": on_ray}
