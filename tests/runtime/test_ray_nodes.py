"""A Ray cluster of two nodes on this machine, one of which is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from copycat.runtime.ray_cluster import join
from copycat.runtime.ray_engine import RayEngine
from copycat.runtime.ray_room import Room

ray = pytest.importorskip("ray", reason="the Ray engine needs copycat-eval[ray]")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    made = Cluster(initialize_head=True, head_node_args={"include_dashboard": False, **small})
    made.second = made.add_node(**small)
    yield made
    ray.shutdown()
    made.shutdown()


@contextmanager
def signing(begun: Path, device: str) -> Iterator[Callable[[int], str]]:
    """Says on which node a batch was worked on, and leaves a file for each attempt."""
    import ray

    node = ray.get_runtime_context().get_node_id()

    def work(batch: int) -> str:
        (begun / f"{batch}-{time.monotonic_ns()}").touch()
        time.sleep(0.2)
        return node

    yield work


def test_a_lost_node_has_its_own_batches_begun_anew_and_no_others(cluster, tmp_path: Path) -> None:
    found = join(cluster.address, tmp_path)
    assert len(found.nodes) == 2
    assert found.cpus == 2
    begun, by, before = tmp_path / "begun", dict[int, str](), set[int]()
    begun.mkdir()

    def done(results: Sequence[tuple[int, str]]) -> None:
        for batch, node in results:
            assert batch not in by, "each batch comes once"
            by[batch] = node
        if len(set(by.values())) == 2 and not before:
            before.update(by)
            cluster.remove_node(cluster.second)

    RayEngine("cpu", 2, Room()).map(list(range(40)), partial(signing, begun), done)
    assert sorted(by) == list(range(40))
    assert before, "a node was lost while both were at work"
    tries = {b: len(list(begun.glob(f"{b}-*"))) for b in by}
    assert {tries[b] for b in before} == {1}, "what had come is not done again"
    assert max(tries.values()) <= 2
