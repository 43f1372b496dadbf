"""The folder of an export: its list of files, and what may be replaced."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from copycat.errors import BadFile, RunConflict
from copycat.io import owned, safe
from copycat.io.atomic import beside, new_folder, write_text
from copycat.io.documents import parse_json
from copycat.io.version import __version__

LIST = "export.json"
"""Names every file of an export, with its SHA-256; it stays at home when the files are handed in."""


def check_target(target: Path) -> None:
    """Raise RunConflict for a folder that holds anything but an earlier export."""
    if target.exists() and not target.is_dir():
        raise RunConflict(f"{target} is a file; choose another folder.")
    if target.is_dir() and any(target.iterdir()):
        if not (target / LIST).is_file():
            raise RunConflict(f"{target} holds files that are no export of copycat's; choose another folder.")
        _ours(target)


@contextmanager
def filled(target: Path, to: str) -> Iterator[Path]:
    """An empty folder for an export of the format `to`, which becomes `target` once it is whole.

    Of an earlier export there, the files that its own list names go, and all others stay. Raises RunConflict
    for a folder that holds something else.
    """
    check_target(target)
    target = target.resolve()
    earlier = (target / LIST).is_file()
    with beside(target) if earlier else new_folder(target) as new:
        yield new
        files = sorted(p for p in new.rglob("*") if p.is_file())
        hashes = {p.relative_to(new).as_posix(): _hash(p) for p in files}
        listed = {"format": to, "copycat": __version__, "files": hashes}
        write_text(new / LIST, json.dumps(listed, indent=1, ensure_ascii=False) + "\n")
        if earlier:
            owned.replace(new, target, _ours(target), LIST, "export")


def _hash(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _ours(target: Path) -> set[str]:
    """The files of the export in `target`, by its own list. A list may come from elsewhere, so one with a
    path that leads out of the folder is refused."""
    path = target / LIST
    try:
        files = list(parse_json(path.read_text(encoding="utf-8"))["files"])
        for file in files:
            parts = PurePosixPath(safe.relative(file, str(path))).parts
            if any((target / Path(*parts[:n])).is_symlink() for n in range(1, len(parts) + 1)):
                raise BadFile(f"{path} names {file}, which is behind a link.")
            if (target / file).is_dir():
                raise BadFile(f"{path} names {file}, which is a folder.")
    except (OSError, ValueError, TypeError, KeyError, RecursionError, BadFile) as e:
        raise RunConflict(f"{path} is no list of an export of copycat's; choose another folder.") from e
    return {*files, LIST}
