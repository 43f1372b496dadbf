"""Engines: the same results in this process and in others, and what becomes of failures."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from copycat.config import RunConfig
from copycat.errors import MissingRequirement, UnknownName, UserError
from copycat.runtime import engines
from copycat.runtime.concurrent import Concurrent
from copycat.runtime.engines import Engine, InProcess, Processes
from copycat.stages.engine import choose_engine
from tests.helpers.workers import BATCHES, Dying, failing, mortal, results, squares, unreadable


@pytest.mark.parametrize(
    ("engine", "devices"),
    [
        (InProcess("cpu"), {"cpu"}),
        (Concurrent("cpu", 3, 1.0), {"cpu"}),
        (Processes(["cpu:0", "cpu:1"]), {"cpu:0", "cpu:1"}),
    ],
)
def test_every_batch_gets_its_result(engine: Engine, devices: set[str]) -> None:
    found = results(engine, squares)
    assert {b: [n for n, _ in made] for b, made in found.items()} == {
        tuple(b): [n * n for n in b] for b in BATCHES
    }
    assert {device for made in found.values() for _, device in made} <= devices
    assert engine.device == "cpu"


def test_a_killed_worker_is_replaced_and_its_batch_begun_anew(tmp_path: Path) -> None:
    found = results(Processes(["cpu"] * 2), partial(mortal, tmp_path, 1))
    assert found == {tuple(b): [n * n for n in b] for b in BATCHES}
    assert len(list(tmp_path.iterdir())) == 1, "it was killed once"


def test_a_batch_that_kills_every_worker_is_given_up_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingRequirement, match="ended 2 times on the same batch"):
        results(Processes(["cpu"] * 2), partial(mortal, tmp_path, 9))


@pytest.mark.parametrize(
    ("kind", "told", "caught_as"),
    [
        (UserError, ("no such thing",), UserError),
        # Its constructor does not take the words that it makes, so it does not survive the way as it is.
        (UnknownName, ("judge", "x", ("y",)), UserError),
        (KeyError, (3,), KeyError),
    ],
)
@pytest.mark.parametrize("engine", [InProcess("cpu"), Concurrent("cpu", 2, 1.0), Processes(["cpu"] * 2)])
def test_what_a_worker_raises_is_raised(engine: Engine, kind, told, caught_as) -> None:
    with pytest.raises(caught_as) as caught:
        results(engine, partial(failing, kind, told))
    assert str(caught.value) == str(kind(*told))


def test_a_worker_that_dies_at_its_start_is_no_wait_for_ever() -> None:
    with pytest.raises(MissingRequirement, match="ended 2 times"):
        results(Processes(["cpu"]), partial(unreadable, weight=Dying()))


def test_devices_of_two_kinds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copycat.stages.engine.resolve_device", lambda wanted, *_: wanted)
    mixed = RunConfig(devices=("cpu", "cuda:0"))
    with pytest.raises(UserError, match="cpu and cuda"):
        choose_engine("auto", mixed, "a model", None)
    assert choose_engine("cpu", mixed, "a model", None).device == "cpu", "what is said outright goes before"
    assert choose_engine("auto", RunConfig(devices=("cuda:0", "cuda:1")), "a model", None).device == "cuda"


@contextmanager
def patient(told: Path, device: str) -> Iterator[Callable[[Sequence[int]], int]]:
    """Works until somebody writes the file `told`."""

    def work(batch: Sequence[int]) -> int:
        told.with_name("at work").touch()
        while not told.exists():
            time.sleep(0.01)
        return sum(batch)

    yield work


def serve_apart(driver: Connection, mine: Connection) -> None:
    driver.close()
    engines._serve(mine, "cpu", 1)


def test_a_worker_whose_driver_is_gone_ends_in_silence(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    driver, theirs = fork.Pipe()
    worker = fork.Process(target=serve_apart, args=(driver, theirs), daemon=True)
    worker.start()
    theirs.close()
    driver.send(partial(patient, tmp_path / "go"))
    driver.send([1, 2])
    while not (tmp_path / "at work").exists() and worker.is_alive():
        time.sleep(0.01)
    driver.close()
    (tmp_path / "go").touch()
    worker.join(60)
    assert worker.exitcode == 0, "no traceback of a broken pipe"


@contextmanager
def masked(device: str) -> Iterator[Callable[[Sequence[int]], bool]]:
    yield lambda _: signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_ctrl_c_reaches_no_worker_from_its_first_moment_on_and_still_the_driver() -> None:
    found = results(Processes(["cpu"]), masked)
    assert set(found.values()) == {True}, "held since before the worker's interpreter began"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
