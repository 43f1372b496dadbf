"""Markdown: tables, and text that a table's cell can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence


def escaped(text: str) -> str:
    """`text` in a cell of a Markdown table."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def grid(
    head: Sequence[str], lines: Iterable[Sequence[str]], cell: Callable[[str], str] = escaped
) -> list[str]:
    """The lines of a table and an empty one after it; `cell` makes text fit a cell."""
    rows = [f"| {' | '.join(map(cell, line))} |" for line in (head, *lines)]
    return [rows[0], "|---" * len(head) + "|", *rows[1:], ""]
