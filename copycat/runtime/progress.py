"""Progress of a stage: a bar with an estimated time of arrival on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress


class Progress:
    """What a stage tells about itself; this one shows nothing."""

    def start(self, label: str, total: int) -> None:
        """Begin `total` items of work."""

    def advance(self, n: int) -> None:
        """`n` more items are done."""

    def done(self) -> None:
        """The work has ended, finished or not."""


class Lines(Progress):
    """One line at the start, about every `every` seconds, and at the end."""

    def __init__(self, out: TextIO | None = None, every: float = 15.0) -> None:
        self._out, self._every = out or sys.stderr, every
        self._label, self._total, self._n = "", 0, 0
        self._began = self._told = 0.0

    def start(self, label: str, total: int) -> None:
        self._label, self._total, self._n = label, total, 0
        self._began = self._told = time.monotonic()
        self._tell("")

    def advance(self, n: int) -> None:
        self._n += n
        now = time.monotonic()
        if now - self._told >= self._every and self._n < self._total:
            left = (now - self._began) / max(self._n, 1) * (self._total - self._n)
            self._told = now
            self._tell(f", about {left:.0f} s left")

    def done(self) -> None:
        self._tell(f" in {time.monotonic() - self._began:.0f} s")

    def _tell(self, rest: str) -> None:
        print(f"{self._label}: {self._n}/{self._total}{rest}", file=self._out, flush=True)


class Bar(Progress):
    """A rich bar."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: RichProgress | None = None
        self._task = TaskID(0)

    def start(self, label: str, total: int) -> None:
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._bar.start()
        self._task = self._bar.add_task(label, total=total)

    def advance(self, n: int) -> None:
        if self._bar:
            self._bar.advance(self._task, n)

    def done(self) -> None:
        if self._bar:
            self._bar.stop()


def for_stream(stream: TextIO | None = None, *, quiet: bool = False) -> Progress:
    """A bar when `stream` (standard error by default) is a terminal, else lines; nothing if `quiet`."""
    if quiet:
        return Progress()
    stream = stream or sys.stderr
    return Bar(Console(file=stream)) if stream.isatty() else Lines(stream)
