"""Folders that hold what copycat wrote there before, and putting something newer in its place."""

from __future__ import annotations

from collections.abc import Iterator, Set
from pathlib import Path

from copycat.errors import RunConflict
from copycat.io.atomic import disk_guard


def replace(new: Path, target: Path, ours: Set[str], last: str, what: str) -> None:
    """Move all files of `new` into `target`, where `ours` are the files of an earlier `what`, which go.

    Other files stay as they are. Raises RunConflict, before anything is changed, where such a file has the
    name of a new one, and where a folder of new files is a link. The file `last` is moved last: until then it
    is the older one, so that an interrupted call can be told, and the same call again completes it.
    """
    files = sorted(
        (p.relative_to(new).as_posix() for p in new.rglob("*") if p.is_file()), key=lambda f: (f == last, f)
    )
    for folder in dict.fromkeys(f for file in files for f in _folders(file)):
        if (target / folder).is_symlink():
            raise RunConflict(
                f"{target / folder} is a link, behind which nothing is replaced; remove the link."
            )
        if (target / folder).is_file():
            raise RunConflict(
                f"{target / folder} is a file, where the new {what} has a folder; move it away, or choose "
                "another folder."
            )
    for file in files:
        if file not in ours and _differs(new / file, target / file):
            raise RunConflict(
                f"{target / file} is no file of the {what} that is there, and the new one has one of that "
                "name; move it away, or choose another folder."
            )
    with disk_guard(target / last):
        for file in files:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            (new / file).replace(target / file)
        gone = ours - set(files)
        for file in gone:
            (target / file).unlink(missing_ok=True)
        for folder in sorted({f for file in gone for f in _folders(file)}, key=len, reverse=True):
            if (target / folder).is_dir() and not any((target / folder).iterdir()):
                (target / folder).rmdir()


def _folders(file: str) -> Iterator[str]:
    """The folders of a file, the outermost first."""
    parts = file.split("/")[:-1]
    return ("/".join(parts[: n + 1]) for n in range(len(parts)))


def _differs(new: Path, there: Path) -> bool:
    """Whether something else has the name; a file of the same bytes is what an interrupted call put there."""
    if there.is_symlink() or there.is_dir():
        return True
    return there.is_file() and there.read_bytes() != new.read_bytes()
