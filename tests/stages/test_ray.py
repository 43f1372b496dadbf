"""A run on a Ray cluster gives what one process gives, also when a worker or the driver is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from copycat.resolve import ResolvedRun
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.runtime.ray_cluster import join
from copycat.stages.plan import prepare
from copycat.stages.run import complete

ray = pytest.importorskip("ray", reason="the Ray engine needs copycat-eval[ray]")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
COPYCAT = (sys.executable, "-c", "from copycat.cli.main import main; main()")


@pytest.fixture(scope="module")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    join(None, tmp_path_factory.mktemp("shared"), 2)
    yield
    ray.shutdown()


def whole(run: ResolvedRun) -> RunData:
    return complete(prepare(run), run, Progress())


def same(one: RunData, other: RunData) -> None:
    """Pictures, answers and numbers are the same to the bit, and nothing was written twice."""
    assert {r: i.sha256 for r, i in other.images.items()} == {r: i.sha256 for r, i in one.images.items()}
    assert all((other.path / i.file).is_file() for i in other.images.values())
    answers = [{(v.request, v.kind): v.answer for v in d.verdicts} for d in (one, other)]
    assert answers[0] == answers[1]
    assert len(answers[0]) > 0
    assert RunFolder(other.path).metrics_path.read_bytes() == RunFolder(one.path).metrics_path.read_bytes()
    assert len(other.image_rows) == len(one.image_rows), "no picture has two rows"


def kill_an_actor(folder: RunFolder, killed: list[int]) -> None:
    """Kill a worker once the first rows are there."""
    deadline = time.monotonic() + 240
    while not folder.data().image_rows and time.monotonic() < deadline:
        time.sleep(0.02)
    actors = [
        p for p in psutil.process_iter(["cmdline"]) if "ray::Actor" in " ".join(p.info["cmdline"] or ())
    ]
    mine = {p.pid for p in psutil.Process().children(recursive=True)}
    for actor in [p for p in actors if p.pid in mine][:1]:
        actor.send_signal(signal.SIGKILL)
        killed.append(actor.pid)


@pytest.mark.usefixtures("_cluster")
def test_two_actors_give_what_one_process_gives_also_when_one_is_killed(config, tmp_path: Path) -> None:
    one = whole(config(out=tmp_path / "one", batch_size=1, device="cpu"))
    run = config(out=tmp_path / "two", batch_size=1, device="cpu", engine="ray", workers=2)
    assert run.config.digest == config(out=tmp_path / "one", batch_size=1).config.digest
    folder, killed = prepare(run), list[int]()
    killer = threading.Thread(target=kill_an_actor, args=(RunFolder(folder.path), killed))
    killer.start()
    two = complete(folder, run, Progress())
    killer.join()
    assert killed, "an actor was killed while it drew"
    same(one, two)
    assert two.manifest.device == "cpu"


def copycat(out: Path, *more: str) -> subprocess.Popen[bytes]:
    chosen = ["--limit", "2", "--seeds", "3", "--mitigation", "none", "--batch-size", "1", "--steps", "4"]
    command = [*COPYCAT, "run", *chosen, "--device", "cpu", "--out", str(out), *more]
    return subprocess.Popen(command, env={**os.environ, "RAY_ADDRESS": "", "OMP_NUM_THREADS": "1"})


def test_a_killed_driver_resumes_on_the_menagerie(tmp_path: Path) -> None:
    assert copycat(tmp_path / "one").wait() == 0
    on_ray = ("--engine", "ray", "--workers", "2")
    folder = RunFolder(tmp_path / "two")
    driver = copycat(folder.path, *on_ray)
    while driver.poll() is None and not folder.image_journal.path.is_file():
        time.sleep(0.02)
    driver.kill()
    driver.wait()
    drawn = len(folder.data().image_rows)
    assert 0 < drawn < len(folder.data().requests), "it was killed on its way"
    assert copycat(folder.path, *on_ray).wait() == 0
    same(RunFolder(tmp_path / "one").data(), folder.data())
