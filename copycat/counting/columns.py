"""Which column of a table holds the captions."""

from __future__ import annotations

from collections.abc import Sequence

from copycat.errors import BadFile, UnknownName

COLUMNS = ("caption", "TEXT", "text", "captions", "prompt")
"""Columns that hold captions, the first one found is read; `TEXT` is LAION's."""


def pick_column(columns: Sequence[str], wanted: str | None, where: str) -> str:
    """The caption column: `wanted`, else the first known one."""
    if wanted:
        if wanted not in columns:
            raise UnknownName(f"column in {where}", wanted, columns)
        return wanted
    for c in COLUMNS:
        if c in columns:
            return c
    raise BadFile(
        f"{where} has no caption column among {', '.join(COLUMNS)}; "
        f"say which with --column (it has {', '.join(columns) or 'none'})."
    )
