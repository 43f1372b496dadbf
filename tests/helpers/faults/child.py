"""Commands in forked children of a process that has imported everything, so that they start at once."""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PATIENCE = 300.0
"""Seconds after which a command counts as hanging."""
Disturbance = Callable[[], None]
"""What is changed in a child before its command begins."""


@dataclass
class Child:
    """One command on its way."""

    pid: int
    log: Path
    _marks: int
    """Where the child says which stage begins."""
    _told: bytes = b""
    code: int | None = None
    """Exit code, negative for the signal that ended it; None while it runs."""
    stages: dict[str, float] = field(default_factory=dict)
    """When each stage began, by its name, on the clock of time.monotonic."""

    def wait_for(self, stage: str) -> bool:
        """Wait until `stage` begins; False where the command ends before."""
        while stage not in self.stages:
            ready, _, _ = select.select([self._marks], [], [], 0.5)
            if ready and not self._read():
                return False
            if not ready and self.ended():
                return False
        return True

    def _read(self) -> bool:
        new = os.read(self._marks, 4096)
        *lines, self._told = (self._told + new).split(b"\n")
        for line in lines:
            name, when = line.split()
            self.stages.setdefault(name.decode(), float(when))
        return bool(new)

    def ended(self) -> bool:
        """Whether it has ended, also by itself."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def send(self, number: signal.Signals) -> None:
        """Send a signal: Ctrl-C to every process, as a terminal does, any other to the driver alone."""
        if not self.ended():
            (os.killpg if number == signal.SIGINT else os.kill)(self.pid, number)

    def workers(self) -> list[int]:
        """Its own child processes."""
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(p) for p in path.read_text().split()] if path.exists() else []

    def wait(self) -> int:
        """Its exit code, once all its processes have ended; 124 where they do not."""
        deadline = time.monotonic() + PATIENCE
        while not self.ended() or self._group():
            if time.monotonic() > deadline:
                os.killpg(self.pid, signal.SIGKILL)
                self.code = 124
                break
            time.sleep(0.002)
        while self._read():
            pass
        os.close(self._marks)
        assert self.code is not None
        return self.code

    def _group(self) -> bool:
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


def start(
    work: Callable[[], object],
    log: Path,
    *,
    folder: Path,
    marks: Sequence[tuple[Any, str]] = (),
    disturb: Disturbance = lambda: None,
) -> Child:
    """Begin `work` in a child process in `folder`, which says when one of the functions `marks` begins."""
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Child(pid, log, reading)
    code = 70
    try:
        os.close(reading)
        os.setsid()
        os.chdir(folder)
        _signals_as_usual()
        _speak_to(log)
        for owner, name in marks:
            _mark(owner, name, writing)
        os.write(writing, f"start {time.monotonic()}\n".encode())
        disturb()
        work()
        code = 0
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else int(e.code is not None)
    except BaseException:  # noqa: BLE001  what a user would see
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _signals_as_usual() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _speak_to(log: Path) -> None:
    file = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _mark(owner: Any, name: str, writing: int) -> None:
    real = getattr(owner, name)

    def marked(*args: Any, **given: Any) -> Any:
        os.write(writing, f"{name} {time.monotonic()}\n".encode())
        return real(*args, **given)

    setattr(owner, name, marked)


class _Forks:
    """Starts worker processes as forks; each lets go of the driver's ends of all pipes, as a new interpreter
    has none of them, so that it sees when its own is closed."""

    def __init__(self) -> None:
        self._fork = multiprocessing.get_context("fork")
        self._drivers: list[Connection] = []

    def Pipe(self) -> tuple[Connection, Connection]:  # noqa: N802  as in multiprocessing
        mine, theirs = self._fork.Pipe()
        self._drivers.append(mine)
        return mine, theirs

    def Process(self, target: Callable[..., None], args: tuple[Any, ...], daemon: bool) -> BaseProcess:  # noqa: N802
        def work() -> None:
            for end in self._drivers:
                end.close()
            target(*args)

        return self._fork.Process(target=work, daemon=daemon)


def forked_workers() -> None:
    """Have worker processes forked in place of new interpreters, whose start takes seconds."""
    from copycat.runtime import worker

    forks = _Forks()
    worker.multiprocessing = SimpleNamespace(  # type: ignore[assignment]
        get_context=lambda _: forks, parent_process=multiprocessing.parent_process
    )
