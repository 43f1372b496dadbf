"""A second folder with the rows and pictures of a run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from copycat.atomic import disk_guard
from copycat.errors import RunConflict
from copycat.runs.folder import RunFolder

_COPIED = ("manifest.json", "registry.yaml", "requests.jsonl", "images.jsonl", "verdicts.jsonl")
_LINKED = ("images", "videos")


def check_new(target: Path) -> None:
    """Raise RunConflict where `target` holds something."""
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise RunConflict(f"{target} is there already; choose another output folder.")


def clone(source: RunFolder, target: Path) -> RunFolder:
    """Make `target` a run of the same rows; pictures are linked where the disk can, else copied.

    No stage ever writes into a picture that is there: a new one replaces its name. So a link is safe.
    """
    check_new(target)
    target = target.resolve()
    new = target.with_name(f".{target.name}.new")
    with source.locked(), disk_guard(target):
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        try:
            for name in _COPIED:
                if (source.path / name).is_file():
                    shutil.copy2(source.path / name, new / name)
            for name in _LINKED:
                if (source.path / name).is_dir():
                    shutil.copytree(source.path / name, new / name, copy_function=_link)
            if target.exists():
                target.rmdir()
            new.rename(target)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return RunFolder(target)


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
