"""Actors on a Ray cluster of this machine: the results of one process, and what becomes of failures."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from copycat.config import RunConfig
from copycat.errors import MissingRequirement, UnknownName, UserError
from copycat.runtime import ray_cluster, ray_nodes
from copycat.runtime.engines import DEATHS
from copycat.runtime.phases import IN_HAND, Phased
from copycat.runtime.ray_cluster import Cluster, join
from copycat.runtime.ray_engine import Actor, RayEngine, _Driver, _Hand
from copycat.runtime.ray_nodes import Node
from copycat.runtime.ray_room import Places, Room, place
from copycat.stages.engine import choose_engine
from tests.helpers.workers import BATCHES, Dying, failing, mortal, results, squares, unreadable

ray = pytest.importorskip("ray", reason="the Ray engine needs copycat-eval[ray]")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two slots on this machine, for all tests of this file."""
    yield join(None, tmp_path_factory.mktemp("shared"), 2)
    ray.shutdown()


def engine(workers: int = 2, **told) -> RayEngine:
    return RayEngine("cpu", workers, Room(cpus=0), **told)


def test_every_batch_gets_its_result_and_what_a_worker_raises_is_raised(cluster: Cluster) -> None:
    found = results(engine(), squares)
    assert found == {tuple(b): [(n * n, "cpu") for n in b] for b in BATCHES}
    for kind, told, caught_as in (
        (UserError, ("no such thing",), UserError),
        # Its constructor does not take the words that it makes, so it does not survive the way as it is.
        (UnknownName, ("judge", "x", ("y",)), UserError),
    ):
        with pytest.raises(caught_as) as caught:
            results(engine(), partial(failing, kind, told))
        assert str(caught.value) == str(kind(*told))


@pytest.mark.slow
def test_a_killed_actor_is_replaced_and_its_batches_begun_anew(cluster: Cluster, tmp_path: Path) -> None:
    assert results(engine(), partial(mortal, tmp_path, 1)) == {tuple(b): [n * n for n in b] for b in BATCHES}
    assert len(list(tmp_path.iterdir())) == 1, "it was killed once"


@pytest.mark.slow
def test_a_batch_that_kills_every_actor_is_given_up_in_a_sentence(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(MissingRequirement, match="ended 2 times on the same batch"):
        results(engine(), partial(mortal, tmp_path, 9))
    with pytest.raises(MissingRequirement, match="ended 2 times on the same batch"):
        results(engine(1), partial(unreadable, weight=Dying()))


@pytest.mark.slow
def test_a_cluster_without_room_is_no_wait_for_ever(cluster: Cluster) -> None:
    crowded = RayEngine("cuda", 1, Room(gpus=1), patience=2.0)
    with pytest.raises(MissingRequirement, match=r"no room for a worker \(1 CPU and 1 GPU\) within 2 s"):
        results(crowded, squares)


@pytest.mark.slow
def test_the_settings_choose_the_cluster(cluster: Cluster, tmp_path: Path) -> None:
    config = RunConfig(engine="ray", workers=2)
    chosen = choose_engine("auto", config, "a model", None, folder=tmp_path / "run")
    assert isinstance(chosen, RayEngine)
    assert chosen.device == "cpu"
    assert list(tmp_path.iterdir()) == [], "what tells whether the folder is shared is gone again"
    with pytest.raises(MissingRequirement, match=r"needs a GPU with 24 GB"):
        choose_engine("auto", config, "a model", 24, folder=tmp_path)
    with pytest.raises(UserError, match="leave --devices out"):
        choose_engine("auto", RunConfig(engine="ray", devices=("cpu",)), "a model", None, folder=tmp_path)


@pytest.mark.slow
def test_a_node_that_does_not_share_the_folder_is_named(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A path that is another folder for every process that asks, as a local disk is on every node.
    own = Path("/proc/self/cwd")
    assert own.is_dir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ray_nodes, "_SEEN", 0.5)
    with pytest.raises(MissingRequirement, match=r"Ray node .* does not share the folder /proc/self/cwd"):
        join(None, own / "run")
    assert list(tmp_path.iterdir()) == []


class Linked(Phased[int, int, int, int]):
    """The first batch is finished once a second is worked on; the batch 9 is never finished.

    Which of those that were asked for together is the first is for their threads to decide.
    """

    def __init__(self) -> None:
        self._worked = 0
        self._second = threading.Event()

    def prepare(self, batch: int) -> int:
        return batch

    def work(self, batch: int, prepared: int) -> int:
        self._worked += 1
        if self._worked == 2:
            self._second.set()
        return prepared * 2

    def finish(self, batch: int, worked: int) -> int:
        if batch == 9:
            raise UserError("never nine")
        assert self._second.wait(30), "the second is worked on while the first is being finished"
        return worked


def test_the_phases_of_a_worker_overlap_in_an_actor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    closed = threading.Event()

    @contextmanager
    def linked(device: str) -> Iterator[Linked]:
        try:
            yield Linked()
        finally:
            closed.set()

    actor = Actor(None, str(tmp_path))
    with ThreadPoolExecutor(IN_HAND) as ray_threads:
        answers = [ray_threads.submit(actor.work, linked, "cpu", n) for n in range(4)]
        assert [a.result(60).value for a in answers] == [0, 2, 4, 6]
        assert not closed.is_set()
        failed = [ray_threads.submit(actor.work, linked, "cpu", n) for n in (9, 2)]
        assert [str(a.result(60).error) for a in failed[:1]] == ["never nine"]
    assert str(actor.work(linked, "cpu", 3).error) == "never nine", "what failed is not gone on with"
    actor.close()
    assert closed.is_set()


class Ended:
    """Answers of actors, as Ray gives them: what is asked for is there."""

    class exceptions:  # noqa: N801  as in Ray
        RayError = RayTaskError = ConnectionError

    def get(self, reference: object) -> object:
        return reference

    def kill(self, actor: object) -> None:
        pass


def test_a_worker_that_ends_itself_is_a_death_and_leaves_nothing_waiting(tmp_path: Path) -> None:
    @contextmanager
    def ending(device: str) -> Iterator[Callable[[int], int]]:
        def work(batch: int) -> int:
            raise SystemExit(3)

        yield work

    actor = Actor(None, str(Path.cwd()))
    with ThreadPoolExecutor(2) as ray_threads:
        asked = [ray_threads.submit(actor.work, ending, "cpu", n) for n in range(2)]
        assert [a.result(30).ended for a in asked] == ["SystemExit: 3"] * 2
    dead = asked[0].result()
    driver = object.__new__(_Driver)
    driver._ray, driver.given_up, driver._deaths, driver._waiting = Ended(), None, [DEATHS - 2, 0], deque()
    for given_up in (False, True):
        hand = _Hand(actor, None, deque([(dead, 0), (dead, 1)]))
        driver._hands, driver._waiting = [hand, _Hand(None, object())], deque()
        driver.hire = lambda workers: None  # type: ignore[method-assign]
        assert driver._take(hand, dead) == []
        assert list(driver._waiting) == [0, 1]
        assert bool(driver.given_up) == given_up, "raised after what came with it is handed on"


def test_settings_of_another_engine_are_refused() -> None:
    with pytest.raises(UserError, match="--address is about a Ray cluster"):
        choose_engine("cpu", RunConfig(address="10.0.0.1:6379"), "a model", None)
    with pytest.raises(UnknownName, match="Unknown engine 'rai'"):
        choose_engine("cpu", RunConfig(engine="rai"), "a model", None)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "No Ray cluster answers at 127.0.0.1:1"),
        ("nowhere.invalid:6379", "No Ray cluster answers at nowhere.invalid:6379"),
        ("nonsense", "is no address; write host:port"),
        ("ray://10.0.0.1:10001", "copycat itself must run on a machine of the cluster"),
    ],
)
def test_an_address_that_does_not_answer_is_one_line(address: str, said: str) -> None:
    began = time.monotonic()
    with pytest.raises(UserError, match=said) as caught:
        ray_cluster._check_address(address)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 60


