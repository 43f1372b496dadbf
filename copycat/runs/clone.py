"""New run folders that are filled beside their place, and the copy of a run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from copycat.errors import RunConflict
from copycat.io.atomic import new_folder
from copycat.runs.folder import ROW_FOLDERS, RunFolder


def check_new(target: Path) -> None:
    """Raise RunConflict where `target` holds something."""
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise RunConflict(f"{target} is there already; choose another output folder.")


@contextmanager
def staged(target: Path) -> Iterator[RunFolder]:
    """A run folder to fill, which becomes `target` once it is whole, and goes where it does not become so.

    `target` may be an empty folder; see :func:`check_new`.
    """
    with new_folder(target.resolve()) as new:
        yield RunFolder(new)
        check_new(target)


def clone(source: RunFolder, target: Path) -> RunFolder:
    """Make `target` a run of the same rows; pictures are linked where the disk can, else copied.

    No stage ever writes into a picture that is there: a new one replaces its name. So a link is safe.
    """
    check_new(target)
    with source.locked(), staged(target) as new:
        for path in source.row_paths:
            if path.is_file():
                shutil.copy2(path, new.path / path.name)
        for name in ROW_FOLDERS:
            if (source.path / name).is_dir():
                shutil.copytree(source.path / name, new.path / name, copy_function=_link)
        # What the rows cost was paid in the other folder, whose manifest says how much as far as it is known.
        new.ledger_path.touch()
        new.update(spent=None)
    return RunFolder(target.resolve())


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
