"""The last stage: tables, figures and the page, from the rows alone."""

from __future__ import annotations

from pathlib import Path

from copycat.io import atomic
from copycat.report import figures, render_page
from copycat.report.gallery import Where
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.score import write_tables


def report(folder: RunFolder, *, where: Where = "auto", progress: Progress | None = None) -> Path:
    """Write the tables, the figures and `report.html` anew; returns the page's path.

    `where` its pictures are: inside the page, beside it, or as their number asks for.
    """
    data = folder.data()
    write_results(data, folder.path)
    folder.write_page(render_page(data, where, progress))
    return folder.page_path


def write_results(data: RunData, to: Path) -> None:
    """Write what a run measured to the folder `to`: its tables and figures, no pictures."""
    write_tables(data, to)
    for name, content in figures(data).items():
        atomic.write_bytes(to / name, content)