def test_what_answers_and_is_no_cluster_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "_JOIN", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(MissingRequirement, match="did not let a process join within 3 s") as caught:
            ray_cluster._check_address(address)
    assert "\n" not in str(caught.value)


def of(*gpus: float, gb: float = 80, cpus: float = 8) -> Cluster:
    nodes = [
        Node(f"n{i}", f"the Ray node n{i}", cpus, g, ("H100",) * int(g), (gb,) * int(g))
        for i, g in enumerate(gpus)
    ]
    return Cluster("Ray cluster at head:6379", tuple(nodes))


@pytest.mark.parametrize(
    ("cluster_", "kind", "workers", "share", "expected"),
    [
        (of(8, 8), "auto", None, None, Places("cuda", 16, Room(gpus=1))),
        (of(8, 8), "cuda", 3, None, Places("cuda", 3, Room(gpus=1))),
        (of(2), "auto", None, 0.5, Places("cuda", 4, Room(gpus=0.5))),
        (of(1), "auto", None, 1 / 3, Places("cuda", 3, Room(gpus=1 / 3))),
        (of(8), "cpu", None, None, Places("cpu", 1, Room())),
        (of(0, 0, 0), "auto", None, None, Places("cpu", 3, Room())),
        (of(0, 0), "auto", 5, None, Places("cpu", 5, Room())),
    ],
)
def test_places_are_counted(cluster_: Cluster, kind: str, workers, share, expected: Places) -> None:
    assert place(cluster_, kind, workers, share, "a model", None) == expected


@pytest.mark.parametrize(
    ("cluster_", "kind", "workers", "share", "gb", "said"),
    [
        (of(2), "cuda", 3, None, None, "--workers 3 needs a GPU for each, and .* has room for 2"),
        (of(0), "cuda", None, None, None, "has no GPU"),
        (of(0), "auto", None, 0.5, None, "has no GPU"),
        (of(0, cpus=2), "cpu", 3, None, None, "--workers 3 needs a CPU for each, and .* has room for 2"),
        (of(1), "cpu", None, 0.5, None, "--gpus-per-worker is about GPUs"),
        (
            of(1, gb=16),
            "auto",
            None,
            None,
            24,
            "24 GB on each GPU and the Ray node n0 has one with 16 GB",
        ),
        (of(1, gb=40), "auto", None, 0.5, 24, "needs 48 GB on each GPU"),
        (of(0), "auto", None, None, 24, "needs a GPU with 24 GB and the Ray cluster at head:6379 has none"),
    ],
)
def test_a_cluster_that_is_too_small_is_said(cluster_: Cluster, kind: str, workers, share, gb, said) -> None:
    with pytest.raises(UserError, match=said):
        place(cluster_, kind, workers, share, "a model", gb)


def test_workers_compute_with_as_many_threads_as_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert ray_nodes.environment_of_workers()["OMP_NUM_THREADS"] == str(len(os.sched_getaffinity(0)))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    told = ray_nodes.environment_of_workers()
    assert told["OMP_NUM_THREADS"] == "3"
    assert "hf_secret" not in told.values(), "Ray shows variables to whoever reads its state"
