"""The folder that a comparison is written to."""

from __future__ import annotations

from pathlib import Path

from copycat.compare.common import Common
from copycat.compare.page import render
from copycat.compare.write import WRITERS, Document
from copycat.records import digest
from copycat.report import pareto
from copycat.report.files import check_free, replace_files

PAGE = "compare.html"
_FIGURES = ("pareto.svg", "pareto.png")
_OURS = {PAGE, *_FIGURES, *WRITERS}


def default_name(shared: Common, *choices: object) -> str:
    """A folder's name that follows from what is compared and how, so that the same command finds it again."""
    runs = [str(p) for p in dict.fromkeys(c.data.path.resolve() for c in shared.conditions)]
    named = "-".join(Path(r).name for r in runs)[:60]
    return (
        f"compare-{named}-{digest([runs, [c.label for c in shared.conditions], [*map(repr, choices)]])[:6]}"
    )


def write(doc: Document, out: Path, worst: int) -> Path:
    """Write tables, figure and page to `out`, and return the page's path.

    All of it is made before the first file is written.
    """
    check_free(out, _OURS, "comparison")
    files = {name: make(doc).encode() for name, make in WRITERS.items()}
    if doc.points:
        files |= {name: pareto.picture(doc.points, name.rpartition(".")[2]) for name in _FIGURES}
    files[PAGE] = render(doc, worst).encode()
    replace_files(out, files, _OURS)
    return out / PAGE
