"""Lines and tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def say(console: Console, text: str) -> None:
    """Print a line as it is: without markup, colours or breaks."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def grid(words: Iterable[str], numbers: Iterable[str] = (), title: str | None = None) -> Table:
    """A table without rows: columns of words, which wrap, then columns of numbers at their right edge."""
    table = Table(
        title=None if title is None else escape(title),
        title_justify="left",
        header_style="bold",
        pad_edge=False,
    )
    for name in words:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table
