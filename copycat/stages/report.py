"""The last stage: tables, figures and the page, from the rows alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from copycat.errors import BadFile
from copycat.io import atomic
from copycat.report import figures, render_page
from copycat.report.gallery import Where
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.score import write_tables
from copycat.subjects.characters import Registry
from copycat.subjects.counts import Counts, cited_counts

_LOG = logging.getLogger(__name__)


def report(
    folder: RunFolder,
    *,
    where: Where = "auto",
    progress: Progress | None = None,
    counts: Sequence[Counts] = (),
) -> Path:
    """Write the tables, the figures and `report.html` anew; returns the page's path.

    `where` its pictures are: inside the page, beside it, or as their number asks for. `counts` say how often
    corpora name the characters, beside those that the run's registry cites.
    """
    data = folder.data()
    write_results(data, folder.path)
    folder.write_page(render_page(data, where, progress, [*_cited(data.registry), *counts]))
    return folder.page_path


def _cited(registry: Registry) -> list[Counts]:
    """The counts that the registry cites. Of a file that is gone the page is short, no run."""
    try:
        return cited_counts(registry)
    except BadFile as e:
        _LOG.warning("The registry %s cites counts that cannot be read: %s", registry.name, e)
        return []


def write_results(data: RunData, to: Path) -> None:
    """Write what a run measured to the folder `to`: its tables and figures, no pictures."""
    write_tables(data, to)
    for name, content in figures(data).items():
        atomic.write_bytes(to / name, content)
