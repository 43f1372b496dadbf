"""Finding a run folder by its path or its name under `results/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from copycat.errors import UnknownName

if TYPE_CHECKING:
    from copycat.runs.folder import RunFolder

RESULTS = Path("results")


def known(results: Path = RESULTS) -> list[Path]:
    """Run folders under `results`, by name."""
    return sorted(p.parent for p in results.glob("*/manifest.json"))


def opened(run: str) -> RunFolder:
    """The run folder at the path `run`, or called so under `results/`; raises UnknownName."""
    from copycat.runs.folder import RunFolder

    for path in (Path(run), RESULTS / run):
        if (path / "manifest.json").is_file():
            return RunFolder(path).open()
    raise UnknownName("run", run, [p.name for p in known()])
