"""The folder that a comparison is written to."""

from __future__ import annotations

from pathlib import Path

from copycat.compare.common import Common
from copycat.compare.page import render
from copycat.compare.write import WRITERS, Document
from copycat.errors import RunConflict
from copycat.io import atomic
from copycat.records import digest
from copycat.report import pareto

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


def check_free(out: Path) -> None:
    """Raise RunConflict where `out` holds anything but an earlier comparison."""
    if out.exists() and not out.is_dir():
        raise RunConflict(f"{out} is a file; choose another output folder.")
    strangers = {p.name for p in out.iterdir()} - _OURS if out.is_dir() else set()
    if strangers:
        raise RunConflict(
            f"{out} holds files that are no comparison (such as {min(strangers)}); "
            "choose another output folder."
        )


def write(doc: Document, out: Path, worst: int) -> Path:
    """Write tables, figure and page to `out`, and return the page's path.

    All of it is made before the first file is written.
    """
    check_free(out)
    files = {name: make(doc).encode() for name, make in WRITERS.items()}
    if doc.points:
        files |= {name: pareto.picture(doc.points, name.rpartition(".")[2]) for name in _FIGURES}
    files[PAGE] = render(doc, worst).encode()
    for name, content in files.items():
        atomic.write_bytes(out / name, content)
    for name in _OURS - files.keys():
        (out / name).unlink(missing_ok=True)
    return out / PAGE
