"""Several worker processes: the same pictures, verdicts and numbers as in one, also when one is killed."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import psutil

from copycat.resolve import ResolvedRun
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.plan import prepare
from copycat.stages.run import complete


def whole(run: ResolvedRun) -> RunData:
    return complete(prepare(run), run, Progress())


def kill_a_worker(folder: RunFolder, killed: list[int]) -> None:
    """Kill the newest child process once the first rows are there."""
    deadline = time.monotonic() + 120
    while not folder.data().image_rows and time.monotonic() < deadline:
        time.sleep(0.02)
    children = [p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]
    if children:
        children[-1].send_signal(signal.SIGKILL)
        killed.append(children[-1].pid)


def answers(data: RunData) -> dict[tuple[str, str], object]:
    return {(v.request, v.kind): v.answer for v in data.verdicts}


def test_two_workers_give_what_one_process_gives_also_when_one_is_killed(config, tmp_path: Path) -> None:
    one = whole(config(out=tmp_path / "one", batch_size=1, device="cpu"))
    run = config(out=tmp_path / "two", batch_size=1, device="cpu", workers=2)
    assert run.config.digest == config(out=tmp_path / "one", batch_size=1).config.digest
    folder, killed = prepare(run), list[int]()
    killer = threading.Thread(target=kill_a_worker, args=(RunFolder(folder.path), killed))
    killer.start()
    two = complete(folder, run, Progress())
    killer.join()
    assert killed, "a worker was killed while it drew"
    assert {r: i.sha256 for r, i in two.images.items()} == {r: i.sha256 for r, i in one.images.items()}
    assert answers(two) == answers(one)
    assert folder.metrics_path.read_bytes() == RunFolder(one.path).metrics_path.read_bytes()
    assert len(two.image_rows) == len(one.image_rows), "no picture has two rows"
    assert two.manifest.device == "cpu"
