"""Cells of CSV files that people open in a spreadsheet, which runs text that begins like a formula."""

from __future__ import annotations

import re
from typing import Any

_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_ESCAPED = re.compile(r"'(?='*[=+\-@\t\r\n])")


def as_text(cell: Any) -> Any:
    """`cell` as a spreadsheet shows it and never runs it: text that begins with =, +, -, @, a tab or a line
    break gets an apostrophe in front. Numbers stay numbers, and so does text that is one, such as "-0.5"."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) and not _is_number(cell) else cell


def from_text(cell: str) -> str:
    """The text that :func:`as_text` made `cell` of."""
    return _ESCAPED.sub("", cell, count=1) if _ESCAPED.match(cell) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
