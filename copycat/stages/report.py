"""The last stage: tables, figures and the page, from the rows alone."""

from __future__ import annotations

from pathlib import Path

from copycat import atomic
from copycat.progress import Progress
from copycat.report import figures, render_page, tables
from copycat.report.gallery import Where
from copycat.report.view import Run


def report(folder: Run, *, where: Where = "auto", progress: Progress | None = None) -> Path:
    """Write the tables, the figures and `report.html` anew; returns the page's path.

    `where` its pictures are: inside the page, beside it, or as their number asks for.
    """
    publish(folder, folder.path)
    page = folder.path / "report.html"
    atomic.write_text(page, render_page(folder, where, progress))
    return page


def publish(folder: Run, to: Path) -> None:
    """Write what a run measured to the folder `to`: its tables and figures, no pictures."""
    for name, text in tables(folder).items():
        atomic.write_text(to / name, text)
    for name, content in figures(folder).items():
        atomic.write_bytes(to / name, content)
