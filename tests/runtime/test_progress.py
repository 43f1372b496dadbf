"""Progress as lines and as a bar."""

from __future__ import annotations

import io

from rich.console import Console

from copycat.runtime import progress
from copycat.runtime.progress import Bar, Lines, for_stream


def test_lines_tell_the_start_the_time_left_and_the_end(monkeypatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    out = io.StringIO()
    lines = Lines(out, every=15)
    lines.start("generate", 100)
    for seconds in (10, 20, 25):
        clock[0] = seconds
        lines.advance(20)
    clock[0] = 50
    lines.advance(40)
    lines.done()
    assert out.getvalue().splitlines() == [
        "generate: 0/100",
        "generate: 40/100, about 30 s left",
        "generate: 100/100 in 50 s",
    ]


def test_a_bar_shows_count_and_label() -> None:
    out = io.StringIO()
    bar = Bar(Console(file=out, force_terminal=True, width=80))
    bar.start("judge", 4)
    bar.advance(4)
    bar.done()
    assert "judge" in out.getvalue()
    assert "4/4" in out.getvalue()


def test_only_a_terminal_gets_a_bar() -> None:
    assert isinstance(for_stream(io.StringIO()), Lines)
