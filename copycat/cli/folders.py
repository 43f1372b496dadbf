"""Finding a run folder by its path or its name under `results/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from copycat.errors import UnknownName

if TYPE_CHECKING:
    from copycat.runs.folder import RunFolder

RESULTS = Path("results")


def opened(run: str) -> RunFolder:
    """As :func:`located`, of a run whose manifest can be read; raises BadFile for another."""
    return located(run).open()


def located(run: str) -> RunFolder:
    """The run folder at the path `run`, or called so under `results/`; raises UnknownName."""
    from copycat.runs.folder import RunFolder, known

    for path in (Path(run), RESULTS / run):
        folder = RunFolder(path)
        if folder.manifest_path.is_file():
            return folder
    raise UnknownName("run", run, [p.name for p in known(RESULTS)])
