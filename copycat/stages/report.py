"""The last stage: the table and the page, from the rows alone."""

from __future__ import annotations

from pathlib import Path

from copycat.report import render_page, table_markdown
from copycat.report.review import costs
from copycat.report.view import Run, agreement
from copycat.runs import atomic


def report(folder: Run) -> Path:
    """Write `table.md` and `report.html` anew; returns the page's path."""
    table = table_markdown(folder.metrics(), folder.manifest(), agreement(folder), costs(folder))
    atomic.write_text(folder.path / "table.md", table)
    page = folder.path / "report.html"
    atomic.write_text(page, render_page(folder))
    return page
