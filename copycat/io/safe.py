"""Names and paths from elsewhere, before they touch the disk."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from copycat.errors import BadFile


def relative(path: str, where: str) -> PurePosixPath:
    """`path` where it stays inside the folder that it is relative to; BadFile for any other."""
    given = PurePosixPath(path)
    bad = not given.parts or given.is_absolute() or ".." in given.parts or "\\" in path or "\0" in path
    if bad or ":" in given.parts[0]:
        raise BadFile(f"{where}: the path {path!r} leads out of its folder; only paths inside it are taken.")
    return given


def name(text: str, where: str) -> str:
    """`text` where it can name a folder; BadFile for any other."""
    if text in {"", ".", ".."} or "/" in text or "\\" in text or "\0" in text or text.startswith("."):
        raise BadFile(f"{where}: {text!r} cannot be the name of a run's folder.")
    return text


def inside(folder: Path, path: str, where: str) -> Path:
    """The file `path` of `folder`; BadFile where it leads out of it, by a symbolic link too."""
    found = folder / relative(path, where)
    if not found.resolve().is_relative_to(folder.resolve()):
        raise BadFile(f"{where}: {path!r} is a link that leads out of {folder}; copy the picture there.")
    return found
